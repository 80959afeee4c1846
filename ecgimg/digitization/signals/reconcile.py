"""Reconcile what the page shows more than once: limb leads that must add up, and rhythm strips that repeat a lead.

Six limb leads are two signals (Einthoven 1912, Goldberger 1942), and devices compute the other four from them. So where
three or more are drawn at the same time, every sample is the nearest set of values that obeys their laws, nearest by
the error that is expected of each: what one row lost where it ran into another, the others tell. Leads that disagree by
more than reading errors do, as those of recorders that filter each lead by itself, stay as they were read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.signals.lead_extraction import FS_HZ
from ecgimg.digitization.signals.limb_leads import LIMB_MIX, fit_pair
from layouts import Slot

Floats = NDArray[np.float64]

_LEAST_ERROR_MV = 0.02
_SURE_MV, _LAWFUL = 0.003, 0.9
_ROUNDS, _OUTLIER, _CONTRADICTION = 6, 1.5, 4.0
_AGREE_DB, _REPEAT_DB = 8.0, 10.0
_FEW_SAMPLES = 100


@dataclass(frozen=True, eq=False)
class Cell:
    """A slot, its signal (n,) mV at 500 Hz, NaN where there is none, and the error (n,) mV to be expected of it."""

    slot: Slot
    signal: Floats
    error_mv: Floats

    @property
    def first(self) -> int:
        """The record's sample with which the cell begins."""
        return round(self.slot.start_s * FS_HZ)

    def during(self, window: slice) -> Cell | None:
        """Return the part in a window of the record's samples, or None where the cell does not cover it."""
        part = slice(window.start - self.first, window.stop - self.first)
        if part.start < 0 or part.stop > len(self.signal):
            return None
        return replace(self, signal=self.signal[part], error_mv=self.error_mv[part])


def reconcile(cells: Sequence[Cell]) -> list[Floats]:
    """Return the cells' signals reconciled, NaN where they were; those read from a file's own paths are exact."""
    signals = [cell.signal.copy() for cell in cells]
    if not any(cell.error_mv.any() for cell in cells):
        return signals
    windows = sorted({(cell.first, cell.first + len(cell.signal)) for cell in cells if cell.slot.column is not None})
    shown = [
        {k: part for k, cell in enumerate(cells) if (part := cell.during(slice(*window))) is not None}
        for window in windows
    ]
    limb = [_own_limb_leads(parts) for parts in shown]
    lawful = _obey_their_laws(limb)
    for (start, stop), parts, own in zip(windows, shown, limb, strict=True):
        moved = _repeated(parts) | (_limb_leads(parts, own) if lawful else {})
        for k, values in moved.items():
            signals[k][start - cells[k].first : stop - cells[k].first] = values
    return signals


def _own_limb_leads(shown: dict[int, Cell]) -> dict[int, Cell]:
    """Return the limb leads of a column, if they are enough to tell more than two signals do; else none."""
    own = {k: cell for k, cell in shown.items() if cell.slot.lead in LIMB_MIX and cell.slot.column is not None}
    return own if len(own) > 2 and np.linalg.matrix_rank(_mix(own)) == 2 else {}


def _mix(cells: dict[int, Cell]) -> Floats:
    """Return how limb leads are made of I and II (leads, 2)."""
    return np.array([LIMB_MIX[cell.slot.lead] for cell in cells.values()])


def _known(cells: dict[int, Cell]) -> NDArray[np.bool_]:
    """Return the samples at which all of some leads are seen (n,), none where they are too few to tell anything."""
    known = np.isfinite([cell.signal for cell in cells.values()]).all(axis=0)
    return np.asarray(known & (known.sum() >= _FEW_SAMPLES), bool)


def _obey_their_laws(columns: Sequence[dict[int, Cell]]) -> bool:
    """Tell whether limb leads add up as well as the errors expected of them let them, but for outliers.

    Recorders that filter every lead by itself print leads that do not, however well they are read.
    """
    ratios = []
    for own in columns:
        if own and (known := _known(own)).any():
            excess = np.linalg.svd(_mix(own))[0][:, 2:].T  # (leads − 2, leads): sums that vanish
            signals = np.stack([cell.signal[known] for cell in own.values()])
            errors = np.stack([cell.error_mv[known] for cell in own.values()])
            sums = excess @ (signals - signals.mean(axis=1, keepdims=True))
            ratios.append(np.abs(sums / np.sqrt(excess**2 @ (errors**2 + _SURE_MV**2))).ravel())
    return bool(ratios) and float(np.median(np.concatenate(ratios))) < _LAWFUL


def _limb_leads(shown: dict[int, Cell], own: dict[int, Cell]) -> dict[int, Floats]:
    """Return the reconciled signals of limb leads that are shown at the same time, none where a column's disagree."""
    if not own or not (known := _known(own)).any():
        return {}
    fit = fit_pair(_mix(own), np.stack([cell.signal[known] for cell in own.values()]))
    if _ratio_db(fit.power, fit.residual) < _AGREE_DB:
        return {}
    strips = {
        k: cell
        for k, cell in shown.items()
        if cell.slot.column is None
        and cell.slot.lead in LIMB_MIX
        and _db(cell.signal[known], np.array(LIMB_MIX[cell.slot.lead]) @ fit.pair) > _REPEAT_DB
    }
    used = own | strips
    return dict(zip(used, _fitted(_mix(used), list(used.values())), strict=True))


def _repeated(shown: dict[int, Cell]) -> dict[int, Floats]:
    """Return the mean of each chest lead and the strip that repeats it, by the error to be expected of either."""
    found = {}
    for k, cell in shown.items():
        for j, strip in shown.items():
            if cell.slot.column is None or strip.slot.column is not None or strip.slot.lead != cell.slot.lead:
                continue
            known = np.isfinite(cell.signal) & np.isfinite(strip.signal)
            if cell.slot.lead in LIMB_MIX or _db(cell.signal[known], strip.signal[known]) < _REPEAT_DB:
                continue
            ours, theirs = (1 / (each.error_mv**2 + _LEAST_ERROR_MV**2) for each in (cell, strip))
            mean = (ours * cell.signal + theirs * strip.signal) / (ours + theirs)
            found[k], found[j] = (np.where(known, mean, each.signal) for each in (cell, strip))
    return found


def _fitted(mix: Floats, cells: Sequence[Cell]) -> Floats:
    """Return the signals (leads, n) nearest to the cells' that two signals, mixed by `mix` (leads, 2), make.

    Samples at which fewer than three leads are seen stay as they are. Outliers count less in every round; where only
    three different leads are shown, nothing tells which of them is the outlier, and all stay as they are.
    """
    signals = np.stack([cell.signal for cell in cells])
    errors = np.stack([cell.error_mv for cell in cells])
    seen = np.isfinite(signals)
    told = np.where(seen, signals, 0.0)
    trust = seen / (errors**2 + _LEAST_ERROR_MV**2)
    weights, fit = trust, told
    for _ in range(_ROUNDS):
        normal = np.einsum("lt,li,lj->tij", weights, mix, mix)
        solvable = (seen.sum(axis=0) >= 3) & (np.linalg.det(normal) > 1e-9 * np.trace(normal, axis1=1, axis2=2) ** 2)
        normal[~solvable] = np.eye(2)
        pair = np.linalg.solve(normal, np.einsum("lt,li,lt->ti", weights, mix, told)[..., None])[..., 0]
        fit = mix @ pair.T
        weights = trust / np.maximum(np.abs(told - fit) * np.sqrt(trust) / _OUTLIER, 1)
    if len({cell.slot.lead for cell in cells}) == 3:
        solvable = solvable & (np.abs(told - fit) * np.sqrt(trust) < _CONTRADICTION).all(axis=0)
    return np.where(solvable & seen, fit, signals)


def _db(signals: Floats, others: Floats) -> float:
    """Return how far above their difference signals are, both (…, n) and freed of their means; −inf for too few."""
    if signals.shape[-1] < _FEW_SAMPLES:
        return -np.inf
    signals, others = (each - each.mean(axis=-1, keepdims=True) for each in (signals, others))
    return _ratio_db(float((signals**2).sum()), float(((signals - others) ** 2).sum()))


def _ratio_db(power: float, rest: float) -> float:
    return 10 * float(np.log10(max(power, 1e-12) / max(rest, 1e-12)))
