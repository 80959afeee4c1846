"""Where each column of a page starts: by the separators between columns, else by the right ends of the rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from ecgimg.digitization.interpretation.column_spacing import MAX_SEPARATORS, MAX_SPEED_ERROR, SAME_PLACE_MM
from ecgimg.digitization.interpretation.shared_row_ends import shared_end_px
from ecgimg.digitization.model import Interpretation, RowTrace, Scale
from ecgimg.digitization.numerics import Floats, densest_cluster

_SEPARATOR_REACH_MM, _SEPARATOR_REACH_SHARE = 1.6, 0.02  # from the usual start; the share grows along the row
_MIN_SEPARATORS = 2  # at each border: a single stroke may be part of a letter or of a trace
_MIN_ROWS_SHARE = 2 / 3  # of the rows must end at the same place before that tells how wide columns are
_MIN_SHIFT_MM, _OVER_SPREAD = 0.25, 1.5  # a smaller shift of the last end, or one within its spread, is measuring error
_JUMP_RATIO = 1.3  # how much larger the jumps at shifted starts must be than at the usual ones
_JUMP_FROM_MM, _JUMP_TO_MM, _MAX_JUMP_MM = 0.12, 0.6, 2.0  # range beside a border, and cap: a QRS is no larger a jump


def set_starts_by_separators(
    rows: Sequence[RowTrace], interpretation: Interpretation, separators_px: Floats, scale: Scale
) -> tuple[RowTrace, ...]:
    """Return the rows with the column starts that separators give, if at least two stand at every border.

    Parameters
    ----------
    rows : sequence of RowTrace
    interpretation : Interpretation
        Its layout and start tell about where the borders are.
    separators_px : (n,) float64
        See `detect_separators`.
    scale : Scale
    """
    indices = _rows_without_starts(rows, interpretation)
    usual_px = _usual_starts_px(interpretation, scale)
    starts_px = _starts_by_separators(usual_px, separators_px, scale.px_per_mm) if indices else None
    return with_column_starts(rows, indices, starts_px) if starts_px is not None else tuple(rows)


def set_starts_by_row_ends(
    rows: Sequence[RowTrace], interpretation: Interpretation, scale: Scale
) -> tuple[RowTrace, ...]:
    """Return the rows with their column starts where columns are narrower or wider than the paper speed says.

    Printers leave out a few samples a column, and a grid may be followed to some thousandths only. The right ends of
    the rows tell the width, if the traces jump at the borders that follow from it rather than at the usual ones.
    """
    indices = _rows_without_starts(rows, interpretation)
    multi_column = [rows[index] for index in indices]
    spacing_px = _spacing_by_row_ends(multi_column, interpretation, scale) if indices else None
    if spacing_px is None:
        return tuple(rows)
    columns = np.arange(interpretation.layout.columns)
    starts_px = np.asarray(interpretation.start_px + spacing_px * columns, np.float64)
    usual_jumps_mm = _jumps_mm(multi_column, _usual_starts_px(interpretation, scale)[1:], scale.px_per_mm)
    is_better = _jumps_mm(multi_column, starts_px[1:], scale.px_per_mm) >= _JUMP_RATIO * usual_jumps_mm
    return with_column_starts(rows, indices, starts_px) if is_better else tuple(rows)


def _spacing_by_row_ends(rows: Sequence[RowTrace], interpretation: Interpretation, scale: Scale) -> float | None:
    """Return the spacing of the columns by the right ends of the rows, None if they give the usual one or disagree."""
    layout, mm = interpretation.layout, scale.px_per_mm
    usual_px = layout.seconds_per_column * scale.px_per_s
    ends_px = [row.right_px for row in rows]
    right_px = shared_end_px(np.array(ends_px), mm)
    agreeing_px = [end for end in ends_px if abs(end - right_px) < SAME_PLACE_MM * mm]
    if len(agreeing_px) < _MIN_ROWS_SHARE * len(rows):
        return None
    spacing_px = (right_px - interpretation.start_px) / layout.columns
    min_shift_px = max(_MIN_SHIFT_MM * mm, _OVER_SPREAD * float(np.ptp(agreeing_px))) / layout.columns
    return spacing_px if min_shift_px < abs(spacing_px - usual_px) < MAX_SPEED_ERROR * usual_px else None


def with_column_starts(rows: Sequence[RowTrace], indices: Collection[int], starts_px: Floats) -> tuple[RowTrace, ...]:
    """Return the rows, of which those of the given indices have the column starts (columns,) px."""
    starts = tuple(starts_px.tolist())
    return tuple(replace(row, column_starts_px=starts) if index in indices else row for index, row in enumerate(rows))


def _rows_without_starts(rows: Sequence[RowTrace], interpretation: Interpretation) -> list[int]:
    """Return the indices of the rows with several columns, if their column starts are not known yet."""
    layout = interpretation.layout
    has_starts = any(len(rows[row].column_starts_px) for row in range(layout.rows))
    return list(range(layout.rows)) if layout.columns > 1 and not has_starts else []


def _usual_starts_px(interpretation: Interpretation, scale: Scale) -> Floats:
    """Return the column starts that the paper speed gives."""
    layout = interpretation.layout
    spacing_px = layout.seconds_per_column * scale.px_per_s
    return np.asarray(interpretation.start_px + spacing_px * np.arange(layout.columns), np.float64)


def _starts_by_separators(usual_px: Floats, separators_px: Floats, px_per_mm: float) -> Floats | None:
    """Return the column starts at the separators, or None where a border lacks them or they are uneven."""
    starts_px = usual_px.copy()
    if len(separators_px) > MAX_SEPARATORS:
        return None
    for column in range(1, len(usual_px)):
        reach_px = max(_SEPARATOR_REACH_MM * px_per_mm, _SEPARATOR_REACH_SHARE * (usual_px[column] - usual_px[0]))
        near_px = separators_px[np.abs(separators_px - usual_px[column]) < reach_px]
        agreeing_px = densest_cluster(near_px, SAME_PLACE_MM * px_per_mm)
        if len(agreeing_px) < _MIN_SEPARATORS:
            return None
        starts_px[column] = np.median(agreeing_px)
    columns = np.arange(1, len(usual_px))
    shifts_px = starts_px[1:] - usual_px[1:]
    even_px = columns * float(np.mean(shifts_px / columns))
    return starts_px if np.abs(shifts_px - even_px).max() < SAME_PLACE_MM * px_per_mm else None


def _jumps_mm(rows: Sequence[RowTrace], borders_px: Floats, px_per_mm: float) -> float:
    """Return the sum of the jumps of all rows at all borders."""
    return sum(_jump_mm(row, border, px_per_mm) for row in rows for border in borders_px)


def _jump_mm(row: RowTrace, border_px: float, px_per_mm: float) -> float:
    """Return by how much the trace jumps at a border, capped so that no single one decides."""
    x, y = row.points_px.T
    distance_mm = (x - border_px) / px_per_mm
    before = y[(distance_mm > -_JUMP_TO_MM) & (distance_mm < -_JUMP_FROM_MM)]
    after = y[(distance_mm > _JUMP_FROM_MM) & (distance_mm < _JUMP_TO_MM)]
    if not len(before) or not len(after):
        return 0.0
    return min(abs(float(np.median(after) - np.median(before))) / px_per_mm, _MAX_JUMP_MM)
