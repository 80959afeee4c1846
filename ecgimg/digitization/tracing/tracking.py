"""Follow a row through the runs of ink: the cheapest path, by dynamic programming over all runs near the row.

A path takes one run per column, so that consecutive runs touch or nearly do.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.segmentation.ink_runs import InkRuns

Floats = NDArray[np.float64]

FLAT_MM = 1.2  # ink no taller is flat: of no complex, and of no letter
STRAY_COST = 0.2

_JUMP_COST = 0.35
_SKIP_COST = 0.06
_MAX_SKIP_MM = 80.0
_LOOK_BACK = 3
_PULL_COST = 0.002
_DOUBT_COST = 0.08
_INK_GAIN = 0.015
_TALL_MM = 10.0
_REACH_ROWS, _REACH_MM = 1.6, 25.0
_SINGLE_MM = 40.0


def pitch_px(baselines: Floats, px_per_mm: float) -> float:
    """Return how far apart rows lie, in px."""
    return float(np.median(np.diff(baselines))) if len(baselines) > 1 else _SINGLE_MM * px_per_mm


def follow_all(runs: InkRuns, baselines: Floats, px_per_mm: float) -> list[NDArray[np.int64]]:
    """Follow every row, each for itself."""
    return [follow(runs, row, baselines, px_per_mm) for row in range(len(baselines))]


def follow(
    runs: InkRuns,
    row: int,
    baselines: Floats,
    px_per_mm: float,
    extra: Floats | float = 0.0,
    reach_rows: float = _REACH_ROWS,
) -> NDArray[np.int64]:
    """Return the run that the row takes in each column, −1 where none; `extra` is a further cost of each run."""
    width = len(runs.first) - 1
    centre = float(baselines[row])
    pitch = pitch_px(baselines, px_per_mm)
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


def _costs(runs: InkRuns, row: int, baselines: Floats, px_per_mm: float) -> Floats:
    """Cost of taking each run for this row: far from its baseline, nearer to another row's, doubtful, or little ink."""
    centre = float(baselines[row])
    height_mm = (runs.bottom - runs.top) / px_per_mm
    cost = _PULL_COST * np.maximum(np.maximum(runs.top - centre, centre - runs.bottom), 0) / px_per_mm
    cost = cost + STRAY_COST * (is_nearer_to_others(runs, row, baselines) & (height_mm < FLAT_MM))
    return np.asarray(cost + _DOUBT_COST * runs.doubt - _INK_GAIN * np.minimum(height_mm, _TALL_MM))


def is_nearer_to_others(runs: InkRuns, row: int, baselines: Floats) -> NDArray[np.bool_]:
    """Return which runs lie nearer to another row's baseline than to this one's."""
    to_other = np.abs(runs.middle[:, None] - np.delete(baselines, row)).min(axis=1, initial=np.inf)
    return np.asarray(np.abs(runs.middle - baselines[row]) > to_other)


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


def _trace_back(
    runs: InkRuns, total: list[float], back: list[int], allowed: list[bool], width: int
) -> NDArray[np.int64]:
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
