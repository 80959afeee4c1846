"""Spacing and width of the beats of a page, in mm: they tell the paper speed where nothing is printed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from ecgimg.digitization.model import RowTrace
from ecgimg.digitization.numerics import Floats

_STEP_MM = 0.1  # of the grid on which steepness is summed up
_JOIN_MM, _FINE_MM = 0.75, 0.3  # smoothing that joins the slopes of a beat, and one that keeps its width
_TOP_PERCENT = 99  # the steepest ink of a row, but for single spikes
_PEAK_SHARE, _MIN_SPACING_MM = 0.5, 4.0  # a peak is half as high as the highest, and as far from the next
_MIN_BEATS = 2  # one beat has no spacing
_WINDOW_MM, _CENTRE_MM = 8.0, 2.0  # half widths: of what is averaged, and of where its peak may lie
_REST_PERCENT, _BASE_SHARE = 20, 0.25  # the steepness between beats, and how far up a beat its width is measured
_SPACING_S, _SPACING_SPREAD = 0.83, 0.25
_WIDTH_S, _WIDTH_SPREAD = 0.084, 0.16
"""Medians, and spreads of the logarithms, of what is measured here, over 250 records of PTB-XL."""
_MAX_SPREADS = 3.0  # beats that are farther off fit no speed, so that they count no more


class BeatStatistics(NamedTuple):
    """How far apart beats lie, and how wide the steep part of one is, in mm of paper."""

    spacing_mm: float
    width_mm: float

    def log_likelihood(self, speed_mm_s: float) -> float:
        """Return the log likelihood of such beats at a paper speed, up to a constant."""
        deviations = (
            np.log(self.spacing_mm / speed_mm_s / _SPACING_S) / _SPACING_SPREAD,
            np.log(self.width_mm / speed_mm_s / _WIDTH_S) / _WIDTH_SPREAD,
        )
        return -0.5 * float(np.square(np.clip(deviations, -_MAX_SPREADS, _MAX_SPREADS)).sum())


def measure_beats(rows: Sequence[RowTrace], px_per_mm: float) -> BeatStatistics | None:
    """Measure the spacing and the width of the beats of a page, None where the rows show fewer than two.

    The steepness of all rows is summed up first, because rows show the same heart beside or below each other.

    Parameters
    ----------
    px_per_mm : float
        Of the flat page.
    """
    steepness = _sum_steepness(rows, px_per_mm)
    if not len(steepness):
        return None
    joined = gaussian_filter1d(steepness, _JOIN_MM / _STEP_MM)
    height = _PEAK_SHARE * float(np.percentile(joined, _TOP_PERCENT))
    peaks, _ = find_peaks(joined, height=height, distance=_MIN_SPACING_MM / _STEP_MM)
    width_mm = _beat_width_mm(gaussian_filter1d(steepness, _FINE_MM / _STEP_MM), peaks)
    if len(peaks) < _MIN_BEATS or width_mm is None:
        return None
    return BeatStatistics(float(np.median(np.diff(peaks))) * _STEP_MM, width_mm)


def _sum_steepness(rows: Sequence[RowTrace], px_per_mm: float) -> Floats:
    """Return the steepness (steps,) along x of all rows together, 1 for a steep row; empty if rows have no width."""
    left = min(float(row.points_px[0, 0]) for row in rows)
    right = max(float(row.points_px[-1, 0]) for row in rows)
    x = np.arange(left, right, _STEP_MM * px_per_mm)
    if len(x) < 2:
        return np.zeros(0)
    steepness = np.zeros(len(x) - 1)
    for row in rows:
        row_steepness = np.abs(np.diff(np.interp(x, row.points_px[:, 0], row.points_px[:, 1])))
        steepness += np.minimum(row_steepness / (np.percentile(row_steepness, _TOP_PERCENT) + 1e-9), 1)
    return steepness


def _beat_width_mm(steepness: Floats, peaks: NDArray[np.intp]) -> float | None:
    """Return the width of the median beat at a quarter of its steepness, None where no beat is complete."""
    half, near = round(_WINDOW_MM / _STEP_MM), round(_CENTRE_MM / _STEP_MM)
    beats = [steepness[peak - half : peak + half] for peak in peaks if half <= peak <= len(steepness) - half]
    if not beats:
        return None
    beat = np.median(beats, axis=0)
    beat = beat - np.percentile(beat, _REST_PERCENT)
    centre = half - near + int(beat[half - near : half + near].argmax())
    below = np.flatnonzero(beat < _BASE_SHARE * beat[centre])
    first = below[below < centre].max(initial=0)
    last = below[below > centre].min(initial=len(beat))
    return float(last - first) * _STEP_MM
