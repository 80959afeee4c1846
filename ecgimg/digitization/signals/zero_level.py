"""Where 0 mV lies in each row: from everything on the page that says so, weighed together.

The foot of a calibration pulse is 0 mV. A lead's mean over ten seconds is close to 0 mV, over the 2.5 s of a cell less
so. Limb leads printed at the same time must add up (Einthoven, Goldberger), a rhythm strip repeats its lead's cell, and
all cells of a row share one height: together these tie the rows to each other within microvolts. Rows that are spaced
evenly tell of each other too; those that all else says are not, do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.model import Interpretation, RowTrace, Scale
from ecgimg.digitization.signals.lead_extraction import FS_HZ, slot_signal
from ecgimg.digitization.signals.limb_leads import LIMB_MIX
from layouts import Slot

Floats = NDArray[np.float64]
Cell = tuple[Slot, Floats]

_FOOT_MV = 0.015
_SUM_MV = 0.006
_REPEAT_MV = 0.006
_MEAN_MV = 0.012
_MEAN_S = 10.0
_DRIFT_MV = 0.06
_SPACING_MV = 0.02
_LEAST_STRAIN, _STRAIN_EACH = 8.0, 2.0
_ANYWHERE_MV = 0.5
_ROUNDS = 12
_MIN_SAMPLES = 100


class _Witnesses:
    """Weighted linear equations in the levels (px) of the rows."""

    def __init__(self, n_rows: int, px_per_mv: float) -> None:
        self.px_per_mv = px_per_mv
        self._n_rows = n_rows
        self._equations: list[tuple[Floats, float, float]] = []

    def tie(self, coefficients: Mapping[int, float], value_px: float, sd_mv: float) -> None:
        """Say that a combination of levels has a value, give or take so many mV."""
        row = np.zeros(self._n_rows)
        for index, coefficient in coefficients.items():
            row[index] += coefficient
        if np.abs(row).sum() > 1e-9:
            self._equations.append((row, value_px, sd_mv * self.px_per_mv))

    def __len__(self) -> int:
        return len(self._equations)

    def cost(self, levels: Floats, first: int) -> float:
        """Return how little levels agree with the first witnesses: half the sum of squares, of great misses less."""
        misses = np.array([(row @ levels - value) / sd for row, value, sd in self._equations[:first]])
        return float(2 * np.log1p((misses / 2) ** 2).sum())

    def solve(self) -> Floats:
        """Solve by iteratively reweighted least squares with Cauchy weights: one wrong witness moves no other."""
        matrix = np.stack([row for row, _, _ in self._equations])
        values = np.array([value for _, value, _ in self._equations])
        spread = np.array([sd for _, _, sd in self._equations])
        weights = 1 / spread
        levels: Floats = np.zeros(self._n_rows)
        for _ in range(_ROUNDS):
            levels = np.asarray(np.linalg.lstsq(matrix * weights[:, None], values * weights, rcond=None)[0], np.float64)
            misses = (matrix @ levels - values) / spread
            weights = 1 / spread / np.sqrt(1 + (misses / 2) ** 2)
        return levels


def level_rows(
    rows: Sequence[RowTrace], placement: Interpretation, scale: Scale, feet_px: Mapping[int, float]
) -> Floats:
    """Return the height (px) of 0 mV of each row, by robust weighted least squares.

    Parameters
    ----------
    feet_px : mapping
        Heights of the feet of calibration pulses, by row.
    """
    layout = placement.layout
    px_per_mv = scale.px_per_mm * scale.gain_mm_mv
    cells = [
        (
            slot,
            slot.sign
            * slot_signal(slot, layout, rows[slot.row], placement.start_px, scale, 0.0)
            * scale.px_per_mv(slot.lead),
        )
        for slot in layout.slots()
    ]  # height above 0 px of every cell, in px
    witnesses = _Witnesses(len(rows), px_per_mv)
    for index, foot in feet_px.items():
        witnesses.tie({index: 1.0}, foot, _FOOT_MV)
    for index, row in enumerate(rows):  # keeps a row without any other witness where its trace lies
        witnesses.tie({index: 1.0}, float(np.mean(row.points_px[:, 1])), _ANYWHERE_MV)
    for slot, height in cells:
        seconds = np.isfinite(height).sum() / FS_HZ
        if seconds > 0.3:
            spread_mv = _MEAN_MV + _DRIFT_MV * max(1 - seconds / _MEAN_S, 0)
            witnesses.tie({slot.row: 1.0}, -float(np.nanmean(height)), spread_mv)
    for first, cell in enumerate(cells):
        for other in cells[first + 1 :]:
            _tie_repeat(witnesses, cell, other)
    for start_s in {slot.start_s for slot, _ in cells if slot.column is not None}:
        _tie_sums(witnesses, [(s, h) for s, h in cells if s.start_s == start_s and s.column is not None])
    free, n_others = witnesses.solve(), len(witnesses)
    for middle in range(1, layout.rows - 1):  # most printers space the rows evenly; rhythm strips may stand apart
        witnesses.tie({middle - 1: 1.0, middle: -2.0, middle + 1: 1.0}, 0.0, _SPACING_MV)
    even, n_even = witnesses.solve(), len(witnesses) - n_others
    strain = witnesses.cost(even, n_others) - witnesses.cost(free, n_others)
    return free if strain > max(_LEAST_STRAIN, _STRAIN_EACH * n_even) else even


def _tie_repeat(witnesses: _Witnesses, one: Cell, other: Cell) -> None:
    (slot, height), (its, its_height) = one, other
    first = max(slot.start_s, its.start_s)
    end = min(slot.end_s, its.end_s)
    if slot.lead != its.lead or slot.row == its.row or end - first < 0.5:
        return
    a = height[round((first - slot.start_s) * FS_HZ) : round((end - slot.start_s) * FS_HZ)] * slot.sign
    b = its_height[round((first - its.start_s) * FS_HZ) : round((end - its.start_s) * FS_HZ)] * its.sign
    n = min(len(a), len(b))
    gap = a[:n] - b[:n]
    if np.isfinite(gap).sum() >= _MIN_SAMPLES:
        witnesses.tie({slot.row: slot.sign, its.row: -its.sign}, -float(np.nanmedian(gap)), _REPEAT_MV)


def _tie_sums(witnesses: _Witnesses, group: Sequence[Cell]) -> None:
    group = [(slot, height) for slot, height in group if slot.lead in LIMB_MIX]
    if len(group) < 3:
        return
    n = min(len(height) for _, height in group)
    heights = np.stack([slot.sign * height[:n] for slot, height in group])
    known = np.isfinite(heights).all(axis=0)
    if known.sum() < _MIN_SAMPLES:
        return
    mixture = np.array([LIMB_MIX[slot.lead] for slot, _ in group])
    _, _, basis = np.linalg.svd(mixture.T)
    for weights in basis[2:]:  # combinations of the leads that add up to nothing
        residual = float(np.median(weights @ heights[:, known]))
        coefficients: dict[int, float] = {}
        for weight, (slot, _) in zip(weights, group, strict=True):
            coefficients[slot.row] = coefficients.get(slot.row, 0.0) + weight * slot.sign
        witnesses.tie(coefficients, -residual, _SUM_MV)
