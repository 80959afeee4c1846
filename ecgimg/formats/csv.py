"""Records as CSV: ``time_s,I,II,…`` in mV, one row a sample, blank where nothing is known."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgimg._atomic_files import atomic_path
from ecgimg.errors import BadRecord
from ecgimg.formats.checks import build_record, reading
from ecgimg.leads import match_leads
from ecgimg.record import EcgRecord

MASK_HEADER = "lead,first_sample,last_sample"
"""First line of the mask beside an EDF file, which is a CSV and no record."""


def read(path: Path) -> EcgRecord:
    """Read a record from CSV.

    The first column is ``time_s`` in seconds, evenly spaced; it gives the rate, and where it starts is not kept. The
    others are leads in mV. Case and spaces in the header do not matter.

    Raises
    ------
    BadRecord
        For a file that is no such table, a column that is no lead, uneven times, or values that are not mV.
    """
    with reading(path, "CSV"):
        lines = _lines(path)
        leads, recorded_as = _header(path, lines[0])
        table = _cells(path, lines, 1 + len(leads))
        return build_record(path, table[:, 1:].T, rate_from_times(path, table[:, 0]), leads, recorded_as)


def write(record: EcgRecord, path: Path) -> Path:
    """Write a record as CSV: time to the microsecond, mV to four decimals (0.1 µV), blank for NaN.

    Raises
    ------
    BadRecord
        For a single sample, from whose time no rate can be read back.
    """
    if record.n_samples < 2:
        raise BadRecord(f"{path}: a CSV needs two samples to tell the rate; write .parquet instead")
    values = np.round(record.signals.T.astype(np.float64), 4) + 0.0  # + 0.0 turns -0.0 into 0.0
    row = "%.6f" + ",%.4f" * len(record.leads)
    rows = [row % (i / record.fs_hz, *sample) for i, sample in enumerate(values.tolist())]
    # only NaN prints as "nan", and readers of CSV take a blank cell for it
    text = "\n".join(rows).replace("nan", "")
    with atomic_path(path) as draft:
        draft.write_text(f"time_s,{','.join(record.leads)}\n{text}\n", encoding="utf-8", newline="\n")
    return path


def is_record(path: Path) -> bool:
    """Tell a record from another table by its first column, ``time_s``."""
    with reading(path, "CSV"), path.open("rb") as file:
        first = file.readline(65536).decode("utf-8-sig", "replace")
    return _is_time(first.split(",")[0])


def rate_from_times(path: Path, times_s: NDArray[np.floating]) -> float:
    """Return the rate of evenly spaced times, cleaned of their rounding.

    Parameters
    ----------
    times_s : (samples,) float
        Seconds, rounded to any decimal that still tells samples apart.

    Raises
    ------
    BadRecord
        For fewer than two times, a blank one, or uneven ones; it says where.
    """
    if times_s.size < 2:
        raise BadRecord(f"{path} holds fewer than two samples, so that its rate is unknown; give it more rows")
    # said before unevenness, which a blank time would seem to be
    blank = np.flatnonzero(~np.isfinite(times_s))
    if blank.size:
        raise BadRecord(f"{path} has no time_s in sample {blank[0] + 1}; every sample needs its time in seconds")
    span_s = float(times_s[-1] - times_s[0])
    step_s = span_s / (times_s.size - 1)
    rate_hz = _rate(times_s) if step_s > 0 else None
    if rate_hz is None:
        row = int(np.argmax(np.abs(np.diff(times_s) - step_s))) + 1
        raise BadRecord(f"{path} has uneven time_s at sample {row + 1} ({times_s[row]:g} s); resample it to one rate")
    return rate_hz


def _quantum(times_s: NDArray[np.floating]) -> float:
    """Return the rounding of the times in seconds: the coarsest of 1 … 1e-9 that all of them are multiples of."""
    # times printed to the microsecond are multiples of 1e-6 s, but for the rounding of binary fractions
    for decimals in range(10):
        scaled = times_s * 10.0**decimals
        if np.all(np.abs(scaled - np.round(scaled)) <= 1e-6 * np.maximum(1.0, np.abs(scaled) * 1e-6)):
            return float(10.0**-decimals)
    return 1e-9


def _rate(times_s: NDArray[np.floating]) -> float | None:
    """Return the cleanest rate that explains the times but for their rounding, None if none does."""
    quantum_s = _quantum(times_s)
    # twenty steps that are all the same are so because the step itself is round (0.003 s), not by rounding
    for rounding_s in (1e-9, quantum_s) if times_s.size > 20 else (quantum_s,):
        rate_hz = _clean_rate(times_s, rounding_s)
        if rate_hz is not None:
            return rate_hz
    # no clean rate fits, as with 1024 / 3 Hz: the least-squares slope of the times is the best guess
    index = np.arange(times_s.size) - (times_s.size - 1) / 2
    fitted_hz = float(index @ index / (index @ (times_s - times_s.mean())))
    return fitted_hz if _explains(fitted_hz, times_s, 1.2 * quantum_s) else None


def _clean_rate(times_s: NDArray[np.floating], rounding_s: float) -> float | None:
    """Return the rate with the fewest decimals that explains times rounded to multiples of `rounding_s`."""
    span_s = float(times_s[-1] - times_s[0])
    rate_hz = (times_s.size - 1) / span_s
    for decimals in range(10):
        clean_hz = round(rate_hz, decimals)
        # the ends are rounded too, which moves the rate by this much at most
        near = abs(clean_hz - rate_hz) <= rate_hz * (rounding_s / span_s + 1e-12)
        if near and _explains(clean_hz, times_s, 1.01 * rounding_s):
            return clean_hz
    return None


def _explains(rate_hz: float, times_s: NDArray[np.floating], spread_s: float) -> bool:
    """Tell whether the times are off an even grid by no more than rounding; a lost sample is off by a whole step."""
    off_s = times_s - np.arange(times_s.size) / rate_hz
    return bool(np.ptp(off_s) <= min(spread_s, 0.9 / rate_hz) + 1e-9)


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRecord(f"{path} is not text, so not a CSV file; give it the suffix of its format") from error
    lines = text.replace("\r\n", "\n").rstrip().split("\n")
    if len(lines) < 2 or "\x00" in text:
        raise BadRecord(f"{path} is not a table of samples; it needs a header time_s,I,II,… and a row for each sample")
    return lines


def _is_time(cell: str) -> bool:
    return "".join(cell.lower().split()).strip('"').replace("(s)", "_s").replace("[s]", "_s") in ("time_s", "times")


def _header(path: Path, line: str) -> tuple[list[str], dict[str, str]]:
    """Return the leads of the columns, and which of them are taken for another."""
    if "".join(line.split()) == MASK_HEADER:
        raise BadRecord(f"{path} is the mask of an EDF file; read the .edf beside it")
    # Excel saves so in countries with decimal commas, whose numbers no separator could be told from
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if separator in line:
            raise BadRecord(f"{path} is separated by {name}; save it with commas (and decimal points)")
    cells = [cell.strip().strip('"').strip() for cell in line.split(",")]
    if not _is_time(cells[0]) or len(cells) < 2:
        raise BadRecord(f"{path} starts with {cells[0][:40]!r}; the header must be time_s,I,II,… (seconds, then mV)")
    leads, recorded_as = match_leads(cells[1:])
    for cell, lead in zip(cells[1:], leads, strict=True):
        if lead is None:
            raise BadRecord(f"{path} has a column {cell[:40]!r} that is not an ECG lead; rename or remove it")
    return [lead for lead in leads if lead], recorded_as


def _cells(path: Path, lines: list[str], columns: int) -> NDArray[np.float64]:
    """Return (samples, columns) float64, blank → NaN."""
    # a download that broke off ends in a short line
    for number, line in enumerate(lines[1:], start=2):
        if line.count(",") != columns - 1:
            raise BadRecord(f"{path} has {line.count(',') + 1} cells in line {number}, not {columns}; is it cut off?")
    cells = ",".join(lines[1:]).split(",")
    try:
        values = [float(cell) if cell else math.nan for cell in cells]
    # the fast way knows only that some cell is wrong; the slow way says which
    except ValueError:
        values = [_number(path, cell, 2 + i // columns) for i, cell in enumerate(cells)]
    return np.array(values, np.float64).reshape(-1, columns)


def _number(path: Path, cell: str, line: int) -> float:
    try:
        return float(cell) if cell.strip() else math.nan
    except ValueError as error:
        raise BadRecord(
            f"{path} has {cell[:40]!r} in line {line}, which is not a number; leave unknown cells blank"
        ) from error
