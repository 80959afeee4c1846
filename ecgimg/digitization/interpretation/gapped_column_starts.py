"""Columns with gaps between them: their extent, the starts in every row, and the refinement of these starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ecgimg.digitization.interpretation.column_gaps import CROPPED_MM, find_blanks
from ecgimg.digitization.model import RowTrace, Scale
from ecgimg.digitization.numerics import Floats
from ecgimg.digitization.signals.lead_extraction import FS_HZ
from layouts import Layout

_MIN_ROWS = 2  # with gaps, from which the starts of the others follow
_MIN_COLUMNS = 3  # two columns have one gap, whose sides tell no spacing
_MIN_EDGES = 4  # sides of gaps that must agree before the starts are moved
_EDGE_NEAR_MM = 1.5  # from where it is expected, of the side of a gap
_REACHES_MM = (1.0, 1.0, 0.6, 0.4, 0.4)  # of the robust fit: sides that are farther off count less with every pass


def gapped_extent(rows: Sequence[RowTrace], gaps_px: float, px_per_mm: float) -> tuple[float, float]:
    """Return where columns with gaps start and end, as if there were no gaps.

    The last column gets the width of the others where the picture crops it.

    Parameters
    ----------
    rows : sequence of RowTrace
        From `find_column_gaps`.
    gaps_px : float
        Sum of the widths of the gaps.
    px_per_mm : float
    """
    gapped = [row for row in rows if row.column_starts_px]
    starts_px = np.median([row.column_starts_px for row in gapped], axis=0)
    right_px = max(row.points_px[-1, 0] for row in gapped)
    column_px = (float(starts_px[-1] - starts_px[0]) - gaps_px) / (len(starts_px) - 1)
    missing_px = column_px - (right_px - float(starts_px[-1]))
    return float(starts_px[0]), right_px - gaps_px + (missing_px if missing_px > CROPPED_MM * px_per_mm else 0.0)


def complete_column_starts(rows: Sequence[RowTrace], layout: Layout) -> tuple[RowTrace, ...]:
    """Return the rows, of which those whose gaps are written over or drawn through have the starts of the others.

    The starts follow a line through those of the other rows. Rhythm strips, which have no columns, stay as they are.
    """
    started = [row for row in rows[: layout.rows] if _has_starts(row, layout)]
    if len(started) < _MIN_ROWS:
        return tuple(rows)
    heights = [row.baseline_px for row in started]
    slopes, offsets = np.polyfit(heights, [row.column_starts_px for row in started], 1)
    return tuple(
        row
        if row in started or index >= layout.rows
        else replace(row, column_starts_px=tuple(slopes * row.baseline_px + offsets))
        for index, row in enumerate(rows)
    )


def refine_gapped_starts(rows: Sequence[RowTrace], layout: Layout, scale: Scale) -> tuple[RowTrace, ...]:
    """Move the starts of columns with gaps to where both sides of the gaps and the paper speed say.

    A column ends with its last sample, so its end tells its start as well as the end of the gap before it does. A lead
    label may stand at the latter. Round pens make gaps narrower, which cancels between the two.
    """
    if layout.columns < _MIN_COLUMNS:
        return tuple(rows)
    rows = [_with_even_starts(row) if _has_starts(row, layout) else row for row in rows]
    edges = [edge for row in rows if _has_starts(row, layout) for edge in _edge_delays(row, layout, scale)]
    line = _fit_delays(np.array(edges, np.float64), scale.px_per_mm) if edges else None
    if line is None:
        return tuple(rows)
    delays_px = np.polyval(line, np.arange(layout.columns))
    return tuple(
        replace(row, column_starts_px=tuple((np.array(row.column_starts_px) + delays_px).tolist()))
        if _has_starts(row, layout)
        else row
        for row in rows
    )


def _has_starts(row: RowTrace, layout: Layout) -> bool:
    """Tell whether a row has the column starts of a layout."""
    return len(row.column_starts_px) == layout.columns


def _with_even_starts(row: RowTrace) -> RowTrace:
    """Return a row with evenly spaced column starts."""
    columns = np.arange(len(row.column_starts_px))
    starts_px = np.polyval(np.polyfit(columns, row.column_starts_px, 1), columns)
    return replace(row, column_starts_px=tuple(starts_px.tolist()))


def _edge_delays(row: RowTrace, layout: Layout, scale: Scale) -> list[tuple[int, float, int]]:
    """Return by how much columns of a row start later than thought, as each side of its gaps tells.

    Returns
    -------
    list of (int, float, int)
        Index of the column, delay in px, and 1 where the column's end tells it, -1 where its start does.
    """
    starts = np.array(row.column_starts_px)
    column_px = (layout.seconds_per_column - 1 / FS_HZ) * scale.px_per_s
    edges = []
    for middle, width in find_blanks(row, scale.px_per_mm):
        by_column_end = middle - width / 2 - column_px - starts[:-1]
        by_column_start = middle + width / 2 - starts[1:]
        for first_column, delays, side in ((0, by_column_end, 1), (1, by_column_start, -1)):
            index = int(np.abs(delays).argmin())
            if abs(delays[index]) < _EDGE_NEAR_MM * scale.px_per_mm:
                edges.append((first_column + index, float(delays[index]), side))
    return edges


def _fit_delays(edges: Floats, px_per_mm: float) -> Floats | None:
    """Fit a line through the delays of the columns by reweighted least squares, in which outliers count less.

    Parameters
    ----------
    edges : (n, 3) float64
        Column, delay and side as `_edge_delays` gives them. The width of the pen shifts both sides in opposite
        directions, which is a third term of the fit where both are seen.
    px_per_mm : float

    Returns
    -------
    (2,) float64 or None
        Slope and offset, None where too few sides agree.
    """
    column, delay, side = edges.T
    is_end = side > 0
    if is_end.sum() < _MIN_EDGES:
        return None
    terms = np.stack([column, np.ones(len(column)), side], axis=1)
    coefficients = np.array([0.0, float(np.median(delay[is_end])), 0.0])
    for reach_mm in _REACHES_MM:
        weights = np.clip(1 - ((delay - terms @ coefficients) / (reach_mm * px_per_mm)) ** 2, 0, None)
        if (weights * is_end).sum() < _MIN_EDGES / 2:
            return None
        has_both_sides = (weights * ~is_end).sum() > _MIN_EDGES / 2
        used_terms = terms if has_both_sides else terms[:, :2]
        root = np.sqrt(weights)[:, None]
        solution = np.linalg.lstsq(used_terms * root, delay * root[:, 0], rcond=None)[0]
        coefficients = np.append(solution, 0.0)[:3]
    return coefficients[:2]
