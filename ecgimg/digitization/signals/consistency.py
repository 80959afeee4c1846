"""How well a page agrees with itself: what must add up or repeat, whatever the heart did."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from layouts import Slot

Floats = NDArray[np.float64]
Cell = tuple[Slot, Floats]

_LAWS = {
    "einthoven": {"I": 1.0, "III": 1.0, "II": -1.0},
    "goldberger": {"aVR": 1.0, "aVL": 1.0, "aVF": 1.0},
}
_MIN_S = 0.5


def consistency_db(cells: Sequence[Cell], fs_hz: float) -> dict[str, float]:
    """Return dB of signal over what is left: ``einthoven`` (I + III − II), ``goldberger`` (aVR + aVL + aVF), ``strip``.

    Parameters
    ----------
    cells : sequence of (slot, (samples,) mV)
        NaN where nothing was read. ``strip`` is a rhythm strip less its lead's cell, the worst where there are several.
        All signals are freed of their mean; what is not printed at the same time for half a second is left out.
    """
    found = {}
    for name, signs in _LAWS.items():
        groups: dict[float, dict[str, Floats]] = {}
        for slot, signal in cells:
            if slot.lead in signs:
                groups.setdefault(slot.start_s, {}).setdefault(slot.lead, signal)
        ratios = [_ratio(group, signs, fs_hz) for group in groups.values() if len(group) == 3]
        if any(np.isfinite(ratios)):
            found[name] = float(np.nanmax(ratios))
    strips = [_repeats(strip, cells, fs_hz) for strip in cells if strip[0].column is None]
    if any(np.isfinite(strips)):
        found["strip"] = float(np.nanmin(strips))
    return found


def _ratio(group: dict[str, Floats], signs: dict[str, float], fs_hz: float) -> float:
    n = min(len(signal) for signal in group.values())
    signals = np.stack([group[lead][:n] for lead in signs])
    return _db(signals, np.array(list(signs.values())), fs_hz)


def _repeats(strip: Cell, cells: Sequence[Cell], fs_hz: float) -> float:
    for slot, signal in cells:
        if slot.lead == strip[0].lead and slot.column is not None:
            first = round((slot.start_s - strip[0].start_s) * fs_hz)
            part = strip[1][max(first, 0) : max(first, 0) + len(signal)]
            return _db(np.stack([part, signal[: len(part)]]), np.array([1.0, -1.0]), fs_hz)
    return float("nan")


def _db(signals: Floats, signs: Floats, fs_hz: float) -> float:
    known = np.isfinite(signals).all(axis=0)
    if known.sum() < _MIN_S * fs_hz:
        return float("nan")
    signals = signals[:, known] - signals[:, known].mean(axis=1, keepdims=True)
    rest = signs @ signals
    power = float((signals**2).sum()) / len(signals)  # of one lead
    return float(np.clip(10 * np.log10(max(power, 1e-12) / max(float((rest**2).sum()), 1e-12)), -60, 60))
