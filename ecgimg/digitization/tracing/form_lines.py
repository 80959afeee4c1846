"""Find the straight lines of the form on a flat page: frames, and rules under the header, which are no traces."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

Mask = NDArray[np.bool_]

_LONG_MM = 140.0
_VOTES_SHARE = 0.75
_MAX_TILT_RAD, _TILT_STEP_RAD = np.deg2rad(1.5), np.deg2rad(0.05)
_MOST_LINES = 40
_WHOLE_SHARE = 0.97
_THICKEST_MM = 1.2
_ABOUT_MM, _LEVEL_MM, _BENT_MM = 1.5, 10.0, 0.15
_BENT_SHARE = 0.13  # 0.00 to 0.09 on real forms whose rules print touches, 0.17 and more on traces


def form_lines(ink: Mask, px_per_mm: float) -> Mask:
    """Return which ink (height, width) is of straight level lines of 140 mm or more, strokes that cross them left out.

    The trace of a lead that is nearly still may be as straight for as long, but its beats bend it again and again.
    """
    lines = np.zeros(ink.shape, bool)
    long_px = _LONG_MM * px_per_mm
    if ink.shape[1] < long_px:
        return lines
    thin = _thin(ink, _THICKEST_MM * px_per_mm)
    found = cv2.HoughLines(
        thin.astype(np.uint8), 1, _TILT_STEP_RAD, int(_VOTES_SHARE * long_px),
        min_theta=np.pi / 2 - _MAX_TILT_RAD, max_theta=np.pi / 2 + _MAX_TILT_RAD,
    )  # fmt: skip
    x = np.arange(ink.shape[1])
    for distance, angle in [] if found is None else found[:_MOST_LINES, 0]:
        y = np.rint((distance - x * np.cos(angle)) / np.sin(angle)).astype(int)
        inside = (y >= 0) & (y < len(ink))
        hit = np.zeros(len(x), bool)
        hit[inside] = ink[y[inside], x[inside]] & ~lines[y[inside], x[inside]]
        stretch = _in_long_stretch(hit, round(long_px))
        if stretch.any() and not _beats(ink, y, np.flatnonzero(stretch), px_per_mm):
            lines |= _joined(thin, y, hit & stretch)
    return lines


def _beats(ink: Mask, y: NDArray[np.int_], columns: NDArray[np.int_], px_per_mm: float) -> bool:
    """Tell whether the ink about a line leaves its middle in too many columns for print that touches a rule."""
    reach = round(_ABOUT_MM * px_per_mm)
    offsets = np.arange(-reach, reach + 1)[:, None]
    band = ink[np.clip(y[columns] + offsets, 0, len(ink) - 1), columns].astype(np.float64)
    middle = (band * offsets).sum(axis=0) / np.maximum(band.sum(axis=0), 1)
    usual = median_filter(middle, size=round(_LEVEL_MM * px_per_mm) | 1)
    return bool((np.abs(middle - usual) > _BENT_MM * px_per_mm).mean() > _BENT_SHARE)


def _thin(ink: Mask, thickest_px: float) -> Mask:
    """Return the ink whose run down the page is at most so many pixels."""
    opened = cv2.morphologyEx(ink.astype(np.uint8), cv2.MORPH_OPEN, np.ones((int(thickest_px) + 1, 1), np.uint8))
    return np.asarray(ink & (opened == 0), bool)


def _in_long_stretch(hit: Mask, length: int) -> Mask:
    """Return which places lie in a stretch of that length that is hit nearly everywhere."""
    hits = np.concatenate([[0], np.cumsum(hit)])
    starts = np.flatnonzero(hits[length:] - hits[:-length] >= _WHOLE_SHARE * length)
    edges = np.zeros(len(hit) + 1, int)
    np.add.at(edges, starts, 1)
    np.add.at(edges, starts + length, -1)
    return np.cumsum(edges)[:-1] > 0


def _joined(thin: Mask, y: NDArray[np.int_], columns: Mask) -> Mask:
    """Return the thin ink of the columns' runs that meet the line at heights y."""
    result = np.zeros(thin.shape, bool)
    x = np.flatnonzero(columns)
    for way in (1, -1):
        at = y[x].copy()
        on = x
        while len(on):
            kept = (at >= 0) & (at < len(thin))
            on, at = on[kept], at[kept]
            kept = thin[at, on]
            on, at = on[kept], at[kept]
            result[at, on] = True
            at = at + way
    return result
