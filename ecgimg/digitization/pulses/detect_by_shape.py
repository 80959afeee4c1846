"""Find calibration pulses by their shape, where the network marked none or took them for traces and names.

A pulse is two upright strokes as high as each other, with a lid on top, nothing inside, feet at the height of its row,
and the whole trace of the row on one side of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.model import FlatPage, Pulse
from ecgimg.digitization.pulses.detect import GAINS_MM_MV, MAX_HEIGHT_MM, nearest
from ecgimg.digitization.segmentation.ink_runs import column_runs
from ecgimg.digitization.tracing.centerline import ink_level

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_SURE, _DARK = 110, 0.45
_LIKELY = 64, 24
_BELOW_MM, _ASTRAY_MM = 6.0, 4.0
_LEAST_MM = 4.0
_MIN_WIDTH_MM, _MAX_WIDTH_MM = 1.8, 11.0
_SLANT_MM, _GAP_MM = 0.45, 1.2
_TOPS_APART_MM, _FEET_APART_MM = 0.8, 1.2
_LID_SHARE, _INSIDE_SHARE, _SIDE_MM = 0.85, 0.04, 0.9
_FLAT_LID_MM = 0.6
_ABOVE_MM, _BESIDE_MM = 2.0, 1.3
_FOOT_MM = 4.0
_BEYOND_SHARE = 0.02
_ALIKE_MM, _ALIKE_SHARE, _USUAL_SHARE = 1.0, 0.06, 0.06
_USUAL_ASPECT, _ASPECT_SHARE = 2.0, 0.12


@dataclass(frozen=True)
class _Stroke:
    """An upright stroke: its middle, its top and its bottom in px of the page."""

    x: float
    top: float
    bottom: float


def find_unmarked(page: FlatPage, baselines_px: Sequence[float], *, ruled: bool) -> tuple[Pulse, ...]:
    """Find the pulses of a page by their shape: those of all rows are as high and stand below each other.

    Parameters
    ----------
    ruled : bool
        Whether the millimetres of the page are known, so that a pulse is as high as a usual gain makes it, and whether
        what is dark may be its ruling.
    """
    planes = page.segmentation
    lines = cv2.add(cv2.add(planes.trace, planes.label), planes.pulse)
    inks = [lines > likely for likely in _LIKELY]
    level = ink_level(page)
    dark = page.darkness > _DARK * level if level is not None else np.zeros(lines.shape, bool)
    if not ruled:
        inks.append(dark)
    trace = planes.trace > _SURE
    for ink in inks:
        every = [
            pulse
            for row, base in enumerate(baselines_px)
            for pulse in _of_row(ink, dark, trace, page.px_per_mm, row, base)
            if not ruled or nearest(pulse.height_mm, GAINS_MM_MV[1:], _USUAL_SHARE)
        ]
        alike = _alike(every, page.px_per_mm)
        if len(alike) > 1 or (alike and (ruled or _is_usual(alike[0], page.px_per_mm))):
            return alike
    return ()


def _is_usual(pulse: Pulse, mm: float) -> bool:
    """Tell whether a pulse is as high for its width as one of 10 mm/mV and 0.2 s at 25 mm/s."""
    return bool(abs(pulse.height_mm * mm / (pulse.right_px - pulse.left_px) / _USUAL_ASPECT - 1) < _ASPECT_SHARE)


def _alike(pulses: Sequence[Pulse], mm: float) -> tuple[Pulse, ...]:
    """Return the most pulses that stand below each other and are as high, one a row."""
    best: tuple[Pulse, ...] = ()
    for pulse in pulses:
        group = {
            other.row: other
            for other in pulses
            if abs(other.left_px - pulse.left_px) < _ALIKE_MM * mm
            and abs(other.height_mm / pulse.height_mm - 1) < _ALIKE_SHARE
        }
        if len(group) > len(best):
            best = tuple(group[row] for row in sorted(group))
    return best


def _of_row(ink: Mask, dark: Mask, trace: Mask, mm: float, row: int, baseline_px: float) -> Iterator[Pulse]:
    """Yield the rectangles of ink, open below, that stand before or after the trace of a row; lids may be but dark."""
    first = max(round(baseline_px - (MAX_HEIGHT_MM + 2) * mm), 0)
    last = min(round(baseline_px + _BELOW_MM * mm), len(ink))
    window, lids = np.ascontiguousarray(ink[first:last]), ink[first:last] | dark[first:last]
    band = slice(max(round(baseline_px - _FOOT_MM * mm), 0), round(baseline_px + _FOOT_MM * mm) + 1)
    passed = np.cumsum(trace[band].any(axis=0)).astype(np.float64)
    passed /= max(passed[-1], 1)
    for left, right in combinations(_strokes(window, mm, baseline_px - first), 2):
        if not _MIN_WIDTH_MM < (right.x - left.x) / mm < _MAX_WIDTH_MM:
            continue
        before = passed[max(round(left.x - mm), 0)] < _BEYOND_SHARE
        after = passed[min(round(right.x + mm), len(passed) - 1)] > 1 - _BEYOND_SHARE
        pulse = _between(window, lids, left, right, mm, row, bool(before)) if before or after else None
        if pulse is not None:
            yield replace(pulse, base_px=pulse.base_px + first)


def _strokes(window: Mask, mm: float, base: float) -> list[_Stroke]:
    """Return the upright strokes that end near the height of the row, from left to right."""
    slant, gap = max(round(_SLANT_MM * mm), 1), round(_GAP_MM * mm) | 1
    upright = cv2.dilate(window.view(np.uint8), np.ones((1, 2 * slant + 1), np.uint8))
    upright = cv2.morphologyEx(upright, cv2.MORPH_CLOSE, np.ones((gap, 1), np.uint8))
    _, columns, tops, lengths = column_runs(upright.view(bool))
    bottoms = tops + lengths - 1
    tall = (lengths > _LEAST_MM * mm) & (np.abs(bottoms - base) < _ASTRAY_MM * mm)
    columns, tops, bottoms = columns[tall], tops[tall], bottoms[tall]
    if not len(columns):
        return []
    apart = (np.diff(columns) > 1) | (np.abs(np.diff(tops)) > _TOPS_APART_MM * mm)
    pieces = np.split(np.arange(len(columns)), np.flatnonzero(apart) + 1)
    return [
        _Stroke(float(columns[each].mean()), float(np.median(tops[each])), float(np.median(bottoms[each])))
        for each in pieces
        if len(each) < _MIN_WIDTH_MM * mm + 2 * slant
    ]


def _between(
    window: Mask, lids: Mask, left: _Stroke, right: _Stroke, mm: float, row: int, before: bool
) -> Pulse | None:
    """Measure the pulse whose sides two strokes are; None where they are no such sides."""
    if abs(left.top - right.top) > _TOPS_APART_MM * mm or abs(left.bottom - right.bottom) > _FEET_APART_MM * mm:
        return None
    x0, x1 = max(round(left.x), 0), round(right.x)
    top = round((left.top + right.top) / 2)
    slack, side = max(round(_SLANT_MM * mm), 1), round(_SIDE_MM * mm)
    lid = lids[max(top - slack, 0) : top + 2 * slack + 1, x0 : x1 + 1]
    lid_columns = np.flatnonzero(lid.any(axis=0))
    gap = round(_GAP_MM * mm) | 1
    closed = cv2.morphologyEx(np.asarray(lid.any(axis=0), np.uint8)[None], cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8))
    if closed.mean() < _LID_SHARE or x1 - x0 <= 2 * side:
        return None
    bottom = round(max(left.bottom, right.bottom)) + slack
    inside = window[top + 2 * slack + 1 : bottom, x0 + side : x1 - side + 1]
    beside = round(_BESIDE_MM * mm)
    above = window[max(top - round(_ABOVE_MM * mm), 0) : max(top - slack, 0), max(x0 - beside, 0) : x1 + beside + 1]
    if not inside.size or inside.mean() > _INSIDE_SHARE or (above.size and above.mean() > _INSIDE_SHARE):
        return None  # a box, a complex that begins where the pulse ends, or lettering
    centres = np.array([np.flatnonzero(lid[:, k]).mean() for k in lid_columns])
    if np.ptp(np.percentile(centres, (15, 85))) > _FLAT_LID_MM * mm:  # a wave
        return None
    thick = float(np.median(lid[:, lid_columns].sum(axis=0)))
    level = max(top - slack, 0) + float(np.median(centres))
    foot = (left.bottom + right.bottom) / 2 - (thick - 1) / 2
    beyond_px = _foot_px(window, left if before else right, foot, mm, -1 if before else 1)
    return Pulse(row, left.x, right.x, (foot - level) / mm, foot, (left.x - beyond_px, right.x + beyond_px))


def _foot_px(window: Mask, stroke: _Stroke, foot: float, mm: float, step: int) -> float:
    """Return how far the foot on the free side of a pulse goes."""
    slack = max(round(_SLANT_MM * mm), 1)
    band = np.asarray(window[max(round(foot) - slack, 0) : round(foot) + slack + 1].any(axis=0), bool)
    x = round(stroke.x)
    furthest = x
    for place in range(x, x + step * round(_FOOT_MM * mm), step):
        if not 0 <= place < len(band):
            break
        if band[place]:
            furthest = place
        elif abs(place - furthest) > slack:
            break
    return float(abs(furthest - x))
