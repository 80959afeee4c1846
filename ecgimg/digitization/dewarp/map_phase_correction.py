"""Correct a page map by the phase of grid lines, measured by demodulation.

The grid signal is multiplied by a wave that follows the lines of the map. What is left of it around a node of the map
has the phase by which the lines miss that node.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.restoration import unwrap_phase

from ecgimg.digitization.dewarp.page_map import NODE_SPACING_PX, Exponents, PageMap, exponents_up_to
from ecgimg.digitization.numerics import Floats, Mask
from ecgimg.inference.threads import in_threads

Field = NDArray[np.float32]
Phases = NDArray[np.complex128]

_MIN_LINE_PX, _MAX_REDUCTION = 7, 4  # the picture is reduced until lines are about so far apart
_AVERAGED_PERIODS, _MIN_AVERAGED_NODES = 1.4, 2.0  # standard deviation of the mean around a node
_TYPICAL_MISS_RAD = 0.8  # phases that miss the polynomial by more count little
_MAX_ROUNDS, _CONVERGED_RAD = 10, 1e-6
_RIDGE, _REGULARITY = 1e-6, 1e-12  # of terms beyond the linear ones, and of all
_WEAK = 0.2  # of a strong phase, below which there are no lines
_STRONG_PERCENTILE = 90
_MIN_NODES = 20  # fewer with lines do not lead a bend
_SPREAD_NODES = (24.0, 12.0, 6.0, 3.0, 1.5)
_HALF_TRUSTED = 0.02  # weight from which a mean over surroundings is taken rather than that over wider ones


def measure_phases(grid_signal: Field, page_map: PageMap, period_mm: float) -> tuple[Phases, Phases]:
    """Measure by how much lines every `period_mm` miss the map at its nodes.

    Parameters
    ----------
    grid_signal : (height, width) float32
    page_map : PageMap
        Of the same picture.
    period_mm : float
        Spacing of the lines.

    Returns
    -------
    x, y : (rows, columns) complex128
        The angle is the phase of the lines, the absolute value their strength.
    """
    nodes_mm = page_map.nodes_mm()
    rows, columns = nodes_mm.shape[:2]
    height, width = grid_signal.shape
    factor = max(1, min(_MAX_REDUCTION, int(period_mm * page_map.px_per_mm / _MIN_LINE_PX)))
    size = (max(width // factor, columns), max(height // factor, rows))
    reduced = grid_signal if factor == 1 else cv2.resize(grid_signal, size, interpolation=cv2.INTER_AREA)
    sigma = max(_AVERAGED_PERIODS * period_mm * page_map.px_per_mm / NODE_SPACING_PX, _MIN_AVERAGED_NODES)

    def demodulated(axis: int) -> Phases:
        angle = cv2.resize(nodes_mm[..., axis].astype(np.float32), size) * np.float32(2 * np.pi / period_mm)
        real, imaginary = (
            cv2.GaussianBlur(cv2.resize(wave, (columns, rows), interpolation=cv2.INTER_AREA), (0, 0), sigma)
            for wave in cv2.polarToCart(reduced, angle)
        )
        return np.asarray(real + 1j * imaginary, np.complex128)

    x, y = in_threads(demodulated, (0, 1))
    return x, y


def correct_polynomial(
    grid_signal: Field, page_map: PageMap, period_mm: float, degree: int, within: Mask | None = None
) -> PageMap:
    """Correct the polynomial by the smooth part of the phase by which lines miss it, at all nodes or some.

    Parameters
    ----------
    grid_signal : (height, width) float32
    period_mm : float
        Spacing of the lines.
    degree : int
        Of the corrected polynomial.
    within : (rows, columns) bool, optional
        The nodes that count.
    """
    lifted = page_map.with_exponents(exponents_up_to(degree))
    u, v = page_map.node_powers(2 * degree)
    weight = 1.0 if within is None else within
    by_axis = measure_phases(grid_signal, page_map, period_mm)
    corrections = [_fit_angles(phases * weight, u, v, lifted.exponents) for phases in by_axis]
    shift_mm = np.stack(corrections, axis=1) * period_mm / (2 * np.pi)
    return replace(lifted, coefficients=lifted.coefficients - shift_mm)


def _fit_angles(phases: Phases, u: Floats, v: Floats, exponents: Exponents) -> Floats:
    """Fit a polynomial (terms,) to the angles of phases (rows, columns), strong ones first.

    The nodes' coordinates are given with powers up to twice the polynomial's degree: u (columns, …) and v (rows, …).
    Angles that miss the polynomial by far count little.
    """
    i, j = exponents.T
    order = int(exponents.max()) + 1
    strength, angles = np.abs(phases), np.angle(phases)
    strength = strength / (strength.max() + 1e-9)
    ridge = _RIDGE * phases.size * np.diag((i + j > 1).astype(np.float64)) + _REGULARITY * np.eye(len(exponents))
    solution = np.zeros(len(exponents))
    solution[0] = np.angle(phases.sum())
    for _ in range(_MAX_ROUNDS):
        table = np.zeros((order, order))
        table[j, i] = solution
        residual = angles - v[:, :order] @ table @ u[:, :order].T
        residual -= 2 * np.pi * np.rint(residual / (2 * np.pi))
        weights = strength / (1 + (residual / _TYPICAL_MISS_RAD) ** 2) ** 2
        moments = v.T @ weights @ u
        system = moments[j[:, None] + j, i[:, None] + i] + ridge
        step = np.linalg.solve(system, (v.T @ (weights * residual) @ u)[j, i])
        solution = solution + step
        if np.abs(step).max() < _CONVERGED_RAD:
            break
    return solution


def correct_bend(grid_signal: Field, page_map: PageMap, period_mm: float, reach_mm: float) -> PageMap:
    """Correct the bend by the phase itself, averaged over `reach_mm` around each node and unwrapped across the page.

    The map is returned as it is where too few nodes have lines.

    Parameters
    ----------
    grid_signal : (height, width) float32
    page_map : PageMap
    period_mm : float
        Spacing of the lines.
    reach_mm : float
        Standard deviation of the mean.
    """
    sigma = reach_mm * page_map.px_per_mm / NODE_SPACING_PX
    shifts = []
    for phases in measure_phases(grid_signal, page_map, period_mm):
        periods = _smooth_periods(phases, sigma)
        if periods is None:
            return page_map
        shifts.append(periods * period_mm)
    return replace(page_map, bend_mm=page_map.bend_mm + np.stack(shifts, axis=-1))


def _smooth_periods(phases: Phases, sigma: float) -> Floats | None:
    """Return by how many periods lines miss the nodes (rows, columns), averaged over `sigma` nodes around each.

    Where there are no lines it goes on smoothly. It is None where too few nodes have lines.
    """
    averaged = blur_nodes(phases.real, sigma) + 1j * blur_nodes(phases.imag, sigma)
    strength = np.abs(averaged)
    has_lines = _largest_part(strength > _WEAK * np.percentile(strength, _STRONG_PERCENTILE))
    if has_lines.sum() < _MIN_NODES:
        return None
    periods = _unwrapped_periods(np.angle(averaged), has_lines)
    return _extrapolated(periods, np.where(has_lines, strength, 0.0))


def _unwrapped_periods(angles: Floats, has_lines: Mask) -> Floats:
    """Return angles (rows, columns) unwrapped from node to node, in periods near 0; 0 where there are no lines."""
    masked = np.ma.array(angles, mask=~has_lines)
    unwrapped = unwrap_phase(masked)  # type: ignore[no-untyped-call]
    periods = np.asarray(unwrapped.filled(0.0)) / (2 * np.pi)
    periods -= np.round(np.median(periods[has_lines]))
    return periods


def _largest_part(mask: Mask) -> Mask:
    """Return the largest connected part of a mask. Unwrapping does not lead from one part to another."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax()) if count > 1 else 0
    return np.asarray(labels == largest, bool) if count > 1 else mask


def _extrapolated(values: Floats, weights: Floats) -> Floats:
    """Continue values smoothly to where their weight is 0: by means over the nearest surroundings with any."""
    weights = weights / max(float(weights.max()), 1e-9)
    result = np.full(values.shape, np.average(values, weights=weights + 1e-12))
    for sigma in _SPREAD_NODES:
        weight = blur_nodes(weights, sigma)
        mean = blur_nodes(weights * values, sigma) / np.maximum(weight, 1e-9)
        trust = weight / (weight + _HALF_TRUSTED)
        result += trust * (mean - result)
    return np.where(weights > 0, values, result)


def blur_nodes(values: Floats, sigma: float) -> Floats:
    """Blur values (rows, columns) by a Gaussian whose standard deviation is in nodes."""
    size = 2 * int(4 * sigma + 0.5) + 1
    return np.asarray(cv2.GaussianBlur(values, (size, size), sigma, borderType=cv2.BORDER_REFLECT), np.float64)
