"""How far apart a page's beats lie: what tells the paper speed where nothing is printed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from ecgimg.digitize.row_trace import RowTrace

Floats = NDArray[np.float64]

_STEP_MM, _SMOOTH_MM, _STEEPEST = 0.25, 0.75, 99
_HEIGHT, _LEAST_MM, _FEWEST = 0.5, 4.0, 2


def beat_spacing_mm(rows: Sequence[RowTrace], px_per_mm: float) -> float | None:
    """Return the median distance of beats along the rows in mm of paper, None where fewer than two are seen.

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
    total = gaussian_filter1d(total, _SMOOTH_MM / _STEP_MM)
    peaks, _ = find_peaks(total, height=_HEIGHT * float(np.percentile(total, _STEEPEST)), distance=_LEAST_MM / _STEP_MM)
    return float(np.median(np.diff(peaks))) * _STEP_MM if len(peaks) >= _FEWEST else None
