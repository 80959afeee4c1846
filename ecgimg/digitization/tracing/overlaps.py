"""Part the runs of ink that two rows took between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.segmentation.ink_runs import InkRuns
from ecgimg.digitization.tracing.centerline import TakenRuns

Floats = NDArray[np.float64]

_LONE_MM = 4.0
_APART_MM = 5.0
_BEYOND_MM = 1.2
_FEW_COLUMNS = 8


def part_runs(runs: InkRuns, paths: list[NDArray[np.int64]], pen: float, px_per_mm: float) -> list[TakenRuns]:
    """Part the tall runs that two rows took between them: each row's ink is what lies on its own side of the lines."""
    tall = runs.bottom - runs.top + 1 > 2.2 * pen + 1
    lines = [_line(runs, path, tall) for path in paths]
    takers = np.bincount(np.concatenate([path[path >= 0] for path in paths]), minlength=len(runs.top))
    owners: dict[int, list[int]] = {}
    for row, path in enumerate(paths):
        taken = path[path >= 0]
        for k in taken[takers[taken] > 1].tolist():
            owners.setdefault(k, []).append(row)
    alone = takers == 1
    usual = [_usual(runs, path, line, alone, pen) for path, line in zip(paths, lines, strict=True)]
    found = []
    for row, path in enumerate(paths):
        columns = _without_crumbs(np.flatnonzero(path >= 0), px_per_mm)
        taken = path[columns]
        top, bottom = runs.top[taken].astype(np.float64), runs.bottom[taken].astype(np.float64)
        shared = takers[taken] > 1
        for n in np.flatnonzero(shared & tall[taken]):
            rows = owners[int(taken[n])]
            levels = [float(lines[other][columns[n]]) for other in rows]
            reaches = [usual[other] for other in rows]
            top[n], bottom[n] = _share(top[n], bottom[n], levels, reaches, rows.index(row), pen, _BEYOND_MM * px_per_mm)
        whole = runs.top[taken].astype(np.float64), runs.bottom[taken].astype(np.float64)
        found.append(TakenRuns(columns, top, bottom, *whole, shared & ~tall[taken]))
    return found


def _usual(
    runs: InkRuns, path: NDArray[np.int64], line: Floats, alone: NDArray[np.bool_], pen: float
) -> tuple[float, float] | None:
    """Return how far (px) above and below its line a row goes where no other touches it; None if not known."""
    columns = np.flatnonzero(path >= 0)
    columns = columns[alone[path[columns]]]
    own = path[columns]
    up, down = line[columns] - runs.top[own], runs.bottom[own] - line[columns]
    if not ((up + down) > 2.2 * pen + 1).sum() >= _FEW_COLUMNS or not np.isfinite(line).any():
        return None
    return float(np.percentile(up, 99.8)), float(np.percentile(down, 99.8))


def _line(runs: InkRuns, path: NDArray[np.int64], tall: NDArray[np.bool_]) -> Floats:
    """Return the height of a row's line in every column, straight across what is tall or missing."""
    columns = np.flatnonzero(path >= 0)
    columns = columns[~tall[path[columns]]]
    if not len(columns):
        return np.full(len(path), np.nan)
    return np.asarray(np.interp(np.arange(len(path)), columns, runs.middle[path[columns]]), np.float64)


def _share(
    top: float, bottom: float, levels: list[float], reaches: list[tuple[float, float] | None], place: int, pen: float,
    beyond: float,
) -> tuple[float, float]:  # fmt: skip
    """Return the part of a run that belongs to the `place`-th of the rows, from the top, whose lines it touches.

    Where a row's other beats tell how far it goes (`reaches`, px above and below its line), the run is parted there.
    Else ink above the uppermost line is that row's, ink below the lowest that one's, and ink between two lines is a
    peak of the lower row.
    """
    level = levels[place]
    flat = level - pen / 2, level + pen / 2
    if not all(np.isfinite(levels)):
        return top, bottom
    if len(levels) == 2 and (reaches[0] is not None or reaches[1] is not None):
        upper, lower = reaches
        if lower is not None:
            border = max(levels[1] - 1.05 * lower[0] - pen / 2, top)
            through = bottom - levels[1] > lower[1] + beyond and upper is None  # the upper row's trough came through
            own = (top, bottom if through else border + pen) if place == 0 else (border, bottom)
            missing = (place == 0 and border - max(top, levels[0]) < beyond) or (place == 1 and through)
        else:
            assert upper is not None
            border = min(levels[0] + 1.05 * upper[1] + pen / 2, bottom)
            through = levels[0] - top > upper[0] + beyond  # the lower row's peak came through
            own = (top, border) if place == 0 else (top if through else border - pen, bottom)
            missing = (place == 1 and min(bottom, levels[1]) - border < beyond) or (place == 0 and through)
        if missing and place == 0 and levels[0] - top > beyond:
            return top, flat[1]
        if missing and place == 1 and bottom - levels[1] > beyond:
            return flat[0], bottom
        return flat if missing else own
    from_above = place > 0 and bottom - levels[-1] <= beyond  # a peak that reaches the line above, or comes through it
    to_below = place < len(levels) - 1 and bottom - levels[-1] > beyond and levels[0] - top <= beyond
    own_top = top if place == 0 else levels[place - 1] - pen / 2 if from_above else flat[0]
    own_bottom = bottom if place == len(levels) - 1 else levels[place + 1] + pen / 2 if to_below else flat[1]
    own_top, own_bottom = max(own_top, top), min(own_bottom, bottom)
    return (own_top, own_bottom) if own_bottom - own_top >= 1 else flat


def _without_crumbs(columns: NDArray[np.int64], px_per_mm: float) -> NDArray[np.int64]:
    """Drop short pieces at the ends of a path that stand far from the rest: specks, letters, the picture's edge."""
    pieces = np.split(columns, np.flatnonzero(np.diff(columns) > _APART_MM * px_per_mm) + 1)
    while len(pieces) > 1 and len(pieces[0]) < _LONE_MM * px_per_mm:
        pieces.pop(0)
    while len(pieces) > 1 and len(pieces[-1]) < _LONE_MM * px_per_mm:
        pieces.pop()
    return np.concatenate(pieces)
