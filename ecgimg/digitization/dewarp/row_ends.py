"""Lay a page without ruling flat by its rows: they are all as long, and start and end below each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.dewarp.page_map import PageMap, apply_homography
from ecgimg.digitization.model import FlatPage, RowTrace

Floats = NDArray[np.float64]

_FEWEST_ROWS, _ROWS_TO_BEND, _ROWS_A_STRAY = 3, 6, 5
_END_SHARE = 0.15
_ASTRAY_MM, _OFF_MM, _OFF_SHARE, _UNEVEN_MM, _CLEARLY = 1.0, 0.4, 0.06, 1.0, 5.0
_MOST_UNEVEN, _LEAST_CONVERGING = 0.35, 0.05
_ROUNDS = 12


def align_row_ends(page: FlatPage, rows: Sequence[RowTrace]) -> PageMap | None:
    """Return the page's map with its rows' ends brought below each other, or None where they are, or tell nothing.

    Where rows are longer the higher or the lower they lie, the perspective is undone by the four outer corners of all;
    of many rows a curve that is left is taken out as well.
    """
    if len(rows) < _FEWEST_ROWS:
        return None
    ends = np.array([_ends(row) for row in rows]) / page.px_per_mm + np.asarray(page.origin_mm)
    degree = 2 if len(rows) >= _ROWS_TO_BEND else 1
    lines = [_line(ends[:, side], degree) for side in (0, 1)]
    told = np.stack([np.polyval(line, ends[:, side, 1]) for side, line in enumerate(lines)], axis=1)
    off = np.sort(np.abs(told - ends[..., 0]), axis=0)[-1 - len(rows) // _ROWS_A_STRAY]
    widths = told[:, 1] - told[:, 0]  # both ends aslant alike are a page at an angle, and no perspective
    least = max(_UNEVEN_MM, _CLEARLY * float(off.max()))
    uneven = float(np.ptp(widths))
    if off.max() > max(_OFF_MM, _OFF_SHARE * uneven) or not least < uneven < _MOST_UNEVEN * np.median(widths):
        return None
    to_even = _perspective(ends, [_line(ends[:, side], 1) for side in (0, 1)])
    flat = page.page_map
    nodes = apply_homography(to_even, flat.nodes_mm())
    if degree == 2:
        left, right = (
            apply_homography(to_even, np.stack([told[:, side], ends[:, side, 1]], axis=1)) for side in (0, 1)
        )
        bends = [np.polyfit(edge[:, 1], edge[:, 0], 2) for edge in (left, right)]
        heights = np.clip(
            nodes[..., 1], min(left[:, 1].min(), right[:, 1].min()), max(left[:, 1].max(), right[:, 1].max())
        )
        starts, stops = (np.polyval(bend, heights) for bend in bends)
        first, last = float(np.median(left[:, 0])), float(np.median(right[:, 0]))
        nodes[..., 0] = first + (nodes[..., 0] - starts) * (last - first) / (stops - starts)
    bent = replace(flat, bend_mm=np.zeros_like(flat.bend_mm))
    return replace(flat, bend_mm=bent.nodes_mm() - nodes)


def _ends(row: RowTrace) -> Floats:
    """Return where a row starts and ends (2, 2), in px: its own x, and the heights about which it lies there."""
    n = max(round(_END_SHARE * len(row.points_px)), 1)
    heights = [float(np.median(part[:, 1])) for part in (row.points_px[:n], row.points_px[-n:])]
    return np.array([[row.left_px, heights[0]], [row.right_px, heights[1]]])


def _line(points: Floats, degree: int) -> Floats:
    """Fit x by y to points (n, 2) with a polynomial, those far off left out; its coefficients, the highest first."""
    middle = np.median(points[:, 0])
    order = np.argsort(np.abs(points[:, 0] - middle))
    slopes = [
        (points[i, 0] - points[j, 0]) / (points[i, 1] - points[j, 1])
        for i in order for j in order if points[i, 1] - points[j, 1] > 1
    ]  # fmt: skip
    slope = float(np.median(slopes)) if slopes else 0.0
    line = np.array([slope, float(np.median(points[:, 0] - slope * points[:, 1]))])
    for _ in range(_ROUNDS):
        off = (np.polyval(line, points[:, 1]) - points[:, 0]) / _ASTRAY_MM
        weights = np.clip(1 - off**2, 0, None) + 1e-6
        line = np.polyfit(points[:, 1], points[:, 0], degree, w=weights)
    return line


def _perspective(ends: Floats, lines: Sequence[Floats]) -> Floats:
    """Return the homography (3, 3) of mm that makes a rectangle of the rows' outer corners."""
    top, bottom = (int(pick(ends[:, :, 1].mean(axis=1))) for pick in (np.argmin, np.argmax))
    heights = ends[[top, bottom], :, 1]  # (top and bottom, left and right)
    spans = heights[1] - heights[0]
    if abs(spans[0] / spans[1] - 1) < _LEAST_CONVERGING:  # within what a wandering trace does
        tilt = float((heights[:, 1] - heights[:, 0]).mean()) / 2
        heights = heights.mean(axis=1, keepdims=True) + np.array([-tilt, tilt])
    corners = np.array(
        [
            [np.polyval(lines[side], heights[end, side]), heights[end, side]]
            for end, side in ((0, 0), (0, 1), (1, 1), (1, 0))
        ]
    )
    x = (corners[[0, 3], 0].mean(), corners[[1, 2], 0].mean())
    y = heights.mean(axis=1)
    even = np.array([[x[0], y[0]], [x[1], y[0]], [x[1], y[1]], [x[0], y[1]]])
    return np.asarray(cv2.getPerspectiveTransform(corners.astype(np.float32), even.astype(np.float32)), np.float64)
