"""Somebody's pen on the paper, which the network takes for trace: strokes far thicker than the printer's."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitize.runs import column_runs

_THICKER, _AT_LEAST_PX = 2.0, 2.5
_LONG_MM = 8.0
_MOST_OF_INK = 0.5
_FLAT_MM, _FLAT_PERCENT = 1.5, 50
_FRINGE_PX = 1.0
_NEAR_MM, _BESIDE_TRACE = 8.0, 0.4


def without_pens(mask: NDArray[np.bool_], dark: NDArray[np.bool_], px_per_mm: float) -> NDArray[np.bool_]:
    """Take thick strokes that run on along x out of trace ink (height, width); narrow complexes are thick, but short.

    `dark` is all ink, whatever the network takes it for. A pen's stroke has a trace beside it or within; where most of
    the trace would go the print itself is thick in places, and nothing is taken.
    """
    thickness = _flat_thickness(mask, px_per_mm)
    across = round(max(_THICKER * thickness, thickness + _AT_LEAST_PX))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (across, across))
    thick = cv2.morphologyEx((mask | dark).view(np.uint8), cv2.MORPH_OPEN, disk)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(thick, connectivity=8)
    is_pen = stats[:, cv2.CC_STAT_WIDTH] > _LONG_MM * px_per_mm
    is_pen[0] = False
    if not is_pen.any():
        return mask
    reach = 2 * round(across / 2 + _FRINGE_PX) + 1
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))

    def without(taken: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return np.asarray(mask & ~(cv2.dilate(taken[labels].astype(np.uint8), around) > 0), bool)

    left = without(is_pen)
    reach_px = round(_NEAR_MM * px_per_mm)
    for k in np.flatnonzero(is_pen):
        x, y, width, height, _ = stats[k]
        near = left[max(y - reach_px, 0) : y + height + reach_px, x : x + width]
        is_pen[k] = near.any(axis=0).mean() > _BESIDE_TRACE  # else it is the trace itself, trembling
    left = without(is_pen)
    return left if left.sum() > (1 - _MOST_OF_INK) * mask.sum() else mask


def _flat_thickness(mask: NDArray[np.bool_], px_per_mm: float) -> float:
    """Return the height in px of usual flat ink, that of specks left out."""
    heights = column_runs(mask)[-1]
    flat = heights[heights < _FLAT_MM * px_per_mm]
    return float(np.percentile(flat, _FLAT_PERCENT)) if len(flat) else 1.0
