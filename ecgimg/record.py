"""The record: the one thing every part of ecgimg speaks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgimg.errors import BadRecord

STANDARD_LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
"""The twelve leads in the order of every array and file here."""

KNOWN_LEADS = (*STANDARD_LEADS, "V7", "V8", "V9", "V3R", "V4R", "V5R", "V6R", "X", "Y", "Z")
"""All leads that a record or a page may carry."""

RATES_HZ = (1.0, 100_000.0)
"""Lowest and highest sampling rate of a record."""

MAX_VALUES = 600_000_000
"""Most values of a record, all leads together: twelve leads at 500 Hz for a day."""

_CANONICAL = {name.upper(): name for name in KNOWN_LEADS}


def canonical_lead(name: str) -> str | None:
    """Return a lead's name as spelled in `KNOWN_LEADS`: ``"AVR"`` and ``"lead avr"`` are ``"aVR"``.

    Parameters
    ----------
    name : str

    Returns
    -------
    str or None
        None where it is no lead; ``"-aVR"`` is None, as it is the same lead upside down.
    """
    bare = name.strip().upper()
    for prefix in ("LEAD", "ECG", "EKG"):
        if bare.startswith(prefix):
            bare = bare.removeprefix(prefix).lstrip(" _-")
    # a separator may be left over, as in "V1-"
    return _CANONICAL.get(bare.rstrip(" _-"))


def unbroken_runs(known: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return (first, end) of every run of True in a vector, `end` being the index after its last."""
    padded = np.zeros(len(known) + 2, np.int8)
    padded[1:-1] = known
    # zeros around the vector make every run begin and end
    edges = np.flatnonzero(np.diff(padded)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def checked_rate(fs_hz: float) -> float:
    """Return a sampling rate as a float; `BadRecord` where it is no number within `RATES_HZ`."""
    try:
        # True is 1 in Python, and "500" a text that would pass as a number
        rate_hz = math.nan if isinstance(fs_hz, bool | str) else float(fs_hz)
    except (TypeError, ValueError, OverflowError):
        rate_hz = math.nan
    if not RATES_HZ[0] <= rate_hz <= RATES_HZ[1]:
        raise BadRecord(
            f"the sampling rate must be between {RATES_HZ[0]:g} and {RATES_HZ[1]:g} Hz, got {str(fs_hz)[:40]}"
        )
    return rate_hz


def check_values(count: int) -> None:
    """Refuse records of more values than `MAX_VALUES` (`BadRecord`); before anything is made for them."""
    if count > MAX_VALUES:
        raise BadRecord(f"a record holds at most {MAX_VALUES:,} values, this one has {count:,}; cut it into parts")


def _float32_copy(signals: ArrayLike) -> NDArray[np.float32]:
    """Return a copy of numbers as float32, infinite where they overflow; `BadRecord` for what is no numbers."""
    try:
        with np.errstate(over="ignore"):
            return np.array(signals, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise BadRecord("a record needs an array (leads, samples) of numbers") from error


def _check_leads(leads: tuple[str, ...]) -> None:
    """Refuse names of leads that are unknown or repeated (`BadRecord`)."""
    unknown = [name for name in leads if name not in KNOWN_LEADS]
    if unknown:
        raise BadRecord(f"unknown lead names {', '.join(map(repr, unknown))}; known are {', '.join(KNOWN_LEADS)}")
    if len(set(leads)) != len(leads):
        raise BadRecord(f"each lead may be named once, got {', '.join(leads)}")


@dataclass(frozen=True, eq=False)
class EcgRecord:
    """An ECG of any leads and length.

    Parameters
    ----------
    signals : (leads, samples) float32
        Millivolt. NaN where nothing was printed or read; never 0 mV in place of a gap.
    fs_hz : float
        Samples a second.
    leads : tuple of str
        Names from `KNOWN_LEADS`, in the order of the rows of `signals`, each once.

    Raises
    ------
    BadRecord
        For arrays of another shape, infinite values, no samples or more than `MAX_VALUES`, unknown or repeated leads,
        or a rate outside `RATES_HZ`.
    """

    signals: NDArray[np.float32]
    fs_hz: float
    leads: tuple[str, ...] = STANDARD_LEADS

    def __post_init__(self) -> None:
        # by the size it states, before a copy of it is made
        check_values(int(getattr(self.signals, "size", 0)))
        signals, leads = _float32_copy(self.signals), tuple(self.leads)
        if signals.ndim != 2 or signals.shape[0] != len(leads):
            raise BadRecord(
                f"a record of {len(leads)} leads needs an array (leads, samples), got shape {signals.shape}"
            )
        if not leads or signals.shape[1] == 0:
            raise BadRecord("a record needs at least one lead and one sample")
        _check_leads(leads)
        if np.isinf(signals).any():
            raise BadRecord("a record holds infinite values; use NaN where nothing is known")
        fs_hz = checked_rate(self.fs_hz)
        # a frozen record whose array changes would be another record under the same name
        signals.flags.writeable = False
        object.__setattr__(self, "signals", signals)
        object.__setattr__(self, "leads", leads)
        object.__setattr__(self, "fs_hz", fs_hz)

    @property
    def n_samples(self) -> int:
        """Samples of the canvas, gaps included."""
        return int(self.signals.shape[1])

    @property
    def duration_s(self) -> float:
        """Seconds of the canvas, gaps included."""
        return self.n_samples / self.fs_hz

    @property
    def known(self) -> NDArray[np.bool_]:
        """(leads, samples): True where a value is known."""
        return np.isfinite(self.signals)

    def lead(self, name: str) -> NDArray[np.float32]:
        """Return one lead, (samples,) mV; `BadRecord` when the record has no such lead."""
        if name not in self.leads:
            raise BadRecord(f"the record has no lead {name!r}; it has {', '.join(self.leads)}")
        row: NDArray[np.float32] = self.signals[self.leads.index(name)]
        return row

    def select(self, leads: Sequence[str]) -> EcgRecord:
        """Return the record with exactly these leads in this order; a lead it does not have becomes NaN."""
        rows = [
            self.lead(name) if name in self.leads else np.full(self.n_samples, np.nan, np.float32) for name in leads
        ]
        return EcgRecord(np.stack(rows) if rows else np.empty((0, 0), np.float32), self.fs_hz, tuple(leads))

    def masked(self, visible: ArrayLike) -> EcgRecord:
        """Return the record with NaN wherever `visible` (leads, samples) bool is False."""
        return EcgRecord(np.where(np.asarray(visible, bool), self.signals, np.nan), self.fs_hz, self.leads)
