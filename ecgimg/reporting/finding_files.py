"""Classify and measure files, and write for each one JSON and pictures of the evidence, each whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgimg._atomic_files import atomic_path, check_stems
from ecgimg._pictures import write_png
from ecgimg.classification.trained_classifier import Classifier, check_operating_point
from ecgimg.errors import BadRecord
from ecgimg.formats.input_files import InputFile, input_files
from ecgimg.open_ecg import Ecg, iter_ecgs
from ecgimg.reasons import Reason, reason_of
from ecgimg.reporting.evidence_figure import draw_on_page, draw_on_signal
from ecgimg.reporting.pdf import identity_line, write_pdf
from ecgimg.reporting.report import Report, report
from ecgimg.reporting.statement import Patient


@dataclass(frozen=True)
class Files:
    """What is written for each input, beside ``STEM.findings.json``.

    Parameters
    ----------
    pdf : bool
        ``STEM.report.pdf``, but not of a page that could not be read.
    identity : str
        Whose ECG it is, as it stands on the sheets of the report.
    """

    pdf: bool = False
    identity: str = ""


@dataclass(frozen=True, eq=False)
class Outcome:
    """The outcome of one input: its stem, and its report or the reason why it could not be opened."""

    stem: str
    report: Report | None
    reason: Reason | None = None


def classify_files(
    inputs: Sequence[Path | InputFile],
    out: Path | None = None,
    files: Files | None = None,
    *,
    operating_point: str = "likely",
    explain: bool = False,
    classifier: Classifier | None = None,
    patient: Patient | None = None,
) -> Iterator[Outcome]:
    """Classify every record and page of files and folders, in order. One that cannot be read is an outcome.

    With `out`, ``STEM.findings.json`` is written for each with what `files` says, and with `explain` ``STEM.LABEL.png``
    for its top findings.

    Raises
    ------
    BadRequest
        Before any work: an unknown operating point, two inputs that would write the same file, a folder without records
        and pages, or an identity that is too long for the report.
    """
    check_operating_point(operating_point)
    identity_line(files.identity if files is not None else "")
    sources = input_files(inputs, apart_from=out)
    if out is not None:
        check_stems((source.name for source in sources), ".findings.json")
    options = {"operating_point": operating_point, "explain": explain, "classifier": classifier, "patient": patient}
    for source in sources:
        try:
            for stem, ecg, image in iter_ecgs(source):
                outcome = _classify(stem, ecg, options)
                if out is not None and outcome.report is not None:
                    write_findings(outcome.report, stem, out, image, files)
                yield outcome
        except Exception as error:  # one bad file never stops the others
            yield Outcome(source.name, None, reason_of(error))


def _classify(stem: str, ecg: Ecg, options: Mapping[str, Any]) -> Outcome:
    """Report on one record or page; one that holds no ECG does not keep the others of its file from it."""
    try:
        return Outcome(stem, report(ecg, **options))
    except BadRecord as error:
        return Outcome(stem, None, reason_of(error))


def write_findings(
    findings: Report, stem: str, out: Path, image: NDArray[np.uint8] | None = None, files: Files | None = None
) -> None:
    """Write the pictures of the evidence and the PDF report, and last ``STEM.findings.json``."""
    files = files or Files()
    for key in findings.evidence:
        name = key.replace("/", "-").replace(" ", "-")  # LAFB/LPFB would be a folder
        if image is not None:
            write_png(draw_on_page(image, findings, key), out / f"{stem}.{name}.page.png")
        if findings.record is not None:
            write_png(draw_on_signal(findings.record, findings, key), out / f"{stem}.{name}.png")
    is_read = findings.digitization is None or findings.digitization.record is not None
    if files.pdf and is_read:
        write_pdf(findings, out / f"{stem}.report.pdf", image, identity=files.identity)
    # comes last, so that a JSON never announces pictures that are missing
    with atomic_path(out / f"{stem}.findings.json") as temporary:
        temporary.write_text(json.dumps(findings.summary(), indent=1), encoding="utf-8")
