"""Detect calibration pulses by their shape, where the network marked none or took them for traces and lead labels.

A pulse is two upright strokes as high as each other, with a flat top and nothing inside. Its bases lie at the height of
its row, and the whole trace of the row is on one side of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import cv2
import numpy as np

from ecgimg.digitization.model import FlatPage, Pulse
from ecgimg.digitization.numerics import Floats, Mask
from ecgimg.digitization.pulses.detect_by_network import MAX_HEIGHT_MM, STANDARD_GAINS_MM_MV, nearest_standard
from ecgimg.digitization.segmentation.ink_runs import column_runs
from ecgimg.digitization.tracing.ink_along_path import full_ink_darkness

_TRACE_PROBABILITY = 110  # of 255
_INK_PROBABILITIES = 64, 24  # of 255; the network is unsure of pale pulses, so less likely ink is tried too
_DARK_SHARE = 0.45  # of full ink; darker pixels are ink, whatever the network says

_MIN_SIDE_MM = 4.0
_MIN_WIDTH_MM, _MAX_WIDTH_MM = 1.8, 11.0
_BELOW_ROW_MM = 6.0  # ink so far below the row is still looked at
_OFF_ROW_MM = 4.0  # a side that ends farther from its row is of no pulse
_ABOVE_PULSE_MM = 2.0  # the highest pulse is looked for with so much above it
_SLANT_MM, _GAP_MM = 0.45, 1.2  # by which a side may lean; in which ink may be missing
_TOPS_APART_MM, _BOTTOMS_APART_MM = 0.8, 1.2  # ends of both sides of a pulse lie nearer to each other
_TOP_SHARE = 0.85  # of the columns between the sides that have a top
_FLAT_TOP_MM, _FLAT_PERCENTS = 0.6, (15, 85)  # a top whose heights differ more is that of a wave
_BLANK_SHARE = 0.04  # of the pixels inside and above, of which more are inked in a box, a complex, or text
_BLANK_INSET_MM, _BLANK_ABOVE_MM, _BLANK_BESIDE_MM = 0.9, 2.0, 1.3
_BASE_MM = 4.0  # the longest base; also how far from its baseline the trace of a row counts
_BEYOND_SHARE = 0.02  # of a row's trace may lie on the other side of the pulse
_ALIGNED_MM, _ALIKE_SHARE = 1.0, 0.06  # pulses of a page stand below each other, and are as high
_GAIN_TOLERANCE = 0.06
_USUAL_ASPECT, _ASPECT_TOLERANCE = 2.0, 0.12  # height over width of 10 mm/mV and 0.2 s at 25 mm/s


@dataclass(frozen=True)
class _Side:
    """An upright stroke: its middle, its top and its bottom in px."""

    x: float
    top: float
    bottom: float


@dataclass(frozen=True, eq=False)
class _RowWindow:
    """The part of a page in which the pulse of a row stands.

    Parameters
    ----------
    row : int
    first_px : int
        Row of pixels at which it starts on the page.
    baseline_px : float
        Of the row, in the window.
    ink : (height, width) bool
    top_ink : (height, width) bool
        What is ink or dark: tops may be but dark.
    cumulative_trace : (width,) float64
        Share of the row's trace that lies at a column or before it.
    px_per_mm : float
        Pixels in a millimetre.
    """

    row: int
    first_px: int
    baseline_px: float
    ink: Mask
    top_ink: Mask
    cumulative_trace: Floats
    px_per_mm: float

    def px(self, size_mm: float, least: int = 0) -> int:
        """Return a size in whole px."""
        return max(round(size_mm * self.px_per_mm), least)


def find_pulses_by_shape(page: FlatPage, baselines_px: Sequence[float], *, has_grid: bool) -> tuple[Pulse, ...]:
    """Find the pulses of a page by their shape: those of all rows are as high and stand below each other.

    Parameters
    ----------
    baselines_px : sequence of float
        Heights of the rows, from the top.
    has_grid : bool
        Whether the page has a grid. Then its millimetres are known, and a pulse is as high as a standard gain makes it.
        What is dark may then be the grid, and is not taken for ink.
    """
    dark = _dark_ink(page)
    trace = page.segmentation.trace > _TRACE_PROBABILITY
    for ink in _inks(page, dark, has_grid=has_grid):
        pulses = [
            pulse
            for row, baseline in enumerate(baselines_px)
            for pulse in _pulses_of_row(_row_window(ink, dark, trace, page.px_per_mm, row, baseline))
            if not has_grid or nearest_standard(pulse.height_mm, STANDARD_GAINS_MM_MV[1:], _GAIN_TOLERANCE)
        ]
        alike = _largest_group(pulses, page.px_per_mm)
        if len(alike) > 1 or (alike and (has_grid or _has_usual_aspect(alike[0], page.px_per_mm))):
            return alike
    return ()


def _dark_ink(page: FlatPage) -> Mask:
    """Return the pixels as dark as ink (height, width)."""
    full_darkness = full_ink_darkness(page)
    if full_darkness is None:
        return np.zeros(page.darkness.shape, bool)
    return page.darkness > _DARK_SHARE * full_darkness


def _inks(page: FlatPage, dark: Mask, *, has_grid: bool) -> Iterator[Mask]:
    """Yield what may be the ink of pulses (height, width), the surest first."""
    planes = page.segmentation
    probability = cv2.add(cv2.add(planes.trace, planes.label), planes.pulse)
    for least in _INK_PROBABILITIES:
        yield np.asarray(probability > least, bool)
    if not has_grid:
        yield dark


def _has_usual_aspect(pulse: Pulse, px_per_mm: float) -> bool:
    """Tell whether a pulse is as high for its width as one of 10 mm/mV and 0.2 s at 25 mm/s."""
    aspect = pulse.height_mm * px_per_mm / (pulse.right_px - pulse.left_px)
    return bool(abs(aspect / _USUAL_ASPECT - 1) < _ASPECT_TOLERANCE)


def _largest_group(pulses: Sequence[Pulse], px_per_mm: float) -> tuple[Pulse, ...]:
    """Return the most pulses that stand below each other and are as high, one a row."""
    largest: tuple[Pulse, ...] = ()
    for pulse in pulses:
        group = {
            other.row: other
            for other in pulses
            if abs(other.left_px - pulse.left_px) < _ALIGNED_MM * px_per_mm
            and abs(other.height_mm / pulse.height_mm - 1) < _ALIKE_SHARE
        }
        if len(group) > len(largest):
            largest = tuple(group[row] for row in sorted(group))
    return largest


def _row_window(ink: Mask, dark: Mask, trace: Mask, px_per_mm: float, row: int, baseline_px: float) -> _RowWindow:
    """Cut the window of a row out of the masks (height, width) of a page."""
    first = max(round(baseline_px - (MAX_HEIGHT_MM + _ABOVE_PULSE_MM) * px_per_mm), 0)
    last = min(round(baseline_px + _BELOW_ROW_MM * px_per_mm), len(ink))
    window = np.ascontiguousarray(ink[first:last])
    band = slice(max(round(baseline_px - _BASE_MM * px_per_mm), 0), round(baseline_px + _BASE_MM * px_per_mm) + 1)
    cumulative_trace = np.cumsum(trace[band].any(axis=0)).astype(np.float64)
    cumulative_trace /= max(cumulative_trace[-1], 1)
    return _RowWindow(
        row, first, baseline_px - first, window, ink[first:last] | dark[first:last], cumulative_trace, px_per_mm
    )


def _pulses_of_row(window: _RowWindow) -> Iterator[Pulse]:
    """Yield the rectangles of ink, open below, that stand before or after the trace of a row."""
    px_per_mm, cumulative_trace = window.px_per_mm, window.cumulative_trace
    for left, right in combinations(_sides(window), 2):
        if not _MIN_WIDTH_MM < (right.x - left.x) / px_per_mm < _MAX_WIDTH_MM:
            continue
        is_before = bool(cumulative_trace[max(round(left.x - px_per_mm), 0)] < _BEYOND_SHARE)
        is_after = bool(
            cumulative_trace[min(round(right.x + px_per_mm), len(cumulative_trace) - 1)] > 1 - _BEYOND_SHARE
        )
        pulse = _measure_pulse(window, left, right, is_before=is_before) if is_before or is_after else None
        if pulse is not None:
            yield replace(pulse, base_px=pulse.base_px + window.first_px)


def _sides(window: _RowWindow) -> list[_Side]:
    """Return the upright strokes that end near the height of the row, from left to right."""
    px_per_mm, slant = window.px_per_mm, window.px(_SLANT_MM, 1)
    upright = cv2.dilate(window.ink.view(np.uint8), np.ones((1, 2 * slant + 1), np.uint8))
    upright = cv2.morphologyEx(upright, cv2.MORPH_CLOSE, np.ones((window.px(_GAP_MM) | 1, 1), np.uint8))
    _, columns, tops, lengths = column_runs(upright.view(bool))
    bottoms = tops + lengths - 1
    is_side = (lengths > _MIN_SIDE_MM * px_per_mm) & (np.abs(bottoms - window.baseline_px) < _OFF_ROW_MM * px_per_mm)
    columns, tops, bottoms = columns[is_side], tops[is_side], bottoms[is_side]
    if not len(columns):
        return []
    is_apart = (np.diff(columns) > 1) | (np.abs(np.diff(tops)) > _TOPS_APART_MM * px_per_mm)
    strokes = np.split(np.arange(len(columns)), np.flatnonzero(is_apart) + 1)
    return [
        _Side(float(columns[stroke].mean()), float(np.median(tops[stroke])), float(np.median(bottoms[stroke])))
        for stroke in strokes
        if len(stroke) < _MIN_WIDTH_MM * px_per_mm + 2 * slant
    ]


def _measure_pulse(window: _RowWindow, left: _Side, right: _Side, *, is_before: bool) -> Pulse | None:
    """Measure the pulse of two sides, before or after the trace of its row; None where they are no such sides."""
    px_per_mm, slack = window.px_per_mm, window.px(_SLANT_MM, 1)
    if not _end_alike(left, right, px_per_mm):
        return None
    x0, x1 = max(round(left.x), 0), round(right.x)
    top = round((left.top + right.top) / 2)
    top_ink = window.top_ink[max(top - slack, 0) : top + 2 * slack + 1, x0 : x1 + 1]
    if not _spans_top(window, top_ink) or not _is_blank(window, (x0, x1), top, max(left.bottom, right.bottom)):
        return None
    columns = np.flatnonzero(top_ink.any(axis=0))
    centres = np.array([np.flatnonzero(top_ink[:, k]).mean() for k in columns])
    if np.ptp(np.percentile(centres, _FLAT_PERCENTS)) > _FLAT_TOP_MM * px_per_mm:
        return None
    thickness = float(np.median(top_ink[:, columns].sum(axis=0)))
    top_px = max(top - slack, 0) + float(np.median(centres))
    base_px = (left.bottom + right.bottom) / 2 - (thickness - 1) / 2
    length_px = _base_length(window, left if is_before else right, base_px, -1 if is_before else 1)
    extent_px = left.x - length_px, right.x + length_px
    return Pulse(window.row, left.x, right.x, (base_px - top_px) / px_per_mm, base_px, extent_px)


def _end_alike(left: _Side, right: _Side, px_per_mm: float) -> bool:
    """Tell whether two sides end at about the same heights, as those of a pulse do."""
    are_tops_near = abs(left.top - right.top) <= _TOPS_APART_MM * px_per_mm
    return are_tops_near and abs(left.bottom - right.bottom) <= _BOTTOMS_APART_MM * px_per_mm


def _spans_top(window: _RowWindow, top_ink: Mask) -> bool:
    """Tell whether the ink (height, width) between the tops of two sides joins them."""
    gap = window.px(_GAP_MM) | 1
    is_top = np.asarray(top_ink.any(axis=0), np.uint8)[None]
    closed = cv2.morphologyEx(is_top, cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8))
    return bool(closed.mean() >= _TOP_SHARE)


def _is_blank(window: _RowWindow, sides: tuple[int, int], top: int, bottom: float) -> bool:
    """Tell whether there is hardly any ink inside a pulse, and above it.

    A box, a complex that begins where the pulse ends, or text is not blank there.
    """
    slack, inset, beside = window.px(_SLANT_MM, 1), window.px(_BLANK_INSET_MM), window.px(_BLANK_BESIDE_MM)
    left, right = sides
    if right - left <= 2 * inset:
        return False
    inside = window.ink[top + 2 * slack + 1 : round(bottom) + slack, left + inset : right - inset + 1]
    above = window.ink[
        max(top - window.px(_BLANK_ABOVE_MM), 0) : max(top - slack, 0), max(left - beside, 0) : right + beside + 1
    ]
    is_clear_inside = bool(inside.size and inside.mean() <= _BLANK_SHARE)
    return is_clear_inside and not (above.size and above.mean() > _BLANK_SHARE)


def _base_length(window: _RowWindow, side: _Side, base: float, step: int) -> float:
    """Return how far, px, the base goes beyond the side of a pulse that is away from the trace."""
    slack = window.px(_SLANT_MM, 1)
    has_ink = np.asarray(window.ink[max(round(base) - slack, 0) : round(base) + slack + 1].any(axis=0), bool)
    start = round(side.x)
    farthest = start
    for x in range(start, start + step * window.px(_BASE_MM), step):
        if not 0 <= x < len(has_ink):
            break
        if has_ink[x]:
            farthest = x
        elif abs(x - farthest) > slack:
            break
    return float(abs(farthest - start))
