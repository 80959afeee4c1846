"""Follow rows again, knowing what each takes by itself: what is another's, where the others end, what is nobody's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.segmentation.ink_runs import InkRuns
from ecgimg.digitization.tracing.tracking import FLAT_MM, STRAY_COST, Floats, follow, is_nearer_to_others, pitch_px

_FOREIGN_COST = 0.3
_WANDER_ROWS = 3.0
_DOUBTFUL, _PIECE_MM = 0.5, 4.0
_FEW_ROWS, _SAME_END_MM, _BEYOND_MM, _OUTSIDE_COST = 3, 1.5, 4.0, 0.3
_CRUMB_MM, _FAR_OFF_MM = 1.0, 3.0
_HALF_MOST, _HALF_SHARED, _WHOLE = 0.8, 0.4, 0.9


def with_halves_joined(paths: list[NDArray[np.int64]], baselines: Floats) -> Floats | None:
    """Return baselines with one for two rows that each have what the other lacks: one that wanders. None if none is."""
    seen = np.array([path >= 0 for path in paths])
    longest = seen.sum(axis=1).max()
    for row in range(len(paths) - 1):
        upper, lower = seen[row], seen[row + 1]
        both = (upper & lower & (paths[row] != paths[row + 1])).sum()
        short, long = sorted((upper.sum(), lower.sum()))
        if long < _HALF_MOST * longest and both < _HALF_SHARED * short and (upper | lower).sum() > _WHOLE * longest:
            return np.delete(baselines, row + 1 if upper.sum() > lower.sum() else row)
    return None


def without_crumbs(path: NDArray[np.int64], px_per_mm: float) -> NDArray[np.int64]:
    """Leave out the crumbs of ink at either end of a path, far from the rest of it: where a frame stands around it."""
    columns = np.flatnonzero(path >= 0)
    gaps = np.flatnonzero(np.diff(columns) > _FAR_OFF_MM * px_per_mm)
    bounds = np.concatenate([[0], gaps + 1, [len(columns)]])
    large = np.flatnonzero(np.diff(bounds) > _CRUMB_MM * px_per_mm)
    if not len(large):
        return path
    kept = columns[bounds[large[0]] : bounds[large[-1] + 1]]
    result = np.full_like(path, -1)
    result[kept] = path[kept]
    return result


def leave_others(
    runs: InkRuns, paths: list[NDArray[np.int64]], baselines: Floats, px_per_mm: float, pen: float
) -> list[NDArray[np.int64]]:
    """Follow rows again that rested on another row's flat line: a deep stroke that crosses it has its apex beyond."""
    flat = runs.bottom - runs.top + 1 < 2.2 * pen + 1
    nearest = np.abs(runs.middle[:, None] - baselines[None, :]).argmin(axis=1)
    result = []
    for row, path in enumerate(paths):
        taken = path[path >= 0]
        theirs = np.zeros(len(runs.middle), bool)
        for other, their_path in enumerate(paths):
            if other != row:
                own = their_path[their_path >= 0]
                theirs[own[flat[own] & (nearest[own] == other)]] = True
        if theirs[taken].sum() >= 3:
            path = follow(runs, row, baselines, px_per_mm, _FOREIGN_COST * theirs)
        result.append(path)
    return result


def end_in_common(
    runs: InkRuns, paths: list[NDArray[np.int64]], baselines: Floats, px_per_mm: float
) -> list[NDArray[np.int64]]:
    """Follow rows again that go on where the others have ended, if that has led them off their trace: pens run on."""
    ends = _ends(paths)
    if ends is None or len(paths) < _FEW_ROWS:
        return paths
    first, last = np.median(ends, axis=0)
    same_px = _SAME_END_MM * px_per_mm
    if ((np.abs(ends - (first, last)) < same_px).mean(axis=0) <= 1 / 2).any():
        return paths
    beyond_px = np.maximum(first - ends[:, 0], ends[:, 1] - last)
    is_outside = (runs.column < first - same_px) | (runs.column > last + same_px)
    inside = slice(int(first), int(last) + 1)
    result = []
    for row, path in enumerate(paths):
        if beyond_px[row] > _BEYOND_MM * px_per_mm:
            trial = follow(runs, row, baselines, px_per_mm, _OUTSIDE_COST * is_outside)
            differs = (trial[inside] != path[inside]).sum() > _PIECE_MM * px_per_mm
            if differs and (trial[inside] >= 0).sum() > 0.95 * (path[inside] >= 0).sum():
                path = trial
        result.append(path)
    return result


def take_unclaimed(
    runs: InkRuns, paths: list[NDArray[np.int64]], baselines: Floats, px_per_mm: float
) -> list[NDArray[np.int64]]:
    """Follow rows again that lack a piece while ink farther off is nobody's: a baseline may wander across others."""
    ends = _ends(paths)
    if ends is None:
        return paths
    first, last = np.median(ends, axis=0).astype(int)
    claimed = np.zeros(len(runs.top), bool)
    for path in paths:
        claimed[path[path >= 0]] = True
    is_flat = runs.bottom - runs.top < FLAT_MM * px_per_mm
    is_free = ~claimed & is_flat & (runs.doubt < _DOUBTFUL)
    least, wander_px = _PIECE_MM * px_per_mm, _WANDER_ROWS * pitch_px(baselines, px_per_mm)
    result = []
    for row, path in enumerate(paths):
        lacks = (path < 0)[runs.column] & (runs.column >= first) & (runs.column <= last)
        free = is_free & lacks & (np.abs(runs.middle - baselines[row]) < wander_px)
        if len(np.unique(runs.column[free])) > least:
            astray = free & is_nearer_to_others(runs, row, baselines)
            own = np.zeros(len(runs.middle), bool)
            own[path[path >= 0]] = True
            extra = _FOREIGN_COST * (claimed & ~own) - STRAY_COST * astray
            trial = follow(runs, row, baselines, px_per_mm, extra, _WANDER_ROWS)
            foreign = [int((claimed & ~own)[each[each >= 0]].sum()) for each in (path, trial)]
            gained = trial[(path < 0) & (trial >= 0)]
            if is_free[gained].sum() > least and foreign[1] - foreign[0] < least / 2:
                path = trial
        result.append(path)
    return result


def _ends(paths: list[NDArray[np.int64]]) -> NDArray[np.int64] | None:
    """Return the first and the last column (rows, 2) of every path, or None where one took nothing."""
    if not all((path >= 0).any() for path in paths):
        return None
    return np.array([np.flatnonzero(path >= 0)[[0, -1]] for path in paths])
