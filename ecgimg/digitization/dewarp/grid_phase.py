"""Bring a map into phase with the ruling's lines, by demodulation: coarse lines first, fine lines last.

The ruling is multiplied by a wave that follows the lines of the map; what is left of it around a node of the map has
the phase by which the lines miss that node.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.restoration import unwrap_phase

from ecgimg.digitization.dewarp.grid_frequency import LARGE_SQUARE_MM, GridFrequency
from ecgimg.digitization.dewarp.page_map import NODE_SPACING_PX, PageMap, exponents_up_to
from ecgimg.digitization.segmentation.threads import in_threads

Floats = NDArray[np.float64]
Field = NDArray[np.float32]
Phases = NDArray[np.complex128]
Mask = NDArray[np.bool_]

_WEAK = 0.2
_MIN_NODES = 20
_MIN_CONFIDENCE, _MIN_TOLD = 0.4, 0.035  # where there is no ruling, lines may be imagined in what else is there
_MIN_FINE, _MUCH_LESS, _GAINED = 0.08, 0.8, 1.3
_NEARLY = 0.93
_SLIP_MM, _HALF_LINE_MM = 0.3, 0.4
_A_PART, _MOST = 75, 50
_NEAR_NODES = 7
_STILL = 1e-6
_FAR = 3.0  # where 1 mm lines do not tell, few are left to average over
_CENTRAL = 0.35
_GROWTH = ((0.25, 1), (0.25, 1), (0.4, 2), (0.55, 2), (0.7, 2), (0.85, 3), (1.0, 3), (1.2, 3), (np.inf, 3))
"""How far from the start, in halves of the picture's longer side, the map is fitted next, and with which degree."""


def fit_grid_phase(
    ruling: Field, start: PageMap, folded: PageMap, lattice: GridFrequency, traces: NDArray[np.uint8]
) -> PageMap | None:
    """Fit the map to the lines, 5 mm ones first, then 1 mm and what bends locally; None if none agree.

    A sheet that is bent little is followed by the polynomial from `start`, to a few µm; on one that is folded or curled
    the polynomial slips by whole lines, on all of the sheet or a part of it, and the phase unwrapped from node to node
    leads, from `start` or from a map that is `folded` already. What the lines near `traces` (height, width) agree with
    wins.
    """
    coarse_mm = LARGE_SQUARE_MM if lattice.coarse else 1.0
    fine_mm = 1.0 if lattice.fine else coarse_mm
    grown = _grown(ruling, start, coarse_mm)
    smooth = _smooth(ruling, grown, fine_mm)
    near = _nodes_near(traces, smooth)
    bent = _finely_bent(ruling, smooth, lattice)
    if fine_mm < coarse_mm and _follows_dots(ruling, smooth, bent, near):
        lattice, fine_mm = replace(lattice, fine=False), coarse_mm
        smooth = bent = _smooth(ruling, grown, fine_mm)
    found = _Found(ruling, fine_mm, near)
    found.add(bent)
    if not lattice.fine:
        found.add(*(_unwrapped(ruling, other, lattice, coarse_mm, (_FAR,)) for other in (smooth, folded)))
    else:
        if found.slips(folded, _A_PART):
            found.add(_finely_bent(ruling, folded, lattice))
        if found.slips(folded, _MOST) or found.is_bent_much(smooth):
            other = _in_phase(ruling, grown, coarse_mm, 4)
            found.add(
                _unwrapped(ruling, other, lattice, coarse_mm, (3.0, 1.6)),
                _unwrapped(ruling, folded, lattice, coarse_mm, (1.6, 1.2)),
            )
    best = found.map
    agreement = min(_agreement(ruling, best, fine_mm))
    off_phase = max(min(_agreement(ruling, best, fine_mm * factor)) for factor in (0.87, 1.17))
    confidence = 1 - off_phase / max(agreement, 1e-9)
    told = max(found.agreement, min(_agreement(ruling, best, LARGE_SQUARE_MM, near))) / _strength(ruling, near)
    return replace(best, confidence=confidence) if confidence > _MIN_CONFIDENCE and told > _MIN_TOLD else None


def _follows_dots(ruling: Field, smooth: PageMap, bent: PageMap, near: Mask) -> bool:
    """Tell whether a map was bent along what is left of 1 mm lines in black and white.

    Lines are seen there where they run along a row of pixels: dots that lie level on a page that does not. 5 mm lines
    tell more than they do until the map is bent along them.
    """
    before = np.array(_agreement(ruling, smooth, 1.0, near))
    if (before >= _MIN_FINE * _strength(ruling, near)).any():
        return False
    if (before >= _MUCH_LESS * np.array(_agreement(ruling, smooth, LARGE_SQUARE_MM, near))).any():
        return False
    return bool((np.array(_agreement(ruling, bent, 1.0, near)) > _GAINED * before).any())


class _Found:
    """The best map so far: along each axis that with which most ruling at some nodes (rows, columns) is in phase."""

    def __init__(self, ruling: Field, period_mm: float, near: Mask) -> None:
        self._ruling, self._period_mm, self._near = ruling, period_mm, near
        self._best: list[tuple[float, PageMap]] = []

    def add(self, *others: PageMap) -> None:
        """Take of other maps what is better."""
        for other in others:
            told = [(agreement, other) for agreement in self._told(other)]
            best = self._best or told
            self._best = [max(pair, key=lambda each: each[0]) for pair in zip(best, told, strict=True)]

    @property
    def map(self) -> PageMap:
        """Return the best map."""
        (_, x), (_, y) = self._best
        return x if x is y else x.with_y_of(y)

    @property
    def agreement(self) -> float:
        """Return how much ruling is in phase with the best map, along the axis where it is less."""
        return min(agreement for agreement, _ in self._best)

    def slips(self, foretold: PageMap, percent: float) -> bool:
        """Tell whether another map differs by a good part of a 1 mm line, motion aside, at that percentile of nodes."""
        apart = (self.map.nodes_mm() - foretold.nodes_mm())[self._near]
        return bool((np.percentile(np.abs(apart - np.median(apart, axis=0)), percent, axis=0) > _SLIP_MM).any())

    def is_bent_much(self, smooth: PageMap) -> bool:
        """Tell whether bending has bettered a map much, by half a line somewhere: it may have slipped there."""
        by_mm = float(np.abs(self.map.nodes_mm() - smooth.nodes_mm()).max())
        return by_mm > _HALF_LINE_MM and min(self._told(smooth)) < _NEARLY * self.agreement

    def _told(self, other: PageMap) -> tuple[float, float]:
        return _agreement(self._ruling, other, self._period_mm, self._near)


def _nodes_near(traces: NDArray[np.uint8], rectification: PageMap) -> Mask:
    """Return the nodes (rows, columns) of a map on or next to which traces lie; all where there are none."""
    rows, columns = rectification.bend_mm.shape[:2]
    inked = cv2.resize(traces, (columns, rows), interpolation=cv2.INTER_AREA) > 0
    near = cv2.dilate(inked.astype(np.uint8), np.ones((_NEAR_NODES, _NEAR_NODES), np.uint8)) > 0
    return near if near.any() else np.ones((rows, columns), bool)


def _strength(ruling: Field, near: Mask) -> float:
    """Return the root mean square of the ruling around some nodes (rows, columns)."""
    power = cv2.resize(np.square(ruling), near.shape[::-1], interpolation=cv2.INTER_AREA)
    return max(float(np.sqrt(power[near].mean())), 1e-9)


def _unwrapped(
    ruling: Field, rectification: PageMap, lattice: GridFrequency, coarse_mm: float, reaches: Sequence[float]
) -> PageMap:
    """Correct a map by the phase of coarse lines, averaged over so many of them, and then by that of fine ones."""
    for reach in reaches:
        rectification = _bent(ruling, rectification, coarse_mm, reach * coarse_mm)
    return _finely_bent(ruling, rectification, lattice)


def _grown(ruling: Field, rectification: PageMap, period_mm: float) -> PageMap:
    """Fit the polynomial where lines are clearest, then ever farther out, where it foretells which line is which.

    Fitted to all of a sheet at once, it may settle on the neighbours of the right lines where the sheet bends away.
    """
    u, v = rectification.normalized_nodes(1)
    strength = np.minimum(*(_smoothed(np.abs(phases), 6.0) for phases in _phases(ruling, rectification, period_mm)))
    strength = strength * np.exp(-0.5 * (u[:, 1] ** 2 + v[:, 1:] ** 2) / _CENTRAL**2)
    row, column = np.unravel_index(int(strength.argmax()), strength.shape)
    away = np.hypot(u[:, 1] - u[column, 1], v[:, 1:] - v[row, 1])
    for reach, degree in _GROWTH:
        rectification = _in_phase(ruling, rectification, period_mm, degree, within=away < reach)
        if reach > away.max():
            break
    return rectification


def _smooth(ruling: Field, rectification: PageMap, period_mm: float) -> PageMap:
    """Bring the polynomial into phase with lines each `period_mm`, ever less stiff."""
    for degree in (3, 4, 4):
        rectification = _in_phase(ruling, rectification, period_mm, degree)
    return rectification


def _finely_bent(ruling: Field, rectification: PageMap, lattice: GridFrequency) -> PageMap:
    for reach_mm in (6.0, 5.0) if lattice.fine else ():
        rectification = _bent(ruling, rectification, 1.0, reach_mm)
    return rectification


def _agreement(
    ruling: Field, rectification: PageMap, period_mm: float, near: Mask | None = None
) -> tuple[float, float]:
    """Return how much ruling lies in phase with lines each `period_mm`, along x and y, at all nodes or some."""
    where = ... if near is None else near
    x, y = (float(phases.real[where].mean()) for phases in _phases(ruling, rectification, period_mm))
    return x, y


def _phases(ruling: Field, rectification: PageMap, period_mm: float) -> tuple[Phases, Phases]:
    """Return the phase (angle) by which lines each `period_mm` miss the map at its nodes, and their strength: x, y."""
    nodes_mm = rectification.nodes_mm()
    rows, columns = nodes_mm.shape[:2]
    height, width = ruling.shape
    factor = max(1, min(4, int(period_mm * rectification.px_per_mm / 7)))  # no finer than the lines ask for
    size = (max(width // factor, columns), max(height // factor, rows))
    looked_at = ruling if factor == 1 else cv2.resize(ruling, size, interpolation=cv2.INTER_AREA)
    sigma = max(1.4 * period_mm * rectification.px_per_mm / NODE_SPACING_PX, 2.0)

    def along(axis: int) -> Phases:
        angle = cv2.resize(nodes_mm[..., axis].astype(np.float32), size) * np.float32(2 * np.pi / period_mm)
        real, imaginary = (
            cv2.GaussianBlur(cv2.resize(wave, (columns, rows), interpolation=cv2.INTER_AREA), (0, 0), sigma)
            for wave in cv2.polarToCart(looked_at, angle)
        )
        return np.asarray(real + 1j * imaginary, np.complex128)

    x, y = in_threads(along, (0, 1))
    return x, y


def _in_phase(
    ruling: Field, rectification: PageMap, period_mm: float, degree: int, within: NDArray[np.bool_] | None = None
) -> PageMap:
    """Correct the polynomial by the smooth part of the phase by which the lines miss it, at all nodes or some."""
    with_exponents = rectification.with_exponents(exponents_up_to(degree))
    u, v = rectification.normalized_nodes(2 * degree)
    seen = 1.0 if within is None else within
    turns = [
        _smooth_phase(phases * seen, u, v, with_exponents.powers)
        for phases in _phases(ruling, rectification, period_mm)
    ]
    return replace(
        with_exponents, coefficients=with_exponents.coefficients - np.stack(turns, axis=1) * period_mm / (2 * np.pi)
    )


def _smooth_phase(phases: Phases, u: Floats, v: Floats, powers: NDArray[np.int64]) -> Floats:
    """Fit a polynomial to the angles of phases (rows, columns), strong ones first, ones that miss it by far left out.

    The powers of the nodes' coordinates go up to twice the polynomial's degree: u (columns, …) and v (rows, …).
    """
    i, j = powers.T
    order = int(powers.max()) + 1
    strength, angles = np.abs(phases), np.angle(phases)
    strength = strength / (strength.max() + 1e-9)
    ridge = 1e-6 * phases.size * np.diag((i + j > 1).astype(np.float64)) + 1e-12 * np.eye(len(powers))
    solution = np.zeros(len(powers))
    solution[0] = np.angle(phases.sum())
    for _ in range(10):
        grid = np.zeros((order, order))
        grid[j, i] = solution
        miss = angles - v[:, :order] @ grid @ u[:, :order].T
        miss -= 2 * np.pi * np.rint(miss / (2 * np.pi))
        trust = strength / (1 + (miss / 0.8) ** 2) ** 2
        moments = v.T @ trust @ u
        system = moments[j[:, None] + j, i[:, None] + i] + ridge
        step = np.linalg.solve(system, (v.T @ (trust * miss) @ u)[j, i])
        solution = solution + step
        if np.abs(step).max() < _STILL:
            break
    return solution


def _bent(ruling: Field, rectification: PageMap, period_mm: float, reach_mm: float) -> PageMap:
    """Correct the map by the phase itself, averaged over `reach_mm` around each node and unwrapped across the page."""
    sigma = reach_mm * rectification.px_per_mm / NODE_SPACING_PX
    shifts = []
    for phases in _phases(ruling, rectification, period_mm):
        near = _smoothed(phases.real, sigma) + 1j * _smoothed(phases.imag, sigma)
        strength = np.abs(near)
        ruled = _largest(strength > _WEAK * np.percentile(strength, 90))
        if ruled.sum() < _MIN_NODES:
            return rectification
        angles = np.ma.array(np.angle(near), mask=~ruled)
        unwrapped = unwrap_phase(angles)  # type: ignore[no-untyped-call]
        turns = np.asarray(unwrapped.filled(0.0)) / (2 * np.pi)
        turns -= np.round(np.median(turns[ruled]))
        shifts.append(_spread(turns, np.where(ruled, strength, 0.0)) * period_mm)
    return replace(rectification, bend_mm=rectification.bend_mm + np.stack(shifts, axis=-1))


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest connected part of a mask."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    best = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax()) if count > 1 else 0
    return np.asarray(labels == best, bool) if count > 1 else mask


def _spread(values: Floats, weights: Floats) -> Floats:
    """Continue values smoothly to where their weight is 0: weighted means over ever wider surroundings."""
    weights = weights / max(float(weights.max()), 1e-9)
    result = np.full(values.shape, np.average(values, weights=weights + 1e-12))
    for sigma in (24.0, 12.0, 6.0, 3.0, 1.5):
        weight = _smoothed(weights, sigma)
        mean = _smoothed(weights * values, sigma) / np.maximum(weight, 1e-9)
        sure = weight / (weight + 0.02)
        result += sure * (mean - result)
    return np.where(weights > 0, values, result)


def _smoothed(values: Floats, sigma: float) -> Floats:
    size = 2 * int(4 * sigma + 0.5) + 1
    return np.asarray(cv2.GaussianBlur(values, (size, size), sigma, borderType=cv2.BORDER_REFLECT), np.float64)
