"""Whether the columns of a page show the same seconds: their beats then come at the same times.

Two accounts of when the beats come are weighed by their likelihoods. Of the same seconds, every beat of a column comes
when that of the column before it does, but for where the columns start. Of seconds that follow each other, the first
beat of a column comes a cycle after the last one of the column before it, and whether beats coincide is chance: even a
regular heart varies by more than one's timing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

Floats = NDArray[np.float64]

_SMOOTH_S, _STEEPEST, _FLOORS, _NOISY, _LEAST_WEIGHT = 0.003, 99, 2.0, 3.0, 0.05
_JOINED_S, _BEAT_SHARE, _TALLEST, _SHORTEST_BEAT_S = 0.016, 0.45, 99.5, 0.3
_ABOUT_BEAT_S, _RECENTRED = 0.08, 3
_TIMING_S = np.array([0.002, 0.005, 0.012])  # errors of a beat's time: of a clean lead, a usual and a noisy one
_START_S, _START_LIKELY = np.array([0.010, 0.040]), np.array([0.85, 0.15])  # errors of a column's start
_VARIES, _LEAST_SPREAD_S, _CYCLE_S = np.array([0.6, 1.0, 2.0]), 0.003, 0.012
_USUAL_CYCLE_S, _USUAL_SPREAD_S = 0.8, 0.05
_OUTLIERS = 0.05
_ENOUGH, _TOLD, _A_POINT, _MOST, _ALIKE = 2.5, 0.4, 10.0, 1.2, 6.0


class _Rhythm(NamedTuple):
    """How long a cycle is, and by how much cycles differ."""

    cycle_s: float
    spread_s: float


def coincidence(columns: Sequence[Sequence[Floats]], fs_hz: float, strips: Sequence[Floats] = ()) -> float:
    """Return how clearly columns repeat the same seconds, -1.2 to 1.2; more than 0.4 speaks for it.

    Parameters
    ----------
    columns : sequence of sequences of (samples,) float64
        The signals of each column's leads, NaN where nothing was read.
    fs_hz : float
        Samples a second.
    strips : sequence of (samples,) float64
        Signals of leads that run below all columns: where these follow each other, their beats come when its own do.
    """
    beats_s = [_beats_s(leads, fs_hz) for leads in columns]
    along_s = _beats_s(strips, fs_hz) if strips else np.zeros(0)
    cycles_s = np.concatenate([np.diff(times_s) for times_s in (*beats_s, along_s)])
    cycle_s = float(np.median(cycles_s)) if len(cycles_s) else _USUAL_CYCLE_S
    spread_s = 1.48 * float(np.median(np.abs(cycles_s - cycle_s))) if len(cycles_s) > 1 else _USUAL_SPREAD_S
    rhythm = _Rhythm(cycle_s, max(spread_s, _LEAST_SPREAD_S))
    column_s = min(len(lead) for leads in columns for lead in leads) / fs_hz
    starts, cycles = [], []
    for index, (first_s, second_s) in enumerate(pairwise(beats_s)):
        late_s = _late_s(first_s, second_s, rhythm)
        if not len(late_s):
            continue
        then_s = _late_s(along_s - (index + 1) * column_s, second_s, rhythm)
        until_s = column_s - first_s[-1] + second_s[0]
        goes_on = _starts(then_s, rhythm) if len(then_s) else _goes_on(until_s, rhythm) if len(cycles_s) > 1 else 0.0
        starts.append(_starts(late_s, rhythm) - goes_on)
        cycles.append(_alike(np.diff(late_s), rhythm))
    if not starts:
        return 0.0
    likely = float(np.mean(starts)) + min(sum(cycles), _ALIKE)  # if one column starts so, all do; rhythms recur
    return float(np.clip(_TOLD + (likely - _ENOUGH) / _A_POINT, -_MOST, _MOST))


def _late_s(first_s: Floats, second_s: Floats, rhythm: _Rhythm) -> Floats:
    """Return by how much later each of the second beats comes than the first that is nearest to it, if both are so."""
    if not len(first_s) or not len(second_s):
        return np.zeros(0)
    late = second_s[:, None] - first_s
    nearest = np.abs(late).argmin(axis=1)
    mutual = np.abs(late).argmin(axis=0)[nearest] == np.arange(len(second_s))
    late_s = late[np.arange(len(second_s)), nearest][mutual]
    return np.asarray(late_s[np.abs(late_s) < rhythm.cycle_s / 2], np.float64)


def _starts(late_s: Floats, rhythm: _Rhythm) -> float:
    """Return the log likelihood that beats come at the same times, but for where the columns start."""
    errors = _likelihood(np.median(late_s), _START_S, rhythm)
    return float(np.logaddexp.reduce(np.log(_START_LIKELY) + errors))


def _goes_on(until_s: float, rhythm: _Rhythm) -> float:
    """Return the log likelihood that so many seconds lie between a column's last beat and the next one's first."""
    n_cycles = max(round(until_s / rhythm.cycle_s), 1)
    varies_s = float(np.hypot(1.5 * rhythm.spread_s * np.sqrt(n_cycles), _CYCLE_S))
    return float(_likelihood(until_s - n_cycles * rhythm.cycle_s, varies_s, rhythm))


def _alike(changes_s: Floats, rhythm: _Rhythm) -> float:
    """Return the log odds that cycles are the same, by how these differ between two columns, and not others."""
    other_s = np.hypot(np.sqrt(2) * rhythm.spread_s * _VARIES[:, None], 2 * _TIMING_S).ravel()
    same, other = (
        _likelihood(changes_s[:, None], errors_s, rhythm).sum(axis=0) - np.log(len(errors_s))
        for errors_s in (2 * _TIMING_S, other_s)
    )
    return float(np.logaddexp.reduce(same) - np.logaddexp.reduce(other))


def _likelihood(off_s: Floats | float, spread_s: Floats | float, rhythm: _Rhythm) -> Floats:
    """Return the logarithm of how likely a time is so far off, set against any time of a cycle; a few are anywhere."""
    normal = -0.5 * np.square(np.asarray(off_s) / spread_s) - np.log(np.sqrt(2 * np.pi) * np.asarray(spread_s))
    return np.asarray(np.logaddexp(np.log(1 - _OUTLIERS) + normal + np.log(rhythm.cycle_s), np.log(_OUTLIERS)))


def _beats_s(leads: Sequence[Floats], fs_hz: float) -> Floats:
    """Return when the beats of a column come: the middles of where its leads are steep; noisy ones count less."""
    total: Floats = np.zeros(min(len(lead) for lead in leads) - 1)
    for lead in leads:
        read = np.flatnonzero(np.isfinite(lead))
        if not len(read):
            continue
        filled = np.interp(np.arange(len(lead)), read, lead[read])
        steep = np.abs(np.diff(gaussian_filter1d(filled, _SMOOTH_S * fs_hz)))
        most, noise = float(np.percentile(steep, _STEEPEST)) + 1e-9, float(np.median(steep))
        weight = max(1 - _NOISY * noise / most, _LEAST_WEIGHT)
        total += weight * np.clip((steep - _FLOORS * noise) / most, 0, 1)[: len(total)]
    joined = gaussian_filter1d(total, _JOINED_S * fs_hz)
    height = max(_BEAT_SHARE * float(np.percentile(joined, _TALLEST)), 1e-9)
    peaks, _ = find_peaks(joined, height=height, distance=round(_SHORTEST_BEAT_S * fs_hz))
    reach, at = round(_ABOUT_BEAT_S * fs_hz), np.arange(len(total))
    middles = peaks.astype(np.float64)
    for _ in range(_RECENTRED):  # which of a beat's slopes is steepest is chance
        windows = [slice(max(round(each) - reach, 0), round(each) + reach + 1) for each in middles.tolist()]
        middles = np.array([np.average(at[each], weights=total[each] + 1e-9) for each in windows], np.float64)
    return np.asarray(middles / fs_hz, np.float64)
