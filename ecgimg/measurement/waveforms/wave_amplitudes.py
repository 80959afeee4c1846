"""Peaks, amplitudes, areas and polarities of P and T waves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgimg.measurement.delineation.model import BeatWaves, Floats, Mask, P, T
from ecgimg.measurement.waveforms.beat_windows import RATE_HZ, BeatWindows

_BIPHASIC_SHARE = 0.3  # of the larger part that the smaller one must reach: T waves often end slightly below
_BIPHASIC_MV = 0.025  # that the smaller part must reach: a quarter of a millimetre, the least that a reader sees

SHAPES = ("positive", "negative", "positive-negative", "negative-positive")
"""Polarities of a wave, in the order of its parts."""


@dataclass(frozen=True, eq=False)
class WaveAmplitudes:
    """One wave of every beat in every lead, each (beats, leads); NaN, or -1 for the shape, where there is none.

    Parameters
    ----------
    peak_s : float64
        Where the larger part peaks.
    mv : float64
        Height of the larger part, negative below the level it refers to.
    area_mv_ms : float64
    shape : int
        Place in `SHAPES`.
    """

    peak_s: Floats
    mv: Floats
    area_mv_ms: Floats
    shape: NDArray[np.int64]


def p_amplitudes(windows: BeatWindows, waves: BeatWaves) -> WaveAmplitudes:
    """Measure P waves from the line between their onset and their end, so that wander and the Ta wave do not count."""
    windows = windows.before_qrs()
    onset_s, end_s = waves.onset_s[P - 1], waves.end_s[P - 1]
    inside = windows.within(onset_s, end_s)
    first, last = windows.level_mv(onset_s), windows.level_mv(end_s)
    share = (windows.times_s - onset_s.T[:, :, None]) / (end_s - onset_s).T[:, :, None]
    return _amplitudes(windows, windows.values_mv - (first[:, :, None] + (last - first)[:, :, None] * share), inside)


def t_amplitudes(windows: BeatWindows, waves: BeatWaves) -> WaveAmplitudes:
    """Measure T waves from the level before the QRS."""
    windows = windows.after_qrs()
    inside = windows.within(waves.onset_s[T - 1], waves.end_s[T - 1])
    return _amplitudes(windows, windows.values_mv, inside)


def _amplitudes(windows: BeatWindows, values_mv: Floats, inside: Mask) -> WaveAmplitudes:
    inside = inside & np.isfinite(values_mv)
    high = np.where(inside, values_mv, -np.inf)
    low = np.where(inside, values_mv, np.inf)
    top, bottom = high.argmax(axis=2), low.argmin(axis=2)
    top_mv = np.maximum(high.max(axis=2), 0.0)
    bottom_mv = np.minimum(low.min(axis=2), 0.0)
    is_there = inside.any(axis=2)
    is_up = top_mv >= -bottom_mv
    peak = np.where(is_up, top, bottom)
    smaller = np.minimum(top_mv, -bottom_mv)
    is_biphasic = smaller > np.maximum(_BIPHASIC_SHARE * np.maximum(top_mv, -bottom_mv), _BIPHASIC_MV)
    shape = np.where(is_biphasic, np.where(top < bottom, 2, 3), np.where(is_up, 0, 1))
    peak_s = windows.times_s[np.arange(peak.shape[1]), peak]
    area = np.where(inside, values_mv, 0.0).sum(axis=2) * (1000 / RATE_HZ)
    return WaveAmplitudes(
        peak_s=np.where(is_there, peak_s, np.nan).T,
        mv=np.where(is_there, np.where(is_up, top_mv, bottom_mv), np.nan).T,
        area_mv_ms=np.where(is_there, area, np.nan).T,
        shape=np.where(is_there, shape, -1).T,
    )
