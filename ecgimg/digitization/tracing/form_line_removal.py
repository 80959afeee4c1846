"""Find the straight lines of the form on a flat page: frames, and rules under the header, which are no traces."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from scipy.ndimage import median_filter

from ecgimg.digitization.numerics import Ints, Mask, open_vertically

_LONG_MM = 140.0  # shorter lines may be of a still trace
_VOTES_SHARE = 0.75  # of a long line's pixels; Hough lines with fewer are not looked at
_MAX_TILT_RAD, _TILT_STEP_RAD = np.deg2rad(1.5), np.deg2rad(0.05)  # as much as rules lean on a flat page
_MOST_LINES = 40
_WHOLE_SHARE = 0.97  # of a long stretch that is ink, if it is of a line
_THICKEST_MM = 1.2  # thicker ink crosses a rule
_ABOUT_MM, _LEVEL_MM, _BENT_MM = 1.5, 10.0, 0.15  # ink so near a line; its usual middle over so much; off by so much
_BENT_SHARE = 0.13  # 0.00 to 0.09 on real forms whose rules print touches, 0.17 and more on traces


def form_lines(ink: Mask, px_per_mm: float) -> Mask:
    """Return which ink (height, width) is of straight level lines of 140 mm or more, strokes that cross them left out.

    The trace of a lead that is nearly still may be as straight for as long, but its beats bend it again and again.
    """
    lines = np.zeros(ink.shape, bool)
    long_px = _LONG_MM * px_per_mm
    if ink.shape[1] < long_px:
        return lines
    thin = ink & ~open_vertically(ink, int(_THICKEST_MM * px_per_mm) + 1)
    for y in _candidate_lines(thin, long_px):
        is_inside = (y >= 0) & (y < len(ink))
        x = np.flatnonzero(is_inside)
        is_ink = np.zeros(len(y), bool)
        is_ink[is_inside] = ink[y[x], x] & ~lines[y[x], x]
        is_line = _is_in_long_stretch(is_ink, round(long_px))
        if is_line.any() and not _has_beats(ink, y, np.flatnonzero(is_line), px_per_mm):
            lines |= _runs_at_line(thin, y, is_ink & is_line)
    return lines


def _candidate_lines(thin: Mask, long_px: float) -> Iterator[Ints]:
    """Yield the height (width,) px in every column of each nearly level line that much thin ink lies on."""
    found = cv2.HoughLines(
        thin.astype(np.uint8), 1, _TILT_STEP_RAD, int(_VOTES_SHARE * long_px),
        min_theta=np.pi / 2 - _MAX_TILT_RAD, max_theta=np.pi / 2 + _MAX_TILT_RAD,
    )  # fmt: skip
    x = np.arange(thin.shape[1])
    for distance, angle in [] if found is None else found[:_MOST_LINES, 0]:
        yield np.rint((distance - x * np.cos(angle)) / np.sin(angle)).astype(int)


def _has_beats(ink: Mask, y: Ints, columns: Ints, px_per_mm: float) -> bool:
    """Tell whether the ink about a line leaves its middle in too many columns for print that touches a rule."""
    reach = round(_ABOUT_MM * px_per_mm)
    offsets = np.arange(-reach, reach + 1)[:, None]
    band = ink[np.clip(y[columns] + offsets, 0, len(ink) - 1), columns].astype(np.float64)
    middle = (band * offsets).sum(axis=0) / np.maximum(band.sum(axis=0), 1)
    usual = median_filter(middle, size=round(_LEVEL_MM * px_per_mm) | 1)
    return bool((np.abs(middle - usual) > _BENT_MM * px_per_mm).mean() > _BENT_SHARE)


def _is_in_long_stretch(is_ink: Mask, length: int) -> Mask:
    """Return which columns (width,) lie in a stretch of that length that is ink nearly everywhere."""
    n_ink = np.concatenate([[0], np.cumsum(is_ink)])
    starts = np.flatnonzero(n_ink[length:] - n_ink[:-length] >= _WHOLE_SHARE * length)
    edges = np.zeros(len(is_ink) + 1, int)
    np.add.at(edges, starts, 1)
    np.add.at(edges, starts + length, -1)
    return np.cumsum(edges)[:-1] > 0


def _runs_at_line(thin: Mask, y: Ints, columns: Mask) -> Mask:
    """Return the thin ink of the columns' runs that meet the line at heights y."""
    runs = np.zeros(thin.shape, bool)
    first_x = np.flatnonzero(columns)
    for step in (1, -1):
        x, height = first_x, y[first_x].copy()
        while len(x):
            kept = (height >= 0) & (height < len(thin))
            x, height = x[kept], height[kept]
            kept = thin[height, x]
            x, height = x[kept], height[kept]
            runs[height, x] = True
            height = height + step
    return runs
