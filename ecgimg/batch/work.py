"""One page of an archive: what is asked of it, and what comes back."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ecgimg._pictures import as_jpeg
from ecgimg.batch.source import local_copy
from ecgimg.batch.store import Store
from ecgimg.digitization.overlay import draw_overlay
from ecgimg.digitization.pipeline import digitize_image
from ecgimg.digitization.result import Digitization
from ecgimg.digitization.write import FORMATS
from ecgimg.errors import BadOutput, EcgImgError, UnreadablePage
from ecgimg.formats import write_record
from ecgimg.formats.pages import PageInput, open_pages
from ecgimg.isolation import is_out_of_memory
from ecgimg.reasons import Reason, ReasonCode, reason_of
from ecgimg.record import EcgRecord

if TYPE_CHECKING:
    from ecgimg.classification.findings import Findings

UNWRITTEN = "unwritten"
"""The status of a page whose files could not be written: the run ends."""

OVERLAY_PX = 1800
"""The longer side of the overlays for review."""


@dataclass(frozen=True)
class Task:
    """What is done with every page of a run, unless a manifest says otherwise of one.

    Parameters
    ----------
    formats : tuple of str
        Files to write beside the dataset: wfdb, edf, dicom, csv, parquet.
    overlay : bool
        Whether pictures for review are written.
    classify : bool
    out : str or None
        Where overlays and files of other formats are written by who reads the page; None where they are sent back.
    """

    layout: str = "auto"
    speed_mm_s: float | None = None
    gain_mm_mv: float | None = None
    formats: tuple[str, ...] = ()
    overlay: bool = True
    classify: bool = False
    out: str | None = None


@dataclass(frozen=True)
class Unit:
    """One page of one file.

    Parameters
    ----------
    number : int
        Its place in the archive, which decides in which part of the dataset it stands.
    name : str
        The file's name inside the archive, with ``-p2`` for its second page.
    data : bytes or None
        The file's content, where other processes cannot read it themselves.
    """

    number: int
    name: str
    url: str
    page: int
    sha256: str
    layout: str | None = None
    speed_mm_s: float | None = None
    gain_mm_mv: float | None = None
    data: bytes | None = None


@dataclass(frozen=True, eq=False)
class PageResult:
    """What became of one page.

    Parameters
    ----------
    row : mapping
        What the table of pages says of it; ``status`` is ok, limited, refused or failed, or `UNWRITTEN`.
    record : EcgRecord or None
    probabilities : mapping
        Of label to its calibrated probability, None where the classifier keeps silent; empty where none was asked for.
    files : mapping
        Other outputs, of name to content.
    """

    number: int
    row: Mapping[str, Any]
    record: EcgRecord | None = None
    probabilities: Mapping[str, float | None] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


def digitize_one(unit: Unit, task: Task) -> PageResult:
    """Open, digitize and, where asked for, classify one page; whatever goes wrong is told in the result."""
    try:
        with local_copy(unit.url, unit.data) as path:
            page = _opened(path, unit)
            return _kept(_read(page, unit, task), task.out)
    except BadOutput as error:
        return PageResult(unit.number, {"status": UNWRITTEN, "reasons": [str(error)]})
    except EcgImgError as error:
        return failed(unit, reason_of(error))
    except MemoryError:
        return failed(unit, ReasonCode.MEMORY_LIMIT_EXCEEDED.reason())
    except Exception as error:  # one bad page never stops a run
        if is_out_of_memory(error):
            return failed(unit, ReasonCode.MEMORY_LIMIT_EXCEEDED.reason())
        return failed(unit, ReasonCode.INTERNAL_ERROR.reason(detail=f"{type(error).__name__}: {error}"))


def _kept(result: PageResult, out: str | None) -> PageResult:
    """Write a page's files, where they are not sent back."""
    if out is None:
        return result
    store = _store(out)
    for name, content in result.files.items():
        store.write(name, content)
    return replace(result, files={})


@cache
def _store(out: str) -> Store:
    return Store(out)


def failed(unit: Unit, reason: Reason) -> PageResult:
    """Return the result of a page that was not read."""
    return PageResult(unit.number, {"status": "failed"} | _columns((reason,)))


def _columns(reasons: Sequence[Reason]) -> dict[str, list[str]]:
    """Return reasons as the columns of a table."""
    return {"reason_codes": [each.code.value for each in reasons], "reasons": [each.text for each in reasons]}


def _opened(path: Path, unit: Unit) -> PageInput:
    try:
        page = next(open_pages(path, first=unit.page), None)
    except UnreadablePage as error:
        raise type(error)(str(error).replace(str(path), unit.url)) from None
    if page is None:
        raise UnreadablePage(f"{unit.url} has no page {unit.page} any more; run again to look at it anew")
    return page


def _read(page: PageInput, unit: Unit, task: Task) -> PageResult:
    found = digitize_image(
        page.image,
        layout=unit.layout or task.layout,
        speed_mm_s=unit.speed_mm_s or task.speed_mm_s,
        gain_mm_mv=unit.gain_mm_mv or task.gain_mm_mv,
        vector=page.vector,
    )
    findings = _findings(found) if task.classify else None
    files = {f"overlays/{unit.name}.jpg": as_jpeg(draw_overlay(page.image, found), OVERLAY_PX)} if task.overlay else {}
    if found.record is not None:
        for name in task.formats:
            files |= _formatted(found.record, name, unit.name)
    row = _row(found, files) | ({"present": [one.label for one in findings.leading]} if findings else {})
    chances = {one.label: one.probability for one in findings.findings} if findings else {}
    return PageResult(unit.number, row, found.record, chances, files)


def _findings(found: Digitization) -> Findings | None:
    from ecgimg.classification.predict import classify_page

    findings = classify_page(found)
    return findings if findings.findings else None


def _row(found: Digitization, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return what the table of pages says, without what differs from run to run but the seconds."""
    told = found.summary()
    confidences = [lead["confidence"] for lead in told["leads"].values()]
    kept = ("status", "layout", "layout_confidence", "speed_mm_s", "gain_mm_mv")
    more = ("chest_gain_mm_mv", "px_per_mm", "rotation_deg", "sources", "leads", "version")
    return (
        {key: told[key] for key in (*kept, *more)}
        | _columns(found.reasons)
        | {
            "lead_confidence": float(np.median(confidences)) if confidences else None,
            "overlay": next((name for name in files if name.startswith("overlays/")), ""),
            "seconds": round(sum(told["timings_s"].values()), 3),
        }
    )


def _formatted(record: EcgRecord, name: str, unit_name: str) -> dict[str, bytes]:
    """Return the files of a record in one format, as ``FORMAT/NAME.suffix``."""
    folder, _, last = unit_name.rpartition("/")
    with tempfile.TemporaryDirectory(prefix="ecgimg-") as draft:
        write_record(record, Path(draft) / f"{last.replace('.', '_').replace(' ', '_')}{FORMATS[name]}")
        return {
            "/".join(part for part in (name, folder, file.name) if part): file.read_bytes()
            for file in sorted(Path(draft).iterdir())
        }
