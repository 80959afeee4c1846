"""Bring a page map into phase with the lines of the grid: 5 mm lines first, 1 mm lines last.

A sheet that is bent little is followed by a polynomial, to a few µm. On one that is folded or curled the polynomial may
slip by whole lines, and the phase unwrapped from node to node leads. The map that agrees best with the lines near the
traces wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.dewarp.grid_frequency import LARGE_SQUARE_MM, GridFrequency
from ecgimg.digitization.dewarp.map_phase_correction import (
    Field,
    blur_nodes,
    correct_bend,
    correct_polynomial,
    measure_phases,
)
from ecgimg.digitization.dewarp.page_map import PageMap
from ecgimg.digitization.numerics import Floats, Mask

_SMALL_SQUARE_MM = 1.0
_MIN_CONFIDENCE = 0.4  # where there is no grid, a map agrees about as well with lines of another spacing
_OFF_PERIODS = (0.87, 1.17)  # times the true spacing: no harmonic of it
_MIN_AGREEMENT = 0.035  # of the grid signal near the traces; specks without a grid agree less
_CLEAR_AGREEMENT = 0.08  # of the grid signal: 1 mm lines that agree as much are printed ones
_MUCH_LESS = 0.8
_GAINED = 1.3  # times, by which bending along dots makes them agree
_CLEARLY_WORSE = 0.93
_SLIP_MM, _HALF_LINE_MM = 0.3, 0.4
_A_PART, _MOST = 75, 50  # percentiles of nodes: a map slips on a part of the sheet, or on most of it
_NEAR_NODES = 7
_TINY = 1e-9

_REACHES, _FOLDED_REACHES = (3.0, 1.6), (1.6, 1.2)  # periods; a folded map has less to catch up with
_FAR_REACH = 3.0  # periods: 5 mm lines are few, so the mean without 1 mm lines is over more of them
_FINE_REACHES_MM = (6.0, 5.0)
_POLYNOMIAL_DEGREES = (3, 4, 4)
_SEED_BLUR_NODES = 6.0
_CENTRAL = 0.35  # standard deviation of how much the middle of the picture is preferred, of half its longer side
_GROWTH = ((0.25, 1), (0.25, 1), (0.4, 2), (0.55, 2), (0.7, 2), (0.85, 3), (1.0, 3), (1.2, 3), (np.inf, 3))
"""How far from its seed, in halves of the picture's longer side, the map is fitted next, and with which degree."""


def fit_grid_phase(
    grid_signal: Field, start: PageMap, folded: PageMap, frequency: GridFrequency, traces: NDArray[np.uint8]
) -> PageMap | None:
    """Fit the map to the lines of the grid, or return None where there are none that it agrees with.

    Parameters
    ----------
    grid_signal : (height, width) float32
    start : PageMap
        A polynomial that follows the grid frequency.
    folded : PageMap
        The same map with a bend that follows the local frequencies, from which the phase is unwrapped as well.
    frequency : GridFrequency
    traces : (height, width) uint8
        Where traces are (above 0); the lines near them decide.
    """
    coarse_mm = LARGE_SQUARE_MM if frequency.has_5mm_lines else _SMALL_SQUARE_MM
    grown = _grown(grid_signal, start, coarse_mm)
    smooth = _smooth(grid_signal, grown, _SMALL_SQUARE_MM if frequency.has_1mm_lines else coarse_mm)
    near = _nodes_near(traces, smooth)
    bent = _finely_bent(grid_signal, smooth, frequency)
    if frequency.has_1mm_lines and frequency.has_5mm_lines and _follows_dots(grid_signal, smooth, bent, near):
        frequency = replace(frequency, has_1mm_lines=False)
        smooth = bent = _smooth(grid_signal, grown, coarse_mm)
    best = _BestMap(grid_signal, _SMALL_SQUARE_MM if frequency.has_1mm_lines else coarse_mm, near)
    best.offer(bent)
    if frequency.has_1mm_lines:
        _offer_unslipped(best, frequency, coarse_mm, (grown, smooth, folded))
    else:
        best.offer(*(_unwrapped(grid_signal, tried, frequency, coarse_mm, (_FAR_REACH,)) for tried in (smooth, folded)))
    return best.confident_map()


def _offer_unslipped(
    best: _BestMap, frequency: GridFrequency, coarse_mm: float, maps: tuple[PageMap, PageMap, PageMap]
) -> None:
    """Offer maps that the phase unwrapped, where the best one may have slipped by whole 1 mm lines."""
    grown, smooth, folded = maps
    grid_signal = best.grid_signal
    if best.slips(folded, _A_PART):
        best.offer(_finely_bent(grid_signal, folded, frequency))
    if best.slips(folded, _MOST) or best.is_bent_much(smooth):
        stiff = correct_polynomial(grid_signal, grown, coarse_mm, _POLYNOMIAL_DEGREES[-1])
        best.offer(
            _unwrapped(grid_signal, stiff, frequency, coarse_mm, _REACHES),
            _unwrapped(grid_signal, folded, frequency, coarse_mm, _FOLDED_REACHES),
        )


class _BestMap:
    """The best map so far. Its x is that of the map that agrees best with the lines along x, and its y likewise.

    Parameters
    ----------
    grid_signal : (height, width) float32
    period_mm : float
        Spacing of the lines that decide.
    near : (rows, columns) bool
        The nodes that decide.
    """

    def __init__(self, grid_signal: Field, period_mm: float, near: Mask) -> None:
        self.grid_signal = grid_signal
        self._period_mm, self._near = period_mm, near
        self._best: list[tuple[float, PageMap]] = []

    def offer(self, *maps: PageMap) -> None:
        """Take the x and the y of other maps that agree better."""
        for page_map in maps:
            offered = [(agreement, page_map) for agreement in self._agreements(page_map)]
            best = self._best or offered
            self._best = [max(pair, key=lambda item: item[0]) for pair in zip(best, offered, strict=True)]

    @property
    def map(self) -> PageMap:
        """Return the best map."""
        (_, x), (_, y) = self._best
        return x if x is y else x.with_y_of(y)

    @property
    def agreement(self) -> float:
        """Return the agreement of the best map, along the axis where it is less."""
        return min(agreement for agreement, _ in self._best)

    def slips(self, folded: PageMap, percentile: float) -> bool:
        """Tell whether the best map is off another by a part of a 1 mm line, at a percentile of nodes, shift aside."""
        apart_mm = (self.map.nodes_mm() - folded.nodes_mm())[self._near]
        off_mm = np.abs(apart_mm - np.median(apart_mm, axis=0))
        return bool((np.percentile(off_mm, percentile, axis=0) > _SLIP_MM).any())

    def is_bent_much(self, smooth: PageMap) -> bool:
        """Tell whether a bend of half a line somewhere made the map agree much better: it may have slipped there."""
        bend_mm = float(np.abs(self.map.nodes_mm() - smooth.nodes_mm()).max())
        return bend_mm > _HALF_LINE_MM and min(self._agreements(smooth)) < _CLEARLY_WORSE * self.agreement

    def confident_map(self) -> PageMap | None:
        """Return the best map with its confidence, or None where lines may be imagined in something else."""
        best = self.map
        agreement = min(_agreement(self.grid_signal, best, self._period_mm))
        off_phase = max(min(_agreement(self.grid_signal, best, self._period_mm * factor)) for factor in _OFF_PERIODS)
        confidence = 1 - off_phase / max(agreement, _TINY)
        large = min(_agreement(self.grid_signal, best, LARGE_SQUARE_MM, self._near))
        near_traces = max(self.agreement, large) / _rms(self.grid_signal, self._near)
        is_sure = confidence > _MIN_CONFIDENCE and near_traces > _MIN_AGREEMENT
        return replace(best, confidence=confidence) if is_sure else None

    def _agreements(self, page_map: PageMap) -> tuple[float, float]:
        return _agreement(self.grid_signal, page_map, self._period_mm, self._near)


def _follows_dots(grid_signal: Field, smooth: PageMap, bent: PageMap, near: Mask) -> bool:
    """Tell whether a map was bent along what is left of 1 mm lines in black and white.

    Such lines are seen where they run along a row of pixels, as dots that lie level on a page that does not. The 5 mm
    lines then agree more than they do until the map is bent along them.
    """
    before = np.array(_agreement(grid_signal, smooth, _SMALL_SQUARE_MM, near))
    if (before >= _CLEAR_AGREEMENT * _rms(grid_signal, near)).any():
        return False
    if (before >= _MUCH_LESS * np.array(_agreement(grid_signal, smooth, LARGE_SQUARE_MM, near))).any():
        return False
    return bool((np.array(_agreement(grid_signal, bent, _SMALL_SQUARE_MM, near)) > _GAINED * before).any())


def _nodes_near(traces: NDArray[np.uint8], page_map: PageMap) -> Mask:
    """Return the nodes (rows, columns) of a map on or next to which traces lie; all of them where there are none."""
    rows, columns = page_map.bend_mm.shape[:2]
    has_trace = cv2.resize(traces, (columns, rows), interpolation=cv2.INTER_AREA) > 0
    near = cv2.dilate(has_trace.astype(np.uint8), np.ones((_NEAR_NODES, _NEAR_NODES), np.uint8)) > 0
    return near if near.any() else np.ones((rows, columns), bool)


def _rms(grid_signal: Field, near: Mask) -> float:
    """Return the root mean square of the grid signal around some nodes (rows, columns)."""
    power = cv2.resize(np.square(grid_signal), near.shape[::-1], interpolation=cv2.INTER_AREA)
    return max(float(np.sqrt(power[near].mean())), _TINY)


def _grown(grid_signal: Field, page_map: PageMap, period_mm: float) -> PageMap:
    """Fit the polynomial where lines are clearest, then ever farther out, where it predicts which line is which.

    Fitted to all of a sheet at once, it may settle on the neighbours of the right lines where the sheet bends away.
    """
    distance = _distance_from_clearest(grid_signal, page_map, period_mm)
    for reach, degree in _GROWTH:
        page_map = correct_polynomial(grid_signal, page_map, period_mm, degree, within=distance < reach)
        if reach > distance.max():
            break
    return page_map


def _distance_from_clearest(grid_signal: Field, page_map: PageMap, period_mm: float) -> Floats:
    """Return how far each node (rows, columns) is from that near the middle where lines are clearest, normalized."""
    u, v = page_map.node_powers(1)
    phases = measure_phases(grid_signal, page_map, period_mm)
    strength = np.minimum(*(blur_nodes(np.abs(along), _SEED_BLUR_NODES) for along in phases))
    strength = strength * np.exp(-0.5 * (u[:, 1] ** 2 + v[:, 1:] ** 2) / _CENTRAL**2)
    row, column = np.unravel_index(int(strength.argmax()), strength.shape)
    return np.asarray(np.hypot(u[:, 1] - u[column, 1], v[:, 1:] - v[row, 1]))


def _smooth(grid_signal: Field, page_map: PageMap, period_mm: float) -> PageMap:
    """Bring the polynomial into phase with lines every `period_mm`, ever less stiff."""
    for degree in _POLYNOMIAL_DEGREES:
        page_map = correct_polynomial(grid_signal, page_map, period_mm, degree)
    return page_map


def _finely_bent(grid_signal: Field, page_map: PageMap, frequency: GridFrequency) -> PageMap:
    """Bend a map along the 1 mm lines, where the page has them."""
    for reach_mm in _FINE_REACHES_MM if frequency.has_1mm_lines else ():
        page_map = correct_bend(grid_signal, page_map, _SMALL_SQUARE_MM, reach_mm)
    return page_map


def _unwrapped(
    grid_signal: Field, page_map: PageMap, frequency: GridFrequency, coarse_mm: float, reaches: Sequence[float]
) -> PageMap:
    """Bend a map along coarse lines, averaged over so many of them (`reaches`), and then along 1 mm lines."""
    for reach in reaches:
        page_map = correct_bend(grid_signal, page_map, coarse_mm, reach * coarse_mm)
    return _finely_bent(grid_signal, page_map, frequency)


def _agreement(
    grid_signal: Field, page_map: PageMap, period_mm: float, near: Mask | None = None
) -> tuple[float, float]:
    """Return how much grid signal is in phase with lines every `period_mm`, along x and y, at all nodes or some."""
    where = ... if near is None else near
    x, y = (float(phases.real[where].mean()) for phases in measure_phases(grid_signal, page_map, period_mm))
    return x, y
