"""Separators between columns: detect them, and remove them from the traces on which they stand.

The network marks most separators as other print. Dashed or dotted ones, and those that it takes for a trace, are found
by the darkness of the page beside the traces.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from ecgimg.digitization.model import FlatPage, RowTrace
from ecgimg.digitization.numerics import Floats, Ints, open_vertically
from ecgimg.digitization.tracing.ink_along_path import full_ink_darkness

SeparatorFinder = Callable[[float], tuple[float, float] | None]
"""Gives the left and the right edge (px) of the separator at a border (px), or None where there is none."""

_OTHER_PRINT = 110  # of 255, above which the network marks a pixel as other print
_MIN_STROKE_MM, _JOIN_MM = 1.2, 1.5  # shorter upright pieces are lettering; dashes are joined over such gaps
_MIN_HEIGHT_MM, _MAX_STROKE_WIDTH_MM = 1.8, 1.0  # a separator is taller than letters, and thinner than pulses
_ROW_REACH_MM = 8.0  # a stroke so far above or below the baseline of a row still stands in that row

_SURE_TRACE = 200  # of 255; ink that is surely a trace tells how dark full ink is
_DARK_SHARE = 0.4  # of full ink, above which a pixel is dark
_BORDER_MM = 0.9  # how far from a border its separator may stand
_TRACE_MARGIN_MM = 0.5  # so much above and below a trace is left out, as its edges are dark too
_GRID_STEP_MM = 5.0  # the thick grid lines are so far apart, hence one is seen when looking so far to the sides
_NEAR_ROW_MM, _MIN_DARK_MM, _MIN_ROWS = 6.0, 1.2, 2  # short separators: where they stand, how dark, in how many rows
_MIN_SHARE, _OVER_GRID = 0.1, 1.6  # how much of its height is dark, and how many times as much as of a grid line
_HALF = 0.5  # of the rows must show short separators; the width is taken at half the strength
_MAX_WIDTH_MM = 1.3
_BLUR_PX = 0.5  # ink reaches so far beyond the edges of a separator
_SURE_CERTAINTY = 0.8  # points of a trace that are more certain stay


def detect_separators(page: FlatPage, baselines_px: Sequence[float]) -> Floats:
    """Return where upright strokes stand that are neither trace nor lettering.

    Parameters
    ----------
    page : FlatPage
    baselines_px : (rows,) float
        Height of each row. Strokes elsewhere do not count.

    Returns
    -------
    (n,) float64
        Pixels along x. A stroke that passes several rows counts once for each.
    """
    mm = page.px_per_mm
    _, _, stats, centres = cv2.connectedComponentsWithStats(_upright_strokes(page), connectivity=8)
    top, width, height = (stats[:, key] for key in (cv2.CC_STAT_TOP, cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT))
    n_rows = _count_rows(top, top + height, np.asarray(baselines_px, np.float64), _ROW_REACH_MM * mm)
    n_rows[0] = 0  # the first component is the background
    is_separator = (width < _MAX_STROKE_WIDTH_MM * mm) & (height > _MIN_HEIGHT_MM * mm)
    return np.repeat(centres[:, 0], np.where(is_separator, n_rows, 0))


def _count_rows(top: NDArray[np.int32], bottom: NDArray[np.int32], heights: Floats, reach: float) -> Ints:
    """Return in how many rows of given heights each stroke (n,) from top to bottom stands, all in px."""
    return np.asarray(((top[:, None] < heights + reach) & (bottom[:, None] > heights - reach)).sum(axis=1), np.int64)


def _upright_strokes(page: FlatPage) -> NDArray[np.uint8]:
    """Return the mask (height, width) of upright strokes of other print, dashes joined to one."""
    mm = page.px_per_mm
    strokes = open_vertically(page.segmentation.other > _OTHER_PRINT, round(_MIN_STROKE_MM * mm))
    closed = cv2.morphologyEx(strokes.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((round(_JOIN_MM * mm), 1), np.uint8))
    return np.asarray(closed, np.uint8)


def separator_finder(page: FlatPage, rows: Sequence[RowTrace]) -> SeparatorFinder:
    """Return the function that finds the separator at a border by the darkness of the page."""
    ink_darkness = full_ink_darkness(page, _SURE_TRACE)
    if ink_darkness is None:
        return lambda _: None
    return lambda border_px: find_separator_at(page, rows, border_px, ink_darkness)


def remove_separators(page: FlatPage, rows: Sequence[RowTrace], borders_px: Sequence[float]) -> tuple[RowTrace, ...]:
    """Remove from the rows the points that lie on a separator: tall ink within the width of one.

    Ink that is surely a trace stays, unless separators gave the row its column starts.
    """
    separators = [edges for edges in map(separator_finder(page, rows), borders_px) if edges is not None]
    cleaned = []
    for row in rows:
        x = row.points_px[:, 0]
        is_separator = np.zeros(len(x), bool)
        for left, right in separators:
            is_separator |= (x > left - _BLUR_PX) & (x < right + _BLUR_PX)
        is_separator &= row.is_tall & ((row.certainty < _SURE_CERTAINTY) | row.is_bar | (len(row.column_starts_px) > 0))
        cleaned.append(row.select(~is_separator) if is_separator.any() else row)
    return tuple(cleaned)


def find_separator_at(
    page: FlatPage, rows: Sequence[RowTrace], border_px: float, ink_darkness: float
) -> tuple[float, float] | None:
    """Find the separator at a border between two columns by the darkness of the page.

    A separator is dark at more of the heights that no trace passes than the grid lines beside it are.

    Parameters
    ----------
    page : FlatPage
    rows : sequence of RowTrace
    border_px : float
        Where the separator is expected.
    ink_darkness : float
        Of full ink, as `FlatPage.darkness`.

    Returns
    -------
    (float, float) or None
        Its left and right edge in px, None where there is no separator.
    """
    mm = page.px_per_mm
    half = round(_BORDER_MM * mm)
    first = round(border_px) - half
    width = page.darkness.shape[1]
    if first < 0 or first + 2 * half + 1 > width:
        return None

    def measured(start: int) -> _DarkColumns:
        columns = np.arange(start, start + 2 * half + 1)
        return _measure_darkness(page, rows, columns[(columns >= 0) & (columns < width)], ink_darkness)

    step = round(_GRID_STEP_MM * mm)
    strength = _separator_strength(measured(first), [measured(first + side * step) for side in (-2, -1, 1, 2)])
    if strength is None:
        return None
    left, right = _peak_bounds(strength)
    return (first + left - 0.5, first + right + 0.5) if right - left < _MAX_WIDTH_MM * mm else None


@dataclass(frozen=True, eq=False)
class _DarkColumns:
    """How dark pixel columns are at the heights that no trace passes.

    Parameters
    ----------
    share : (columns,) float64
        Of the free heights that are dark.
    beside_mm : (rows, columns) float64
        How many mm are dark beside each row.
    """

    share: Floats
    beside_mm: Floats


def _measure_darkness(
    page: FlatPage, rows: Sequence[RowTrace], columns: NDArray[np.int_], ink_darkness: float
) -> _DarkColumns:
    """Measure the darkness of pixel columns among the rows."""
    mm = page.px_per_mm
    top, bottom = _plot_bounds(rows, page.darkness.shape[0])
    baselines = np.array([round(row.baseline_px) - top for row in rows])
    is_near = np.abs(np.arange(bottom - top) - baselines[:, None]) < _NEAR_ROW_MM * mm
    is_free = np.ones((bottom - top, len(columns)), bool)
    for row in rows:
        _exclude_trace(is_free, row, columns, top, _TRACE_MARGIN_MM * mm)
    is_dark = (page.darkness[top:bottom, columns] > _DARK_SHARE * ink_darkness) & is_free
    share = is_dark.sum(axis=0) / np.maximum(is_free.sum(axis=0), 1)
    return _DarkColumns(share, is_near @ is_dark.astype(np.float64) / mm)


def _separator_strength(border: _DarkColumns, sides: Sequence[_DarkColumns]) -> Floats | None:
    """Return the strength (columns,) of a separator at a border, None where the columns are as dark as grid lines."""
    grid_share = max((float(side.share.max(initial=0)) for side in sides), default=0.0)
    if border.share.max() >= max(_MIN_SHARE, _OVER_GRID * grid_share):
        return border.share
    grid_mm = np.median([side.beside_mm.max(axis=1, initial=0) for side in sides], axis=0)
    around_mm = maximum_filter1d(border.beside_mm, 3, axis=1)  # short strokes may be a pixel aside of each other
    is_dark = around_mm > np.maximum(_MIN_DARK_MM, _OVER_GRID * grid_mm)[:, np.newaxis]
    is_separator = is_dark.sum(axis=0) >= max(_MIN_ROWS, _HALF * len(grid_mm))
    if not is_separator.any():
        return None
    return np.where(is_separator, np.where(is_dark, border.beside_mm, 0.0).sum(axis=0), 0.0)


def _peak_bounds(strength: Floats) -> tuple[int, int]:
    """Return the first and the last column around the strongest that are more than half as strong."""
    peak = int(strength.argmax())
    is_strong = strength > _HALF * strength[peak]
    left = right = peak
    while left > 0 and is_strong[left - 1]:
        left -= 1
    while right + 1 < len(is_strong) and is_strong[right + 1]:
        right += 1
    return left, right


def _plot_bounds(rows: Sequence[RowTrace], height: int) -> tuple[int, int]:
    """Return the heights between which the rows lie, half the distance of two rows beyond the outer ones."""
    baselines = [row.baseline_px for row in rows]
    pitch = float(np.median(np.diff(baselines))) if len(rows) > 1 else height / 4
    return max(round(min(baselines) - pitch / 2), 0), min(round(max(baselines) + pitch / 2), height)


def _exclude_trace(
    is_free: NDArray[np.bool_], row: RowTrace, columns: NDArray[np.int_], top: int, margin_px: float
) -> None:
    """Set `is_free` (heights, columns) to False where a row's trace passes; a bar on it is not its own ink."""
    x, y = row.points_px[~row.is_bar].T
    for index, column in enumerate(columns):
        is_near = np.abs(x - column) < margin_px
        if is_near.any():
            first, last = int(y[is_near].min() - margin_px) - top, int(y[is_near].max() + margin_px) - top
            is_free[max(first, 0) : max(last + 1, 0), index] = False
