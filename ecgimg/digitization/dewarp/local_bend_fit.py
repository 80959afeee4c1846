"""Fit a bend: a surface with the slopes that windows of the picture measured, where no polynomial follows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.ndimage import map_coordinates
from scipy.sparse.linalg import spsolve

from ecgimg.digitization.dewarp.grid_frequency import WindowFrequencies
from ecgimg.digitization.numerics import Floats

_NODE_SPACING_PX = 80.0  # coarse nodes, on which the surface is solved
_REACH_PX = 60.0  # a window's slope is that between the points so far on both sides of its centre
_STIFFNESS = 0.3
_REGULARITY = 1e-12  # keeps the system solvable: a constant is left open by slopes
_FULL_WEIGHT = 30  # windows whose lines stand out more are trusted no more
_ROUNDS = 6
_TOLERANCE_MEDIANS = 3
_LEAST_TOLERANCE = 1e-6


def fit_bend(windows: WindowFrequencies, slopes: Floats, shape: tuple[int, int], size_px: tuple[int, int]) -> Floats:
    """Return a surface in mm whose slopes at the windows are the given ones: folds and curls.

    It is as smooth as the windows let it be. Windows that contradict their neighbours count little.

    Parameters
    ----------
    windows : WindowFrequencies
    slopes : (n, 2) float64
        Along x and y at the windows' centres, mm/px.
    shape : (rows, columns)
        Of the surface, whose nodes are those of `PageMap`.
    size_px : (width, height)
        Of the picture.
    """
    rows, columns = (max(round(length / _NODE_SPACING_PX), 2) + 1 for length in (size_px[1], size_px[0]))
    step = np.array([size_px[0] / (columns - 1), size_px[1] / (rows - 1)])
    system = sparse.vstack([_difference(windows.centres_px, axis, step, (rows, columns)) for axis in (0, 1)])
    target = np.concatenate([slopes[:, 0], slopes[:, 1]])
    trust = np.concatenate([np.minimum(windows.weights, _FULL_WEIGHT) / _FULL_WEIGHT] * 2)
    surface = _solve_robustly(system, target, _stiffness(rows, columns), trust)
    return _resampled(surface.reshape(rows, columns), shape)


def _resampled(surface: Floats, shape: tuple[int, int]) -> Floats:
    """Return a surface, whose outer nodes are at the edges, at the centres of `shape` (rows, columns) even cells."""
    y, x = ((np.arange(n) + 0.5) / n * (m - 1) for n, m in zip(shape, surface.shape, strict=True))
    across, down = np.meshgrid(x, y)
    return np.asarray(map_coordinates(surface, [down, across], order=3, mode="nearest"))


def _difference(centres_px: Floats, axis: int, step: Floats, shape: tuple[int, int]) -> sparse.csr_array:
    """Return the matrix (n, nodes) that takes the slope of a surface along an axis at points (n, 2)."""
    reach = np.zeros(2)
    reach[axis] = _REACH_PX
    after, before = (_bilinear_weights((centres_px + sign * reach) / step, shape) for sign in (1, -1))
    return (after - before) / (2 * _REACH_PX)


def _stiffness(rows: int, columns: int) -> sparse.csr_array:
    """Return the quadratic form (nodes, nodes) of how much a surface bends."""
    curvature = _STIFFNESS / _NODE_SPACING_PX * sparse.vstack([
        sparse.kron(_stencil_matrix((1.0, -2.0, 1.0), rows), sparse.eye_array(columns)),
        sparse.kron(sparse.eye_array(rows), _stencil_matrix((1.0, -2.0, 1.0), columns)),
        sparse.kron(_stencil_matrix((-1.0, 1.0), rows), _stencil_matrix((-1.0, 1.0), columns)),
    ])  # fmt: skip
    return curvature.T @ curvature + _REGULARITY * sparse.eye_array(rows * columns)


def _solve_robustly(system: sparse.csr_array, target: Floats, stiffness: sparse.csr_array, trust: Floats) -> Floats:
    """Solve for the surface (nodes,), again and again with less weight on windows that miss it along x or y."""
    weights = trust
    surface = np.zeros(system.shape[1])
    for _ in range(_ROUNDS):
        weighted = system.T.multiply(weights)
        surface = spsolve((weighted @ system + stiffness).tocsc(), weighted @ target)
        residual = np.maximum(*np.split(np.abs(system @ surface - target), 2))
        tolerance = max(_TOLERANCE_MEDIANS * float(np.median(residual)), _LEAST_TOLERANCE)
        weights = trust / np.concatenate([1 + (residual / tolerance) ** 2] * 2) ** 2
    return np.asarray(surface)


def _stencil_matrix(stencil: Sequence[float], length: int) -> sparse.csr_array:
    """Return the matrix that applies a stencil along a vector, wherever it fits in."""
    return sparse.diags_array(stencil, offsets=range(len(stencil)), shape=(length - len(stencil) + 1, length)).tocsr()


def _bilinear_weights(positions: Floats, shape: tuple[int, int]) -> sparse.csr_array:
    """Return the weights (n, rows x columns) of nodes in the values at positions (n, 2), whose x and y are in nodes."""
    rows, columns = shape
    x, y = np.clip(positions[:, 0], 0, columns - 1), np.clip(positions[:, 1], 0, rows - 1)
    left, top = np.minimum(x.astype(int), columns - 2), np.minimum(y.astype(int), rows - 2)
    corners = [(right, below) for right in (0, 1) for below in (0, 1)]
    parts = [np.abs(1 - right - (x - left)) * np.abs(1 - below - (y - top)) for right, below in corners]
    nodes = [(top + below) * columns + left + right for right, below in corners]
    index = np.tile(np.arange(len(positions)), len(corners))
    weights = np.concatenate(parts), (index, np.concatenate(nodes))
    return sparse.csr_array(weights, shape=(len(positions), rows * columns))
