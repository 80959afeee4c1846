"""Find the straight lines of the form on a flat page: frames, and rules under the header, which are no traces."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

_LONG_MM = 140.0
_VOTES_SHARE = 0.75
_MAX_TILT_RAD, _TILT_STEP_RAD = np.deg2rad(1.5), np.deg2rad(0.05)
_MOST_LINES = 40
_WHOLE_SHARE = 0.97
_THICKEST_MM = 1.2


def form_lines(ink: Mask, px_per_mm: float) -> Mask:
    """Return which ink (height, width) is of straight level lines of 140 mm or more, strokes that cross them left out.

    A trace is never as straight for as long: a lead that is still ends after its column.
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
        lines |= _joined(thin, y, hit & _in_long_stretch(hit, round(long_px)))
    return lines


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
