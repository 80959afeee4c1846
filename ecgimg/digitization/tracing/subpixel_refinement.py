"""Refine steep strokes to a fraction of a pixel: there pixels tell more than the edges of columns do.

The trace is a chain of straight pieces between the places at which its heights are known. A stroke of some width and
softness draws it. Heights move by damped Gauss-Newton steps, so that the ink that they would leave is the ink on the
page. What the stroke reader said holds them, the more the less the drawing explains the ink. The path also resists
bending.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solveh_banded

from ecgimg.digitization.numerics import Floats, Ints, Mask, huber_loss, huber_weight
from ecgimg.digitization.tracing.centre_line import SUB_COLUMNS
from ecgimg.digitization.tracing.ink_along_path import InkMap, RowInk
from ecgimg.digitization.tracing.pacemaker_spikes import add_pacemaker_spikes

_STEEP_WIDTHS, _FLAT_WIDTHS = 1.6, 1.3  # of a stroke; higher ink is steep, lower ink shows the stroke's profile
_BESIDE_COLUMNS = 4  # beside a steep column, refined with it
_MARGIN_PX = 1.6  # above and below the ink, whose pixels must stay white
_STEPS, _TRIES = 5, 4  # most steps downhill, and most dampings tried for each
_DAMPING, _LEAST_DAMPING, _MORE_DAMPING, _LESS_DAMPING = 1e-3, 1e-4, 8, 5
_ENOUGH_SHARE = 1e-4  # of the cost; smaller gains end the descent
_MAX_STEP_PX = 3.0
_STIFFNESS = 1.0  # against bending; none where a spike stands
_TRUST = 2.0  # in the heights that were read, for a usual spread
_FIXED_WEIGHT = 1e6  # of heights that are not steep, which stay
_LEAST_ERROR_PX = 0.05
_LEAST_SPREAD, _USUAL_SPREAD = 0.03, 0.06  # of the ink that a drawing does not explain, 0-1
_CLEAN_SPREAD = 0.14  # beyond it print is too rough to show spikes
_HOPELESS_SPREAD = 0.2  # beyond it drawing explains too little to move anything
_MAD_TO_STD = 1.48  # of the normal distribution
_OUTLIER = 2.5  # spreads; larger deviations count less
_FEW_COLUMNS, _SAMPLED_COLUMNS = 30, 200  # fewer flat columns show no profile; more than so many are not needed
_SEARCH_PX, _MOST_MISFIT = 2.0, 0.3  # columns around a pixel that are searched; larger misfits are other ink
_BEYOND_STROKE_PX = 0.3  # searched for the nearest piece of the path, beyond the stroke's own reach
_WIDTH_FACTORS = tuple(np.arange(0.8, 1.3, 0.06).tolist())  # tried, in widths as measured
_SOFT_PX = (1.0, 1.25, 1.5, 1.8, 2.2, 2.7)  # tried


@dataclass(frozen=True)
class _StrokeProfile:
    """Width of a stroke, and over how many px its edge fades."""

    width_px: float
    soft_px: float

    def cover(self, distance_px: Floats) -> Floats:
        """Return the share of ink 0-1 at a distance from the middle of the stroke."""
        return np.clip((self.width_px / 2 - distance_px) / self.soft_px + 0.5, 0, 1)

    @property
    def reach_px(self) -> float:
        """How far from its middle a stroke leaves ink."""
        return (self.width_px + self.soft_px) / 2


@dataclass(frozen=True, eq=False)
class _Pixels:
    """Pixels to be explained: column (from the first of the row) and row of each, and its ink 0-1."""

    column: Ints
    row: Ints
    ink: Floats


@dataclass(frozen=True, eq=False)
class _NearestPoints:
    """The nearest point of the path to each pixel: distance, piece, share of the piece, and slant −1 to 1."""

    distance_px: Floats
    piece: Ints
    share: Floats
    slant: Floats


def refine_steep_strokes(ink: InkMap, row: RowInk, heights: Floats, error_px: Floats) -> Floats:
    """Return `heights` (n, places) px with those of steep strokes moved to where they explain the ink.

    Parameters
    ----------
    error_px : (n,) float64
        The error to be expected of the heights of each column.
    """
    is_steep = _is_steep(row)
    if not is_steep.any():
        return heights
    profile = _fit_profile(ink, row, heights)
    pixels = _pixels_of(ink, row, np.flatnonzero(is_steep))
    drawing = _Drawing(pixels, profile, heights.ravel().astype(np.float64))
    spread = max(_MAD_TO_STD * float(np.median(np.abs(drawing.unexplained))), _LEAST_SPREAD)
    if spread > _HOPELESS_SPREAD:
        return heights
    trust = _TRUST * max((spread / _USUAL_SPREAD) ** 3, 1.0)
    weight = np.where(is_steep, trust / np.maximum(error_px, _LEAST_ERROR_PX) ** 2, _FIXED_WEIGHT)
    stiffness = np.full(len(drawing.path) - 2, _STIFFNESS)
    objective = _Objective(drawing.path, np.repeat(weight, heights.shape[1]), stiffness, spread)
    if spread < _CLEAN_SPREAD:
        path, may_bend = add_pacemaker_spikes(ink, row, heights, profile.width_px)
        stiffness[may_bend] = 0
        drawing = min((drawing, _Drawing(pixels, profile, path)), key=objective.cost)
    return _descend(drawing, objective).reshape(heights.shape)


def _is_steep(row: RowInk) -> Mask:
    """Return the columns whose ink is higher than a flat stroke's, and those beside them."""
    is_high = row.lower - row.upper > _STEEP_WIDTHS * row.stroke_width_px
    beside = np.convolve(is_high, np.ones(2 * _BESIDE_COLUMNS + 1))[_BESIDE_COLUMNS : _BESIDE_COLUMNS + len(is_high)]
    return np.asarray((beside > 0) & row.has_ink, bool)


def _pixels_of(ink: InkMap, row: RowInk, columns: Ints) -> _Pixels:
    """Gather the pixels of the row's ink in `columns`, and a margin."""
    last = ink.share.shape[0] - 1
    top = np.clip(np.floor(row.upper[columns] - _MARGIN_PX).astype(int), 0, last)
    bottom = np.clip(np.ceil(row.lower[columns] + _MARGIN_PX).astype(int), top, last)
    counts = bottom - top + 1
    column = np.repeat(columns, counts)
    y = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(top, counts)
    page_column = np.clip(column + row.first_column, 0, ink.share.shape[1] - 1)
    return _Pixels(column, y, np.minimum(ink.share[y, page_column], 1).astype(np.float64))


def _fit_profile(ink: InkMap, row: RowInk, heights: Floats) -> _StrokeProfile:
    """Measure the profile of strokes where the trace is flat and alone."""
    is_flat = row.has_ink & ~row.is_shared & (row.lower - row.upper < _FLAT_WIDTHS * row.stroke_width_px)
    columns = np.flatnonzero(is_flat)
    if len(columns) < _FEW_COLUMNS:
        return _StrokeProfile(row.stroke_width_px, _SOFT_PX[1])
    columns = columns[:: max(len(columns) // _SAMPLED_COLUMNS, 1)]
    pixels = _pixels_of(ink, row, columns)
    distance = _nearest_points(pixels, heights.ravel(), _SEARCH_PX).distance_px
    profiles = [_StrokeProfile(width * row.stroke_width_px, soft) for width in _WIDTH_FACTORS for soft in _SOFT_PX]
    return min(
        profiles, key=lambda tried: float(np.minimum(np.abs(pixels.ink - tried.cover(distance)), _MOST_MISFIT).sum())
    )


def _nearest_points(pixels: _Pixels, path: Floats, reach_px: float) -> _NearestPoints:
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
    nearest = squares.argmin(axis=0)
    at = nearest, np.arange(len(nearest))
    distance = np.sqrt(squares[at].astype(np.float64))
    slant = away_y[at] / np.maximum(distance, 1e-6)
    return _NearestPoints(distance, index[at].astype(np.int64), share[at].astype(np.float64), slant)


class _Drawing:
    """The ink (pixels,) that a path would leave on the page, and the ink that it does not explain."""

    def __init__(self, pixels: _Pixels, profile: _StrokeProfile, path: Floats) -> None:
        self.pixels, self.profile, self.path = pixels, profile, path
        self.nearest = _nearest_points(pixels, path, profile.reach_px + _BEYOND_STROKE_PX)
        self.cover = profile.cover(self.nearest.distance_px)
        self.unexplained = pixels.ink - self.cover

    def moved(self, by: Floats) -> _Drawing:
        """Return the drawing with the heights of its path moved."""
        return _Drawing(self.pixels, self.profile, self.path + by)

    def slopes(self) -> tuple[Floats, Floats]:
        """Return how the cover of each pixel changes with the heights at both ends of its piece."""
        is_edge = (self.cover > 0) & (self.cover < 1)
        fading = np.where(is_edge, self.nearest.slant / self.profile.soft_px, 0.0)
        return fading * (1 - self.nearest.share), fading * self.nearest.share


@dataclass(frozen=True, eq=False)
class _Objective:
    """What a path is held to.

    The heights as they were read (n,), the weight of each (n,), the path's stiffness (n − 2,), and the spread of the
    ink.
    """

    heights: Floats
    weight: Floats
    stiffness: Floats
    spread: float

    def cost(self, drawing: _Drawing) -> float:
        """Return how badly a drawing explains the ink, departs from the heights, and bends."""
        unexplained = huber_loss(drawing.unexplained / self.spread, _OUTLIER).sum()
        astray = huber_loss((drawing.path - self.heights) * np.sqrt(self.weight), _OUTLIER).sum()
        return float(unexplained + astray + (self.stiffness * np.diff(drawing.path, 2) ** 2).sum() / 2)


def _descend(drawing: _Drawing, objective: _Objective) -> Floats:
    """Move the path downhill from where it is, and return it."""
    damping = _DAMPING
    cost = objective.cost(drawing)
    for _ in range(_STEPS):
        bands, force = _normal_equations(drawing, objective)
        for _ in range(_TRIES):
            damped = bands.copy()
            damped[2] += damping * (bands[2] + 1)
            trial = drawing.moved(np.clip(solveh_banded(damped, force), -_MAX_STEP_PX, _MAX_STEP_PX))
            trial_cost = objective.cost(trial)
            if trial_cost < cost:
                break
            damping *= _MORE_DAMPING
        else:
            break
        gained, cost, drawing = cost - trial_cost, trial_cost, trial
        damping = max(damping / _LESS_DAMPING, _LEAST_DAMPING)
        if gained < _ENOUGH_SHARE * cost:
            break
    return drawing.path


def _normal_equations(drawing: _Drawing, objective: _Objective) -> tuple[Floats, Floats]:
    """Return the normal equations of a step: upper bands (3, n) as `solveh_banded` takes them, and the right side."""
    path, piece, n = drawing.path, drawing.nearest.piece, len(drawing.path)
    start, end = drawing.slopes()
    weight = huber_weight(drawing.unexplained / objective.spread, _OUTLIER) / objective.spread**2
    hold = objective.weight * huber_weight((path - objective.heights) * np.sqrt(objective.weight), _OUTLIER)
    bands = np.zeros((3, n))
    bands[2] = np.bincount(piece, weight * start**2, n) + np.bincount(piece + 1, weight * end**2, n) + hold
    bands[1, 1:] = np.bincount(piece, weight * start * end, n)[:-1]
    pull = weight * drawing.unexplained
    force = (
        np.bincount(piece, pull * start, n) + np.bincount(piece + 1, pull * end, n) + hold * (objective.heights - path)
    )
    _add_stiffness(bands, force, path, objective.stiffness)
    return bands, force


def _add_stiffness(bands: Floats, force: Floats, path: Floats, stiffness: Floats) -> None:
    """Add to normal equations that second differences of the path cost their square."""
    n = len(path)
    bends = stiffness * np.diff(path, 2)
    for offset, factor in enumerate((1.0, -2.0, 1.0)):
        inner = slice(offset, n - 2 + offset)
        bands[2, inner] += stiffness * factor**2
        force[inner] -= factor * bends
    bands[1, 1:-1] -= 2 * stiffness
    bands[1, 2:] -= 2 * stiffness
    bands[0, 2:] += stiffness
