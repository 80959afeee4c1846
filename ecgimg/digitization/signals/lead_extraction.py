"""Extract the signal of a slot from its row's trace: where it starts, what it shows, and which error to expect."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator

from ecgimg.digitization.model import RowTrace, Scale
from ecgimg.digitization.numerics import Floats, Mask
from layouts import Layout, Slot

SlotSignal = tuple[Slot, Floats]
"""A slot and its samples."""

FS_HZ = 500.0
"""Sampling rate of all signals that are read."""
MAX_GAP_S = 0.12
"""A longer stretch without trace is blank in the signal; over a shorter one it is interpolated."""

_HOLD_S = 0.05  # so long is the first or last height kept where the trace starts late or ends early
_MARGIN_S = 0.05  # points so far outside a slot still steer the curve at its ends
_MIN_POINTS = 4  # fewer make no cubic
_SAMPLE_S = 1 / FS_HZ
_VECTOR_SAMPLE_S = 0.01  # the samples of a file's own paths may be as far apart as this
_SEPARATOR_REACH_MM = 0.35  # a tall bar this near a border is the separator there, not a QRS complex
_JOINT_REACH_PX = 0.5  # so far, beyond the pen's cap, reaches the upright stroke that joins two columns
_BASE_BREAK_S = 0.02  # a wider break parts the base of a pulse from the lead
_BASE_WITHIN_S = 0.01  # ink that goes on for longer before a break is the lead itself
_TIME_DECIMALS = 6  # points nearer than a microsecond share one time, as the spline asks for


def slot_start_px(slot: Slot, layout: Layout, row: RowTrace, start_px: float, scale: Scale) -> float:
    """Return where a slot starts, px along x of the flat page.

    A slot starts where its column was measured to start. Where that is unknown, it starts after the usual width of the
    columns before it.

    Parameters
    ----------
    slot, layout : Slot, Layout
    row : RowTrace
        The row of the slot.
    start_px : float
        Where the first column of the page starts.
    scale : Scale
    """
    column = _measured_column(slot, layout, row)
    if column is not None:
        return row.column_starts_px[column] + row.shift_px
    return start_px + row.shift_px + (slot.column or 0) * layout.seconds_per_column * scale.px_per_s


def slot_signal_mv(slot: Slot, layout: Layout, row: RowTrace, start_px: float, scale: Scale, zero_px: float) -> Floats:
    """Return the signal of a slot (samples,) mV at 500 Hz, NaN where its trace is missing.

    Parameters
    ----------
    slot, layout, row, start_px, scale
        As of `slot_start_px`.
    zero_px : float
        Height of 0 mV of the row.
    """
    times_s = _seconds_in_slot(slot, layout, row, start_px, scale)
    is_exact = not row.error_px.any()  # drawn from samples, read from a file's own paths
    is_own = _is_of_slot(times_s, slot, layout, row, scale, is_exact=is_exact)
    n = _n_samples(slot)
    if is_own.sum() < _MIN_POINTS:
        return np.full(n, np.nan)
    own_s, heights_px = times_s[is_own], row.points_px[is_own, 1]
    sample_s = np.arange(n) / FS_HZ
    curve_px = _interpolated(sample_s, own_s, heights_px, is_exact=is_exact)
    signal_mv = slot.sign * (zero_px - curve_px) / scale.px_per_mv(slot.lead)
    end_s = _drawn_s(slot, layout, row, scale) + (_VECTOR_SAMPLE_S if is_exact else _SAMPLE_S)
    return np.where(_is_in_gap(sample_s, own_s) | (sample_s > end_s), np.nan, signal_mv)


def slot_error_mv(slot: Slot, layout: Layout, row: RowTrace, start_px: float, scale: Scale) -> Floats:
    """Return the error (samples,) mV to expect of the signal of a slot at 500 Hz; the parameters are its."""
    times_s = _seconds_in_slot(slot, layout, row, start_px, scale)
    return np.interp(np.arange(_n_samples(slot)) / FS_HZ, times_s, row.error_px) / scale.px_per_mv(slot.lead)


def strip_and_cell(strip: SlotSignal, cell: SlotSignal, fs_hz: float) -> tuple[Floats, Floats]:
    """Return a rhythm strip and a cell, both (n,), over the seconds that the cell shows."""
    first = max(round((cell[0].start_s - strip[0].start_s) * fs_hz), 0)
    shared = strip[1][first : first + len(cell[1])]
    return shared, cell[1][: len(shared)]


def _n_samples(slot: Slot) -> int:
    return round(slot.end_s * FS_HZ) - round(slot.start_s * FS_HZ)


def _seconds_in_slot(slot: Slot, layout: Layout, row: RowTrace, start_px: float, scale: Scale) -> Floats:
    """Return the time (n,) s of each point of a row after the start of a slot."""
    return (row.points_px[:, 0] - slot_start_px(slot, layout, row, start_px, scale)) / scale.px_per_s


def _measured_column(slot: Slot, layout: Layout, row: RowTrace) -> int | None:
    """Return the column of a slot if the starts of its row's columns were measured, else None."""
    return slot.column if len(row.column_starts_px) == layout.columns > 1 else None


def _drawn_s(slot: Slot, layout: Layout, row: RowTrace, scale: Scale) -> float:
    """Return for how many seconds a slot is drawn: until the next column starts, where that was measured."""
    column = _measured_column(slot, layout, row)
    if column is None or column + 1 == layout.columns:
        return slot.seconds
    return (row.column_starts_px[column + 1] - row.column_starts_px[column]) / scale.px_per_s


def _is_of_slot(times_s: Floats, slot: Slot, layout: Layout, row: RowTrace, scale: Scale, *, is_exact: bool) -> Mask:
    """Return which points of a row (n,) belong to a slot, those of a small margin included."""
    end_s = _n_samples(slot) / FS_HZ
    is_own = (times_s > -_MARGIN_S) & (times_s < end_s + _MARGIN_S)
    column = _measured_column(slot, layout, row)
    if column is not None:
        is_own &= _is_of_column(row, column)
    if slot.column is not None and layout.columns > 1:
        is_own &= ~_is_at_border(times_s, end_s, row, scale)
        if not is_exact:  # what lies beyond a border is the next lead's
            is_own &= (times_s > -_SAMPLE_S / 2) | (slot.column == 0)
            is_own &= (times_s < end_s - _SAMPLE_S / 2) | (slot.column == layout.columns - 1)
    if not slot.column and not is_exact:
        is_own &= times_s > _pulse_base_end_s(times_s[is_own])
    return is_own


def _is_of_column(row: RowTrace, column: int) -> Mask:
    """Return which points of a row (n,) are of the stroke of a column, or lie before the next one."""
    if len(row.stroke_index):
        return np.asarray(row.stroke_index == column, bool)
    if column + 1 < len(row.column_starts_px):
        return np.asarray(row.points_px[:, 0] < row.column_starts_px[column + 1], bool)
    return np.ones(len(row.points_px), bool)


def _is_at_border(times_s: Floats, end_s: float, row: RowTrace, scale: Scale) -> Mask:
    """Return which points of a row (n,) are of a separator, or of the stroke that joins a column to the next."""
    from_border_mm = np.minimum(np.abs(times_s), np.abs(times_s - end_s)) * scale.speed_mm_s
    joint_mm = (row.cap_px + _JOINT_REACH_PX) / scale.px_per_mm
    return np.asarray(row.is_tall & (from_border_mm < np.where(row.is_bar, _SEPARATOR_REACH_MM, joint_mm)), bool)


def _pulse_base_end_s(times_s: Floats) -> float:
    """Return when (s) the base of a pulse breaks off at the start of a row, -inf where no base is there."""
    is_break = (np.diff(times_s) > _BASE_BREAK_S) & (times_s[:-1] < _BASE_WITHIN_S)
    return float(times_s[:-1][is_break].max(initial=-np.inf))


def _is_in_gap(sample_s: Floats, times_s: Floats) -> Mask:
    """Return which samples (samples,) lie in a long gap between points, or too far before or after them."""
    after = np.searchsorted(times_s, sample_s).clip(1, len(times_s) - 1)
    is_in_gap = times_s[after] - times_s[after - 1] > MAX_GAP_S
    return np.asarray(is_in_gap | (sample_s < times_s[0] - _HOLD_S) | (sample_s > times_s[-1] + _HOLD_S), bool)


def _interpolated(sample_s: Floats, times_s: Floats, heights_px: Floats, *, is_exact: bool) -> Floats:
    """Interpolate points at samples; heights of equal times are averaged.

    Exact points are samples of a smooth signal, so a cubic spline recovers it. It would overshoot between those of a
    trace, which a monotone cubic does not.
    """
    times, group = np.unique(np.round(times_s, _TIME_DECIMALS), return_inverse=True)
    heights = np.bincount(group, heights_px) / np.bincount(group)
    if len(times) < _MIN_POINTS:
        return np.interp(sample_s, times, heights)
    curve = CubicSpline(times, heights) if is_exact else PchipInterpolator(times, heights)
    return np.asarray(curve(np.clip(sample_s, times[0], times[-1])))
