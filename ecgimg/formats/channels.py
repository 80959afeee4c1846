"""Channels of record files: which are ECG leads, in which unit, at which rate, and as which 16-bit numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgimg.errors import BadRecord
from ecgimg.formats.checks import peak_mv
from ecgimg.leads import MONITOR_LEADS, match_leads

MISSING = -32768
"""The 16-bit value that stands for NaN in WFDB, EDF and DICOM files and in int16 arrays."""

_MV_PER_UNIT = {"uv": 1e-3, "mv": 1.0, "v": 1e3, "nv": 1e-6, "microvolt": 1e-3, "millivolt": 1.0, "volt": 1e3}


def mv_per_unit(unit: str) -> float | None:
    """Return how many millivolt a unit is (``"uV"``, ``"µV"``, ``"mV"``, ``"V"`` …), or None for no voltage."""
    return _MV_PER_UNIT.get(unit.strip().replace("µ", "u").replace("μ", "u").lower())


@dataclass(frozen=True)
class Channels:
    """The channels of a file that are ECG leads.

    Parameters
    ----------
    indices : tuple of int
        Their numbers in the file.
    leads : tuple of str
    mv_per_unit : tuple of float
    recorded_as, left_out
        As `EcgRecord` has them.
    """

    indices: tuple[int, ...]
    leads: tuple[str, ...]
    mv_per_unit: tuple[float, ...]
    recorded_as: dict[str, str]
    left_out: tuple[str, ...]


def ecg_channels(path: Path, names: Sequence[str], units: Sequence[str], rates_hz: Sequence[float] = ()) -> Channels:
    """Return the channels that are ECG leads.

    Channels with other names (a pressure, a respiration, an EEG) stand beside the ECG in many recordings and are left
    out, and so are X, Y, Z without a voltage (an accelerometer), and monitor leads without a voltage, or at another
    rate than the standard leads.

    Raises
    ------
    BadRecord
        When no channel is a lead, or a standard lead's unit is no voltage.
    """
    matched, recorded_as = match_leads(names)
    factors = [mv_per_unit(unit) for unit in units]
    kept = [index for index, lead in enumerate(matched) if _is_usable(path, lead, factors[index], units[index])]
    if rates_hz and (main := [index for index in kept if matched[index] not in MONITOR_LEADS]):
        kept = [index for index in kept if index in main or rates_hz[index] == rates_hz[main[0]]]
    if not kept:
        found = ", ".join(dict.fromkeys(name.strip() or "?" for name in names)) or "none"
        raise BadRecord(f"{path} holds no ECG lead (its channels: {found[:200]}); name the leads I, II … V6")
    leads = tuple(str(matched[index]) for index in kept)
    left_out = tuple(name.strip("\0 ") or "?" for index, name in enumerate(names) if index not in kept)
    return Channels(tuple(kept), leads, tuple(factors[index] or 0.0 for index in kept), recorded_as, left_out)


def _is_usable(path: Path, lead: str | None, factor: float | None, unit: str) -> bool:
    """Tell whether a channel is a lead in a voltage; `BadRecord` for a standard lead that is not."""
    # X, Y, Z are Frank leads where they have a voltage, and directions of movement where they have none
    if lead is None or (factor is None and lead in ("X", "Y", "Z", *MONITOR_LEADS)):
        return False
    if factor is None:
        raise BadRecord(f"{path} gives lead {lead} in {unit or 'no unit'}; state it in uV, mV or V")
    return True


def one_rate(path: Path, rates_hz: Sequence[float]) -> float:
    """Return the rate all leads share; `BadRecord` when they differ."""
    if len(set(rates_hz)) > 1:
        listed = ", ".join(f"{rate:g}" for rate in sorted(set(rates_hz)))
        raise BadRecord(f"{path} holds leads at different rates ({listed} Hz); resample them to one rate")
    return rates_hz[0]


def quantised(signals: NDArray[np.float32]) -> tuple[NDArray[np.int16], int]:
    """Return a record's signals as 16-bit steps, `MISSING` where NaN, and the steps a millivolt.

    Steps are 1 µV; where the amplitude exceeds 32.767 mV they are 10 µV.
    """
    # rounded first: 32.7671 mV is 32767 steps and still fits
    steps_per_mv = 1000 if round(peak_mv(signals) * 1000) <= 32767 else 100
    steps = np.round(signals.astype(np.float64) * steps_per_mv)
    return np.where(np.isnan(steps), MISSING, steps).astype(np.int16), steps_per_mv
