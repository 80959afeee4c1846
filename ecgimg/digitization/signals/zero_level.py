"""Where 0 mV lies in each row: a robust fit to everything on the page that tells it.

The base of a calibration pulse is 0 mV. The mean of a lead over ten seconds is close to 0 mV; over the 2.5 s of a cell
it is less so. Simultaneous limb leads must add up (Einthoven, Goldberger), a rhythm strip repeats the cell of its lead,
and all cells of a row share one height. Together these tie the rows to each other within microvolts. Rows that are
spaced evenly tell of each other too, unless the rest of the page contradicts that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ecgimg.digitization.model import Interpretation, Pulse, RowTrace, Scale
from ecgimg.digitization.numerics import Floats
from ecgimg.digitization.signals.lead_extraction import FS_HZ, SlotSignal, slot_signal_mv
from ecgimg.digitization.signals.limb_lead_laws import LIMB_LEAD_MIX, vanishing_sums

# standard deviations by which the equations are weighted
_PULSE_BASE_SD_MV = 0.015
_LIMB_SUM_SD_MV = 0.006
_REPEATED_LEAD_SD_MV = 0.006
_LONG_MEAN_SD_MV = 0.012  # of the mean of ten seconds
_SHORT_MEAN_SD_MV = 0.06  # what is added for the mean of no time at all
_TRACE_MEAN_SD_MV = 0.5  # so loose that it counts only for a row without any other equation
_EVEN_SPACING_SD_MV = 0.02

_LONG_MEAN_S = 10.0
_MIN_MEAN_S = 0.3  # the mean of less says nothing
_MIN_SHARED_S = 0.5
_MIN_SAMPLES = 100

# Even spacing is dropped where it raises the cost of the other equations by more than the larger of these.
_MAX_EXTRA_COST, _MAX_EXTRA_COST_PER_SPACING = 8.0, 2.0

_N_ROUNDS = 12
_CAUCHY_SD = 2.0  # beyond so many standard deviations the pull of an equation weakens
_LEAST_COEFFICIENT = 1e-9  # an equation between a row and itself cancels, and tells nothing


class _ZeroLevelEquations:
    """Weighted linear equations in the zero levels (px) of the rows.

    Parameters
    ----------
    n_rows : int
    px_per_mv : float
        Scale of the standard deviations.
    """

    def __init__(self, n_rows: int, px_per_mv: float) -> None:
        self._n_rows, self._px_per_mv = n_rows, px_per_mv
        self._equations: list[tuple[Floats, float, float]] = []

    def __len__(self) -> int:
        return len(self._equations)

    def add(self, coefficients: Mapping[int, float], value_px: float, sd_mv: float) -> None:
        """Add an equation: the sum of coefficient times level, by row, is a value up to a standard deviation."""
        by_row = np.zeros(self._n_rows)
        for row, coefficient in coefficients.items():
            by_row[row] += coefficient
        if np.abs(by_row).sum() > _LEAST_COEFFICIENT:
            self._equations.append((by_row, value_px, sd_mv * self._px_per_mv))

    def cost(self, levels_px: Floats, n_first: int) -> float:
        """Return the Cauchy cost of zero levels (rows,) in the first equations: half their squares if all fit well."""
        misses = np.array([(by_row @ levels_px - value) / sd for by_row, value, sd in self._equations[:n_first]])
        return float(2 * np.log1p((misses / _CAUCHY_SD) ** 2).sum())

    def solve(self) -> Floats:
        """Return the zero levels (rows,) px, by iteratively reweighted least squares.

        The Cauchy weights let one wrong equation move no level.
        """
        matrix = np.stack([by_row for by_row, _, _ in self._equations])
        values = np.array([value for _, value, _ in self._equations])
        sds = np.array([sd for _, _, sd in self._equations])
        weights = 1 / sds
        levels: Floats = np.zeros(self._n_rows)
        for _ in range(_N_ROUNDS):
            levels = np.asarray(np.linalg.lstsq(matrix * weights[:, None], values * weights, rcond=None)[0], np.float64)
            misses = (matrix @ levels - values) / sds
            weights = 1 / sds / np.sqrt(1 + (misses / _CAUCHY_SD) ** 2)
        return levels


def with_zero_levels(
    rows: Sequence[RowTrace], pulses: Sequence[Pulse], interpretation: Interpretation | None, scale: Scale
) -> Scale:
    """Return a scale with the zero level of each row; the scale itself where no layout was found."""
    if interpretation is None:
        return scale
    bases_px = {pulse.row: pulse.base_px for pulse in pulses}
    return replace(scale, zero_px=tuple(fit_zero_levels(rows, interpretation, scale, bases_px).tolist()))


def fit_zero_levels(
    rows: Sequence[RowTrace], interpretation: Interpretation, scale: Scale, pulse_base_px: Mapping[int, float]
) -> Floats:
    """Return the height of 0 mV of each row, (rows,) px of the flat page, by robust weighted least squares.

    Parameters
    ----------
    interpretation : Interpretation
        The layout laid on the rows.
    scale : Scale
        Its `zero_px` are not used.
    pulse_base_px : mapping of int to float
        Heights of the bases of calibration pulses, by row.
    """
    equations = _ZeroLevelEquations(len(rows), scale.px_per_mm * scale.gain_mm_mv)
    _add_pulse_bases(equations, pulse_base_px)
    _add_traces(equations, rows, _slot_heights_px(rows, interpretation, scale))
    uneven_px, n_measured = equations.solve(), len(equations)
    _add_even_spacing(equations, interpretation.layout.rows)
    even_px, n_spacings = equations.solve(), len(equations) - n_measured
    extra_cost = equations.cost(even_px, n_measured) - equations.cost(uneven_px, n_measured)
    return uneven_px if extra_cost > max(_MAX_EXTRA_COST, _MAX_EXTRA_COST_PER_SPACING * n_spacings) else even_px


def _slot_heights_px(rows: Sequence[RowTrace], interpretation: Interpretation, scale: Scale) -> list[SlotSignal]:
    """Return every slot and the height (samples,) px at which its trace lies above the top of the flat page."""
    layout, start_px = interpretation.layout, interpretation.start_px
    heights = []
    for slot in layout.slots():
        above_top_mv = slot_signal_mv(slot, layout, rows[slot.row], start_px, scale, 0.0)
        heights.append((slot, slot.sign * above_top_mv * scale.px_per_mv(slot.lead)))
    return heights


def _add_pulse_bases(equations: _ZeroLevelEquations, pulse_base_px: Mapping[int, float]) -> None:
    """Add that the base of a pulse is 0 mV."""
    for row, base in pulse_base_px.items():
        equations.add({row: 1.0}, base, _PULSE_BASE_SD_MV)


def _add_traces(equations: _ZeroLevelEquations, rows: Sequence[RowTrace], slot_heights: Sequence[SlotSignal]) -> None:
    """Add all that the traces tell: their means, what is shown twice, and what the limb leads add up to."""
    _add_means(equations, rows, slot_heights)
    _add_repeated_leads(equations, slot_heights)
    _add_limb_sums(equations, slot_heights)


def _add_means(equations: _ZeroLevelEquations, rows: Sequence[RowTrace], slot_heights: Sequence[SlotSignal]) -> None:
    """Add that the mean of a row is about 0 mV, and that of a lead the closer, the longer it is shown."""
    for index, row in enumerate(rows):
        equations.add({index: 1.0}, float(np.mean(row.points_px[:, 1])), _TRACE_MEAN_SD_MV)
    for slot, height in slot_heights:
        seconds = np.isfinite(height).sum() / FS_HZ
        if seconds > _MIN_MEAN_S:
            sd_mv = _LONG_MEAN_SD_MV + _SHORT_MEAN_SD_MV * max(1 - seconds / _LONG_MEAN_S, 0)
            equations.add({slot.row: 1.0}, -float(np.nanmean(height)), sd_mv)


def _add_repeated_leads(equations: _ZeroLevelEquations, slot_heights: Sequence[SlotSignal]) -> None:
    """Add that two slots that show a lead at the same time show the same."""
    for first, slot_height in enumerate(slot_heights):
        for other in slot_heights[first + 1 :]:
            _add_repeated_lead(equations, slot_height, other)


def _add_repeated_lead(equations: _ZeroLevelEquations, slot_height: SlotSignal, other: SlotSignal) -> None:
    """Add the difference of two slots of one lead, where they are in two rows and share half a second."""
    slot, other_slot = slot_height[0], other[0]
    start_s, end_s = max(slot.start_s, other_slot.start_s), min(slot.end_s, other_slot.end_s)
    if slot.lead != other_slot.lead or slot.row == other_slot.row or end_s - start_s < _MIN_SHARED_S:
        return
    shared, other_shared = (_upright_between(part, start_s, end_s) for part in (slot_height, other))
    n = min(len(shared), len(other_shared))
    difference = shared[:n] - other_shared[:n]
    if np.isfinite(difference).sum() >= _MIN_SAMPLES:
        coefficients = {slot.row: slot.sign, other_slot.row: -other_slot.sign}
        equations.add(coefficients, -float(np.nanmedian(difference)), _REPEATED_LEAD_SD_MV)


def _upright_between(slot_height: SlotSignal, start_s: float, end_s: float) -> Floats:
    """Return the heights of a slot between two times of the record, turned upright where the lead is inverted."""
    slot, height = slot_height
    first, stop = (round((time_s - slot.start_s) * FS_HZ) for time_s in (start_s, end_s))
    return height[first:stop] * slot.sign


def _add_limb_sums(equations: _ZeroLevelEquations, slot_heights: Sequence[SlotSignal]) -> None:
    """Add that the limb leads of a column obey their laws."""
    limb_cells = [cell for cell in slot_heights if cell[0].column is not None and cell[0].lead in LIMB_LEAD_MIX]
    for start_s in {slot.start_s for slot, _ in slot_heights if slot.column is not None}:
        column = [cell for cell in limb_cells if cell[0].start_s == start_s]
        if len(column) > 2:
            _add_column_sums(equations, column)


def _add_column_sums(equations: _ZeroLevelEquations, column: Sequence[SlotSignal]) -> None:
    """Add that the sums of three or more limb leads of a column that must vanish do."""
    n = min(len(height) for _, height in column)
    heights = np.stack([slot.sign * height[:n] for slot, height in column])
    is_known = np.isfinite(heights).all(axis=0)
    if is_known.sum() < _MIN_SAMPLES:
        return
    for weights in vanishing_sums(slot.lead for slot, _ in column):
        residual = float(np.median(weights @ heights[:, is_known]))
        coefficients: dict[int, float] = {}
        for weight, (slot, _) in zip(weights, column, strict=True):
            coefficients[slot.row] = coefficients.get(slot.row, 0.0) + weight * slot.sign
        equations.add(coefficients, -residual, _LIMB_SUM_SD_MV)


def _add_even_spacing(equations: _ZeroLevelEquations, n_rows: int) -> None:
    """Add that each row lies midway between its neighbours, but for rhythm strips, which may stand apart."""
    for middle in range(1, n_rows - 1):
        equations.add({middle - 1: 1.0, middle: -2.0, middle + 1: 1.0}, 0.0, _EVEN_SPACING_SD_MV)
