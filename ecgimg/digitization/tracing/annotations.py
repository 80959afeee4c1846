"""Somebody's pen on the paper, which the network takes for trace: strokes far thicker than the printer's."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.dewarp.resample import darkness_against_paper
from ecgimg.digitization.model import FlatPage
from ecgimg.digitization.segmentation.ink_runs import column_runs, pixels_of_runs

_THICKER, _AT_LEAST_PX = 2.0, 2.5
_THICKER_ASLANT, _AT_LEAST_ASLANT_PX = 1.3, 1.2
_FLAT_MM, _FLAT_PERCENT, _TRACE_PERCENT, _PEN_PERCENT = 1.5, 50, 85, 70
_LONG_MM, _UPRIGHT = 8.0, 2.0
_MOST_OF_INK = 0.5
_FRINGE_PX = 1.0
_NEAR_MM, _BESIDE_TRACE = 8.0, 0.4
_DARK = 0.6


def without_pens(
    mask: NDArray[np.bool_], dark: NDArray[np.bool_], coloured: NDArray[np.bool_], px_per_mm: float
) -> NDArray[np.bool_]:
    """Take thick strokes that run on along x or aslant out of trace ink (height, width); complexes are thick but short.

    `dark` is all ink, whatever the network takes it for, and `coloured` that of any colour. A flat stroke of a pen has
    a trace beside it or within; where most of the trace would go the print itself is thick in places, and nothing is
    taken.
    """
    left = mask & ~_aslant_pens(mask, mask | coloured, px_per_mm)
    left &= ~_flat_pens(left, left | dark, px_per_mm)
    return left if left.sum() > (1 - _MOST_OF_INK) * mask.sum() else mask


def _flat_pens(mask: NDArray[np.bool_], inked: NDArray[np.bool_], px_per_mm: float) -> NDArray[np.bool_]:
    """Return where strokes far thicker than flat ink mostly is run on along x beside a trace, and close around them."""
    heights = column_runs(mask)[-1]
    flat = heights[heights < _FLAT_MM * px_per_mm]
    usual = float(np.percentile(flat, _FLAT_PERCENT)) if len(flat) else 1.0
    across = round(max(_THICKER * usual, usual + _AT_LEAST_PX))
    labels, stats = _thick(inked, across)
    is_pen = stats[:, cv2.CC_STAT_WIDTH] > _LONG_MM * px_per_mm
    is_pen[0] = False
    left = mask & ~_around(is_pen[labels], across)
    reach_px = round(_NEAR_MM * px_per_mm)
    for k in np.flatnonzero(is_pen):
        x, y, width, height, _ = stats[k]
        near = left[max(y - reach_px, 0) : y + height + reach_px, x : x + width]
        is_pen[k] = near.any(axis=0).mean() > _BESIDE_TRACE  # else it is the trace itself, trembling
    return _around(is_pen[labels], across)


def _aslant_pens(mask: NDArray[np.bool_], inked: NDArray[np.bool_], px_per_mm: float) -> NDArray[np.bool_]:
    """Return where strokes thicker than flat ink hardly ever is, ticks and circles, run on aslant, and around them."""
    thickness = 2 * cv2.distanceTransform(inked.view(np.uint8), cv2.DIST_L2, 5)
    usual = _usual_thickness(mask, thickness, px_per_mm)
    least = max(_THICKER_ASLANT * usual, usual + _AT_LEAST_ASLANT_PX)
    labels, stats = _thick(inked, round(least))
    widths, heights = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    is_pen = (np.minimum(widths, heights) > _LONG_MM * px_per_mm) & (heights < _UPRIGHT * widths)
    is_pen[0] = False
    for k in np.flatnonzero(is_pen):
        x, y, width, height, _ = stats[k]
        window = slice(y, y + height), slice(x, x + width)
        is_pen[k] = np.percentile(thickness[window][labels[window] == k], _PEN_PERCENT) > least
    return _around(is_pen[labels], round(least))


def _thick(inked: NDArray[np.bool_], across: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the pieces of ink so many px across: labels (height, width), and what OpenCV tells of each (n, 5)."""
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (across, across))
    thick = cv2.morphologyEx(inked.view(np.uint8), cv2.MORPH_OPEN, disk)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(thick, connectivity=8)
    return np.asarray(labels, np.int32), np.asarray(stats, np.int32)


def _around(strokes: NDArray[np.bool_], across: int) -> NDArray[np.bool_]:
    """Return strokes (height, width) so many px across with the ink at their edges."""
    if not strokes.any():
        return strokes
    reach = 2 * round(across / 2 + _FRINGE_PX) + 1
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    return np.asarray(cv2.dilate(strokes.view(np.uint8), disk) > 0, bool)


def _usual_thickness(mask: NDArray[np.bool_], thickness: NDArray[np.float32], px_per_mm: float) -> float:
    """Return how thick the flat ink of traces is, in px, in all but the thickest of its columns."""
    down, _, _, heights = column_runs(mask)
    flat = heights < _FLAT_MM * px_per_mm
    if not flat.any():
        return 1.0
    each = np.maximum.reduceat(thickness[pixels_of_runs(down)], np.cumsum(heights) - heights)
    return float(np.percentile(each[flat], _TRACE_PERCENT))


def all_ink(page: FlatPage, level: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return where ink is (height, width), and where ink of any colour is, by the channel in which it is darkest.

    That of the trace is as dark as `level`.
    """
    red, green, blue = cv2.split(page.image)
    least = _DARK * level
    lowest = np.asarray(cv2.min(cv2.min(red, green), blue), np.uint8)
    return page.darkness > least, darkness_against_paper(lowest) > least
