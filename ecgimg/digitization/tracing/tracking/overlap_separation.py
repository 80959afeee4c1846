"""Separate the overlaps of rows: each run of ink that two rows took is parted between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecgimg.digitization.numerics import Floats, Ints, Mask
from ecgimg.digitization.segmentation.ink_runs import InkRuns
from ecgimg.digitization.tracing.ink_along_path import PathRuns

FLAT_STROKE_WIDTHS = 2.2
"""Widths of a stroke; a run that is a pixel higher than that is no flat stroke."""

_FRAGMENT_MM, _FRAGMENT_GAP_MM = 4.0, 5.0  # specks, letters and the picture's edge: shorter, and so far from the row
_CLEAR_MM = 1.2  # ink that goes so far beyond a line, or beyond a row's usual reach, surely does
_FEW_COLUMNS = 8  # fewer complexes tell no usual reach
_REACH_PERCENT = 99.8
_REACH_SLACK = 1.05  # beats differ a little in height

Extent = tuple[float, float]
"""Top and bottom, or reach above and below, px."""


@dataclass(frozen=True, eq=False)
class _SharedRun:
    """A tall run that several rows took, and what tells whose it is.

    Parameters
    ----------
    top, bottom : float
        Of the run, px.
    lines : sequence of float
        Heights of the rows' lines, from the top.
    reaches : sequence of (above, below) or None
        How far from its line each row usually goes, None where that is not known.
    stroke_width, clear : float
        Width of a line, and how far off one ink surely goes beyond it.
    """

    top: float
    bottom: float
    lines: Sequence[float]
    reaches: Sequence[Extent | None]
    stroke_width: float
    clear: float


def separate_overlaps(runs: InkRuns, paths: list[Ints], stroke_width_px: float, px_per_mm: float) -> list[PathRuns]:
    """Return what each path takes of its runs: of a tall run of several rows, what lies on the row's own side.

    Parameters
    ----------
    paths : list of (width,) int64
        The run that each row takes in each column, −1 where it takes none.
    stroke_width_px : float
        Width of a stroke.
    """
    is_tall = runs.bottom - runs.top + 1 > FLAT_STROKE_WIDTHS * stroke_width_px + 1
    lines = [_line_heights(runs, path, is_tall) for path in paths]
    n_takers = np.bincount(np.concatenate([path[path >= 0] for path in paths]), minlength=len(runs.top))
    takers = _takers(paths, n_takers > 1)
    reaches = [
        _usual_reach(runs, path, line, n_takers == 1, stroke_width_px) for path, line in zip(paths, lines, strict=True)
    ]
    separated = []
    for row, path in enumerate(paths):
        columns = _remove_end_fragments(np.flatnonzero(path >= 0), px_per_mm)
        taken = path[columns]
        whole = runs.top[taken].astype(np.float64), runs.bottom[taken].astype(np.float64)
        top, bottom = whole[0].copy(), whole[1].copy()
        is_shared = n_takers[taken] > 1
        for n in np.flatnonzero(is_shared & is_tall[taken]):
            rows = takers[int(taken[n])]
            shared = _SharedRun(
                top[n], bottom[n], [float(lines[other][columns[n]]) for other in rows],
                [reaches[other] for other in rows], stroke_width_px, _CLEAR_MM * px_per_mm,
            )  # fmt: skip
            top[n], bottom[n] = _own_part(shared, rows.index(row))
        separated.append(PathRuns(columns, top, bottom, *whole, is_shared & ~is_tall[taken]))
    return separated


def _takers(paths: list[Ints], is_shared: Mask) -> dict[int, list[int]]:
    """Return the rows that took each shared run, from the top."""
    takers: dict[int, list[int]] = {}
    for row, path in enumerate(paths):
        taken = path[path >= 0]
        for k in taken[is_shared[taken]].tolist():
            takers.setdefault(k, []).append(row)
    return takers


def _usual_reach(runs: InkRuns, path: Ints, line: Floats, is_alone: Mask, stroke_width_px: float) -> Extent | None:
    """Return how far (px) above and below its line a row goes where no other touches it; None if not known."""
    columns = np.flatnonzero(path >= 0)
    columns = columns[is_alone[path[columns]]]
    own = path[columns]
    up, down = line[columns] - runs.top[own], runs.bottom[own] - line[columns]
    n_complexes = ((up + down) > FLAT_STROKE_WIDTHS * stroke_width_px + 1).sum()
    if not n_complexes >= _FEW_COLUMNS or not np.isfinite(line).any():
        return None
    return float(np.percentile(up, _REACH_PERCENT)), float(np.percentile(down, _REACH_PERCENT))


def _line_heights(runs: InkRuns, path: Ints, is_tall: Mask) -> Floats:
    """Return the height of a row's line in every column (width,), straight across what is tall or missing."""
    columns = np.flatnonzero(path >= 0)
    columns = columns[~is_tall[path[columns]]]
    if not len(columns):
        return np.full(len(path), np.nan)
    return np.asarray(np.interp(np.arange(len(path)), columns, runs.middle[path[columns]]), np.float64)


def _own_part(run: _SharedRun, place: int) -> Extent:
    """Return the part of a shared run that belongs to the `place`-th of its rows, from the top.

    Where a row's other beats tell how far it goes, the run is parted there, else at the lines of the rows.
    """
    if not all(np.isfinite(run.lines)):
        return run.top, run.bottom
    if len(run.lines) == 2:
        upper, lower = run.reaches
        if lower is not None:
            return _own_or_flat(run, place, *_part_by_lower_peak(run, place, lower, through=upper is None))
        if upper is not None:
            return _own_or_flat(run, place, *_part_by_upper_trough(run, place, upper))
    return _part_at_lines(run, place)


def _part_by_lower_peak(run: _SharedRun, place: int, lower: Extent, *, through: bool) -> tuple[Extent, bool]:
    """Part a run of two rows at the peak that the lower one usually reaches; also tell whether a row has no part in it.

    The upper row's trough may come through the lower row, if `through`.
    """
    border = max(run.lines[1] - _REACH_SLACK * lower[0] - run.stroke_width / 2, run.top)
    through = run.bottom - run.lines[1] > lower[1] + run.clear and through
    if place == 0:
        own = run.top, run.bottom if through else border + run.stroke_width
        return own, border - max(run.top, run.lines[0]) < run.clear
    return (border, run.bottom), through


def _part_by_upper_trough(run: _SharedRun, place: int, upper: Extent) -> tuple[Extent, bool]:
    """Part a run of two rows at the trough that the upper one usually reaches, as `_part_by_lower_peak` does."""
    border = min(run.lines[0] + _REACH_SLACK * upper[1] + run.stroke_width / 2, run.bottom)
    through = run.lines[0] - run.top > upper[0] + run.clear  # the lower row's peak comes through the upper row
    if place == 0:
        return (run.top, border), through
    own = run.top if through else border - run.stroke_width, run.bottom
    return own, min(run.bottom, run.lines[1]) - border < run.clear


def _own_or_flat(run: _SharedRun, place: int, own: Extent, is_missing: bool) -> Extent:
    """Return a row's part of a run of two rows, or the flat stroke along its line where it has none."""
    top, bottom = _flat_stroke(run, place)
    if is_missing and place == 0 and run.lines[0] - run.top > run.clear:
        return run.top, bottom
    if is_missing and place == 1 and run.bottom - run.lines[1] > run.clear:
        return top, run.bottom
    return (top, bottom) if is_missing else own


def _part_at_lines(run: _SharedRun, place: int) -> Extent:
    """Part a run at the lines of its rows.

    Ink above the uppermost line is that row's, and ink below the lowest is that one's. Ink between two lines is a peak
    of the lower row.
    """
    last = len(run.lines) - 1
    flat_top, flat_bottom = _flat_stroke(run, place)
    goes_below = run.bottom - run.lines[-1] > run.clear
    from_above = place > 0 and not goes_below  # a peak that reaches the line above, or comes through it
    to_below = place < last and goes_below and run.lines[0] - run.top <= run.clear
    top = run.top if place == 0 else run.lines[place - 1] - run.stroke_width / 2 if from_above else flat_top
    bottom = run.bottom if place == last else run.lines[place + 1] + run.stroke_width / 2 if to_below else flat_bottom
    top, bottom = max(top, run.top), min(bottom, run.bottom)
    return (top, bottom) if bottom - top >= 1 else (flat_top, flat_bottom)


def _flat_stroke(run: _SharedRun, place: int) -> Extent:
    """Return top and bottom of a flat stroke along the `place`-th line."""
    return run.lines[place] - run.stroke_width / 2, run.lines[place] + run.stroke_width / 2


def _remove_end_fragments(columns: Ints, px_per_mm: float) -> Ints:
    """Drop short pieces at the ends of a path that stand far from the rest: specks, letters, the picture's edge."""
    pieces = np.split(columns, np.flatnonzero(np.diff(columns) > _FRAGMENT_GAP_MM * px_per_mm) + 1)
    while len(pieces) > 1 and len(pieces[0]) < _FRAGMENT_MM * px_per_mm:
        pieces.pop(0)
    while len(pieces) > 1 and len(pieces[-1]) < _FRAGMENT_MM * px_per_mm:
        pieces.pop()
    return np.concatenate(pieces)
