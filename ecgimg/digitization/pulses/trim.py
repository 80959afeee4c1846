"""Trim calibration pulses, bases and all, off the traces that run on into them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ecgimg.digitization.model import Pulse, RowTrace

_SLACK_MM = 0.15  # by which a trace that starts at a pulse's base may reach into it
_GAP_MM, _FRAGMENT_MM = 0.8, 2.5  # a piece of a base that was left stands apart from the trace, and is shorter
_NEAR_PULSE_MM = 4.0  # such pieces lie so near to a pulse
_END_PX, _SIDE_MM = 0.5, 2.5  # the side of a pulse is so narrow at a row's end, and leaves the trace by more
_AMID_SHARE = 0.2  # of a trace, on both sides of what stands amid it
_FEW_PULSES = 2  # fewer tell no common length of bases
_LEAST_BASE_MM, _BASE_OFF_MM = 0.8, 0.4  # shorter bases are none; lengths that differ more are not the same
_MOST_OFF_SHARE = 1 / 3  # of the pulses may have a base of another length


def trim_pulses(
    rows: Sequence[RowTrace], pulses: Sequence[Pulse], px_per_mm: float
) -> tuple[tuple[RowTrace, ...], tuple[Pulse, ...]]:
    """Trim off what the rows' traces took of the pulses and what lies beyond.

    Pulses stand below each other, so a row that runs on to where another has its pulse is trimmed there as well. What
    is not wholly one, amid its row's trace, is none: the trace steps there from one column to the next.

    Returns
    -------
    rows : tuple of RowTrace
    pulses : tuple of Pulse
        Those that are pulses, with bases of equal length.
    """
    pulses = [pulse for pulse in pulses if pulse.is_whole or not _is_amid(pulse, rows[pulse.row])]
    pulses = equalise_bases(pulses, [_is_before(pulse, rows[pulse.row]) for pulse in pulses], px_per_mm)
    trimmed = [_trim_row(index, row, pulses, px_per_mm) for index, row in enumerate(rows)]
    return tuple(_without_side_at_end(row, px_per_mm) for row in trimmed), pulses


def _trim_row(index: int, row: RowTrace, pulses: Sequence[Pulse], px_per_mm: float) -> RowTrace:
    """Trim a row where bases end, or where its own trace starts if that is next to it."""
    for pulse in pulses:
        x = row.points_px[:, 0]
        beyond_px = x - pulse.extent_px[1] if _is_before(pulse, row) else pulse.extent_px[0] - x
        slack_px = _SLACK_MM * px_per_mm
        starts_there = not ((beyond_px > -2 * slack_px) & (beyond_px < -slack_px)).any()
        kept = beyond_px > (-slack_px if starts_there else 0)
        middle = (pulse.left_px + pulse.right_px) / 2
        if kept.any() and (pulse.row == index or x[0] < middle < x[-1]):
            row = row.select(kept)
        else:  # it may still have taken a side of the pulse
            is_side = row.is_tall & (x > pulse.left_px - 2 * slack_px) & (x < pulse.right_px + 2 * slack_px)
            row = row if is_side.all() else row.select(~is_side)
    return _without_base_fragments(row, pulses, px_per_mm)


def _without_side_at_end(row: RowTrace, px_per_mm: float) -> RowTrace:
    """Leave out the side of a pulse, of which the picture may show no more, where it comes down at a row's very end."""
    x, y = row.points_px.T
    is_inner = (x > x[0] + _END_PX) & (x < x[-1] - _END_PX)
    if not is_inner.any():
        return row
    first, last = np.flatnonzero(is_inner)[[0, -1]]
    at_left = (x <= x[0] + _END_PX) & (np.abs(y - y[first]) > _SIDE_MM * px_per_mm)
    at_right = (x >= x[-1] - _END_PX) & (np.abs(y - y[last]) > _SIDE_MM * px_per_mm)
    return row.select(~(at_left | at_right))


def _is_before(pulse: Pulse, row: RowTrace) -> bool:
    """Tell whether a pulse stands before most of a row's trace."""
    x = row.points_px[:, 0]
    return bool((x > pulse.extent_px[1]).sum() > (x < pulse.extent_px[0]).sum())


def _is_amid(pulse: Pulse, row: RowTrace) -> bool:
    """Tell whether much of a row's trace lies before a pulse, and much after it."""
    x = row.points_px[:, 0]
    return bool(min((x < pulse.left_px).mean(), (x > pulse.right_px).mean()) > _AMID_SHARE)


def _without_base_fragments(row: RowTrace, pulses: Sequence[Pulse], px_per_mm: float) -> RowTrace:
    """Leave out what is left of a pulse's base: short pieces, apart, at the end of a row that is next to pulses."""
    x = row.points_px[:, 0]
    gaps = np.flatnonzero(np.diff(x) > _GAP_MM * px_per_mm)
    near_px, short_px = _NEAR_PULSE_MM * px_per_mm, _FRAGMENT_MM * px_per_mm
    at_left = any(abs(x[0] - pulse.extent_px[1]) < near_px for pulse in pulses)
    at_right = any(abs(pulse.extent_px[0] - x[-1]) < near_px for pulse in pulses)
    first = max([gap + 1 for gap in gaps if at_left and x[gap] - x[0] < short_px], default=0)
    last = min([gap + 1 for gap in gaps if at_right and x[-1] - x[gap + 1] < short_px], default=len(x))
    index = np.arange(len(x))
    return row.select((index >= first) & (index < last)) if first < last else row


def equalise_bases(pulses: Sequence[Pulse], is_before: Sequence[bool], px_per_mm: float) -> tuple[Pulse, ...]:
    """Give pulses as long a base on the side of the trace, where it is hard to tell from it, as on the free side.

    Parameters
    ----------
    is_before : sequence of bool
        Of each pulse, whether it stands before the trace of its row.
    """
    if len(pulses) < _FEW_PULSES:
        return tuple(pulses)
    lengths_px = np.array([
        (pulse.left_px - pulse.extent_px[0], pulse.extent_px[1] - pulse.right_px)[:: 1 if before else -1]
        for pulse, before in zip(pulses, is_before, strict=True)
    ])  # fmt: skip
    free_px, facing_px = lengths_px.T
    usual_px, off_px = float(np.median(free_px)), _BASE_OFF_MM * px_per_mm
    if (np.abs(free_px - usual_px) > off_px).mean() > _MOST_OFF_SHARE:
        return tuple(pulses)
    has_base_at_trace_alone = usual_px < _LEAST_BASE_MM * px_per_mm and np.ptp(facing_px) < off_px
    if has_base_at_trace_alone:
        return tuple(pulses)
    return tuple(_with_facing_base(pulse, usual_px, before) for pulse, before in zip(pulses, is_before, strict=True))


def _with_facing_base(pulse: Pulse, length_px: float, is_before: bool) -> Pulse:
    """Return a pulse with a base of that length on the side of the trace."""
    left, right = pulse.extent_px
    extent_px = (left, pulse.right_px + length_px) if is_before else (pulse.left_px - length_px, right)
    return replace(pulse, extent_px=extent_px)
