"""Find the marks between columns, whole, dashed or dotted, and take them off the traces that they stand on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from ecgimg.digitization.model import FlatPage, RowTrace
from ecgimg.digitization.tracing.row_ink import full_ink_darkness

Floats = NDArray[np.float64]

_SURELY_TRACE = 200
_DARK_SHARE = 0.4
_BORDER_MM, _CLEAR_MM = 0.9, 0.5
_LARGE_MM = 5.0
_BESIDE_MM, _SHORT_MM, _FEWEST_ROWS = 6.0, 1.2, 2
_LEAST_SHARE, _OVER_RULING, _HALF = 0.1, 1.6, 0.5
_WIDEST_MM, _BLUR_PX, _SURELY = 1.3, 0.5, 0.8


def mark_finder(page: FlatPage, rows: Sequence[RowTrace]) -> Callable[[float], tuple[float, float] | None]:
    """Return what finds the mark at a border (px): its left and right edge, or None where there is none."""
    level = full_ink_darkness(page, _SURELY_TRACE)
    return lambda border_px: find_mark(page, rows, border_px, level) if level is not None else None


def without_marks(page: FlatPage, rows: Sequence[RowTrace], borders_px: Sequence[float]) -> tuple[RowTrace, ...]:
    """Leave out what rows took of marks at the borders between columns: tall ink within the marks' width.

    Ink that is surely a trace stays, unless marks told where the row's columns start.
    """
    marks = [mark for mark in map(mark_finder(page, rows), borders_px) if mark is not None]
    cleared = []
    for row in rows:
        x = row.points_px[:, 0]
        marked = np.zeros(len(x), bool)
        for left, right in marks:
            marked |= (x > left - _BLUR_PX) & (x < right + _BLUR_PX)
        marked &= row.is_tall & ((row.certainty < _SURELY) | row.is_bar | (len(row.column_starts_px) > 0))
        cleared.append(row.select(~marked) if marked.any() else row)
    return tuple(cleared)


def find_mark(page: FlatPage, rows: Sequence[RowTrace], border_px: float, level: float) -> tuple[float, float] | None:
    """Return left and right edge (px) of the mark that stands at a border, or None where there is none.

    A mark is dark, against full ink of that level, at more heights that no trace passes than the ruling's lines beside
    it are.
    """
    mm = page.px_per_mm
    reach = round(_BORDER_MM * mm)
    first = round(border_px) - reach
    height, width = page.darkness.shape
    if first < 0 or first + 2 * reach + 1 > width:
        return None
    top, bottom = _plot(rows, height)
    middles = np.array([round(row.baseline_px) - top for row in rows])
    near = np.abs(np.arange(bottom - top) - middles[:, None]) < _BESIDE_MM * mm

    def measured(start: int) -> tuple[Floats, Floats]:
        """Share of the free heights that are dark (columns,), and dark mm beside each row (rows, columns)."""
        columns = np.arange(start, start + 2 * reach + 1)
        columns = columns[(columns >= 0) & (columns < width)]
        free = np.ones((bottom - top, len(columns)), bool)
        for row in rows:
            _cover(free, row, columns, top, _CLEAR_MM * mm)
        dark = (page.darkness[top:bottom, columns] > _DARK_SHARE * level) & free
        return dark.sum(axis=0) / np.maximum(free.sum(axis=0), 1), near @ dark.astype(np.float64) / mm

    here, beside = measured(first)
    step = round(_LARGE_MM * mm)
    sides = [measured(first + side * step) for side in (-2, -1, 1, 2)]
    ruling = max((float(side.max(initial=0)) for side, _ in sides), default=0.0)
    ruling_mm = np.median([side.max(axis=1, initial=0) for _, side in sides], axis=0)
    strength = here
    if here.max() < max(_LEAST_SHARE, _OVER_RULING * ruling):  # short ones may stand aside of each other by a pixel
        around = maximum_filter1d(beside, 3, axis=1)
        is_beside = around > np.maximum(_SHORT_MM, _OVER_RULING * ruling_mm)[:, np.newaxis]
        enough = is_beside.sum(axis=0) >= max(_FEWEST_ROWS, _HALF * len(rows))
        strength = np.where(enough, np.where(is_beside, beside, 0.0).sum(axis=0), 0.0)
        if not enough.any():
            return None
    best = int(strength.argmax())
    inside = strength > _HALF * strength[best]
    left = right = best
    while left > 0 and inside[left - 1]:
        left -= 1
    while right + 1 < len(inside) and inside[right + 1]:
        right += 1
    return (first + left - 0.5, first + right + 0.5) if right - left < _WIDEST_MM * mm else None


def _plot(rows: Sequence[RowTrace], height: int) -> tuple[int, int]:
    """Return the heights between which the rows lie, half a row's distance beyond the outer ones."""
    baselines = [row.baseline_px for row in rows]
    pitch = float(np.median(np.diff(baselines))) if len(rows) > 1 else height / 4
    return max(round(min(baselines) - pitch / 2), 0), min(round(max(baselines) + pitch / 2), height)


def _cover(free: NDArray[np.bool_], row: RowTrace, columns: NDArray[np.int_], top: int, clear_px: float) -> None:
    """Take the heights that a row's own trace passes off the free ones; what stands out both ways is not its own."""
    x, y = row.points_px[~row.is_bar].T
    for place, column in enumerate(columns):
        near = np.abs(x - column) < clear_px
        if near.any():
            free[
                max(int(y[near].min() - clear_px) - top, 0) : max(int(y[near].max() + clear_px) - top + 1, 0), place
            ] = False
