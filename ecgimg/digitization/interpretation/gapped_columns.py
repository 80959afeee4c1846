"""Where the columns of a page whose columns stand apart begin and end, all rows and both sides of the gaps told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.interpretation.column_gaps import CUT_MM, find_blanks
from ecgimg.digitization.model import RowTrace, Scale
from ecgimg.digitization.signals.lead_extraction import FS_HZ
from layouts import Layout

Floats = NDArray[np.float64]

_FEWEST_ROWS, _LEAST_COLUMNS, _LEAST_EDGES = 2, 3, 4
_EDGE_NEAR_MM, _REACHES_MM = 1.5, (1.0, 1.0, 0.6, 0.4, 0.4)


def extent_apart(rows: Sequence[RowTrace], gaps_px: float, px_per_mm: float) -> tuple[float, float]:
    """Return where columns that stand apart start and end, less the gaps between them, which are `gaps_px` in all.

    The picture may cut off what the last of them is shorter than the others.
    """
    apart = [row for row in rows if row.column_starts_px]
    starts = np.median([row.column_starts_px for row in apart], axis=0)
    right = max(row.points_px[-1, 0] for row in apart)
    wide = (float(starts[-1] - starts[0]) - gaps_px) / (len(starts) - 1)
    missing = wide - (right - float(starts[-1]))
    return float(starts[0]), right - gaps_px + (missing if missing > CUT_MM * px_per_mm else 0.0)


def all_apart(rows: Sequence[RowTrace], layout: Layout) -> tuple[RowTrace, ...]:
    """Give rows of columns on which no gaps were seen, written over or drawn through, the starts that the others tell.

    Rhythm strips, which have no columns, stay as they are.
    """
    known = [row for row in rows[: layout.rows] if len(row.column_starts_px) == layout.columns]
    if len(known) < _FEWEST_ROWS:
        return tuple(rows)
    slopes, level = np.polyfit([row.baseline_px for row in known], [row.column_starts_px for row in known], 1)
    return tuple(
        row
        if row in known or index >= layout.rows
        else replace(row, column_starts_px=tuple(slopes * row.baseline_px + level))
        for index, row in enumerate(rows)
    )


def settle_starts(rows: Sequence[RowTrace], layout: Layout, scale: Scale) -> tuple[RowTrace, ...]:
    """Move the starts of columns that stand apart to where both sides of the gaps and the paper speed say.

    A column ends with its last sample, so where one ends tells its start as well as the end of the gap before it does,
    on which a name may stand. Round pens make gaps narrower, which falls out between the two.
    """
    if layout.columns < _LEAST_COLUMNS:
        return tuple(rows)
    column_px = (layout.seconds_per_column - 1 / FS_HZ) * scale.px_per_s
    rows = [_even(row) if len(row.column_starts_px) == layout.columns else row for row in rows]
    near_px = _EDGE_NEAR_MM * scale.px_per_mm
    seen = []  # column, by how much its start lies later than thought, and 1 where its end says so, -1 where its start
    for row in rows:
        starts = np.array(row.column_starts_px)
        if len(starts) != layout.columns:
            continue
        for middle, width in find_blanks(row, scale.px_per_mm):
            for late, side in (
                (middle - width / 2 - column_px - starts[:-1], 1),
                (middle + width / 2 - starts[1:], -1),
            ):
                column = int(np.abs(late).argmin())
                if abs(late[column]) < near_px:
                    seen.append((column + (side < 0), late[column], side))
    fitted = _lateness(np.array(seen, np.float64), scale.px_per_mm) if seen else None
    if fitted is None:
        return tuple(rows)
    moved = np.polyval(fitted, np.arange(layout.columns))
    return tuple(
        replace(row, column_starts_px=tuple((np.array(row.column_starts_px) + moved).tolist()))
        if len(row.column_starts_px) == layout.columns
        else row
        for row in rows
    )


def _even(row: RowTrace) -> RowTrace:
    """Return a row with its columns' starts evenly apart."""
    columns = np.arange(len(row.column_starts_px))
    return replace(
        row, column_starts_px=tuple(np.polyval(np.polyfit(columns, row.column_starts_px, 1), columns).tolist())
    )


def _lateness(seen: Floats, px_per_mm: float) -> Floats | None:
    """Fit a line through how late columns are (n, 3), edges that stand out left out; slope and offset, or None."""
    column, late, side = seen.T
    ends = side > 0
    if ends.sum() < _LEAST_EDGES:
        return None
    terms = np.stack([column, np.ones(len(column)), side], axis=1)
    told = np.array([0.0, float(np.median(late[ends])), 0.0])
    for reach_mm in _REACHES_MM:
        weights = np.clip(1 - ((late - terms @ told) / (reach_mm * px_per_mm)) ** 2, 0, None)
        if (weights * ends).sum() < _LEAST_EDGES / 2:
            return None
        has_starts = (weights * ~ends).sum() > _LEAST_EDGES / 2
        used = terms if has_starts else terms[:, :2]
        root = np.sqrt(weights)[:, None]
        found = np.linalg.lstsq(used * root, late * root[:, 0], rcond=None)[0]
        told = np.append(found, 0.0)[:3]
    return told[:2]
