"""The record: the one thing every part of ecgimg speaks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgimg._optional_packages import import_optional
from ecgimg.errors import BadRecord
from ecgimg.leads import KNOWN_LEADS, MONITOR_LEADS, STANDARD_LEADS

if TYPE_CHECKING:
    from pandas import DataFrame

    from ecgimg.plotting import EcgPlot, Mark

RATES_HZ = (1.0, 100_000.0)
"""Lowest and highest sampling rate of a record."""

MAX_VALUES = 600_000_000
"""Most values of a record, all leads together: twelve leads at 500 Hz for a day."""


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
    unknown = [name for name in leads if name not in KNOWN_LEADS and name not in MONITOR_LEADS]
    if unknown:
        raise BadRecord(f"unknown lead names {', '.join(map(repr, unknown))}; known are {', '.join(KNOWN_LEADS)}")
    if len(set(leads)) != len(leads):
        raise BadRecord(f"each lead may be named once, got {', '.join(leads)}")


@dataclass(frozen=True, eq=False, repr=False)
class EcgRecord:
    """An ECG of any leads and length.

    Parameters
    ----------
    signals : (leads, samples) float32
        Millivolt. NaN where nothing was printed or read; never 0 mV in place of a gap.
    fs_hz : float
        Samples a second.
    leads : tuple of str
        Names from `ecgimg.leads.KNOWN_LEADS` or `ecgimg.leads.MONITOR_LEADS`, in the order of the rows of `signals`,
        each once.
    recorded_as : mapping
        From a lead to the modified lead of the file that is taken for it, as ``{"II": "MLII"}``.
    left_out : tuple of str
        Channels of the file that are no ECG leads, as the file names them.

    Raises
    ------
    BadRecord
        For arrays of another shape, infinite values, no samples or more than `MAX_VALUES`, unknown or repeated leads,
        or a rate outside `RATES_HZ`.
    """

    signals: NDArray[np.float32]
    fs_hz: float
    leads: tuple[str, ...] = STANDARD_LEADS
    recorded_as: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

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
        signals = np.stack(rows) if rows else np.empty((0, 0), np.float32)
        recorded_as = {lead: name for lead, name in self.recorded_as.items() if lead in leads}
        return EcgRecord(signals, self.fs_hz, tuple(leads), recorded_as, self.left_out)

    def masked(self, visible: ArrayLike) -> EcgRecord:
        """Return the record with NaN wherever `visible` (leads, samples) bool is False."""
        return replace(self, signals=np.where(np.asarray(visible, bool), self.signals, np.nan))

    def plot(self, marks: Sequence[Mark] = (), *, start_s: float = 0.0, seconds: float | None = None) -> EcgPlot:
        """Return the leads on ECG paper at 25 mm/s and 10 mm/mV, as an SVG that notebooks show.

        Parameters
        ----------
        marks : sequence of Mark
            Onsets, peaks and ends to mark; those of other leads and seconds are left out.
        start_s : float
            The first second to draw.
        seconds : float, optional
            How many to draw; by default ten, or what there is. The footer says which they are.

        Returns
        -------
        EcgPlot

        Raises
        ------
        BadRequest
            For seconds that the record does not have.
        """
        from ecgimg.plotting import plot_leads  # loaded here, so that importing ecgimg stays fast

        return plot_leads(self.signals, self.fs_hz, self.leads, marks, start_s=start_s, seconds=seconds)

    def to_pandas(self) -> DataFrame:
        """Return the record as a table: the index ``time_s``, a column of mV for each lead, NaN where unknown.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        MissingExtra
            Without pandas.
        """
        pandas = import_optional("pandas", "pandas", "a table of the record", "pandas")
        time_s = np.arange(self.n_samples) / self.fs_hz
        index = pandas.Index(time_s, name="time_s")
        return pandas.DataFrame(self.signals.T.copy(), index, self.leads)

    def __repr__(self) -> str:
        leads = f"{len(self.leads)} lead{'s' if len(self.leads) > 1 else ''}"
        digits = ".1f" if self.duration_s >= 1 else ".3g"
        notes = [f"{name} as {lead}" for lead, name in self.recorded_as.items()]
        notes += [f"left out: {', '.join(self.left_out)}"] if self.left_out else []
        facts = [
            leads,
            f"{self.duration_s:{digits}} s at {self.fs_hz:g} Hz",
            f"{self._known_percent()} % known",
            *notes,
        ]
        return f"EcgRecord({', '.join(facts)})"

    def _known_percent(self) -> int:
        """Return the share of known values, which reads 0 and 100 only where none and all are known."""
        # a row at a time: a record may fill most of the memory
        known = sum(int(np.count_nonzero(np.isfinite(row))) for row in self.signals)
        if known in (0, self.signals.size):
            return 100 if known else 0
        return min(max(round(100 * known / self.signals.size), 1), 99)

    def _repr_html_(self) -> str:
        from ecgimg.plotting.notebook_html import card, picture

        return card(repr(self), picture(self.plot()))
