"""Align the rows in time by what must agree: simultaneous limb leads, a rhythm strip and its lead's cell.

Sheets curl and printers skew, so that rows of a column start up to a millimetre apart; leads that must add up to
nothing tell by how much, since their complexes are steep. Where all rows start, they do not tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.model import Interpretation, RowTrace, Scale
from ecgimg.digitization.signals.lead_extraction import FS_HZ, slot_signal
from ecgimg.digitization.signals.limb_leads import LIMB_MIX
from layouts import Slot

Floats = NDArray[np.float64]
Cell = tuple[Slot, Floats]

_ROUNDS = 4
_USUAL_S, _LARGEST_S = 0.012, 0.045
_SPREAD_MV = 0.04
_LEAST_GAIN = 0.6
_MIN_SAMPLES = 200
_MARGIN_SAMPLES = 30


def align_rows(rows: Sequence[RowTrace], placement: Interpretation, scale: Scale) -> tuple[RowTrace, ...]:
    """Shift rows in time so that what must agree does; rows stay where it would not get much better."""
    layout = placement.layout
    cells = [
        (slot, slot_signal(slot, layout, rows[slot.row], placement.start_px, scale, scale.zero_px[slot.row]))
        for slot in layout.slots()
    ]
    sums = [group for group in (*_limb_sums(cells), *_repeats(cells)) if group]
    shifts_s = np.zeros(len(rows))
    best = before = _unexplained(sums, shifts_s)
    for _ in range(_ROUNDS):
        trial = shifts_s + _step(sums, shifts_s)
        trial -= trial.mean()
        unexplained = _unexplained(sums, trial)
        if not unexplained < best or np.abs(trial).max() > _LARGEST_S:
            break
        shifts_s, best = trial, unexplained
    if not best < _LEAST_GAIN * before:
        return tuple(rows)
    shifts_px = shifts_s * scale.px_per_s
    return tuple(replace(row, shift_px=float(shift)) for row, shift in zip(rows, shifts_px, strict=True))


_Term = tuple[int, float, Floats]
"""A row, the weight with which its signal counts, and the signal (n,) mV."""


def _limb_sums(cells: Sequence[Cell]) -> list[list[_Term]]:
    """Return the weighted sums of simultaneous limb leads that must vanish."""
    sums = []
    for start_s in sorted({slot.start_s for slot, _ in cells if slot.column is not None}):
        group = [cell for cell in cells if cell[0].start_s == start_s and cell[0].column is not None]
        group = [(slot, signal) for slot, signal in group if slot.lead in LIMB_MIX]
        if len(group) < 3 or len({slot.row for slot, _ in group}) < 2:
            continue
        n = min(len(signal) for _, signal in group)
        _, _, basis = np.linalg.svd(np.array([LIMB_MIX[slot.lead] for slot, _ in group]).T)
        sums += [
            [(slot.row, float(weight), signal[:n]) for weight, (slot, signal) in zip(weights, group, strict=True)]
            for weights in basis[2:]
        ]
    return sums


def _repeats(cells: Sequence[Cell]) -> list[list[_Term]]:
    """Return the differences of rhythm strips and their leads' cells."""
    found = []
    for strip, long in cells:
        for cell, short in cells:
            if strip.column is None and cell.column is not None and cell.lead == strip.lead:
                first = round((cell.start_s - strip.start_s) * FS_HZ)
                part = long[first : first + len(short)]
                found.append([(strip.row, 0.7, part), (cell.row, -0.7, short[: len(part)])])
    return found


def _shifted(signal: Floats, shift_s: float) -> Floats:
    """Return a signal as it is when its row starts later by `shift_s`."""
    n = len(signal)
    moved = np.interp(np.arange(n) + shift_s * FS_HZ, np.arange(n), signal)
    moved[:_MARGIN_SAMPLES] = moved[-_MARGIN_SAMPLES:] = np.nan
    return np.asarray(moved, np.float64)


def _rests(sums: Sequence[Sequence[_Term]], shifts_s: Floats) -> list[tuple[Floats, NDArray[np.bool_]]]:
    """Return what each sum leaves, less its mean, and where it is known."""
    rests = []
    for terms in sums:
        total = np.sum([weight * _shifted(signal, shifts_s[row]) for row, weight, signal in terms], axis=0)
        known = np.isfinite(total)
        rests.append((total - (float(np.median(total[known])) if known.any() else 0.0), known))
    return rests


def _unexplained(sums: Sequence[Sequence[_Term]], shifts_s: Floats) -> float:
    """Return the robust power of what the sums leave."""
    parts = [np.minimum(np.abs(rest[known]) / _SPREAD_MV, 10) for rest, known in _rests(sums, shifts_s)]
    values = np.concatenate([np.zeros(0), *parts])
    return float((values**2).mean()) if len(values) >= _MIN_SAMPLES else 0.0


def _step(sums: Sequence[Sequence[_Term]], shifts_s: Floats) -> Floats:
    """Return the change of the shifts (s) that would bring the sums nearest to nothing, by linear least squares."""
    n_rows = len(shifts_s)
    system = np.eye(n_rows) * (1 / _USUAL_S) ** 2
    right = -shifts_s / _USUAL_S**2
    for terms, (rest, known) in zip(sums, _rests(sums, shifts_s), strict=True):
        slopes = np.zeros((n_rows, len(rest)))
        for row, weight, signal in terms:
            slopes[row] += weight * np.gradient(_shifted(signal, shifts_s[row])) * FS_HZ
        known = known & np.isfinite(slopes).all(axis=0)
        trust = 1 / (1 + (rest[known] / (5 * _SPREAD_MV)) ** 2) / _SPREAD_MV**2
        inside = slopes[:, known]
        system += (inside * trust) @ inside.T
        right -= (inside * trust) @ rest[known]
    return np.asarray(np.linalg.solve(system, right), np.float64)
