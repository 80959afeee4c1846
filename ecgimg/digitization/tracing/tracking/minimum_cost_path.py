"""Track a row by the minimum-cost path through runs of ink, found by dynamic programming over the runs near the row.

A path takes at most one run of a column, and consecutive runs touch or nearly do.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ecgimg.digitization.numerics import Floats, Ints, Mask, row_pitch_px
from ecgimg.digitization.segmentation.ink_runs import InkRuns

FLAT_MM = 1.2  # a run no higher is flat trace: it is of no complex and of no letter
STRAY_COST = 0.2  # of a flat run that lies nearer to another row

_JUMP_COST_PER_MM = 0.35  # of paper between two runs
_SKIP_COST = 0.06  # of a column without a run; more than a run mostly costs, so that paths take the ink there is
_MAX_SKIP_MM = 80.0  # longer gaps than that are not bridged
_COLUMNS_BACK = 3  # so many inked columns are looked back to, so that a speck does not cut a path off
_DISTANCE_COST_PER_MM = 0.002  # small: complexes reach far from their row
_DOUBT_COST = 0.08  # of a run that looks nothing like a trace
_HEIGHT_GAIN_PER_MM, _MOST_GAINING_MM = 0.015, 10.0  # high runs are complexes rather than specks
_REACH_ROWS, _REACH_MM = 1.6, 25.0  # runs farther than both from the baseline are not the row's
_HOME_SHARE = (
    0.45  # of the distance between rows; runs so near are at home, and are looked back to however far others lead
)


def minimum_cost_paths(runs: InkRuns, baselines: Floats, px_per_mm: float) -> list[Ints]:
    """Return the path of every row at heights `baselines` (n,) px, each tracked by itself."""
    return [minimum_cost_path(runs, row, baselines, px_per_mm) for row in range(len(baselines))]


def minimum_cost_path(
    runs: InkRuns,
    row: int,
    baselines: Floats,
    px_per_mm: float,
    extra_cost: Floats | float = 0.0,
    reach_rows: float = _REACH_ROWS,
) -> Ints:
    """Track one row.

    Parameters
    ----------
    row : int
        Index into `baselines`, the heights (n,) px of all rows.
    extra_cost : float or (runs,) float64
        A further cost of each run.
    reach_rows : float
        How far from its baseline a row may take runs, in distances between rows.

    Returns
    -------
    (width,) int64
        The run that the row takes in each column, −1 where it takes none.
    """
    centre = float(baselines[row])
    pitch = row_pitch_px(baselines, px_per_mm)
    reach = max(reach_rows * pitch, _REACH_MM * px_per_mm)
    is_allowed = ((runs.bottom > centre - reach) & (runs.top < centre + reach)).tolist()
    is_home = (np.abs(runs.middle - centre) < _HOME_SHARE * pitch).tolist()
    search = _PathSearch(runs, (_run_costs(runs, row, baselines, px_per_mm) + extra_cost).tolist(), px_per_mm)
    first = runs.first.tolist()
    for column in range(len(first) - 1):
        allowed = [k for k in range(first[column], first[column + 1]) if is_allowed[k]]
        if allowed:
            search.enter(column, allowed, [k for k in allowed if is_home[k]])
    return search.cheapest_path(runs, is_allowed)


def _run_costs(runs: InkRuns, row: int, baselines: Floats, px_per_mm: float) -> Floats:
    """Cost of taking each run for this row: far from its baseline, nearer to another row's, doubtful, or little ink."""
    centre = float(baselines[row])
    height_mm = (runs.bottom - runs.top) / px_per_mm
    cost = _DISTANCE_COST_PER_MM * np.maximum(np.maximum(runs.top - centre, centre - runs.bottom), 0) / px_per_mm
    cost = cost + STRAY_COST * (is_nearer_to_other_row(runs, row, baselines) & (height_mm < FLAT_MM))
    return np.asarray(cost + _DOUBT_COST * runs.doubt - _HEIGHT_GAIN_PER_MM * np.minimum(height_mm, _MOST_GAINING_MM))


def is_nearer_to_other_row(runs: InkRuns, row: int, baselines: Floats) -> Mask:
    """Return which runs (runs,) lie nearer to another row's baseline than to this one's."""
    to_other = np.abs(runs.middle[:, None] - np.delete(baselines, row)).min(axis=1, initial=np.inf)
    return np.asarray(np.abs(runs.middle - baselines[row]) > to_other)


class _EnteredColumn(NamedTuple):
    """Runs of an earlier column, and the least cost of a path to any of them."""

    column: int
    least_cost: float
    runs: list[int]


class _PathSearch:
    """The cheapest path to every run, column by column, and the run that it comes from (−1 where it starts there).

    Plain lists, as numpy is slower for so few runs a column.
    """

    def __init__(self, runs: InkRuns, run_costs: list[float], px_per_mm: float) -> None:
        self._total = [0.0] * len(run_costs)
        self._origin = [-1] * len(run_costs)
        self._run_costs = run_costs
        self._top, self._bottom = runs.top.tolist(), runs.bottom.tolist()
        self._jump_cost_per_px = _JUMP_COST_PER_MM / px_per_mm
        self._max_skip = max(round(_MAX_SKIP_MM * px_per_mm), 2)
        self._recent: list[_EnteredColumn] = []
        self._home: list[_EnteredColumn] = []

    def enter(self, column: int, allowed: list[int], home: list[int]) -> None:
        """Find the cheapest path to each allowed run of a column, some of which are at home."""
        oldest = self._recent[-1].column if self._recent else column
        earlier = [*self._recent, *(entered for entered in self._home if entered.column < oldest)]
        self._find_origins(column, allowed, earlier)
        entered = self._entered(column, allowed)
        self._recent = [entered, *self._recent[: _COLUMNS_BACK - 1]]
        if home:
            entered = entered if len(home) == len(allowed) else self._entered(column, home)
            self._home = [entered, *self._home[: _COLUMNS_BACK - 1]]

    def _entered(self, column: int, runs: list[int]) -> _EnteredColumn:
        """Return the column with those of its runs, whose paths are found."""
        return _EnteredColumn(column, min([self._total[k] for k in runs]), runs)

    def _find_origins(self, column: int, allowed: list[int], earlier: list[_EnteredColumn]) -> None:
        """Find where the cheapest path to each run comes from; what cannot be cheaper is not looked at in full."""
        total, tops, bottoms, jump = self._total, self._top, self._bottom, self._jump_cost_per_px
        sources = [
            (_SKIP_COST * (column - entered.column - 1), entered.least_cost, entered.runs)
            for entered in earlier
            if column - entered.column - 1 <= self._max_skip
        ]
        for k in allowed:
            best, origin = _SKIP_COST * column, -1
            above, below = tops[k] - 1, bottoms[k] + 1
            for skip_cost, least_cost, candidates in sources:
                if least_cost + skip_cost >= best:
                    continue
                for j in candidates:
                    cost = total[j] + skip_cost
                    if cost >= best:
                        continue
                    if bottoms[j] < above:
                        cost += jump * (above - bottoms[j])
                    elif tops[j] > below:
                        cost += jump * (tops[j] - below)
                    if cost < best:
                        best, origin = cost, j
            total[k], self._origin[k] = best + self._run_costs[k], origin

    def cheapest_path(self, runs: InkRuns, is_allowed: list[bool]) -> Ints:
        """Return the run of each column (width,) on the cheapest path, −1 where it has none."""
        width = len(runs.first) - 1
        path = np.full(width, -1)
        ends = np.flatnonzero(np.asarray(is_allowed))
        if not len(ends):
            return path
        cost = np.asarray(self._total)[ends] + _SKIP_COST * (width - 1 - runs.column[ends])
        k = int(ends[int(cost.argmin())])
        while k >= 0:
            path[runs.column[k]] = k
            k = self._origin[k]
        return path
