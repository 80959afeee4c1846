"""Noise of each lead of a record: wander, muscle, mains, and leads that show no heart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ecgimg.leads import unbroken_runs
from ecgimg.measurement.lead_state import LeadState, disconnected_leads, is_clipped, is_flat
from ecgimg.measurement.noise_bands import MAINS_HZ, measure_high_band, wander_power
from ecgimg.measurement.qrs_blanking import find_qrs, measure_slopes, qrs_mask
from ecgimg.record import EcgRecord

Floats = NDArray[np.float64]
NoiseWord = Literal["clean", "slight", "noisy", "unusable"]

WORDS: tuple[NoiseWord, ...] = ("clean", "slight", "noisy", "unusable")
"""From the best to the worst."""

# From which µV on a kind of noise is slight, noisy and unusable.
_THRESHOLDS_UV = {
    "wander": (100.0, 200.0, 400.0),
    "muscle": (10.0, 20.0, 60.0),
    "mains": (10.0, 40.0, 100.0),
}
_STATE_WORDS: dict[LeadState, NoiseWord] = {"flat": "unusable", "disconnected": "unusable", "clipped": "noisy"}
_LEAST_RUN_S, _LEAST_WANDER_RUN_S = 0.5, 2.0
_LEAST_WINDOWS = 5
_KEPT_WINDOWS = 0.95


@dataclass(frozen=True)
class LeadNoise:
    wander_uv: float | None
    muscle_uv: float | None
    mains_uv: float | None
    mains_hz: float | None
    state: LeadState

    @property
    def words(self) -> dict[str, NoiseWord]:
        sizes = {"wander": self.wander_uv, "muscle": self.muscle_uv, "mains": self.mains_uv}
        return {
            kind: WORDS[int(np.searchsorted(_THRESHOLDS_UV[kind], uv, side="right"))]
            for kind, uv in sizes.items()
            if uv is not None
        }

    @property
    def word(self) -> NoiseWord | None:
        if self.state == "not_seen":
            return None
        words = [*self.words.values(), _STATE_WORDS.get(self.state, "clean")]
        return max(words, key=WORDS.index)


@dataclass
class _Powers:
    """What the runs of one lead add up to; each power with the samples it was measured on."""

    wander: list[tuple[float, int]] = field(default_factory=list)
    lines: list[tuple[Floats, int]] = field(default_factory=list)
    windows: list[Floats] = field(default_factory=list)


def measure_noise(record: EcgRecord, qrs: Sequence[tuple[float, float]] = ()) -> dict[str, LeadNoise]:
    signals_uv = 1000.0 * record.signals.astype(np.float64)
    slopes = measure_slopes(signals_uv, record.fs_hz)
    steep = find_qrs(slopes)
    is_qrs = qrs_mask([*steep, *qrs], record.n_samples, record.fs_hz)
    powers = _measure_runs(signals_uv, is_qrs, record.fs_hz)
    mains_row = _strongest_line(powers)
    is_disconnected = disconnected_leads(slopes, list(qrs) or steep)
    out = {}
    for row, lead in enumerate(record.leads):
        state = _state(signals_uv[row], record.fs_hz, bool(is_disconnected[row]), bool(powers[row].windows))
        out[lead] = _lead_noise(powers[row], mains_row, state)
    return out


def _measure_runs(signals_uv, is_qrs, fs_hz):
    groups = defaultdict(list)
    for row, known in enumerate(np.isfinite(signals_uv)):
        for run in unbroken_runs(known):
            if run[1] - run[0] >= _LEAST_RUN_S * fs_hz:
                groups[run].append(row)
    powers = [_Powers() for _ in signals_uv]
    for (first, end), rows in groups.items():
        run_uv = signals_uv[rows, first:end]
        band = measure_high_band(run_uv, is_qrs[first:end], fs_hz)
        wander = wander_power(run_uv, fs_hz) if end - first >= _LEAST_WANDER_RUN_S * fs_hz else None
        for k, row in enumerate(rows):
            if wander is not None:
                powers[row].wander.append((wander[k], end - first))
            powers[row].lines.append((band.line_power[:, k], end - first))
            powers[row].windows.append(band.muscle_power[k])
    return powers


def _strongest_line(powers):
    total = np.zeros(len(MAINS_HZ))
    for p in powers:
        for line, n in p.lines:
            total += np.nan_to_num(line) * n
    return int(np.argmax(total))


def _lead_noise(p, mains_row, state):
    wander = _mean_root(p.wander)
    mains = _mean_root([(line[mains_row], n) for line, n in p.lines])
    windows = np.sort(np.concatenate(p.windows)) if p.windows else np.empty(0)
    muscle = None
    if len(windows) >= _LEAST_WINDOWS:
        muscle = float(np.sqrt(windows[: max(1, round(_KEPT_WINDOWS * len(windows)))].mean()))
    return LeadNoise(wander, muscle, mains, None if mains is None else MAINS_HZ[mains_row], state)


def _mean_root(powers):
    powers = [(p, n) for p, n in powers if np.isfinite(p)]
    if not powers:
        return None
    return float(np.sqrt(sum(p * n for p, n in powers) / sum(n for _, n in powers)))


def _state(values_uv, fs_hz, is_disconnected, is_seen):
    values_uv = values_uv[np.isfinite(values_uv)]
    if not is_seen:
        return "not_seen"
    if is_flat(values_uv):
        return "flat"
    if is_disconnected:
        return "disconnected"
    return "clipped" if is_clipped(values_uv, fs_hz) else "ok"
