"""Trace the rows of a flat page: find them, track each through the ink, and read its centre line.

A column of a flat page holds runs of trace ink. A row's path takes one per column, and a run that two rows took is
parted between them. The centre line within the ink is then read by `centre_line`, and mended by
`subpixel_refinement`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from ecgimg.digitization.model import FlatPage, Pulse, RowTrace
from ecgimg.digitization.numerics import Floats, Ints, Mask
from ecgimg.digitization.pulses.detect_by_network import PULSE_PROBABILITY, find_pulses
from ecgimg.digitization.segmentation.ink_runs import InkRuns, find_ink_runs, is_label_ink, measure_stroke_width_px
from ecgimg.digitization.text.traces_hidden_by_labels import extend_through_label
from ecgimg.digitization.tracing.annotation_removal import ink_masks, remove_annotations
from ecgimg.digitization.tracing.binarise import binarise_trace
from ecgimg.digitization.tracing.centre_line import SUB_COLUMNS, read_centre_line
from ecgimg.digitization.tracing.ink_along_path import InkMap, PathRuns, RowInk, map_ink, measure_row_ink
from ecgimg.digitization.tracing.row_detection import find_row_baselines
from ecgimg.digitization.tracing.subpixel_refinement import refine_steep_strokes
from ecgimg.digitization.tracing.tracking.joint_tracking import (
    merge_split_row,
    remove_end_fragments,
    retrack_off_other_rows,
    retrack_to_common_ends,
    retrack_to_unclaimed_ink,
)
from ecgimg.digitization.tracing.tracking.minimum_cost_path import minimum_cost_paths
from ecgimg.digitization.tracing.tracking.overlap_separation import separate_overlaps
from ecgimg.inference.threads import in_threads

_FEW_COLUMNS = 8  # a path of fewer is no row
_LONG_SHARE = 0.4  # of the longest row; shorter ones are print
_LEAST_CERTAINTY = 0.3  # mean trace probability of a row
_LEAST_CERTAINTY_IN_LINE, _IN_LINE_MM = 0.15, 1.5  # a still lead is less certain, but starts where the other rows do
_BEAT_MM = 10.0  # a median over so much levels the complexes of a trace
_STILL_MM = 0.25  # a form line keeps so near to its median
_STILL_PERCENT, _CROSSED_PERCENT = 99, 97  # of its columns; a trace may run into the rest of a line unlike a trace
_SURELY_TRACE = 0.75  # mean trace probability from which a row is like a trace

_BASE_SHARE = 0.5  # of full ink; paler pixels beside a pulse are no ink
_PULSE_SIDE_MM, _BASE_REACH_MM = 0.3, 15.0  # half the width of a pulse's side; how far off its base ink may lie

_TALL_MM = 1.8  # ink of a column that is higher is an apex or a separator
_TEXT_CERTAINTY = 0.35  # tall ink that is less likely trace may be text
_CAP_WIDTHS = 0.3  # of a stroke; caps are round, square or none, and print blurs them
_BESIDE_BAR_MM, _BAR_MM = 0.5, 0.5  # a bar stands out so far above and below the ink so far beside it


def trace_rows(page: FlatPage, baselines: Floats | None = None) -> tuple[RowTrace, ...]:
    """Trace the rows of a flat page, from the top.

    Parameters
    ----------
    baselines : (n,) float64, optional
        Heights (px) at which rows lie; found from the ink if not given.
    """
    ink = map_ink(page)
    labels = page.segmentation.label
    return tuple(in_threads(lambda tracked: _read_row(ink, labels, *tracked), track_rows(page, ink, baselines)))


def track_rows(page: FlatPage, ink: InkMap, baselines: Floats | None = None) -> list[tuple[float, RowInk]]:
    """Find the rows of a flat page, from the top, and the ink that each takes.

    Parameters
    ----------
    baselines : (n,) float64, optional
        Heights (px) at which rows lie; found from the ink if not given, and then rows unlike traces are left out.

    Returns
    -------
    list of (float, RowInk)
        Height (px) and ink of each row.
    """
    mask = binarise_trace(page, ink.full_darkness)
    are_given = baselines is not None
    baselines = find_row_baselines(mask, page.px_per_mm) if baselines is None else baselines
    if not len(baselines):
        return []
    mask |= _ink_beside_pulses(page, find_pulses(page, baselines.tolist()), ink.full_darkness)
    mask = remove_annotations(mask, *ink_masks(page, ink.full_darkness), page.px_per_mm)
    runs = find_ink_runs(mask, page)
    paths = minimum_cost_paths(runs, baselines, page.px_per_mm)
    merged = None if are_given else merge_split_row(paths, baselines)
    if merged is not None:
        baselines, paths = merged, minimum_cost_paths(runs, merged, page.px_per_mm)
    stroke_width_px = measure_stroke_width_px(runs, page, ink.full_darkness)
    rows = [
        (float(baseline), measure_row_ink(ink, path_runs, stroke_width_px, page.px_per_mm))
        for baseline, path_runs in zip(
            baselines, _track_jointly(runs, paths, baselines, stroke_width_px, page), strict=True
        )
        if len(path_runs.columns) >= _FEW_COLUMNS
    ]
    return rows if are_given else _select_traces(rows, page.px_per_mm)


def _track_jointly(
    runs: InkRuns, paths: list[Ints], baselines: Floats, stroke_width_px: float, page: FlatPage
) -> list[PathRuns]:
    """Resolve whose the ink is, and where each row starts and ends, between rows that were tracked by themselves."""
    px_per_mm = page.px_per_mm
    paths = retrack_off_other_rows(runs, paths, baselines, px_per_mm, stroke_width_px)
    paths = [remove_end_fragments(path, px_per_mm) for path in paths]
    paths = retrack_to_common_ends(runs, paths, baselines, px_per_mm)
    paths = retrack_to_unclaimed_ink(runs, paths, baselines, px_per_mm)
    return separate_overlaps(
        runs, [extend_through_label(runs, path, page) for path in paths], stroke_width_px, px_per_mm
    )


def _select_traces(rows: Sequence[tuple[float, RowInk]], px_per_mm: float) -> list[tuple[float, RowInk]]:
    """Return the rows that are long and look like traces.

    A still lead in line with the others may look like a form line.
    """
    rows = [(baseline, row) for baseline, row in rows if not _is_form_line(row)]
    longest = max((row.has_ink.sum() for _, row in rows), default=0)
    usual_start = float(np.median([row.ends_px[0] for _, row in rows])) if rows else 0.0
    selected = []
    for baseline, row in rows:
        is_in_line = abs(row.ends_px[0] - usual_start) < _IN_LINE_MM * px_per_mm
        least = _LEAST_CERTAINTY_IN_LINE if is_in_line else _LEAST_CERTAINTY
        if row.has_ink.sum() > _LONG_SHARE * longest and row.certainty.mean() > least:
            selected.append((baseline, row))
    return selected


def _is_form_line(row: RowInk) -> bool:
    """Tell a line of the form, ruled or framed, from a trace: no beats, or hardly any and unlike a trace."""
    middle = (row.upper + row.lower)[row.has_ink] / 2
    smooth = median_filter(middle, size=round(_BEAT_MM * row.px_per_mm) | 1, mode="nearest")
    percent = _STILL_PERCENT if row.certainty.mean() > _SURELY_TRACE else _CROSSED_PERCENT
    return bool(np.percentile(np.abs(middle - smooth), percent) < _STILL_MM * row.px_per_mm)


def _ink_beside_pulses(page: FlatPage, pulses: Sequence[Pulse], full_darkness: float) -> Mask:
    """Return the ink that was marked as a pulse's but lies beyond its sides: its base, or a trace that begins there."""
    ink = (page.segmentation.pulse > PULSE_PROBABILITY) & (page.darkness > _BASE_SHARE * full_darkness)
    beside = np.zeros(ink.shape, bool)
    slack, reach = _PULSE_SIDE_MM * page.px_per_mm, _BASE_REACH_MM * page.px_per_mm
    for pulse in pulses:
        heights = slice(max(round(pulse.base_px - reach), 0), round(pulse.base_px + reach))
        for first, last in ((pulse.extent_px[0] - slack, pulse.left_px), (pulse.right_px, pulse.extent_px[1] + slack)):
            columns = slice(max(round(first), 0), round(last) + 1)
            beside[heights, columns] = ink[heights, columns]
        for side in (pulse.left_px, pulse.right_px):
            beside[heights, max(round(side - slack), 0) : round(side + slack) + 1] = False
    return beside


def _read_row(ink: InkMap, labels: NDArray[np.uint8], baseline: float, row: RowInk) -> RowTrace:
    """Read the trace of a row from its ink, but for its caps and what text hides."""
    heights, error = read_centre_line(row)
    heights = refine_steep_strokes(ink, row, heights, error)
    is_tall = row.lower - row.upper > _TALL_MM * row.px_per_mm
    columns = row.first_column + np.flatnonzero(row.has_ink)
    places = columns[:, None] + np.asarray(SUB_COLUMNS)
    points = np.stack([places, heights[row.has_ink]], axis=-1).reshape(-1, 2)

    def at_points(values: NDArray[Any]) -> NDArray[Any]:
        return np.repeat(values[row.has_ink], len(SUB_COLUMNS))

    trace = RowTrace(
        baseline, points, at_points(row.certainty), at_points(error), at_points(is_tall),
        at_points(is_tall & _stands_out(row)),
    )  # fmt: skip
    (left, right), cap = row.ends_px, _CAP_WIDTHS * row.stroke_width_px
    x = points[:, 0]
    trace = trace.select((x >= left + cap) & (x <= right - cap) & ~at_points(_is_text(labels, row, is_tall)))
    return replace(trace, ink_ends_px=(left, right), cap_px=cap)


def _is_text(labels: NDArray[np.uint8], row: RowInk, is_tall: Mask) -> Mask:
    """Return in which tall columns the ink is text that stands on the trace: nothing can be read there."""
    is_text = np.zeros(len(is_tall), bool)
    for column in np.flatnonzero(is_tall & row.has_ink & (row.certainty < _TEXT_CERTAINTY)):
        top, bottom = int(row.upper[column]), int(row.lower[column])
        is_text[column] = is_label_ink(labels, top, bottom, row.first_column + int(column))
    return is_text


def _stands_out(row: RowInk) -> Mask:
    """Return where the ink of a column goes on both above and below that of the columns beside it."""
    aside = np.ceil(_BESIDE_BAR_MM * row.px_per_mm + row.stroke_width_px).astype(int)
    columns = np.arange(len(row.upper))
    sides = [np.clip(columns + by, 0, len(columns) - 1) for by in (-aside, aside)]
    above = row.upper < np.minimum(*(row.upper[side] for side in sides)) - _BAR_MM * row.px_per_mm
    below = row.lower > np.maximum(*(row.lower[side] for side in sides)) + _BAR_MM * row.px_per_mm
    return np.asarray(above & below)
