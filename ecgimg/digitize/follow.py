"""Follow a row through the runs of ink: the cheapest path, by dynamic programming over all runs near the row.

A path takes one run per column, so that consecutive runs touch or nearly do.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitize.flatten import FlatPage
from ecgimg.digitize.runs import Runs, is_lettering

Floats = NDArray[np.float64]

_JUMP_COST = 0.35
_SKIP_COST = 0.06
_MAX_SKIP_MM = 80.0
_LOOK_BACK = 3
_PULL_COST = 0.002
_DOUBT_COST = 0.08
_NAME_MM = 9.0
_FEW_FLAT = 3
_INK_GAIN = 0.015
_TALL_MM = 10.0
_FLAT_MM = 1.2
_STRAY_COST = 0.2
_FOREIGN_COST = 0.3
_REACH_ROWS, _REACH_MM, _WANDER_ROWS = 1.6, 25.0, 3.0
_DOUBTFUL, _PIECE_MM = 0.5, 4.0
_FEW_ROWS, _SAME_END_MM, _BEYOND_MM, _OUTSIDE_COST = 3, 1.5, 4.0, 0.3
_CRUMB_MM, _FAR_OFF_MM = 1.0, 3.0
_SINGLE_MM = 40.0
_HALF_MOST, _HALF_SHARED, _WHOLE = 0.8, 0.4, 0.9


def pitch_px(baselines: Floats, px_per_mm: float) -> float:
    """Return how far apart rows lie, in px."""
    return float(np.median(np.diff(baselines))) if len(baselines) > 1 else _SINGLE_MM * px_per_mm


def follow_all(runs: Runs, baselines: Floats, px_per_mm: float) -> list[NDArray[np.int64]]:
    """Follow every row, each for itself."""
    pitch = pitch_px(baselines, px_per_mm)
    return [follow(runs, row, baselines, pitch, px_per_mm) for row in range(len(baselines))]


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


def follow(
    runs: Runs,
    row: int,
    baselines: Floats,
    pitch: float,
    px_per_mm: float,
    extra: Floats | float = 0.0,
    reach_rows: float = _REACH_ROWS,
) -> NDArray[np.int64]:
    """Return the run that the row takes in each column, −1 where none; `extra` is a further cost of each run."""
    width = len(runs.first) - 1
    centre = float(baselines[row])
    reach = max(reach_rows * pitch, _REACH_MM * px_per_mm)
    allowed = ((runs.bottom > centre - reach) & (runs.top < centre + reach)).tolist()
    is_home = (np.abs(runs.middle - centre) < 0.45 * pitch).tolist()
    cost_here = (_costs(runs, row, baselines, px_per_mm) + extra).tolist()
    search = _Search(runs.top.tolist(), runs.bottom.tolist(), px_per_mm)
    first = runs.first.tolist()
    recent: list[_Column] = []
    home: list[_Column] = []
    for column in range(width):
        here = [k for k in range(first[column], first[column + 1]) if allowed[k]]
        if not here:
            continue
        oldest = recent[-1].place if recent else column
        search.enter(here, column, cost_here, [*recent, *(earlier for earlier in home if earlier.place < oldest)])
        recent = [search.column(column, here), *recent[: _LOOK_BACK - 1]]
        at_home = [k for k in here if is_home[k]]
        if at_home:
            nearby = recent[0] if len(at_home) == len(here) else search.column(column, at_home)
            home = [nearby, *home[: _LOOK_BACK - 1]]
    return _trace_back(runs, search.total, search.back, allowed, width)


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
    runs: Runs, paths: list[NDArray[np.int64]], baselines: Floats, pitch: float, px_per_mm: float, pen: float
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
            path = follow(runs, row, baselines, pitch, px_per_mm, _FOREIGN_COST * theirs)
        result.append(path)
    return result


def end_in_common(
    runs: Runs, paths: list[NDArray[np.int64]], baselines: Floats, pitch: float, px_per_mm: float
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
            trial = follow(runs, row, baselines, pitch, px_per_mm, _OUTSIDE_COST * is_outside)
            differs = (trial[inside] != path[inside]).sum() > _PIECE_MM * px_per_mm
            if differs and (trial[inside] >= 0).sum() > 0.95 * (path[inside] >= 0).sum():
                path = trial
        result.append(path)
    return result


def take_unclaimed(
    runs: Runs, paths: list[NDArray[np.int64]], baselines: Floats, pitch: float, px_per_mm: float
) -> list[NDArray[np.int64]]:
    """Follow rows again that lack a piece while ink farther off is nobody's: a baseline may wander across others."""
    ends = _ends(paths)
    if ends is None:
        return paths
    first, last = np.median(ends, axis=0).astype(int)
    claimed = np.zeros(len(runs.top), bool)
    for path in paths:
        claimed[path[path >= 0]] = True
    is_flat = runs.bottom - runs.top < _FLAT_MM * px_per_mm
    is_free = ~claimed & is_flat & (runs.doubt < _DOUBTFUL)
    least = _PIECE_MM * px_per_mm
    result = []
    for row, path in enumerate(paths):
        lacks = (path < 0)[runs.column] & (runs.column >= first) & (runs.column <= last)
        free = is_free & lacks & (np.abs(runs.middle - baselines[row]) < _WANDER_ROWS * pitch)
        if len(np.unique(runs.column[free])) > least:
            astray = free & _is_nearer_to_others(runs, row, baselines)
            own = np.zeros(len(runs.middle), bool)
            own[path[path >= 0]] = True
            extra = _FOREIGN_COST * (claimed & ~own) - _STRAY_COST * astray
            trial = follow(runs, row, baselines, pitch, px_per_mm, extra, _WANDER_ROWS)
            foreign = [int((claimed & ~own)[each[each >= 0]].sum()) for each in (path, trial)]
            gained = trial[(path < 0) & (trial >= 0)]
            if is_free[gained].sum() > least and foreign[1] - foreign[0] < least / 2:
                path = trial
        result.append(path)
    return result


def beyond_lettering(runs: Runs, path: NDArray[np.int64], page: FlatPage) -> NDArray[np.int64]:
    """Follow a path that starts on lettering to the left, through it: a name may stand on the start of its trace."""
    columns = np.flatnonzero(path >= 0)
    if not len(columns):
        return path
    height_mm = (runs.bottom - runs.top + 1) / page.px_per_mm
    column, run = int(columns[0]), int(path[columns[0]])
    taken: list[tuple[int, int]] = []
    last = max(column - round(_NAME_MM * page.px_per_mm), 0)
    while column > last:
        column -= 1
        beside = [
            k
            for k in range(runs.first[column], runs.first[column + 1])
            if runs.top[k] <= runs.bottom[run] + 1 and runs.bottom[k] >= runs.top[run] - 1
        ]
        if not beside:
            break
        flat = [k for k in beside if height_mm[k] < _FLAT_MM]
        run = max(flat or beside, key=lambda k: height_mm[k])
        if not flat and not is_lettering(page.segmentation.label, int(runs.top[run]), int(runs.bottom[run]), column):
            break
        taken.append((column, run))
    while taken and height_mm[taken[-1][1]] >= _FLAT_MM:  # lettering beyond which there is no trace
        taken.pop()
    if sum(height_mm[k] < _FLAT_MM for _, k in taken) < _FEW_FLAT:
        return path
    path = path.copy()
    for column, run in taken:
        path[column] = run
    return path


def _costs(runs: Runs, row: int, baselines: Floats, px_per_mm: float) -> Floats:
    """Cost of taking each run for this row: far from its baseline, nearer to another row's, doubtful, or little ink."""
    centre = float(baselines[row])
    height_mm = (runs.bottom - runs.top) / px_per_mm
    cost = _PULL_COST * np.maximum(np.maximum(runs.top - centre, centre - runs.bottom), 0) / px_per_mm
    cost = cost + _STRAY_COST * (_is_nearer_to_others(runs, row, baselines) & (height_mm < _FLAT_MM))
    return np.asarray(cost + _DOUBT_COST * runs.doubt - _INK_GAIN * np.minimum(height_mm, _TALL_MM))


def _is_nearer_to_others(runs: Runs, row: int, baselines: Floats) -> NDArray[np.bool_]:
    """Return which runs lie nearer to another row's baseline than to this one's."""
    to_other = np.abs(runs.middle[:, None] - np.delete(baselines, row)).min(axis=1, initial=np.inf)
    return np.asarray(np.abs(runs.middle - baselines[row]) > to_other)


def _ends(paths: list[NDArray[np.int64]]) -> NDArray[np.int64] | None:
    """Return the first and the last column (rows, 2) of every path, or None where one took nothing."""
    if not all((path >= 0).any() for path in paths):
        return None
    return np.array([np.flatnonzero(path >= 0)[[0, -1]] for path in paths])


class _Column(NamedTuple):
    """Runs of an earlier column, and what the cheapest way to any of them costs."""

    place: int
    cheapest: float
    runs: list[int]


class _Search:
    """The cheapest way to every run, and the run it comes from (−1 where the path starts there)."""

    def __init__(self, top: list[int], bottom: list[int], px_per_mm: float) -> None:
        self.total = [0.0] * len(top)
        self.back = [-1] * len(top)
        self._top, self._bottom = top, bottom
        self._jump = _JUMP_COST / px_per_mm
        self._max_skip = max(round(_MAX_SKIP_MM * px_per_mm), 2)

    def column(self, place: int, runs: list[int]) -> _Column:
        """Note the runs of a column that was entered."""
        return _Column(place, min([self.total[k] for k in runs]), runs)

    def enter(self, here: list[int], column: int, cost_here: list[float], before: list[_Column]) -> None:
        """Find the cheapest way into each of a column's runs; what cannot be cheaper is not looked at in full."""
        total, tops, bottoms, jump = self.total, self._top, self._bottom, self._jump
        ways = [
            (_SKIP_COST * (column - earlier.place - 1), earlier.cheapest, earlier.runs)
            for earlier in before
            if column - earlier.place - 1 <= self._max_skip
        ]
        for k in here:
            best, origin = _SKIP_COST * column, -1
            above, below = tops[k] - 1, bottoms[k] + 1
            for skipped, cheapest, candidates in ways:
                if cheapest + skipped >= best:
                    continue
                for j in candidates:
                    cost = total[j] + skipped
                    if cost >= best:
                        continue
                    if bottoms[j] < above:
                        cost += jump * (above - bottoms[j])
                    elif tops[j] > below:
                        cost += jump * (tops[j] - below)
                    if cost < best:
                        best, origin = cost, j
            total[k], self.back[k] = best + cost_here[k], origin


def _trace_back(runs: Runs, total: list[float], back: list[int], allowed: list[bool], width: int) -> NDArray[np.int64]:
    ends = np.flatnonzero(np.asarray(allowed))
    path = np.full(width, -1)
    if not len(ends):
        return path
    cost = np.asarray(total)[ends] + _SKIP_COST * (width - 1 - runs.column[ends])
    k = int(ends[int(cost.argmin())])
    while k >= 0:
        path[runs.column[k]] = k
        k = back[k]
    return path
