"""Redraw the pen's path until it explains the ink: in steep strokes pixels tell more than the edges of columns do.

The trace is a chain of straight pieces between the places at which its heights are known, drawn with a pen of some
width and softness. Heights move by damped Gauss-Newton steps so that the ink that they would leave is the ink on the
page. What the stroke reader said holds them, the more the less the drawing explains the ink, and so does the bend of
the path.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from ecgimg.digitization.tracing.centerline import SUB_COLUMNS, Ink, Strokes

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_STEEP_PENS = 1.6
_BESIDE_COLUMNS = 4
_MARGIN_PX = 1.6
_ROUNDS, _TRIES = 5, 4
_STIFFNESS = 1.0
_TRUST = 2.0
_LEAST_ERROR_PX = 0.05
_LEAST_SPREAD, _USUAL_SPREAD, _CLEAN_SPREAD, _HOPELESS_SPREAD = 0.03, 0.06, 0.14, 0.2
_OUTLIER = 2.5
_MAX_STEP_PX = 3.0
_ENOUGH = 1e-4
_SPIKE_PX, _LONGEST_SPIKE_MM, _AROUND_MM, _PALE = 3.0, 8.0, 1.0, 0.2
_FEW_COLUMNS, _SAMPLED_COLUMNS = 30, 200
_WIDTHS = tuple(np.arange(0.8, 1.3, 0.06).tolist())
_SOFT_PX = (1.0, 1.25, 1.5, 1.8, 2.2, 2.7)


@dataclass(frozen=True)
class _Pen:
    """Width of a pen, and over how many px its edge fades."""

    width_px: float
    soft_px: float

    def cover(self, distance_px: Floats) -> Floats:
        """Return the share of ink 0-1 at a distance from the middle of the stroke."""
        return np.clip((self.width_px / 2 - distance_px) / self.soft_px + 0.5, 0, 1)

    @property
    def reach_px(self) -> float:
        return (self.width_px + self.soft_px) / 2


@dataclass(frozen=True, eq=False)
class _Pixels:
    """Pixels to be explained: column (from the first of the strokes) and row of each, and its ink 0-1."""

    column: Ints
    row: Ints
    ink: Floats


@dataclass(frozen=True, eq=False)
class _Nearest:
    """The nearest point of the path to each pixel: distance, piece, share of the piece, and slant −1 to 1."""

    distance_px: Floats
    piece: Ints
    share: Floats
    slant: Floats


def redraw(ink: Ink, strokes: Strokes, heights: Floats, error_px: Floats) -> Floats:
    """Return `heights` (n, places) px with those of steep strokes moved to where they explain the ink.

    Parameters
    ----------
    error_px : (n,) float64
        The error to be expected of the heights of each column.
    """
    steep = _steep(strokes)
    if not steep.any():
        return heights
    pen = _fit_pen(ink, strokes, heights)
    pixels = _pixels(ink, strokes, np.flatnonzero(steep))
    told = heights.ravel().astype(np.float64)
    drawing = _Drawing(pixels, pen, told)
    spread = max(1.48 * float(np.median(np.abs(drawing.rest))), _LEAST_SPREAD)
    if spread > _HOPELESS_SPREAD:
        return heights
    trust = _TRUST * max((spread / _USUAL_SPREAD) ** 3, 1.0)
    hold = np.repeat(np.where(steep, trust / np.maximum(error_px, _LEAST_ERROR_PX) ** 2, 1e6), heights.shape[1])
    target = _Target(told, hold, np.full(len(told) - 2, _STIFFNESS), spread)
    if spread < _CLEAN_SPREAD:
        path, target.stiffness[:] = _with_spikes(ink, strokes, heights, pen)
        drawing = min((drawing, _Drawing(pixels, pen, path)), key=lambda each: _cost(each, target))
    return _descend(drawing, target).reshape(heights.shape)


def _with_spikes(ink: Ink, strokes: Strokes, heights: Floats, pen: _Pen) -> tuple[Floats, Floats]:
    """Return the path (n,) with a spike wherever ink goes on well beyond it, and its stiffness (n − 2,), 0 there.

    A spike, such as a pacemaker draws, is as narrow as the pen, goes one way, and stands on a trace that is quiet.
    """
    path = heights.ravel().astype(np.float64)
    stiffness = np.full(len(path) - 2, _STIFFNESS)
    places = len(SUB_COLUMNS)
    aside = int(np.ceil(pen.width_px / 2)) + 1
    longest_px = _LONGEST_SPIKE_MM * strokes.px_per_mm
    around = round(_AROUND_MM * strokes.px_per_mm)
    quiet = _farthest(heights.max(axis=1), around) + _farthest(-heights.min(axis=1), around) < longest_px / 2
    out = [
        _goes_on(edge, sign, heights, pen, aside, longest_px)
        for edge, sign in ((strokes.upper, -1), (strokes.lower, 1))
    ]
    for edge, sign, ours, theirs in ((strokes.upper, -1, out[0], out[1]), (strokes.lower, 1, out[1], out[0])):
        for column in np.flatnonzero(ours & ~theirs & strokes.seen & ~strokes.shared & quiet):
            tip = float(edge[column]) - sign * pen.width_px / 2
            if _paleness(ink, strokes.first_column + int(column), tip, float(heights[column].mean())) > _PALE:
                continue  # a line of the ruling, or of a letter
            x = _tip_px(ink, strokes.first_column + int(column), round(tip)) - strokes.first_column
            knot = round((x - SUB_COLUMNS[0]) * places)
            if 0 < knot < len(path) - 1:
                path[knot] = tip
                stiffness[max(knot - 1 - places, 0) : knot + places] = 0
    return path, stiffness


def _goes_on(edge: Floats, sign: int, heights: Floats, pen: _Pen, aside: int, longest_px: float) -> NDArray[np.bool_]:
    """Return the columns at which narrow ink ends farther up (`sign` −1) or down (1) than the path (n, places) goes."""
    path = _farthest(sign * heights.max(axis=1) if sign > 0 else -heights.min(axis=1), 1)
    tip = sign * edge - pen.width_px / 2
    alone = tip > np.maximum(np.roll(tip, aside), np.roll(tip, -aside)) + _SPIKE_PX
    fits = (tip - path > _SPIKE_PX) & (tip - path < longest_px)
    return np.asarray(fits & (sign * edge >= _farthest(sign * edge, 2)) & alone, bool)


def _farthest(values: Floats, reach: int) -> Floats:
    """Return the largest of the values up to `reach` places away."""
    return np.asarray(np.maximum.reduce([np.roll(values, by) for by in range(-reach, reach + 1)]), np.float64)


def _paleness(ink: Ink, column: int, tip: float, path: float) -> float:
    """Return how far, 0-1, a spike from the path to its tip falls short of being as dark as the pen."""
    top, bottom = sorted((round(tip), round(path)))
    columns = slice(max(column - 1, 0), column + 2)
    return 1 - float(ink.share[max(top, 0) : bottom + 1, columns].max(axis=1).mean())


def _tip_px(ink: Ink, column: int, row: int) -> float:
    """Return where across a few columns the ink at the tip of a spike has its middle."""
    columns = np.clip(np.arange(column - 2, column + 3), 0, ink.share.shape[1] - 1)
    weight = ink.share[np.clip(row, 0, ink.share.shape[0] - 1), columns]
    return float((weight * columns).sum() / max(weight.sum(), 1e-6))


def _steep(strokes: Strokes) -> NDArray[np.bool_]:
    """Return the columns whose ink is taller than a flat stroke's, and those beside them."""
    tall = strokes.lower - strokes.upper > _STEEP_PENS * strokes.pen_px
    beside = np.convolve(tall, np.ones(2 * _BESIDE_COLUMNS + 1))[_BESIDE_COLUMNS : _BESIDE_COLUMNS + len(tall)] > 0
    return np.asarray(beside & strokes.seen, bool)


def _pixels(ink: Ink, strokes: Strokes, columns: Ints) -> _Pixels:
    """Gather the pixels of the runs of ink in `columns`, and a margin."""
    last = ink.share.shape[0] - 1
    top = np.clip(np.floor(strokes.upper[columns] - _MARGIN_PX).astype(int), 0, last)
    bottom = np.clip(np.ceil(strokes.lower[columns] + _MARGIN_PX).astype(int), top, last)
    counts = bottom - top + 1
    column = np.repeat(columns, counts)
    row = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(top, counts)
    shown = np.clip(column + strokes.first_column, 0, ink.share.shape[1] - 1)
    return _Pixels(column, row, np.minimum(ink.share[row, shown], 1).astype(np.float64))


def _fit_pen(ink: Ink, strokes: Strokes, heights: Floats) -> _Pen:
    """Measure the pen where the trace is flat and alone."""
    flat = strokes.seen & ~strokes.shared & (strokes.lower - strokes.upper < 1.3 * strokes.pen_px)
    columns = np.flatnonzero(flat)
    if len(columns) < _FEW_COLUMNS:
        return _Pen(strokes.pen_px, _SOFT_PX[1])
    columns = columns[:: max(len(columns) // _SAMPLED_COLUMNS, 1)]
    pixels = _pixels(ink, strokes, columns)
    distance = _nearest(pixels, heights.ravel(), 2.0).distance_px
    pens = [_Pen(width * strokes.pen_px, soft) for width in _WIDTHS for soft in _SOFT_PX]
    return min(pens, key=lambda pen: float(np.minimum(np.abs(pixels.ink - pen.cover(distance)), 0.3).sum()))


def _nearest(pixels: _Pixels, path: Floats, reach_px: float) -> _Nearest:
    """Find the nearest piece of the path among those within `reach_px` columns of each pixel."""
    places, step = len(SUB_COLUMNS), np.float32(SUB_COLUMNS[1] - SUB_COLUMNS[0])
    around = int(np.ceil(reach_px * places))
    first = pixels.column * places + places // 2 - around
    index = np.clip(first + np.arange(2 * around, dtype=np.int32)[:, None], 0, len(path) - 2)  # (pieces, pixels)
    rise = np.diff(path).astype(np.float32)
    length = step**2 + rise**2
    base = np.arange(len(path) - 1) // places + np.asarray(SUB_COLUMNS)[np.arange(len(path) - 1) % places]
    across = (pixels.column - base[index]).astype(np.float32)
    down = (pixels.row - path[index]).astype(np.float32)
    share = np.clip((across * step + down * rise[index]) / length[index], 0, 1)
    away_x, away_y = across - share * step, down - share * rise[index]
    squares = away_x**2 + away_y**2
    best = squares.argmin(axis=0)
    here = best, np.arange(len(best))
    distance = np.sqrt(squares[here].astype(np.float64))
    slant = away_y[here] / np.maximum(distance, 1e-6)
    return _Nearest(distance, index[here].astype(np.int64), share[here].astype(np.float64), slant)


class _Drawing:
    """What a path would leave on the page, and what of the ink that does not explain."""

    def __init__(self, pixels: _Pixels, pen: _Pen, path: Floats) -> None:
        self.pixels, self.pen, self.path = pixels, pen, path
        self.nearest = _nearest(pixels, path, pen.reach_px + 0.3)
        self.cover = pen.cover(self.nearest.distance_px)
        self.rest = pixels.ink - self.cover

    def moved(self, by: Floats) -> _Drawing:
        """Return the drawing with another path."""
        return _Drawing(self.pixels, self.pen, self.path + by)

    def slopes(self) -> tuple[Floats, Floats]:
        """Return how the cover of each pixel changes with the heights at both ends of its piece."""
        fading = np.where((self.cover > 0) & (self.cover < 1), self.nearest.slant / self.pen.soft_px, 0.0)
        return fading * (1 - self.nearest.share), fading * self.nearest.share


@dataclass(frozen=True, eq=False)
class _Target:
    """What a path is held to: the heights told (n,), how firmly (n,), its stiffness (n − 2,), the spread of the ink."""

    told: Floats
    hold: Floats
    stiffness: Floats
    spread: float


def _descend(drawing: _Drawing, target: _Target) -> Floats:
    """Move the path downhill from where it is, and return it."""
    damping = 1e-3
    cost = _cost(drawing, target)
    for _ in range(_ROUNDS):
        bands, force = _equations(drawing, target)
        for _ in range(_TRIES):
            damped = bands.copy()
            damped[2] += damping * (bands[2] + 1)
            trial = drawing.moved(np.clip(solveh_banded(damped, force), -_MAX_STEP_PX, _MAX_STEP_PX))
            trial_cost = _cost(trial, target)
            if trial_cost < cost:
                break
            damping *= 8
        else:
            break
        gained, cost, drawing = cost - trial_cost, trial_cost, trial
        damping = max(damping / 5, 1e-4)
        if gained < _ENOUGH * cost:
            break
    return drawing.path


def _cost(drawing: _Drawing, target: _Target) -> float:
    unexplained = _robust(drawing.rest / target.spread).sum()
    astray = _robust((drawing.path - target.told) * np.sqrt(target.hold)).sum()
    return float(unexplained + astray + (target.stiffness * np.diff(drawing.path, 2) ** 2).sum() / 2)


def _robust(deviations: Floats) -> Floats:
    """Return half the square of small deviations; large ones count as they are."""
    size = np.abs(deviations)
    return np.where(size < _OUTLIER, size**2 / 2, _OUTLIER * (size - _OUTLIER / 2))


def _equations(drawing: _Drawing, target: _Target) -> tuple[Floats, Floats]:
    """Return the normal equations of a step: upper bands (3, n) as `solveh_banded` takes them, and the right side."""
    path, piece, n = drawing.path, drawing.nearest.piece, len(drawing.path)
    start, end = drawing.slopes()
    weight = _weight(drawing.rest / target.spread) / target.spread**2
    hold = target.hold * _weight((path - target.told) * np.sqrt(target.hold))
    bands = np.zeros((3, n))
    bands[2] = np.bincount(piece, weight * start**2, n) + np.bincount(piece + 1, weight * end**2, n) + hold
    bands[1, 1:] = np.bincount(piece, weight * start * end, n)[:-1]
    pull = weight * drawing.rest
    force = np.bincount(piece, pull * start, n) + np.bincount(piece + 1, pull * end, n) + hold * (target.told - path)
    bends = target.stiffness * np.diff(path, 2)
    for offset, factor in enumerate((1.0, -2.0, 1.0)):
        inner = slice(offset, n - 2 + offset)
        bands[2, inner] += target.stiffness * factor**2
        force[inner] -= factor * bends
    bands[1, 1:-1] -= 2 * target.stiffness
    bands[1, 2:] -= 2 * target.stiffness
    bands[0, 2:] += target.stiffness
    return bands, force


def _weight(deviations: Floats) -> Floats:
    """Return the weight with which a squared deviation counts as in `_robust`."""
    return 1 / np.maximum(np.abs(deviations) / _OUTLIER, 1)
