"""Remove annotations: somebody's pen strokes on the paper, which the network takes for trace.

They are far thicker than the printer's strokes.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.dewarp.resample import darkness_against_paper
from ecgimg.digitization.model import FlatPage
from ecgimg.digitization.numerics import Ints, Mask
from ecgimg.digitization.segmentation.ink_runs import column_runs, pixels_of_runs

_FLAT_MM = 1.5  # a run no higher is of a flat stroke, and shows how thick print is
_FLAT_PERCENT, _TRACE_PERCENT = 50, 85  # of the print's thickness; strokes aslant are measured against more of it
_THICKER, _THICKER_PX = 2.0, 2.5  # by so much, both, a flat annotation exceeds the print
_THICKER_ASLANT, _THICKER_ASLANT_PX = 1.3, 1.2  # by so much one aslant does
_PEN_PERCENT = 70  # of an aslant stroke's thickness, which has to exceed the print's
_LONG_MM, _UPRIGHT = 8.0, 2.0  # complexes are shorter along x, or so many times as high as wide
_MOST_OF_INK = 0.5  # where more would go, the print itself is thick in places
_FRINGE_PX = 1.0  # the blurred edge of a stroke
_NEAR_MM, _BESIDE_TRACE = 8.0, 0.4  # a flat annotation has a trace so near along so much of it
_INK_SHARE = 0.6  # of full ink


def remove_annotations(mask: Mask, dark: Mask, coloured: Mask, px_per_mm: float) -> Mask:
    """Take thick strokes that run on along x or aslant out of trace ink; complexes are thick but short.

    A flat annotation has a trace beside it or within. Where most of the trace would go the print itself is thick in
    places, and nothing is taken.

    Parameters
    ----------
    mask : (height, width) bool
        Ink of traces.
    dark, coloured : (height, width) bool
        All ink, whatever the network takes it for, and ink of any colour, as `ink_masks` gives them.
    """
    left = mask & ~_strokes_aslant(mask, mask | coloured, px_per_mm)
    left &= ~_flat_strokes(left, left | dark, px_per_mm)
    return left if left.sum() > (1 - _MOST_OF_INK) * mask.sum() else mask


def _flat_strokes(mask: Mask, ink: Mask, px_per_mm: float) -> Mask:
    """Return the strokes far thicker than flat print mostly is that run on along x beside a trace."""
    heights = column_runs(mask)[-1]
    flat = heights[heights < _FLAT_MM * px_per_mm]
    usual = float(np.percentile(flat, _FLAT_PERCENT)) if len(flat) else 1.0
    thickness = round(max(_THICKER * usual, usual + _THICKER_PX))
    labels, stats = _thick_components(ink, thickness)
    is_annotation = stats[:, cv2.CC_STAT_WIDTH] > _LONG_MM * px_per_mm
    is_annotation[0] = False
    left = mask & ~_with_edges(is_annotation[labels], thickness)
    reach_px = round(_NEAR_MM * px_per_mm)
    for k in np.flatnonzero(is_annotation):
        x, y, width, height, _ = stats[k]
        near = left[max(y - reach_px, 0) : y + height + reach_px, x : x + width]
        is_annotation[k] = near.any(axis=0).mean() > _BESIDE_TRACE  # else it is the trace itself, trembling
    return _with_edges(is_annotation[labels], thickness)


def _strokes_aslant(mask: Mask, ink: Mask, px_per_mm: float) -> Mask:
    """Return the strokes thicker than flat print hardly ever is that run on aslant: ticks and circles."""
    thickness = 2 * cv2.distanceTransform(ink.view(np.uint8), cv2.DIST_L2, 5)
    usual = _print_thickness(mask, thickness, px_per_mm)
    least = max(_THICKER_ASLANT * usual, usual + _THICKER_ASLANT_PX)
    labels, stats = _thick_components(ink, round(least))
    widths, heights = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    is_annotation = (np.minimum(widths, heights) > _LONG_MM * px_per_mm) & (heights < _UPRIGHT * widths)
    is_annotation[0] = False
    for k in np.flatnonzero(is_annotation):
        x, y, width, height, _ = stats[k]
        window = slice(y, y + height), slice(x, x + width)
        is_annotation[k] = np.percentile(thickness[window][labels[window] == k], _PEN_PERCENT) > least
    return _with_edges(is_annotation[labels], round(least))


def _thick_components(ink: Mask, thickness: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the components of ink so many px across: labels (height, width), and OpenCV's statistics (n, 5)."""
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (thickness, thickness))
    thick = cv2.morphologyEx(ink.view(np.uint8), cv2.MORPH_OPEN, disk)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(thick, connectivity=8)
    return np.asarray(labels, np.int32), np.asarray(stats, np.int32)


def _with_edges(strokes: Mask, thickness: int) -> Mask:
    """Return strokes (height, width) so many px across with the ink at their edges."""
    if not strokes.any():
        return strokes
    reach = 2 * round(thickness / 2 + _FRINGE_PX) + 1
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    return np.asarray(cv2.dilate(strokes.view(np.uint8), disk) > 0, bool)


def _print_thickness(mask: Mask, thickness: NDArray[np.float32], px_per_mm: float) -> float:
    """Return how thick the flat ink of traces is, in px, in all but the thickest of its columns."""
    down, _, _, heights = column_runs(mask)
    is_flat = heights < _FLAT_MM * px_per_mm
    if not is_flat.any():
        return 1.0
    run_starts: Ints = np.cumsum(heights) - heights
    thickest = np.maximum.reduceat(thickness[pixels_of_runs(down)], run_starts)
    return float(np.percentile(thickest[is_flat], _TRACE_PERCENT))


def ink_masks(page: FlatPage, full_darkness: float) -> tuple[Mask, Mask]:
    """Return where ink is (height, width), and where ink of any colour is, by the channel in which it is darkest.

    `full_darkness` is the darkness of a pixel that the trace covers in full.
    """
    red, green, blue = cv2.split(page.image)
    least = _INK_SHARE * full_darkness
    darkest_channel = np.asarray(cv2.min(cv2.min(red, green), blue), np.uint8)
    return page.darkness > least, darkness_against_paper(darkest_channel) > least
