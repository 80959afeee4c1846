"""Whether the columns of a page show the same seconds: their beats then come at the same times."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

Floats = NDArray[np.float64]

_COINCIDE, _NOISE, _WORSE = 0.4, 0.08, 20.0
_STEP, _SHORTEST_BEAT_S, _MOST_COINCIDENCE = 4, 0.3, 1.2
_FEW_BEATS, _ABOUT_BEAT_S, _RECENTRED, _APART_S = 3, 0.1, 3, 0.02
_UNTOLD, _REGULAR_S = 0.4, 0.03
_BEAT_SHARE, _SAME_TIME_S = 0.65, 0.015
_MIN_BEATS, _VARYING_S, _CLEARLY, _START_S = 4, 0.02, 4.0, 0.1


def coincidence(beats: Sequence[Floats], fs_hz: float) -> float:
    """Return how clearly columns repeat the same seconds, -1.2 to 1.2: their beats then coincide.

    How well two columns' beats coincide as they stand is set against how well they do when one is shifted, and against
    how well a column's beats repeat themselves: a regular rhythm coincides with itself at many shifts, but for the same
    seconds it does so better than from beat to beat. The beats of an irregular one do so for the same seconds only.

    Parameters
    ----------
    beats : sequence of (samples,) float64
        Of each column, how steep its traces are: the beats.
    fs_hz : float
        Samples a second.
    """
    times_s = [_centres(each, fs_hz) / fs_hz for each in beats]
    if len(beats) > 1 and all(_beat_at_once(first, second) for first, second in pairwise(times_s)):
        return _MOST_COINCIDENCE
    drifts_s = [drift for first, second in pairwise(times_s) if (drift := _drift_s(first, second)) is not None]
    if drifts_s and np.median(drifts_s) > _APART_S:
        return -_MOST_COINCIDENCE
    fills = [_fills_column(times, len(each) / fs_hz) for times, each in zip(times_s, beats, strict=True)]
    most = _UNTOLD if fills and all(fills) else _MOST_COINCIDENCE
    steps = range(0, round(0.4 * fs_hz) + 1, _STEP)
    together, worse = [], []
    for first, second in pairwise(beats):
        n = min(len(first), len(second))
        first, second = first[:n], second[:n]
        if n < fs_hz / 2 or first.std() == 0 or second.std() == 0:
            continue
        shifted = [(_correlation(first[k:], second[: n - k]), _correlation(first[: n - k], second[k:])) for k in steps]
        at_once = max(map(max, shifted[:3]))
        elsewhere = max(map(max, shifted[9:]))
        cycles = range(round(_SHORTEST_BEAT_S * fs_hz), round(0.6 * n), _STEP)
        itself = max((_correlation(first[k:], first[: n - k]) for k in cycles), default=0.0)
        together.append(at_once - elsewhere / 2)
        worse.append(itself - at_once)
    if not together:
        return 0.0
    doubt = _WORSE * max(float(np.median(worse)) - _NOISE, 0.0)
    return float(np.clip(4 * (np.mean(together) - doubt - _COINCIDE), -most, most))


def _beat_at_once(first_s: Floats, second_s: Floats) -> bool:
    """Tell whether a rhythm's beats come at the same times in two columns, but for where the columns start.

    Their times then differ by much less than its cycles do.
    """
    if len(first_s) != len(second_s) or len(first_s) < _MIN_BEATS:
        return False
    late, varying_s = second_s - first_s, float(np.diff(first_s).std())
    return bool(varying_s > max(_VARYING_S, _CLEARLY * late.std()) and abs(float(np.median(late))) < _START_S)


def _drift_s(first_s: Floats, second_s: Floats) -> float | None:
    """Return by how much the beats of two columns drift apart: even a regular heart varies by more than one's timing.

    None where they are few, or not as many in both.
    """
    if len(first_s) != len(second_s) or len(first_s) < _FEW_BEATS:
        return None
    late = second_s - first_s
    return float(np.abs(late - np.median(late)).max())


def _fills_column(times_s: Floats, column_s: float) -> bool:
    """Tell whether a whole number of regular beats is as long as a column: the next column's then seem to coincide."""
    cycles_s = np.diff(times_s)
    if len(cycles_s) < 2 or np.ptp(cycles_s) > _REGULAR_S:
        return False
    beats = column_s / cycles_s.mean()
    return bool(abs(beats - round(beats)) * cycles_s.mean() < _SAME_TIME_S)


def _peaks(steep: Floats, fs_hz: float) -> NDArray[np.intp]:
    """Return where the beats are, in samples."""
    height = _BEAT_SHARE * float(steep.max(initial=0.0))
    peaks, _ = find_peaks(steep, height=max(height, 1e-9), distance=round(_SHORTEST_BEAT_S * fs_hz))
    return np.asarray(peaks, np.intp)


def _centres(steep: Floats, fs_hz: float) -> Floats:
    """Return where the middles of the beats are, in samples: which of a beat's slopes is steepest is chance."""
    reach = round(_ABOUT_BEAT_S * fs_hz)
    at = np.arange(len(steep))
    centres = _peaks(steep, fs_hz).astype(np.float64)
    for _ in range(_RECENTRED):
        windows = [slice(max(round(each) - reach, 0), round(each) + reach + 1) for each in centres.tolist()]
        centres = np.array([np.average(at[window], weights=steep[window]) for window in windows], np.float64)
    return centres


def _correlation(first: Floats, second: Floats) -> float:
    """Return how alike two signals are, -1 to 1; 0 where one of them is still."""
    first, second = first - first.mean(), second - second.mean()
    spread = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / spread if spread > 0 else 0.0
