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
from ecgimg.reporting.report import Report, report
from ecgimg.reporting.statement import Patient


@dataclass(frozen=True, eq=False)
class Outcome:
    """The outcome of one input: its stem, and its report or the reason why it could not be opened."""

    stem: str
    report: Report | None
    reason: Reason | None = None


def classify_files(
    inputs: Sequence[Path | InputFile],
    out: Path | None = None,
    *,
    operating_point: str = "likely",
    explain: bool = False,
    classifier: Classifier | None = None,
    patient: Patient | None = None,
) -> Iterator[Outcome]:
    """Classify every record and page of files and folders, in order. One that cannot be read is an outcome.

    With `out`, ``STEM.findings.json`` is written for each, and with `explain` ``STEM.LABEL.png`` for its top findings.

    Raises
    ------
    BadRequest
        Before any work: an unknown operating point, two inputs that would write the same file, or a folder without
        records and pages.
    """
    check_operating_point(operating_point)
    files = input_files(inputs, apart_from=out)
    if out is not None:
        check_stems((file.name for file in files), ".findings.json")
    options = {"operating_point": operating_point, "explain": explain, "classifier": classifier, "patient": patient}
    for file in files:
        try:
            for stem, ecg, image in iter_ecgs(file):
                yield _classify(stem, ecg, image, out, options)
        except Exception as error:  # one bad file never stops the others
            yield Outcome(file.name, None, reason_of(error))


def _classify(
    stem: str, ecg: Ecg, image: NDArray[np.uint8] | None, out: Path | None, options: Mapping[str, Any]
) -> Outcome:
    """Report on one record or page; one that holds no ECG does not keep the others of its file from it."""
    try:
        made = report(ecg, **options)
    except BadRecord as error:
        return Outcome(stem, None, reason_of(error))
    if out is not None:
        write_findings(made, stem, out, image)
    return Outcome(stem, made)


def write_findings(findings: Report, stem: str, out: Path, image: NDArray[np.uint8] | None = None) -> None:
    """Write the pictures of the evidence, and last ``STEM.findings.json``."""
    for key in findings.evidence:
        name = key.replace("/", "-").replace(" ", "-")  # LAFB/LPFB would be a folder
        if image is not None:
            write_png(draw_on_page(image, findings, key), out / f"{stem}.{name}.page.png")
        if findings.record is not None:
            write_png(draw_on_signal(findings.record, findings, key), out / f"{stem}.{name}.png")
    # comes last, so that a JSON never announces pictures that are missing
    with atomic_path(out / f"{stem}.findings.json") as temporary:
        temporary.write_text(json.dumps(findings.summary(), indent=1), encoding="utf-8")
