"""Checks that the record formats share: a file that is missing, damaged, too large or in a wrong unit is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgimg._optional_packages import without_warnings
from ecgimg.errors import BadRecord, EcgImgError
from ecgimg.record import EcgRecord, check_values

MAX_MV = 50.0
"""No surface ECG comes near it; values beyond mean that the unit is wrong."""


def check_file(path: Path) -> None:
    """Raise `BadRecord` unless `path` is a file with something in it."""
    if path.is_dir():
        raise BadRecord(f"{path} is a folder, not a record; read what it holds with iter_records")
    if not path.exists():
        raise BadRecord(f"{path} does not exist; check the name and the folder")
    if path.stat().st_size == 0:
        raise BadRecord(f"{path} is empty; copy or export it again")


def check_announced(path: Path, values: int) -> None:
    """Raise `BadRecord` for a file that says it holds more values than a record may; before they are read."""
    try:
        check_values(values)
    except BadRecord as error:
        raise BadRecord(f"{path}: {error}") from None


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever a library raises on a damaged file into one `BadRecord`, and keep its warnings in."""
    try:
        with without_warnings():
            yield
    # our own refusals say more than "damaged"
    except EcgImgError:
        raise
    except Exception as error:
        text = " ".join(str(error).split())[:120].rstrip(".")
        reason = text or type(error).__name__
        raise BadRecord(f"{path} is damaged or not a valid {kind} file ({reason}); copy or export it again") from error


def peak_mv(signals: NDArray[np.floating]) -> float:
    """Return the largest finite magnitude in mV, 0 when there is none."""
    return float(np.max(np.abs(signals), initial=0.0, where=np.isfinite(signals)))


def check_range(name: str | Path, signals: NDArray[np.floating]) -> None:
    """Raise `BadRecord` when values in mV are beyond any ECG, which means that their unit is wrong."""
    peak = peak_mv(signals)
    if peak > MAX_MV:
        raise BadRecord(
            f"{name} holds {peak:.6g} mV, beyond any ECG: it looks like µV; divide by 1000 or state the unit"
        )


def build_record(
    path: Path, signals: NDArray[np.floating], fs_hz: float, leads: Sequence[str],
    recorded_as: Mapping[str, str] | None = None, left_out: tuple[str, ...] = (),
) -> EcgRecord:  # fmt: skip
    """Return the record read from `path`; its range and shape are checked, and messages name the file.

    Parameters
    ----------
    signals : (leads, samples) float
        Millivolt, NaN where nothing is known.
    """
    # named by the file, not by "the record" as `EcgRecord` would
    check_range(path, signals)
    try:
        return EcgRecord(signals.astype(np.float32), fs_hz, tuple(leads), recorded_as or {}, left_out)
    except BadRecord as error:
        raise BadRecord(f"{path}: {error}") from error
