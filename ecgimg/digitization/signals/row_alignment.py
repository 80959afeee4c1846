"""Align the rows in time by what must agree: simultaneous limb leads, and a rhythm strip with the cell of its lead.

Paper curls and printers skew, so that rows of a column start up to a millimetre apart. Sums of leads that must vanish
tell by how much, since QRS complexes are steep. They do not tell where all rows together start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ecgimg.digitization.model import Interpretation, RowTrace, Scale
from ecgimg.digitization.numerics import Floats, Mask
from ecgimg.digitization.signals.lead_extraction import FS_HZ, SlotSignal, slot_signal_mv, strip_and_cell
from ecgimg.digitization.signals.limb_lead_laws import LIMB_LEAD_MIX, vanishing_sums

_N_ROUNDS = 4
_USUAL_SHIFT_S = 0.012  # standard deviation of the shifts: it keeps rows still that nothing tells of
_MAX_SHIFT_S = 0.045  # about a millimetre at 25 mm/s; what asks for more is no skew
_USUAL_RESIDUAL_MV = 0.04  # of the sums of rows that are aligned
_MAX_RESIDUALS = 10.0  # a residual of more usual ones counts as so many: it is a misread stretch
_TRUSTED_RESIDUALS = 5.0  # beyond so many usual ones the weight of a sample falls below a half
_MIN_IMPROVEMENT = 0.6  # rows move only if the cost falls below this share
_MIN_SAMPLES = 200
_MARGIN_SAMPLES = 30  # the ends of a moved signal are no longer known
_REPEAT_WEIGHT = 0.7  # a difference of two leads gets about the norm of the sums of limb leads, which is 1

_Term = tuple[int, float, Floats]
"""A row, the weight with which its signal counts in a sum, and the signal (n,) mV."""
_Sum = Sequence[_Term]


def align_rows(rows: Sequence[RowTrace], interpretation: Interpretation, scale: Scale) -> tuple[RowTrace, ...]:
    """Shift rows in time so that leads agree that must; rows stay where that would not improve much.

    Parameters
    ----------
    rows : sequence of RowTrace
    interpretation : Interpretation
        The layout laid on the rows.
    scale : Scale
        With the zero level of each row.

    Returns
    -------
    tuple of RowTrace
        With their `shift_px`.
    """
    slot_signals = _slot_signals(rows, interpretation, scale)
    shifts_s = _fit_shifts_s([*_limb_sums(slot_signals), *_strip_differences(slot_signals)], len(rows))
    if shifts_s is None:
        return tuple(rows)
    shifts_px = shifts_s * scale.px_per_s
    return tuple(replace(row, shift_px=float(shift)) for row, shift in zip(rows, shifts_px, strict=True))


def _slot_signals(rows: Sequence[RowTrace], interpretation: Interpretation, scale: Scale) -> list[SlotSignal]:
    layout, start_px = interpretation.layout, interpretation.start_px
    return [
        (slot, slot_signal_mv(slot, layout, rows[slot.row], start_px, scale, scale.zero_px[slot.row]))
        for slot in layout.slots()
    ]


def _fit_shifts_s(sums: Sequence[_Sum], n_rows: int) -> Floats | None:
    """Return the shifts (rows,) s that let sums vanish best, by Gauss-Newton steps; None where they gain little."""
    shifts_s = np.zeros(n_rows)
    cost = cost_unshifted = _cost(sums, shifts_s)
    for _ in range(_N_ROUNDS):
        trial_s = shifts_s + _gauss_newton_step_s(sums, shifts_s)
        trial_s -= trial_s.mean()
        trial_cost = _cost(sums, trial_s)
        if not trial_cost < cost or np.abs(trial_s).max() > _MAX_SHIFT_S:
            break
        shifts_s, cost = trial_s, trial_cost
    return shifts_s if cost < _MIN_IMPROVEMENT * cost_unshifted else None


def _limb_sums(slot_signals: Sequence[SlotSignal]) -> list[_Sum]:
    """Return the weighted sums of simultaneous limb leads that must vanish."""
    limb_cells = [cell for cell in slot_signals if cell[0].column is not None and cell[0].lead in LIMB_LEAD_MIX]
    sums: list[_Sum] = []
    for start_s in sorted({slot.start_s for slot, _ in limb_cells}):
        column = [cell for cell in limb_cells if cell[0].start_s == start_s]
        if len(column) > 2 and len({slot.row for slot, _ in column}) > 1:
            sums += _column_sums(column)
    return sums


def _column_sums(column: Sequence[SlotSignal]) -> list[_Sum]:
    """Return the sums of three or more limb leads of a column that must vanish."""
    n = min(len(signal) for _, signal in column)
    return [
        [(slot.row, float(weight), signal[:n]) for weight, (slot, signal) in zip(weights, column, strict=True)]
        for weights in vanishing_sums(slot.lead for slot, _ in column)
    ]


def _strip_differences(slot_signals: Sequence[SlotSignal]) -> list[_Sum]:
    """Return the differences of rhythm strips and the cells of their leads."""
    differences: list[_Sum] = []
    for strip in slot_signals:
        for cell in slot_signals:
            if strip[0].column is None and cell[0].column is not None and cell[0].lead == strip[0].lead:
                long, short = strip_and_cell(strip, cell, FS_HZ)
                differences.append([(strip[0].row, _REPEAT_WEIGHT, long), (cell[0].row, -_REPEAT_WEIGHT, short)])
    return differences


def _shifted(signal: Floats, shift_s: float) -> Floats:
    """Return a signal (n,) as it is when its row starts later by `shift_s`."""
    n = len(signal)
    shifted = np.interp(np.arange(n) + shift_s * FS_HZ, np.arange(n), signal)
    shifted[:_MARGIN_SAMPLES] = shifted[-_MARGIN_SAMPLES:] = np.nan
    return np.asarray(shifted, np.float64)


def _residuals(sums: Sequence[_Sum], shifts_s: Floats) -> list[tuple[Floats, Mask]]:
    """Return each sum (n,) mV less its median, and where it is known: the zero levels may still be off."""
    residuals = []
    for terms in sums:
        total = np.sum([weight * _shifted(signal, shifts_s[row]) for row, weight, signal in terms], axis=0)
        is_known = np.isfinite(total)
        residuals.append((total - (float(np.median(total[is_known])) if is_known.any() else 0.0), is_known))
    return residuals


def _cost(sums: Sequence[_Sum], shifts_s: Floats) -> float:
    """Return the mean square of what the sums leave, in usual residuals, large ones limited."""
    sizes = [
        np.minimum(np.abs(residual[is_known]) / _USUAL_RESIDUAL_MV, _MAX_RESIDUALS)
        for residual, is_known in _residuals(sums, shifts_s)
    ]
    values = np.concatenate([np.zeros(0), *sizes])
    return float((values**2).mean()) if len(values) >= _MIN_SAMPLES else 0.0


def _gauss_newton_step_s(sums: Sequence[_Sum], shifts_s: Floats) -> Floats:
    """Return the change (rows,) s of the shifts that brings the sums nearest to nothing, by linear least squares."""
    normal = np.eye(len(shifts_s)) * (1 / _USUAL_SHIFT_S) ** 2
    right = -shifts_s / _USUAL_SHIFT_S**2
    for terms, (residual, is_known) in zip(sums, _residuals(sums, shifts_s), strict=True):
        slopes = _slopes_mv_s(terms, shifts_s)
        is_known = is_known & np.isfinite(slopes).all(axis=0)
        slopes, residual = slopes[:, is_known], residual[is_known]
        weights = 1 / (1 + (residual / (_TRUSTED_RESIDUALS * _USUAL_RESIDUAL_MV)) ** 2) / _USUAL_RESIDUAL_MV**2
        normal += (slopes * weights) @ slopes.T
        right -= (slopes * weights) @ residual
    return np.asarray(np.linalg.solve(normal, right), np.float64)


def _slopes_mv_s(terms: _Sum, shifts_s: Floats) -> Floats:
    """Return by how much a sum changes as each row is shifted, (rows, n) mV/s."""
    slopes = np.zeros((len(shifts_s), len(terms[0][2])))
    for row, weight, signal in terms:
        slopes[row] += weight * np.gradient(_shifted(signal, shifts_s[row])) * FS_HZ
    return slopes
