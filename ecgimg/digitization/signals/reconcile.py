"""Reconcile what the page shows more than once: limb leads that must add up, and rhythm strips that repeat a lead.

Six limb leads are two signals (Einthoven 1912, Goldberger 1942), and devices compute the other four from them. So where
three or more are drawn at the same time, every sample moves to the nearest set of values that obeys their laws. The
expected error of each lead is its weight, so that what one row lost where it ran into another is recovered from the
others. A rhythm strip and the cell of its lead are weighted alike. Leads that disagree by more than reading errors do
stay as they were read: some recorders filter each lead by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ecgimg.digitization.numerics import Floats, Mask, power_ratio_db
from ecgimg.digitization.signals.lead_extraction import FS_HZ
from ecgimg.digitization.signals.limb_lead_laws import LIMB_LEAD_MIX, LimbLeadFit, fit_limb_leads, limb_lead_mix
from layouts import Slot

_ERROR_FLOOR_MV = 0.02  # keeps a sample with no expected error from outweighing all others
_LAW_ERROR_FLOOR_MV = 0.003  # the same for the sums of which the laws are tested
_MAX_LAW_MISS = 0.9  # median miss in expected errors; recorders that filter each lead by itself miss by more
_N_ROUNDS = 6
_OUTLIER_ERRORS = 1.5  # a sample that misses by more expected errors counts less
_CONTRADICTION_ERRORS = 4.0  # of three leads, a sample that misses by more shows that one is wrong, but not which
_MIN_LIMB_FIT_DB = 8.0
_MIN_REPEAT_DB = 6.0  # below it, a strip does not show what the cell of its lead shows, or one of them is misread
_MIN_SAMPLES = 100
_MIN_DETERMINANT = 1e-9  # of a trace of one; below it the leads seen at a sample do not determine both signals


@dataclass(frozen=True, eq=False)
class SlotReading:
    """What was read of a slot.

    Parameters
    ----------
    slot : Slot
    signal_mv : (n,) float64
        At 500 Hz, NaN where nothing was read.
    error_mv : (n,) float64
        The error to expect of each sample.
    """

    slot: Slot
    signal_mv: Floats
    error_mv: Floats

    @property
    def first_sample(self) -> int:
        """The sample of the record with which the slot begins."""
        return round(self.slot.start_s * FS_HZ)

    def within(self, window: slice) -> SlotReading | None:
        """Return the part in a window of the record's samples, or None where the slot does not cover it."""
        part = slice(window.start - self.first_sample, window.stop - self.first_sample)
        if part.start < 0 or part.stop > len(self.signal_mv):
            return None
        return replace(self, signal_mv=self.signal_mv[part], error_mv=self.error_mv[part])


_Readings = dict[int, SlotReading]
"""Readings that cover one window, by their index among all of the page."""


def reconcile(readings: Sequence[SlotReading]) -> list[Floats]:
    """Return the reconciled signal (n,) mV of each reading, NaN where it was.

    Signals that a file's own paths give are exact, and stay.
    """
    signals = [reading.signal_mv.copy() for reading in readings]
    if not any(reading.error_mv.any() for reading in readings):
        return signals
    windows = _column_windows(readings)
    shown = [
        {k: part for k, reading in enumerate(readings) if (part := reading.within(window)) is not None}
        for window in windows
    ]
    limb = [_limb_cells(parts) for parts in shown]
    is_lawful = _obey_limb_laws(limb)
    for window, parts, cells in zip(windows, shown, limb, strict=True):
        reconciled = _merged_repeats(parts) | (_reconciled_limb_leads(parts, cells) if is_lawful else {})
        for k, values in reconciled.items():
            first = readings[k].first_sample
            signals[k][window.start - first : window.stop - first] = values
    return signals


def _column_windows(readings: Sequence[SlotReading]) -> list[slice]:
    """Return the samples of the record that each column shows, from the first on."""
    cells = [reading for reading in readings if reading.slot.column is not None]
    bounds = {(cell.first_sample, cell.first_sample + len(cell.signal_mv)) for cell in cells}
    return [slice(first, stop) for first, stop in sorted(bounds)]


def _limb_cells(shown: _Readings) -> _Readings:
    """Return the limb leads of a column if they are more than two signals determine, else none."""
    cells = {
        k: reading
        for k, reading in shown.items()
        if reading.slot.lead in LIMB_LEAD_MIX and reading.slot.column is not None
    }
    return cells if len(cells) > 2 and np.linalg.matrix_rank(_mix(cells)) == 2 else {}


def _mix(limb: _Readings) -> Floats:
    """Return how limb leads are made of leads I and II, (leads, 2)."""
    return limb_lead_mix(reading.slot.lead for reading in limb.values())


def _known_samples(cells: _Readings) -> Mask:
    """Return the samples (n,) at which all leads were read; none where these are too few."""
    is_known = np.isfinite([cell.signal_mv for cell in cells.values()]).all(axis=0)
    return np.asarray(is_known & (is_known.sum() >= _MIN_SAMPLES), bool)


def _obey_limb_laws(columns: Sequence[_Readings]) -> bool:
    """Tell whether limb leads add up as well as their expected errors let them, but for outliers.

    Recorders that filter every lead by itself print leads that do not, however well they are read.
    """
    misses = [_law_misses(cells, is_known) for cells in columns if cells and (is_known := _known_samples(cells)).any()]
    return bool(misses) and float(np.median(np.concatenate(misses))) < _MAX_LAW_MISS


def _law_misses(cells: _Readings, is_known: Mask) -> Floats:
    """Return by how many expected errors the sums that must vanish miss it, flattened."""
    weights = np.linalg.svd(_mix(cells))[0][:, 2:].T  # (leads − 2, leads)
    signals = np.stack([cell.signal_mv[is_known] for cell in cells.values()])
    errors = np.stack([cell.error_mv[is_known] for cell in cells.values()])
    sums = weights @ (signals - signals.mean(axis=1, keepdims=True))
    return np.asarray(np.abs(sums / np.sqrt(weights**2 @ (errors**2 + _LAW_ERROR_FLOOR_MV**2))).ravel(), np.float64)


def _reconciled_limb_leads(shown: _Readings, cells: _Readings) -> dict[int, Floats]:
    """Return the reconciled signals (n,) of the limb leads that a window shows, none where its cells disagree."""
    if not cells or not (is_known := _known_samples(cells)).any():
        return {}
    fit = fit_limb_leads(_mix(cells), np.stack([cell.signal_mv[is_known] for cell in cells.values()]))
    if power_ratio_db(fit.power, fit.residual) < _MIN_LIMB_FIT_DB:
        return {}
    strips = {k: reading for k, reading in shown.items() if _is_strip_of(fit, reading, is_known)}
    limb = cells | strips
    return dict(zip(limb, _nearest_lawful(_mix(limb), list(limb.values())), strict=True))


def _is_strip_of(fit: LimbLeadFit, reading: SlotReading, is_known: Mask) -> bool:
    """Tell whether a reading is a rhythm strip of a limb lead, and shows what leads I and II make of it."""
    slot = reading.slot
    if slot.column is not None or slot.lead not in LIMB_LEAD_MIX:
        return False
    expected_mv = np.array(LIMB_LEAD_MIX[slot.lead]) @ fit.leads_i_ii
    return _agreement_db(reading.signal_mv[is_known], expected_mv) > _MIN_REPEAT_DB


def _merged_repeats(shown: _Readings) -> dict[int, Floats]:
    """Return the mean (n,) of each lead and the strip that repeats it, weighted by their expected errors."""
    merged = {}
    for k, cell in shown.items():
        for j, strip in shown.items():
            if not _is_repeated_by(cell, strip):
                continue
            is_known = np.isfinite(cell.signal_mv) & np.isfinite(strip.signal_mv)
            if _agreement_db(cell.signal_mv[is_known], strip.signal_mv[is_known]) < _MIN_REPEAT_DB:
                continue
            mean_mv = _weighted_mean(cell, strip)
            merged[k], merged[j] = (np.where(is_known, mean_mv, reading.signal_mv) for reading in (cell, strip))
    return merged


def _is_repeated_by(cell: SlotReading, strip: SlotReading) -> bool:
    """Tell whether one reading is of a column, and the other of a rhythm strip of the same lead."""
    return cell.slot.column is not None and strip.slot.column is None and strip.slot.lead == cell.slot.lead


def _weighted_mean(cell: SlotReading, strip: SlotReading) -> Floats:
    """Return the mean (n,) mV of two readings, weighted by the expected error of each sample."""
    weight, strip_weight = (1 / (reading.error_mv**2 + _ERROR_FLOOR_MV**2) for reading in (cell, strip))
    return (weight * cell.signal_mv + strip_weight * strip.signal_mv) / (weight + strip_weight)


def _nearest_lawful(mix: Floats, readings: Sequence[SlotReading]) -> Floats:
    """Return the signals (leads, n) nearest to those read that two signals make, mixed by `mix` (leads, 2).

    Samples at which fewer than three leads were read stay as they are. Outliers count less in every round. Where only
    three different leads are shown, nothing tells which of them is the outlier, and all stay as they are.
    """
    signals = np.stack([reading.signal_mv for reading in readings])
    errors = np.stack([reading.error_mv for reading in readings])
    is_known = np.isfinite(signals)
    values = np.where(is_known, signals, 0.0)
    error_weights = is_known / (errors**2 + _ERROR_FLOOR_MV**2)
    weights, fit = error_weights, values
    for _ in range(_N_ROUNDS):
        fit, is_solvable = _weighted_fit(mix, values, weights, is_known)
        misses = np.abs(values - fit) * np.sqrt(error_weights)
        weights = error_weights / np.maximum(misses / _OUTLIER_ERRORS, 1)
    if len({reading.slot.lead for reading in readings}) == 3:
        is_solvable = is_solvable & (misses < _CONTRADICTION_ERRORS).all(axis=0)
    return np.where(is_solvable & is_known, fit, signals)


def _weighted_fit(mix: Floats, values: Floats, weights: Floats, is_known: Mask) -> tuple[Floats, Mask]:
    """Fit two signals to leads (leads, n) sample by sample; return the fitted leads, and where they can be solved."""
    normal = np.einsum("lt,li,lj->tij", weights, mix, mix)
    size = np.trace(normal, axis1=1, axis2=2) ** 2
    is_solvable = (is_known.sum(axis=0) >= 3) & (np.linalg.det(normal) > _MIN_DETERMINANT * size)
    normal[~is_solvable] = np.eye(2)
    pair = np.linalg.solve(normal, np.einsum("lt,li,lt->ti", weights, mix, values)[..., None])[..., 0]
    return np.asarray(mix @ pair.T, np.float64), np.asarray(is_solvable, bool)


def _agreement_db(signals: Floats, others: Floats) -> float:
    """Return how far signals stand above their difference, both (…, n) freed of their means; -inf for too few."""
    if signals.shape[-1] < _MIN_SAMPLES:
        return -np.inf
    signals, others = (values - values.mean(axis=-1, keepdims=True) for values in (signals, others))
    return power_ratio_db(float((signals**2).sum()), float(((signals - others) ** 2).sum()))
