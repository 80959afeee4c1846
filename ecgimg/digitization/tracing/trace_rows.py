"""Follow the traces: one path per row through the runs of ink in each column.

A column of a flat page holds runs of trace ink; a row's path takes one per column, and a run that two rows took is
parted between them. What the pen did within the ink is then read by `centerline`, and mended by `refine`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from ecgimg.digitization.model import FlatPage, Pulse, RowTrace
from ecgimg.digitization.pulses.detect import find_pulses
from ecgimg.digitization.segmentation.ink_runs import InkRuns, find_ink_runs, is_label_ink, measure_stroke_width_px
from ecgimg.digitization.segmentation.threads import in_threads
from ecgimg.digitization.text.labels_on_traces import extend_through_label
from ecgimg.digitization.tracing.annotations import all_ink, without_pens
from ecgimg.digitization.tracing.centerline import SUB_COLUMNS, Ink, Strokes, TakenRuns, look, measure_ink, read_strokes
from ecgimg.digitization.tracing.joint_tracking import (
    end_in_common,
    leave_others,
    take_unclaimed,
    with_halves_joined,
    without_crumbs,
)
from ecgimg.digitization.tracing.overlaps import part_runs
from ecgimg.digitization.tracing.refine import redraw
from ecgimg.digitization.tracing.rows import MARKED_PULSE, find_baselines, trace_mask
from ecgimg.digitization.tracing.tracking import follow_all

Floats = NDArray[np.float64]

_LETTERED = 0.35
_SEPARATOR_MM = 1.8
_BEAT_MM = 10.0
_STILL_MM, _STILL_PERCENT, _CROSSED_PERCENT, _SURELY_TRACE = 0.25, 99, 97, 0.75
_FEW_COLUMNS = 8
_CAP = 0.3  # of the pen; caps are round, square or none, and print blurs them
_BESIDE_MM = 0.5
_OUT_MM = 0.5
_LONG_SHARE = 0.4
_LEAST_TRACE, _LEAST_IN_LINE, _IN_LINE_MM = 0.3, 0.15, 1.5
_FOOT_DARK, _SIDE_MM, _FOOT_REACH_MM = 0.5, 0.3, 15.0


def trace_rows(page: FlatPage, baselines: Floats | None = None) -> tuple[RowTrace, ...]:
    """Find the rows of a flat page from the top, or those at `baselines` (n,) px, and trace each."""
    ink = measure_ink(page)
    letters = page.segmentation.label
    return tuple(in_threads(lambda found: _row_trace(ink, letters, *found), find_strokes(page, ink, baselines)))


def find_strokes(page: FlatPage, ink: Ink, baselines: Floats | None = None) -> list[tuple[float, Strokes]]:
    """Find the rows of a flat page from the top: the height (px) at which each lies, and the ink that it takes."""
    level = ink.level
    mask = trace_mask(page, level)
    told = baselines is not None
    baselines = find_baselines(mask, page.px_per_mm) if baselines is None else baselines
    if not len(baselines):
        return []
    mask |= _beside_pulses(page, find_pulses(page, baselines.tolist()), level)
    mask = without_pens(mask, *all_ink(page, level), page.px_per_mm)
    runs = find_ink_runs(mask, page)
    paths = follow_all(runs, baselines, page.px_per_mm)
    whole = None if told else with_halves_joined(paths, baselines)
    if whole is not None:
        baselines, paths = whole, follow_all(runs, whole, page.px_per_mm)
    pen = measure_stroke_width_px(runs, page, level)
    found = []
    for baseline, path in zip(baselines, _settled(runs, paths, baselines, pen, page), strict=True):
        if len(path.columns) < _FEW_COLUMNS:
            continue
        strokes = look(ink, path, pen, page.px_per_mm)
        if told or not _is_ruled(strokes):
            found.append((float(baseline), strokes))
    return found if told else _traces_among(found, page.px_per_mm)


def _settled(
    runs: InkRuns, paths: list[NDArray[np.int64]], baselines: Floats, pen: float, page: FlatPage
) -> list[TakenRuns]:
    """Settle between the rows, followed each for itself, which takes what ink, where each ends, and where it begins."""
    mm = page.px_per_mm
    paths = leave_others(runs, paths, baselines, mm, pen)
    paths = [without_crumbs(path, mm) for path in paths]
    paths = end_in_common(runs, paths, baselines, mm)
    paths = take_unclaimed(runs, paths, baselines, mm)
    return part_runs(runs, [extend_through_label(runs, path, page) for path in paths], pen, mm)


def _traces_among(found: Sequence[tuple[float, Strokes]], px_per_mm: float) -> list[tuple[float, Strokes]]:
    """Return the rows that are long and look like traces; a still lead in line with the others may look like a rule."""
    longest = max((strokes.seen.sum() for _, strokes in found), default=0)
    first = float(np.median([strokes.ends_px[0] for _, strokes in found])) if found else 0.0
    kept = []
    for baseline, strokes in found:
        in_line = abs(strokes.ends_px[0] - first) < _IN_LINE_MM * px_per_mm
        least = _LEAST_IN_LINE if in_line else _LEAST_TRACE
        if strokes.seen.sum() > _LONG_SHARE * longest and strokes.trace.mean() > least:
            kept.append((baseline, strokes))
    return kept


def _beside_pulses(page: FlatPage, pulses: Sequence[Pulse], level: float) -> NDArray[np.bool_]:
    """Return the ink that was marked as a pulse's but lies beyond its sides: its feet, or traces that begin there."""
    ink = (page.segmentation.pulse > MARKED_PULSE) & (page.darkness > _FOOT_DARK * level)
    beyond = np.zeros(ink.shape, bool)
    slack = _SIDE_MM * page.px_per_mm
    for pulse in pulses:
        reach = _FOOT_REACH_MM * page.px_per_mm
        heights = slice(max(round(pulse.base_px - reach), 0), round(pulse.base_px + reach))
        for first, last in ((pulse.extent_px[0] - slack, pulse.left_px), (pulse.right_px, pulse.extent_px[1] + slack)):
            columns = slice(max(round(first), 0), round(last) + 1)
            beyond[heights, columns] = ink[heights, columns]
        for side in (pulse.left_px, pulse.right_px):
            beyond[heights, max(round(side - slack), 0) : round(side + slack) + 1] = False
    return beyond


def _is_ruled(strokes: Strokes) -> bool:
    """Tell a line of the form, ruled or framed, from a trace: no beats, or hardly any and unlike a trace."""
    middle = (strokes.upper + strokes.lower)[strokes.seen] / 2
    smooth = median_filter(middle, size=round(_BEAT_MM * strokes.px_per_mm) | 1, mode="nearest")
    percent = _STILL_PERCENT if strokes.trace.mean() > _SURELY_TRACE else _CROSSED_PERCENT  # a trace may run into it
    return bool(np.percentile(np.abs(middle - smooth), percent) < _STILL_MM * strokes.px_per_mm)


def _row_trace(ink: Ink, letters: NDArray[np.uint8], baseline: float, strokes: Strokes) -> RowTrace:
    heights, error = read_strokes(strokes)
    heights = redraw(ink, strokes, heights, error)
    tall = strokes.lower - strokes.upper > _SEPARATOR_MM * strokes.px_per_mm
    lettered = _lettered(letters, strokes, tall)
    columns = strokes.first_column + np.flatnonzero(strokes.seen)
    places = columns[:, None] + np.asarray(SUB_COLUMNS)
    points = np.stack([places, heights[strokes.seen]], axis=-1).reshape(-1, 2)

    def each(values: NDArray[Any]) -> NDArray[Any]:
        return np.repeat(values[strokes.seen], len(SUB_COLUMNS))

    row = RowTrace(baseline, points, each(strokes.trace), each(error), each(tall), each(tall & _stands_out(strokes)))
    (left, right), cap = strokes.ends_px, _CAP * strokes.pen_px
    x = points[:, 0]
    row = row.select((x >= left + cap) & (x <= right - cap) & ~each(lettered))
    return replace(row, ink_ends_px=(left, right), cap_px=cap)


def _lettered(letters: NDArray[np.uint8], strokes: Strokes, tall: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return in which tall columns the ink is lettering that stands on the trace: nothing can be read there."""
    result = np.zeros(len(tall), bool)
    for column in np.flatnonzero(tall & strokes.seen & (strokes.trace < _LETTERED)):
        top, bottom = int(strokes.upper[column]), int(strokes.lower[column])
        result[column] = is_label_ink(letters, top, bottom, strokes.first_column + int(column))
    return result


def _stands_out(strokes: Strokes) -> NDArray[np.bool_]:
    """Return where the ink of a column goes on both above and below that of the columns beside it."""
    aside = np.ceil(_BESIDE_MM * strokes.px_per_mm + strokes.pen_px).astype(int)
    columns = np.arange(len(strokes.upper))
    sides = [np.clip(columns + by, 0, len(columns) - 1) for by in (-aside, aside)]
    above = strokes.upper < np.minimum(*(strokes.upper[side] for side in sides)) - _OUT_MM * strokes.px_per_mm
    below = strokes.lower > np.maximum(*(strokes.lower[side] for side in sides)) + _OUT_MM * strokes.px_per_mm
    return np.asarray(above & below)
