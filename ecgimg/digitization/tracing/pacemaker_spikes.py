"""Find pacemaker spikes that the stroke reader missed: ink as narrow as a stroke that goes on well beyond the path."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ecgimg.digitization.numerics import Floats, Mask
from ecgimg.digitization.tracing.centre_line import SUB_COLUMNS
from ecgimg.digitization.tracing.ink_along_path import InkMap, RowInk

_LEAST_PX, _LONGEST_MM = 3.0, 8.0  # how far a spike goes beyond the path
_QUIET_MM = 1.0  # about a spike, where the trace moves by less than half the longest spike
_MOST_PALENESS = 0.2  # paler ink is a grid line, or of a letter
_TIP_COLUMNS = 2  # to each side, over which the ink of a tip may spread


def add_pacemaker_spikes(ink: InkMap, row: RowInk, heights: Floats, stroke_width_px: float) -> tuple[Floats, Mask]:
    """Add a spike to a path wherever narrow ink goes on well beyond it.

    A spike, such as a pacemaker draws, is as narrow as a stroke, goes one way, and stands on a trace that is quiet.

    Parameters
    ----------
    heights : (n, places) float64
        The path as it was read, px.

    Returns
    -------
    path : (n × places,) float64
        Heights with the tips of the spikes, px.
    may_bend : (n × places − 2,) bool
        At which inner points the path may bend as a spike does.
    """
    path = heights.ravel().astype(np.float64)
    may_bend = np.zeros(len(path) - 2, bool)
    places = len(SUB_COLUMNS)
    for x, tip in _tips(ink, row, heights, stroke_width_px):
        knot = round((x - SUB_COLUMNS[0]) * places)
        if 0 < knot < len(path) - 1:
            path[knot] = tip
            may_bend[max(knot - 1 - places, 0) : knot + places] = True
    return path, may_bend


def _tips(ink: InkMap, row: RowInk, heights: Floats, stroke_width_px: float) -> Iterator[tuple[float, float]]:
    """Yield the tip of each spike: columns from the first of the row, and height of the centre line, px."""
    around, longest_px = round(_QUIET_MM * row.px_per_mm), _LONGEST_MM * row.px_per_mm
    motion_px = _largest_near(heights.max(axis=1), around) + _largest_near(-heights.min(axis=1), around)
    may_have_spike = row.has_ink & ~row.is_shared & (motion_px < longest_px / 2)
    up = _goes_on(row.upper, -1, heights, stroke_width_px, longest_px)
    down = _goes_on(row.lower, 1, heights, stroke_width_px, longest_px)
    for edge, sign, one_way in ((row.upper, -1, up & ~down), (row.lower, 1, down & ~up)):
        for column in np.flatnonzero(one_way & may_have_spike):
            tip = float(edge[column]) - sign * stroke_width_px / 2
            page_column = row.first_column + int(column)
            is_pale = _paleness(ink, page_column, tip, float(heights[column].mean())) > _MOST_PALENESS
            if not is_pale:
                yield _tip_column(ink, page_column, round(tip)) - row.first_column, tip


def _goes_on(edge: Floats, sign: int, heights: Floats, stroke_width_px: float, longest_px: float) -> Mask:
    """Return the columns at which narrow ink ends farther up (`sign` −1) or down (1) than the path (n, places) goes."""
    aside = int(np.ceil(stroke_width_px / 2)) + 1
    path = _largest_near(sign * heights.max(axis=1) if sign > 0 else -heights.min(axis=1), 1)
    tip = sign * edge - stroke_width_px / 2
    is_narrow = tip > np.maximum(np.roll(tip, aside), np.roll(tip, -aside)) + _LEAST_PX
    has_length = (tip - path > _LEAST_PX) & (tip - path < longest_px)
    is_tip = sign * edge >= _largest_near(sign * edge, 2)
    return np.asarray(has_length & is_tip & is_narrow, bool)


def _largest_near(values: Floats, reach: int) -> Floats:
    """Return the largest of the values up to `reach` places away from each."""
    return np.asarray(np.maximum.reduce([np.roll(values, by) for by in range(-reach, reach + 1)]), np.float64)


def _paleness(ink: InkMap, column: int, tip: float, path: float) -> float:
    """Return how far, 0-1, a spike from the path to its tip falls short of full ink."""
    top, bottom = sorted((round(tip), round(path)))
    columns = slice(max(column - 1, 0), column + 2)
    return 1 - float(ink.share[max(top, 0) : bottom + 1, columns].max(axis=1).mean())


def _tip_column(ink: InkMap, column: int, row: int) -> float:
    """Return the column, to a fraction, at which the ink across the tip of a spike has its middle."""
    columns = np.clip(np.arange(column - _TIP_COLUMNS, column + _TIP_COLUMNS + 1), 0, ink.share.shape[1] - 1)
    weight = ink.share[np.clip(row, 0, ink.share.shape[0] - 1), columns]
    return float((weight * columns).sum() / max(weight.sum(), 1e-6))
