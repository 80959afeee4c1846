"""How well a page agrees with itself: limb leads must add up, and a rhythm strip must repeat its lead."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecgimg.digitization.numerics import Floats, power_ratio_db
from ecgimg.digitization.signals.lead_extraction import SlotSignal, strip_and_cell

_LAWS = {
    "einthoven": {"I": 1.0, "III": 1.0, "II": -1.0},
    "goldberger": {"aVR": 1.0, "aVL": 1.0, "aVF": 1.0},
}
_MIN_SHARED_S = 0.5  # a shorter time may hold no beat, and then noise alone would be compared
_MAX_DB = 60.0  # signals that agree exactly are reported as this


def consistency_db(slot_signals: Sequence[SlotSignal], fs_hz: float) -> dict[str, float]:
    """Return how far the leads stand above what should vanish, in dB, by the name of the check.

    The checks are ``einthoven`` (I + III − II), ``goldberger`` (aVR + aVL + aVF) and ``strip``, a rhythm strip less the
    cell of its lead. Where a check applies several times, the best law and the worst strip count.

    Parameters
    ----------
    slot_signals : sequence of (slot, (samples,) mV)
        NaN where nothing was read.
    fs_hz : float
        Sampling rate. Signals that share less than half a second are left out.

    Returns
    -------
    dict of str to float
        Only the checks that apply, from -60 to 60 dB.
    """
    agreement_db = {}
    for law, weights in _LAWS.items():
        ratios_db = _law_ratios_db(slot_signals, weights, fs_hz)
        if any(np.isfinite(ratios_db)):
            agreement_db[law] = float(np.nanmax(ratios_db))
    strips = [slot_signal_mv for slot_signal_mv in slot_signals if slot_signal_mv[0].column is None]
    ratios_db = [_strip_ratio_db(strip, slot_signals, fs_hz) for strip in strips]
    if any(np.isfinite(ratios_db)):
        agreement_db["strip"] = float(np.nanmin(ratios_db))
    return agreement_db


def _law_ratios_db(slot_signals: Sequence[SlotSignal], weights: dict[str, float], fs_hz: float) -> list[float]:
    """Return the ratio of a law for each time at which all three of its leads start."""
    groups: dict[float, dict[str, Floats]] = {}
    for slot, signal in slot_signals:
        if slot.lead in weights:
            groups.setdefault(slot.start_s, {}).setdefault(slot.lead, signal)
    return [_law_ratio_db(group, weights, fs_hz) for group in groups.values() if len(group) == 3]


def _law_ratio_db(group: dict[str, Floats], weights: dict[str, float], fs_hz: float) -> float:
    n = min(len(signal) for signal in group.values())
    signals = np.stack([group[lead][:n] for lead in weights])
    return _ratio_db(signals, np.array(list(weights.values())), fs_hz)


def _strip_ratio_db(strip: SlotSignal, slot_signals: Sequence[SlotSignal], fs_hz: float) -> float:
    """Return the ratio of a rhythm strip and the first cell of its lead, NaN where it has none."""
    for cell in slot_signals:
        if cell[0].lead == strip[0].lead and cell[0].column is not None:
            return _ratio_db(np.stack(strip_and_cell(strip, cell, fs_hz)), np.array([1.0, -1.0]), fs_hz)
    return float("nan")


def _ratio_db(signals: Floats, weights: Floats, fs_hz: float) -> float:
    """Return the mean power of signals (leads, n) over that of their weighted sum, NaN where too little is known."""
    is_known = np.isfinite(signals).all(axis=0)
    if is_known.sum() < _MIN_SHARED_S * fs_hz:
        return float("nan")
    signals = signals[:, is_known] - signals[:, is_known].mean(axis=1, keepdims=True)
    residual = weights @ signals
    power_per_lead = float((signals**2).sum()) / len(signals)
    return float(np.clip(power_ratio_db(power_per_lead, float((residual**2).sum())), -_MAX_DB, _MAX_DB))
