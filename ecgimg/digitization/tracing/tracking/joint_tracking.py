"""Track rows jointly: mend the paths of single rows by what the other rows took.

A path is the run (width,) that a row takes in each column, −1 where it takes none, as `minimum_cost_path` gives it.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ecgimg.digitization.numerics import Floats, Ints, Mask, row_pitch_px
from ecgimg.digitization.segmentation.ink_runs import InkRuns
from ecgimg.digitization.tracing.tracking.minimum_cost_path import (
    FLAT_MM,
    STRAY_COST,
    is_nearer_to_other_row,
    minimum_cost_path,
)
from ecgimg.digitization.tracing.tracking.overlap_separation import FLAT_STROKE_WIDTHS

_FOREIGN_COST = 0.3  # of a run that another row took
_FEW_FOREIGN_RUNS = 3  # fewer are mere crossings
_HALF_MOST_SHARE, _HALF_BOTH_SHARE, _WHOLE_SHARE = 0.8, 0.4, 0.9
"""Two halves of a row are each shorter, share less of the shorter, and cover more together, than these shares."""
_FRAGMENT_MM, _FRAGMENT_GAP_MM = 1.0, 3.0  # specks of a frame are shorter, and farther from the row's end
_FEW_ROWS = 3  # fewer rows have no end in common
_SAME_END_MM, _BEYOND_END_MM = 1.5, 4.0  # ends so near are common; a row that goes farther may follow an annotation
_OUTSIDE_COST = 0.3  # of a run beyond the common ends
_KEPT_SHARE = 0.95  # a row that is tracked again has to take so much of what it took between the common ends
_PIECE_MM = 4.0  # shorter pieces tell nothing
_DRIFT_ROWS = 3.0  # distances between rows by which a baseline may wander
_DOUBTFUL = 0.5  # runs that look less like trace, 0-1, are nobody's


def merge_split_row(paths: list[Ints], baselines: Floats) -> Floats | None:
    """Merge two rows that each have what the other lacks: they are one row that wanders.

    Parameters
    ----------
    paths : list of (width,) int64
    baselines : (n,) float64
        Heights of the rows, px.

    Returns
    -------
    (n − 1,) float64 or None
        The baselines without that of the shorter half, None if no row is split.
    """
    lengths = [int((path >= 0).sum()) for path in paths]
    for row, (upper, lower) in enumerate(pairwise(paths)):
        if _are_halves(upper, lower, max(lengths)):
            return np.delete(baselines, row + 1 if lengths[row] > lengths[row + 1] else row)
    return None


def _are_halves(upper: Ints, lower: Ints, longest: int) -> bool:
    """Tell whether two paths (width,) are halves of one row, where the longest path has so many runs."""
    in_upper, in_lower = upper >= 0, lower >= 0
    both = (in_upper & in_lower & (upper != lower)).sum()
    short, long = sorted((in_upper.sum(), in_lower.sum()))
    are_short = long < _HALF_MOST_SHARE * longest and both < _HALF_BOTH_SHARE * short
    return bool(are_short and (in_upper | in_lower).sum() > _WHOLE_SHARE * longest)


def remove_end_fragments(path: Ints, px_per_mm: float) -> Ints:
    """Return a path without the specks at its ends that stand far from the rest of it, as those of a frame do."""
    columns = np.flatnonzero(path >= 0)
    gaps = np.flatnonzero(np.diff(columns) > _FRAGMENT_GAP_MM * px_per_mm)
    bounds = np.concatenate([[0], gaps + 1, [len(columns)]])
    large = np.flatnonzero(np.diff(bounds) > _FRAGMENT_MM * px_per_mm)
    if not len(large):
        return path
    kept = columns[bounds[large[0]] : bounds[large[-1] + 1]]
    trimmed = np.full_like(path, -1)
    trimmed[kept] = path[kept]
    return trimmed


def retrack_off_other_rows(
    runs: InkRuns, paths: list[Ints], baselines: Floats, px_per_mm: float, stroke_width_px: float
) -> list[Ints]:
    """Track again the rows that rest on another row's flat trace, which there costs more.

    A deep stroke that crosses another row has its apex beyond it.
    """
    is_flat = runs.bottom - runs.top + 1 < FLAT_STROKE_WIDTHS * stroke_width_px + 1
    nearest = np.abs(runs.middle[:, None] - baselines[None, :]).argmin(axis=1)
    retracked = []
    for row, path in enumerate(paths):
        is_foreign = np.zeros(len(runs.middle), bool)
        for other, other_path in enumerate(paths):
            if other != row:
                own = other_path[other_path >= 0]
                is_foreign[own[is_flat[own] & (nearest[own] == other)]] = True
        if is_foreign[path[path >= 0]].sum() >= _FEW_FOREIGN_RUNS:
            path = minimum_cost_path(runs, row, baselines, px_per_mm, _FOREIGN_COST * is_foreign)
        retracked.append(path)
    return retracked


def retrack_to_common_ends(runs: InkRuns, paths: list[Ints], baselines: Floats, px_per_mm: float) -> list[Ints]:
    """Track again the rows that go on where the others have ended, if that has led them off their trace.

    An annotation may run on from the end of a trace.
    """
    ends = _path_ends(paths)
    if ends is None or len(paths) < _FEW_ROWS:
        return paths
    first, last = np.median(ends, axis=0)
    same_px = _SAME_END_MM * px_per_mm
    if ((np.abs(ends - (first, last)) < same_px).mean(axis=0) <= 1 / 2).any():
        return paths
    beyond_px = np.maximum(first - ends[:, 0], ends[:, 1] - last)
    outside_cost = _OUTSIDE_COST * ((runs.column < first - same_px) | (runs.column > last + same_px))
    inside = slice(int(first), int(last) + 1)
    retracked = []
    for row, path in enumerate(paths):
        if beyond_px[row] > _BEYOND_END_MM * px_per_mm:
            trial = minimum_cost_path(runs, row, baselines, px_per_mm, outside_cost)
            path = trial if _is_other_path(path[inside], trial[inside], px_per_mm) else path
        retracked.append(path)
    return retracked


def _is_other_path(path: Ints, trial: Ints, px_per_mm: float) -> bool:
    """Tell whether a trial takes other runs than a path over a whole piece, and hardly fewer."""
    differs = (trial != path).sum() > _PIECE_MM * px_per_mm
    return bool(differs and (trial >= 0).sum() > _KEPT_SHARE * (path >= 0).sum())


def retrack_to_unclaimed_ink(runs: InkRuns, paths: list[Ints], baselines: Floats, px_per_mm: float) -> list[Ints]:
    """Track again the rows that lack a piece while ink farther off is nobody's: a baseline may wander across others."""
    ends = _path_ends(paths)
    if ends is None:
        return paths
    first, last = np.median(ends, axis=0).astype(int)
    is_claimed = _taken_by(paths, runs)
    is_flat = runs.bottom - runs.top < FLAT_MM * px_per_mm
    is_free = ~is_claimed & is_flat & (runs.doubt < _DOUBTFUL)
    least_px, drift_px = _PIECE_MM * px_per_mm, _DRIFT_ROWS * row_pitch_px(baselines, px_per_mm)
    retracked = []
    for row, path in enumerate(paths):
        is_lacking = (path < 0)[runs.column] & (runs.column >= first) & (runs.column <= last)
        is_wanted = is_free & is_lacking & (np.abs(runs.middle - baselines[row]) < drift_px)
        if len(np.unique(runs.column[is_wanted])) > least_px:
            is_foreign = is_claimed & ~_taken_by([path], runs)
            is_astray = is_wanted & is_nearer_to_other_row(runs, row, baselines)
            extra_cost = _FOREIGN_COST * is_foreign - STRAY_COST * is_astray
            trial = minimum_cost_path(runs, row, baselines, px_per_mm, extra_cost, _DRIFT_ROWS)
            path = trial if _gains(path, trial, is_free, is_foreign, least_px) else path
        retracked.append(path)
    return retracked


def _gains(path: Ints, trial: Ints, is_free: Mask, is_foreign: Mask, least_px: float) -> bool:
    """Tell whether a trial takes a piece of free ink that a path lacks, and hardly more of the other rows' ink."""
    gained = trial[(path < 0) & (trial >= 0)]
    before, after = (int(is_foreign[each[each >= 0]].sum()) for each in (path, trial))
    return bool(is_free[gained].sum() > least_px and after - before < least_px / 2)


def _taken_by(paths: list[Ints], runs: InkRuns) -> Mask:
    """Return which runs (runs,) any of the paths takes."""
    is_taken = np.zeros(len(runs.top), bool)
    for path in paths:
        is_taken[path[path >= 0]] = True
    return is_taken


def _path_ends(paths: list[Ints]) -> Ints | None:
    """Return the first and the last column (rows, 2) of every path, or None where one took nothing."""
    if not all((path >= 0).any() for path in paths):
        return None
    return np.array([np.flatnonzero(path >= 0)[[0, -1]] for path in paths])
