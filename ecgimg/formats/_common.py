"""What the record formats share: units, ranges, quantisation, and one way to refuse a file."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from ecgimg.errors import BadRecord, EcgImgError, MissingExtra
from ecgimg.record import EcgRecord, canonical_lead, check_values

MAX_MV = 50.0
"""No surface ECG comes near it; values beyond mean that the unit is wrong."""

MISSING = -32768
"""The 16-bit value that stands for NaN in WFDB, EDF and DICOM files and in int16 arrays."""

_MV_PER_UNIT = {"uv": 1e-3, "mv": 1.0, "v": 1e3, "nv": 1e-6, "microvolt": 1e-3, "millivolt": 1.0, "volt": 1e3}


def need(module: str, package: str, purpose: str, extra: str = "formats") -> ModuleType:
    """Import an optional package; `MissingExtra` when it is not installed."""
    if sys.modules.get(module) is not None:  # threads may ask for it: warning filters are of the whole process
        return sys.modules[module]
    try:
        with quiet():
            return import_module(module)
    except ImportError as error:
        raise MissingExtra(package, extra, purpose) from error


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
def quiet() -> Iterator[None]:
    """Keep in the warnings of a library, which are about its own insides."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever a library raises on a damaged file into one `BadRecord`, and keep its warnings in."""
    try:
        with quiet():
            yield
    except EcgImgError:
        raise
    except Exception as error:
        text = " ".join(str(error).split())[:120].rstrip(".")
        reason = text or type(error).__name__
        raise BadRecord(f"{path} is damaged or no {kind} file ({reason}); copy or export it again") from error


def mv_per_unit(unit: str) -> float | None:
    """Return how many millivolt a unit is (``"uV"``, ``"µV"``, ``"mV"``, ``"V"`` …), or None for no voltage."""
    return _MV_PER_UNIT.get(unit.strip().replace("µ", "u").replace("μ", "u").lower())


def ecg_channels(path: Path, names: Sequence[str], units: Sequence[str]) -> list[tuple[int, str, float]]:
    """Return (index, lead, millivolt a unit) of the channels that are ECG leads.

    Channels with other names (a pressure, a respiration, an EEG) stand beside the ECG in many recordings and are
    passed over, and so are X, Y, Z without a voltage (an accelerometer).

    Raises
    ------
    BadRecord
        When no channel is a lead, or a lead's unit is no voltage.
    """
    channels = []
    for index, (name, unit) in enumerate(zip(names, units, strict=True)):
        lead, factor = canonical_lead(name), mv_per_unit(unit)
        if lead is None or (factor is None and lead in ("X", "Y", "Z")):
            continue
        if factor is None:
            raise BadRecord(f"{path} gives lead {lead} in {unit or 'no unit'}; state it in uV, mV or V")
        channels.append((index, lead, factor))
    if not channels:
        found = ", ".join(dict.fromkeys(name.strip() or "?" for name in names)) or "none"
        raise BadRecord(f"{path} holds no ECG lead (its channels: {found[:200]}); name the leads I, II … V6")
    return channels


def one_rate(path: Path, rates_hz: Sequence[float]) -> float:
    """Return the rate all leads share; `BadRecord` when they differ."""
    if len(set(rates_hz)) > 1:
        listed = ", ".join(f"{rate:g}" for rate in sorted(set(rates_hz)))
        raise BadRecord(f"{path} holds leads at different rates ({listed} Hz); resample them to one rate")
    return rates_hz[0]


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


def build_record(path: Path, signals: NDArray[np.floating], fs_hz: float, leads: Sequence[str]) -> EcgRecord:
    """Return the record read from `path`; its range and shape are checked, and messages name the file.

    Parameters
    ----------
    signals : (leads, samples) float
        Millivolt, NaN where nothing is known.
    """
    check_range(path, signals)
    try:
        return EcgRecord(signals.astype(np.float32), fs_hz, tuple(leads))
    except BadRecord as error:
        raise BadRecord(f"{path}: {error}") from error


def quantised(signals: NDArray[np.float32]) -> tuple[NDArray[np.int16], int]:
    """Return a record's signals as 16-bit steps, `MISSING` where NaN, and the steps a millivolt.

    Steps are 1 µV; where the amplitude exceeds 32.767 mV they are 10 µV.
    """
    steps_per_mv = 1000 if round(peak_mv(signals) * 1000) <= 32767 else 100
    steps = np.round(signals.astype(np.float64) * steps_per_mv)
    return np.where(np.isnan(steps), MISSING, steps).astype(np.int16), steps_per_mv
