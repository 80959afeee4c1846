"""Measure files, and write for each JSON, tables and a plot, each whole or not at all."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecgimg._atomic_files import atomic_path, check_stems
from ecgimg.digitization import Digitization
from ecgimg.errors import EcgImgError
from ecgimg.formats.input_files import InputFile, input_files
from ecgimg.measurement.measure import measure
from ecgimg.measurement.results import GLOBAL_NAMES, LEAD_NAMES, Measured, Measurements
from ecgimg.open_ecg import iter_ecgs
from ecgimg.reasons import Reason, reason_of
from ecgimg.record import EcgRecord
from ecgimg.reporting.statements import measurements_summary


@dataclass(frozen=True, eq=False)
class Outcome:
    """The outcome of one input: its stem, and its measurements or the reason why it could not be measured."""

    stem: str
    measurements: Measurements | None
    reason: Reason | None = None


@dataclass(frozen=True)
class Files:
    """What is written for each input, beside ``STEM.measurements.json``.

    Parameters
    ----------
    per_beat : bool
        Whether the JSON holds every beat.
    csv : bool
        ``STEM.measurements.csv``, a row a number.
    plot : bool
        ``STEM.measurements.svg``.
    """

    per_beat: bool = False
    csv: bool = False
    plot: bool = False


def measure_files(
    inputs: Sequence[Path | InputFile], out: Path | None = None, files: Files | None = None
) -> Iterator[Outcome]:
    """Measure every record and page of files and folders, in order. One that cannot be read is an outcome.

    Raises
    ------
    BadRequest
        Before any work: two inputs that would write the same file, or a folder without records and pages.
    """
    files = files or Files()
    named = input_files(inputs, apart_from=out)
    if out is not None:
        check_stems((file.name for file in named), ".measurements.json")
    for file in named:
        try:
            for stem, ecg, _ in iter_ecgs(file):
                outcome = _measure(stem, ecg)
                if out is not None and outcome.measurements is not None:
                    write_measurements(outcome.measurements, stem, out, files)
                yield outcome
        except Exception as error:  # one bad file never stops the others
            yield Outcome(file.name, None, reason_of(error))


def _measure(stem: str, ecg: EcgRecord | Digitization) -> Outcome:
    try:
        return Outcome(stem, measure(ecg))
    except EcgImgError as error:
        return Outcome(stem, None, reason_of(error))


def write_measurements(measurements: Measurements, stem: str, out: Path, files: Files) -> None:
    """Write the plot and the table that are asked for, and last ``STEM.measurements.json``."""
    if files.plot and measurements.record is not None:
        measurements.plot().save(out / f"{stem}.measurements.svg")
    if files.csv:
        with atomic_path(out / f"{stem}.measurements.csv") as temporary:
            temporary.write_text(as_csv(measurements), encoding="utf-8")
    # comes last, so that a JSON never announces files that are missing
    with atomic_path(out / f"{stem}.measurements.json") as temporary:
        content = measurements_summary(measurements, per_beat=files.per_beat)
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")


def as_csv(measurements: Measurements) -> str:
    """Return a table of all numbers: scope (``global`` or a lead), name, value, spread, n, expected error, reason."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["scope", "name", "value", "spread", "n", "expected_error", "leads", "reason"])
    table.writerows(_rows("global", ((name, measurements.values.get(name)) for name in GLOBAL_NAMES)))
    for lead, measured in measurements.leads.items():
        table.writerows(_rows(lead, ((name, measured.values[name]) for name in LEAD_NAMES)))
    return text.getvalue()


def _rows(scope: str, numbers: Iterable[tuple[str, Measured | None]]) -> Iterator[list[str]]:
    for name, number in numbers:
        if number is not None:
            cells = (number.value, number.spread, number.n, number.expected_error)
            texts = ["" if cell is None else f"{cell:.6g}" for cell in cells]
            yield [scope, name, *texts, " ".join(number.leads), number.reason.code.value if number.reason else ""]
