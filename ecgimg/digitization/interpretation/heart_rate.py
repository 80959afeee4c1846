"""A page's beats: how far apart they lie and how wide they are, which tells the speed where nothing is printed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from ecgimg.digitization.model import RowTrace

Floats = NDArray[np.float64]

_STEP_MM, _SMOOTH_MM, _FINE_MM, _STEEPEST = 0.1, 0.75, 0.3, 99
_HEIGHT, _LEAST_MM, _FEWEST = 0.5, 4.0, 2
_REACH_MM, _CENTRE_MM, _REST_PERCENT, _FOOT = 8.0, 2.0, 20, 0.25
_SPACING_S, _SPACING_SPREAD = 0.83, 0.25
_WIDTH_S, _WIDTH_SPREAD = 0.084, 0.16
"""Medians, and spreads of the logarithms, of what is measured here, over 250 records of PTB-XL."""
_MOST_SPREADS = 3.0


class Beats(NamedTuple):
    """How far apart beats lie, and how wide the steep part of one is, in mm of paper."""

    spacing_mm: float
    width_mm: float

    def likelihood(self, speed_mm_s: float) -> float:
        """Return the logarithm of how likely a heart beats so at a paper speed; what is far off counts no more."""
        off = (
            np.log(self.spacing_mm / speed_mm_s / _SPACING_S) / _SPACING_SPREAD,
            np.log(self.width_mm / speed_mm_s / _WIDTH_S) / _WIDTH_SPREAD,
        )
        return -0.5 * float(np.square(np.clip(off, -_MOST_SPREADS, _MOST_SPREADS)).sum())


def find_beats(rows: Sequence[RowTrace], px_per_mm: float) -> Beats | None:
    """Return what a page's beats are like, None where fewer than two are seen.

    Rows show the same heart beside or below each other, so their steep places are summed up before beats are sought.
    """
    left = min(float(row.points_px[0, 0]) for row in rows)
    right = max(float(row.points_px[-1, 0]) for row in rows)
    x = np.arange(left, right, _STEP_MM * px_per_mm)
    if len(x) < 2:
        return None
    total = np.zeros(len(x) - 1)
    for row in rows:
        steep = np.abs(np.diff(np.interp(x, row.points_px[:, 0], row.points_px[:, 1])))
        total += np.minimum(steep / (np.percentile(steep, _STEEPEST) + 1e-9), 1)
    smooth = gaussian_filter1d(total, _SMOOTH_MM / _STEP_MM)
    height = _HEIGHT * float(np.percentile(smooth, _STEEPEST))
    peaks, _ = find_peaks(smooth, height=height, distance=_LEAST_MM / _STEP_MM)
    width_mm = _width_mm(gaussian_filter1d(total, _FINE_MM / _STEP_MM), peaks)
    if len(peaks) < _FEWEST or width_mm is None:
        return None
    return Beats(float(np.median(np.diff(peaks))) * _STEP_MM, width_mm)


def _width_mm(total: Floats, peaks: NDArray[np.intp]) -> float | None:
    """Return how wide the median beat is a quarter up its steepness, None where none is seen as a whole."""
    reach, near = round(_REACH_MM / _STEP_MM), round(_CENTRE_MM / _STEP_MM)
    whole = [total[peak - reach : peak + reach] for peak in peaks if reach <= peak <= len(total) - reach]
    if not whole:
        return None
    beat = np.median(whole, axis=0)
    beat = beat - np.percentile(beat, _REST_PERCENT)
    centre = reach - near + int(beat[reach - near : reach + near].argmax())
    below = np.flatnonzero(beat < _FOOT * beat[centre])
    first = below[below < centre].max(initial=0)
    last = below[below > centre].min(initial=len(beat))
    return float(last - first) * _STEP_MM
