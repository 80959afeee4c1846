"""Cut calibration pulses, feet and all, off the traces that run on into them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ecgimg.digitization.model import Pulse, RowTrace

_APART_MM, _SHORT_MM, _FOOT_MM = 0.8, 2.5, 4.0
_LEAST_FOOT_MM, _FOOT_ASTRAY_MM, _FEW_FEET = 0.8, 0.4, 2
_SLACK_MM = 0.15
_SIDE_PX, _SIDE_MM = 0.5, 2.5
_MUCH = 0.2


def cut_pulses(
    rows: Sequence[RowTrace], pulses: Sequence[Pulse], px_per_mm: float
) -> tuple[tuple[RowTrace, ...], tuple[Pulse, ...]]:
    """Cut off what the rows' traces took of the pulses and what lies beyond; return rows, and pulses with even feet.

    Pulses stand below each other, so a row that runs on to where another has its pulse is cut there as well. What is
    not wholly one, amid its row's trace, is none: the trace steps there from one column to the next.
    """
    pulses = [pulse for pulse in pulses if pulse.is_whole or not _is_amid(pulse, rows[pulse.row])]
    pulses = even_feet(pulses, [_is_before(pulse, rows[pulse.row]) for pulse in pulses], px_per_mm)
    cut = [_cut(index, row, pulses, px_per_mm) for index, row in enumerate(rows)]
    return tuple(_without_sides(row, px_per_mm) for row in cut), pulses


def _cut(index: int, row: RowTrace, pulses: Sequence[Pulse], px_per_mm: float) -> RowTrace:
    """Cut a row where feet end, or where its own trace starts if that is next to it."""
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
    return _without_feet(row, pulses, px_per_mm)


def _without_sides(row: RowTrace, px_per_mm: float) -> RowTrace:
    """Leave out the side of a pulse, of which the picture may show no more, where it comes down at a row's very end."""
    x, y = row.points_px.T
    beside = (x > x[0] + _SIDE_PX) & (x < x[-1] - _SIDE_PX)
    if not beside.any():
        return row
    first, last = np.flatnonzero(beside)[[0, -1]]
    at_left = (x <= x[0] + _SIDE_PX) & (np.abs(y - y[first]) > _SIDE_MM * px_per_mm)
    at_right = (x >= x[-1] - _SIDE_PX) & (np.abs(y - y[last]) > _SIDE_MM * px_per_mm)
    return row.select(~(at_left | at_right))


def _is_before(pulse: Pulse, row: RowTrace) -> bool:
    """Tell whether a pulse stands before most of a row's trace."""
    x = row.points_px[:, 0]
    return bool((x > pulse.extent_px[1]).sum() > (x < pulse.extent_px[0]).sum())


def _is_amid(pulse: Pulse, row: RowTrace) -> bool:
    """Tell whether much of a row's trace lies before a pulse, and much after it."""
    x = row.points_px[:, 0]
    return bool(min((x < pulse.left_px).mean(), (x > pulse.right_px).mean()) > _MUCH)


def _without_feet(row: RowTrace, pulses: Sequence[Pulse], px_per_mm: float) -> RowTrace:
    """Leave out what is left of a pulse's foot: short pieces at the end of a row that is next to pulses, apart."""
    x = row.points_px[:, 0]
    gaps = np.flatnonzero(np.diff(x) > _APART_MM * px_per_mm)
    near_px = _FOOT_MM * px_per_mm
    at_left = any(abs(x[0] - pulse.extent_px[1]) < near_px for pulse in pulses)
    at_right = any(abs(pulse.extent_px[0] - x[-1]) < near_px for pulse in pulses)
    first = max([gap + 1 for gap in gaps if at_left and x[gap] - x[0] < _SHORT_MM * px_per_mm], default=0)
    last = min([gap + 1 for gap in gaps if at_right and x[-1] - x[gap + 1] < _SHORT_MM * px_per_mm], default=len(x))
    place = np.arange(len(x))
    return row.select((place >= first) & (place < last)) if first < last else row


def even_feet(pulses: Sequence[Pulse], is_before: Sequence[bool], px_per_mm: float) -> tuple[Pulse, ...]:
    """Give pulses as long a foot on the side of the trace, where it is hard to tell from it, as on the free side.

    Parameters
    ----------
    is_before : sequence of bool
        Of each pulse, whether it stands before the trace of its row.
    """
    feet_px = np.array([
        (pulse.left_px - pulse.extent_px[0], pulse.extent_px[1] - pulse.right_px)[:: 1 if before else -1]
        for pulse, before in zip(pulses, is_before, strict=True)
    ]).reshape(-1, 2)  # fmt: skip
    free_px, facing_px = feet_px.T
    long_px, astray_px = float(np.median(free_px)) if len(free_px) else 0.0, _FOOT_ASTRAY_MM * px_per_mm
    if len(pulses) < _FEW_FEET or (np.abs(free_px - long_px) > astray_px).mean() > 1 / 3:
        return tuple(pulses)
    if long_px < _LEAST_FOOT_MM * px_per_mm and np.ptp(facing_px) < astray_px:  # pulses with a foot on one side
        return tuple(pulses)
    return tuple(
        replace(
            pulse,
            extent_px=(pulse.extent_px[0], pulse.right_px + long_px)
            if before
            else (pulse.left_px - long_px, pulse.extent_px[1]),
        )
        for pulse, before in zip(pulses, is_before, strict=True)
    )
