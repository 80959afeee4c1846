"""Marks of the waves of leads, and their shapes on paper: bands from onset to end, ticks at both, dots on peaks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ecgimg.errors import BadRequest
from ecgimg.leads import KNOWN_LEADS, MONITOR_LEADS

MarkKind = Literal[
    "p_onset", "p_peak", "p_end", "qrs_onset", "r_peak", "qrs_end", "t_onset", "t_peak", "t_end", "pacing_spike"
]
"""What a mark may name."""

MARK_KINDS: tuple[MarkKind, ...] = get_args(MarkKind)
"""All kinds of marks."""

Wave = Literal["P", "QRS", "T", "pacing spike"]

_WAVES: dict[Wave, tuple[MarkKind, MarkKind, MarkKind]] = {
    "P": ("p_onset", "p_peak", "p_end"),
    "QRS": ("qrs_onset", "r_peak", "qrs_end"),
    "T": ("t_onset", "t_peak", "t_end"),
}
"""Onset, peak and end of each wave."""


@dataclass(frozen=True)
class Mark:
    """A fiducial point of one lead.

    Parameters
    ----------
    lead : str
        A name of `ecgimg.leads.KNOWN_LEADS` or `ecgimg.leads.MONITOR_LEADS`.
    time_s : float
        Seconds from the first sample of the record.
    kind : MarkKind
        One of `MARK_KINDS`.

    Raises
    ------
    BadRequest
        For an unknown lead or kind, or a time that is no number.
    """

    lead: str
    time_s: float
    kind: MarkKind

    def __post_init__(self) -> None:
        if self.lead not in KNOWN_LEADS and self.lead not in MONITOR_LEADS:
            raise BadRequest(f"a mark needs a lead, got {self.lead!r}; known are {', '.join(KNOWN_LEADS)}")
        if self.kind not in MARK_KINDS:
            raise BadRequest(f"unknown kind of mark {self.kind!r}; known are {', '.join(MARK_KINDS)}")
        if not math.isfinite(self.time_s):
            raise BadRequest(f"the mark {self.kind} of lead {self.lead} has no time; leave it out")


@dataclass(frozen=True, eq=False)
class WaveShapes:
    """The marks of one wave on paper, in mm from the top left.

    Parameters
    ----------
    wave : {"P", "QRS", "T", "pacing spike"}
    bands_mm : tuple of (left, right, top, bottom)
    ticks_mm : tuple of (x, top, bottom)
    peaks_mm : tuple of (x, y)
    """

    wave: Wave
    bands_mm: tuple[tuple[float, float, float, float], ...] = ()
    ticks_mm: tuple[tuple[float, float, float], ...] = ()
    peaks_mm: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, eq=False)
class PaperRow:
    """The row of one lead on paper.

    Parameters
    ----------
    lead : str
    x_mm, y_mm : (samples,) float64
        Where each sample lies; `y_mm` is NaN where the lead is not known.
    top_mm, bottom_mm : float
        Between which the marks of the row are drawn.
    """

    lead: str
    x_mm: NDArray[np.float64]
    y_mm: NDArray[np.float64]
    top_mm: float
    bottom_mm: float

    def contains(self, x_mm: float) -> bool:
        """Tell whether a place along the row is drawn."""
        return bool(self.x_mm[0] <= x_mm <= self.x_mm[-1])

    def height_mm(self, x_mm: float) -> float:
        """Return the height of the sample nearest to a place along the row; NaN where none is known."""
        after = min(int(np.searchsorted(self.x_mm, x_mm)), len(self.x_mm) - 1)
        before = max(after - 1, 0)
        is_nearer = x_mm - self.x_mm[before] < self.x_mm[after] - x_mm
        return float(self.y_mm[before if is_nearer else after])


def wave_shapes(
    marks: Sequence[Mark], rows: Sequence[PaperRow], x_of_time: Callable[[float], float]
) -> tuple[WaveShapes, ...]:
    """Return the shapes of marks, those of one wave together; marks of other leads and seconds have none.

    Parameters
    ----------
    marks : sequence of Mark
    rows : sequence of PaperRow
    x_of_time : callable
        From seconds of the record to mm on paper.
    """
    places: dict[str, list[tuple[float, MarkKind]]] = {row.lead: [] for row in rows}
    for mark in marks:
        if mark.lead in places:
            places[mark.lead].append((x_of_time(mark.time_s), mark.kind))
    by_row = [(row, sorted(places[row.lead])) for row in rows]
    waves = [_merge(wave, [_wave_of_row(wave, row, own) for row, own in by_row]) for wave in _WAVES]
    waves.append(_merge("pacing spike", [_spikes_of_row(row, own) for row, own in by_row]))
    return tuple(wave for wave in waves if wave.bands_mm or wave.ticks_mm or wave.peaks_mm)


def _merge(wave: Wave, rows: Sequence[WaveShapes]) -> WaveShapes:
    """Return the shapes of all rows as one."""
    return WaveShapes(
        wave,
        tuple(band for row in rows for band in row.bands_mm),
        tuple(tick for row in rows for tick in row.ticks_mm),
        tuple(peak for row in rows for peak in row.peaks_mm),
    )


def _wave_of_row(wave: Wave, row: PaperRow, places: Sequence[tuple[float, MarkKind]]) -> WaveShapes:
    onset, peak, end = _WAVES[wave]
    left_mm, right_mm = float(row.x_mm[0]), float(row.x_mm[-1])
    bands = [
        (max(start_mm, left_mm), min(end_mm, right_mm), row.top_mm, row.bottom_mm)
        for start_mm, end_mm in _pairs(places, onset, end)
        if start_mm < right_mm and end_mm > left_mm
    ]
    ticks = [(x, row.top_mm, row.bottom_mm) for x, kind in places if kind in (onset, end) and row.contains(x)]
    peaks = [(x, row.height_mm(x)) for x, kind in places if kind == peak and row.contains(x)]
    return WaveShapes(wave, tuple(bands), tuple(ticks), tuple((x, y) for x, y in peaks if np.isfinite(y)))


def _spikes_of_row(row: PaperRow, places: Sequence[tuple[float, MarkKind]]) -> WaveShapes:
    """Return a tick over the height of the row for each pacing spike, with its sign on top."""
    spikes = [x for x, kind in places if kind == "pacing_spike" and row.contains(x)]
    ticks = tuple((x, row.top_mm, row.bottom_mm) for x in spikes)
    return WaveShapes("pacing spike", (), ticks, tuple((x, row.top_mm) for x in spikes))


def _pairs(places: Sequence[tuple[float, MarkKind]], onset: MarkKind, end: MarkKind) -> list[tuple[float, float]]:
    """Return (onset, end) wherever an end follows an onset; an onset or end that is alone has no band."""
    bounds = [(x, kind) for x, kind in places if kind in (onset, end)]
    return [
        (start_mm, end_mm)
        for (start_mm, first), (end_mm, second) in pairwise(bounds)
        if first == onset and second == end
    ]
