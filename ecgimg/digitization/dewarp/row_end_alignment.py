"""Dewarp a page without a grid by its rows: all are as long, and they start and end below each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from ecgimg.digitization.dewarp.page_map import PageMap, apply_homography
from ecgimg.digitization.model import FlatPage, RowTrace
from ecgimg.digitization.numerics import Floats

_FEWEST_ROWS = 3
_ROWS_TO_BEND = 6  # fewer rows determine a straight edge only
_ROWS_PER_STRAY = 5  # one row in so many may end anywhere, as where a letter is taken for trace
_END_SHARE = 0.15  # of a row, for the height at its end
_MIN_HEIGHT_DIFFERENCE_MM = 1
_STRAY_MM = 1.0  # an end so far off the edge does not count
_OFF_MM, _OFF_SHARE = 0.4, 0.06  # off their edge, or of the difference in length: more is ragged
_MIN_UNEVEN_MM = 1.0  # least difference of rows in length
_MIN_UNEVEN_RATIO = 5.0  # of that difference to how far ends are off their edge
_MAX_UNEVEN_SHARE = 0.35  # of the usual length; more is no perspective
_MIN_CONVERGENCE = 0.05  # of the height between rows; a wandering trace does as much
_ROUNDS = 12


def align_row_ends(page: FlatPage, rows: Sequence[RowTrace]) -> PageMap | None:
    """Return the page map with the rows' ends brought below each other, or None where they are, or are ragged.

    Where rows are longer the higher or the lower they lie, the perspective is undone by the four outer corners of all.
    With many rows, a curve that is left is taken out as well.

    Parameters
    ----------
    page : FlatPage
        A page without a grid.
    rows : sequence of RowTrace
        Its traces.
    """
    if len(rows) < _FEWEST_ROWS:
        return None
    ends = np.array([_row_ends_px(row) for row in rows]) / page.px_per_mm + np.asarray(page.origin_mm)
    degree = 2 if len(rows) >= _ROWS_TO_BEND else 1
    edges = [_fit_edge(ends[:, side], degree) for side in (0, 1)]
    fitted_x = np.stack([np.polyval(edge, ends[:, side, 1]) for side, edge in enumerate(edges)], axis=1)
    if not _tells_perspective(ends, fitted_x):
        return None
    homography = _perspective(ends, [_fit_edge(ends[:, side], 1) for side in (0, 1)])
    nodes_mm = apply_homography(homography, page.page_map.nodes_mm())
    if degree == 2:
        left, right = (np.stack([fitted_x[:, side], ends[:, side, 1]], axis=1) for side in (0, 1))
        nodes_mm = _straightened(nodes_mm, apply_homography(homography, left), apply_homography(homography, right))
    unbent = replace(page.page_map, bend_mm=np.zeros_like(page.page_map.bend_mm))
    return replace(unbent, bend_mm=unbent.nodes_mm() - nodes_mm)


def _row_ends_px(row: RowTrace) -> Floats:
    """Return where a row starts and ends (2, 2): its own x, and the heights about which it lies there."""
    n = max(round(_END_SHARE * len(row.points_px)), 1)
    heights = [float(np.median(points[:, 1])) for points in (row.points_px[:n], row.points_px[-n:])]
    return np.array([[row.left_px, heights[0]], [row.right_px, heights[1]]])


def _tells_perspective(ends: Floats, fitted_x: Floats) -> bool:
    """Tell whether ends (n, 2, 2) lie on their edges (n, 2), and whether rows differ clearly in length.

    Edges that are aslant alike are those of a page at an angle, and no perspective.
    """
    off_mm = float(np.sort(np.abs(fitted_x - ends[..., 0]), axis=0)[-1 - len(ends) // _ROWS_PER_STRAY].max())
    lengths = fitted_x[:, 1] - fitted_x[:, 0]
    uneven_mm = float(np.ptp(lengths))
    if off_mm > max(_OFF_MM, _OFF_SHARE * uneven_mm):
        return False
    least_mm = max(_MIN_UNEVEN_MM, _MIN_UNEVEN_RATIO * off_mm)
    return bool(least_mm < uneven_mm < _MAX_UNEVEN_SHARE * np.median(lengths))


def _fit_edge(points: Floats, degree: int) -> Floats:
    """Fit x by y to points (n, 2) with a polynomial, stray ones left out; return its coefficients, the highest first.

    The start is the line of the median slope, so that a stray point does not lead.
    """
    order = np.argsort(np.abs(points[:, 0] - np.median(points[:, 0])))
    slopes = [
        (points[i, 0] - points[j, 0]) / (points[i, 1] - points[j, 1])
        for i in order for j in order if points[i, 1] - points[j, 1] > _MIN_HEIGHT_DIFFERENCE_MM
    ]  # fmt: skip
    slope = float(np.median(slopes)) if slopes else 0.0
    edge = np.array([slope, float(np.median(points[:, 0] - slope * points[:, 1]))])
    for _ in range(_ROUNDS):
        off = (np.polyval(edge, points[:, 1]) - points[:, 0]) / _STRAY_MM
        weights = np.clip(1 - off**2, 0, None) + 1e-6
        edge = np.polyfit(points[:, 1], points[:, 0], degree, w=weights)
    return edge


def _perspective(ends: Floats, edges: Sequence[Floats]) -> Floats:
    """Return the homography (3, 3) of mm that makes a rectangle of the outer corners of rows (n, 2, 2)."""
    top, bottom = (int(pick(ends[:, :, 1].mean(axis=1))) for pick in (np.argmin, np.argmax))
    heights = ends[[top, bottom], :, 1]  # (top and bottom, left and right)
    left_height, right_height = heights[1] - heights[0]
    if abs(left_height / right_height - 1) < _MIN_CONVERGENCE:
        tilt = float((heights[:, 1] - heights[:, 0]).mean()) / 2
        heights = heights.mean(axis=1, keepdims=True) + np.array([-tilt, tilt])
    clockwise = ((0, 0), (0, 1), (1, 1), (1, 0))
    corners = np.array([[np.polyval(edges[side], heights[end, side]), heights[end, side]] for end, side in clockwise])
    left, right = corners[[0, 3], 0].mean(), corners[[1, 2], 0].mean()
    upper, lower = heights.mean(axis=1)
    rectangle = np.array([[left, upper], [right, upper], [right, lower], [left, lower]])
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), rectangle.astype(np.float32))
    return np.asarray(matrix, np.float64)


def _straightened(nodes_mm: Floats, left: Floats, right: Floats) -> Floats:
    """Stretch nodes (rows, columns, 2) along x so that the edges through points (n, 2) left and right are straight."""
    lowest, highest = min(left[:, 1].min(), right[:, 1].min()), max(left[:, 1].max(), right[:, 1].max())
    heights = np.clip(nodes_mm[..., 1], lowest, highest)  # beyond the rows, the edges are not known
    starts, stops = (np.polyval(np.polyfit(edge[:, 1], edge[:, 0], 2), heights) for edge in (left, right))
    first, last = float(np.median(left[:, 0])), float(np.median(right[:, 0]))
    x = first + (nodes_mm[..., 0] - starts) * (last - first) / (stops - starts)
    return np.stack([x, nodes_mm[..., 1]], axis=-1)
