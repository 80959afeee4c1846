"""From a row's trace to the signal of a slot: where the slot starts, what it shows, and how far that may be off."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline, PchipInterpolator

from ecgimg.digitization.model import RowTrace, Scale
from layouts import Layout, Slot

Floats = NDArray[np.float64]

FS_HZ = 500.0
MAX_GAP_S = 0.12
"""A longer stretch without trace is blank in the signal; over a shorter one it is interpolated."""
_HOLD_S = 0.05
_MARGIN_S = 0.05
_STEP_S, _SPARE_S = 1 / FS_HZ, 0.01  # a file's own paths start at samples, which may be as far apart as that
_BAR_MM, _JOINT_PX = 0.35, 0.5
_BREAK_S, _FOOT_S = 0.02, 0.01


def slot_start_px(slot: Slot, layout: Layout, row: RowTrace, start_px: float, scale: Scale) -> float:
    """Return where a slot's trace starts: at its own stroke where strokes are known, else at its share of the row."""
    if slot.column is not None and len(row.column_starts_px) == layout.columns > 1:
        return row.column_starts_px[slot.column] + row.shift_px
    return start_px + row.shift_px + (slot.column or 0) * layout.seconds_per_column * scale.px_per_s


def slot_signal(slot: Slot, layout: Layout, row: RowTrace, start_px: float, scale: Scale, zero_px: float) -> Floats:
    """Return mV (samples,) of a slot at 500 Hz from the row's points, NaN where the trace is missing."""
    left = slot_start_px(slot, layout, row, start_px, scale)
    n = round(slot.end_s * FS_HZ) - round(slot.start_s * FS_HZ)
    t = (row.points_px[:, 0] - left) / (scale.px_per_mm * scale.speed_mm_s)
    exact = not row.error_px.any()  # drawn from samples, read from a file's own paths
    near = (t > -_MARGIN_S) & (t < n / FS_HZ + _MARGIN_S)
    if slot.column is not None and len(row.column_starts_px) == layout.columns > 1:
        if len(row.stroke_index):
            near &= row.stroke_index == slot.column
        elif slot.column + 1 < layout.columns:
            near &= row.points_px[:, 0] < row.column_starts_px[slot.column + 1]
    if slot.column is not None and layout.columns > 1:
        from_border_mm = np.minimum(np.abs(t), np.abs(t - n / FS_HZ)) * scale.speed_mm_s
        joint_mm = (row.cap_px + _JOINT_PX) / scale.px_per_mm  # where a column is joined to the next
        reach_mm = np.where(row.is_bar, _BAR_MM, joint_mm)
        near &= ~(row.is_tall & (from_border_mm < reach_mm))
        if not exact:  # what lies beyond a border is the next lead's
            near &= (t > -_STEP_S / 2) | (slot.column == 0)
            near &= (t < n / FS_HZ - _STEP_S / 2) | (slot.column == layout.columns - 1)
    if not slot.column and not exact:
        near &= t > _foot_end_s(t[near])
    if near.sum() < 4:
        return np.full(n, np.nan)
    t, y = t[near], row.points_px[near, 1]
    grid = np.arange(n) / FS_HZ
    millivolt = slot.sign * (zero_px - _between(grid, t, y, exact)) / scale.px_per_mv(slot.lead)
    after = np.searchsorted(t, grid).clip(1, len(t) - 1)
    hole = (t[after] - t[after - 1] > MAX_GAP_S) | (grid < t[0] - _HOLD_S) | (grid > t[-1] + _HOLD_S)
    hole |= grid > _drawn_s(slot, layout, row, scale) + (_SPARE_S if exact else _STEP_S)
    return np.where(hole, np.nan, millivolt)


def _foot_end_s(t: Floats) -> float:
    """Return until when (s) the ink at a row's start is its pulse's foot, which breaks off before the lead follows."""
    breaks = t[:-1][(np.diff(t) > _BREAK_S) & (t[:-1] < _FOOT_S)]
    return float(breaks.max(initial=-np.inf))


def _drawn_s(slot: Slot, layout: Layout, row: RowTrace, scale: Scale) -> float:
    """Return for how many seconds a slot is drawn: until its row's next column starts, if it is known where."""
    if slot.column is None or len(row.column_starts_px) != layout.columns or slot.column + 1 == layout.columns:
        return slot.seconds
    return (row.column_starts_px[slot.column + 1] - row.column_starts_px[slot.column]) / scale.px_per_s


def slot_error_mv(slot: Slot, layout: Layout, row: RowTrace, start_px: float, scale: Scale) -> Floats:
    """Return the error (samples,) mV to be expected of a slot's signal at 500 Hz."""
    left = slot_start_px(slot, layout, row, start_px, scale)
    n = round(slot.end_s * FS_HZ) - round(slot.start_s * FS_HZ)
    t = (row.points_px[:, 0] - left) / scale.px_per_s
    return np.interp(np.arange(n) / FS_HZ, t, row.error_px) / scale.px_per_mv(slot.lead)


def _between(grid: Floats, t: Floats, y: Floats, exact: bool) -> Floats:
    """Interpolate samples by a cubic spline, a trace by a cubic that does not overshoot; equal times are averaged."""
    times, group = np.unique(np.round(t, 6), return_inverse=True)
    heights = np.bincount(group, y) / np.bincount(group)
    if len(times) < 4:
        return np.interp(grid, times, heights)
    curve = CubicSpline(times, heights) if exact else PchipInterpolator(times, heights)
    return np.asarray(curve(np.clip(grid, times[0], times[-1])))
