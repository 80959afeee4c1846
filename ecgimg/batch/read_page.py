"""Read one page of an archive: open, digitize, measure and classify it, and turn every error into a result."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from ecgimg._pictures import as_jpeg
from ecgimg.batch.output_names import overlay_path, record_path
from ecgimg.batch.output_store import OutputStore
from ecgimg.batch.page_task import FACT_COLUMNS, UNWRITTEN, ArchivePage, PageResult, Task
from ecgimg.batch.source_files import as_text, local_copy
from ecgimg.digitization.overlay import draw_overlay
from ecgimg.digitization.result import Digitization
from ecgimg.digitization.single_page import digitize_page
from ecgimg.errors import BadOutput, UnreadablePage
from ecgimg.formats import write_record
from ecgimg.formats.pages import PageInput, open_pages
from ecgimg.isolation import is_out_of_memory
from ecgimg.measurement.page_numbers import ST_NAME, main_values, measure_page, reason_codes, st_levels
from ecgimg.reasons import Reason, ReasonCode, reason_of
from ecgimg.record import EcgRecord
from ecgimg.reporting.statement import Grade

if TYPE_CHECKING:
    from ecgimg.reporting import Report

_OVERLAY_PX = 1800  # longer side of the overlays, which are for review only
_SUMMARY_COLUMNS = ("status", *FACT_COLUMNS, "sources", "leads", "version")


def read_page(page: ArchivePage, task: Task) -> PageResult:
    """Open, digitize and, where the task says so, measure and classify one page; an error becomes a result."""
    try:
        with local_copy(page.url, page.data) as path:
            return _write_files(_digitize(_open(path, page), page, task), task.out)
    except BadOutput as error:
        # a full disk concerns every page to come, so it is no failure of this one
        return PageResult(page.number, {"status": UNWRITTEN, "reasons": [str(error)]})
    except Exception as error:  # one bad page never stops a run
        if is_out_of_memory(error):
            return failed_page(page, ReasonCode.MEMORY_LIMIT_EXCEEDED.reason())
        return failed_page(page, reason_of(error))


def failed_page(page: ArchivePage, reason: Reason) -> PageResult:
    """Return the result of a page that was not read."""
    return PageResult(page.number, {"status": "failed"} | _reason_columns((reason,)))


def _write_files(result: PageResult, out: str | None) -> PageResult:
    """Write the files of a page to `out`; without it they stay in the result."""
    if out is None:
        return result
    store = _open_store(out)
    for name, content in result.files.items():
        store.write(name, content)
    return replace(result, files={})


@cache
def _open_store(out: str) -> OutputStore:
    """Return the store of an address; each process opens it once, as a connection may take seconds."""
    return OutputStore(out)


def _reason_columns(reasons: Sequence[Reason]) -> dict[str, list[str]]:
    """Return reasons as two columns of the table of pages."""
    return {
        "reason_codes": [reason.code.value for reason in reasons],
        "reasons": [as_text(reason.text) for reason in reasons],
    }


def _open(path: Path, page: ArchivePage) -> PageInput:
    """Open the page of a local file; errors name the file of the archive, not its local copy."""
    try:
        page_input = next(open_pages(path, first=page.page), None)
    except UnreadablePage as error:
        raise type(error)(str(error).replace(str(path), page.url)) from None
    if page_input is None:
        raise UnreadablePage(f"{page.url} has no page {page.page} any more; run again to count its pages anew")
    return page_input


def _digitize(page_input: PageInput, page: ArchivePage, task: Task) -> PageResult:
    speed_mm_s, gain_mm_mv = page.speed_mm_s or task.speed_mm_s, page.gain_mm_mv or task.gain_mm_mv
    digitization = digitize_page(page_input, page.layout or task.layout, speed_mm_s, gain_mm_mv)
    files: dict[str, bytes] = {}
    if task.overlay:
        files[overlay_path(page.name)] = as_jpeg(draw_overlay(page_input.image, digitization), _OVERLAY_PX)
    if digitization.record is not None:
        for name in task.formats:
            files |= _record_files(digitization.record, name, page.name)
    row = _page_row(digitization, files)
    report = _report(digitization) if task.classify else None
    if task.measure and digitization.record is not None:
        row |= _number_columns(digitization, report)
    probabilities: dict[str, float | None] = {}
    if report is not None and report.findings:
        for grade in Grade:
            row[grade.value] = list(dict.fromkeys(item.code for item in report.conclusion.of_grade(grade)))
        probabilities = {finding.label: finding.probability for finding in report.findings}
        # for the counts of the report; in the dataset they stand beside the record
        row["probability"] = {label: round(value, 4) for label, value in probabilities.items() if value is not None}
    return PageResult(page.number, row, digitization.record, probabilities, files)


def _report(digitization: Digitization) -> Report:
    from ecgimg.reporting import report_page  # a run that does not classify never loads the classifier

    return report_page(digitization)


def _page_row(digitization: Digitization, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the page's row of the table of pages; of what differs from run to run it holds the seconds alone."""
    summary = digitization.summary()
    confidences = [lead["confidence"] for lead in summary["leads"].values()]
    return (
        {key: summary[key] for key in _SUMMARY_COLUMNS}
        | _reason_columns(digitization.reasons)
        | {
            "lead_confidence": float(np.median(confidences)) if confidences else None,
            "overlay": next((name for name in files if name.startswith("overlays/")), ""),
            "record_files": [name for name in files if not name.startswith("overlays/")],
            "seconds": round(sum(summary["timings_s"].values()), 3),
        }
    )


def _number_columns(digitization: Digitization, report: Report | None) -> dict[str, Any]:
    """Return the main numbers of a page, why some are not given, and the ST levels, which the records hold alone."""
    measurements = measure_page(digitization, report.measurements if report is not None else None)
    return {
        **main_values(measurements),
        "measurement_reason_codes": reason_codes(measurements, digitization),
        ST_NAME: {lead: level.value for lead, level in st_levels(measurements).items()},
    }


def _record_files(record: EcgRecord, format_name: str, page_name: str) -> dict[str, bytes]:
    """Return the files of a record in one format, as ``FORMAT/NAME.suffix``."""
    target = PurePosixPath(record_path(page_name, format_name))
    with tempfile.TemporaryDirectory(prefix="ecgimg-") as draft:
        write_record(record, Path(draft) / target.name)
        return {str(target.with_name(file.name)): file.read_bytes() for file in sorted(Path(draft).iterdir())}
