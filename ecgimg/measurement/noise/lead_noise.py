"""Noise of each lead: wander, muscle and mains in µV, and leads that show no heart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ecgimg.errors import BadRecord
from ecgimg.leads import rows_of_runs
from ecgimg.measurement.noise.lead_state import LeadState, disconnected_leads, is_clipped, is_flat
from ecgimg.measurement.noise.noise_bands import MAINS_HZ, measure_high_band, wander_power
from ecgimg.measurement.noise.qrs_blanking import Slopes, find_qrs, measure_slopes, qrs_mask
from ecgimg.record import EcgRecord

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
NoiseWord = Literal["clean", "slight", "noisy", "unusable"]

WORDS: tuple[NoiseWord, ...] = ("clean", "slight", "noisy", "unusable")
"""Words for the noise of a lead, from the best to the worst."""

LEAST_RATE_HZ = 100.0
"""Lowest sampling rate at which muscle noise can be told from the heart."""

# From which µV on noise is slight, noisy and unusable. Slight: 99 % of 720 leads of good pages (renders, scans and
# exports) have less of muscle and of mains, 96 % less of wander. Noisy: R or S waves of one beat in ten are 50 µV off
# (muscle) or 40 (mains), ST levels of half of the beats 50 (wander). Unusable: R or S waves of half of the beats are
# 50 µV off (muscle) or 60 (mains), ST levels 100 (wander). Measured on 30 simulated hearts with known noise.
_WORDS_FROM_UV = {"wander": (100.0, 200.0, 400.0), "muscle": (10.0, 20.0, 60.0), "mains": (8.0, 40.0, 100.0)}
_WORD_OF_STATE: dict[LeadState, NoiseWord] = {"flat": "unusable", "disconnected": "unusable", "clipped": "noisy"}

_LEAST_RUN_S = 0.5  # a run that shows a beat
_LEAST_WANDER_RUN_S = 2.0  # three times the longer median of the baseline
_LEAST_WINDOWS = 5
# The largest windows are missed beats and ends of traces: where QRS complexes were those annotated in lead II, all
# windows of LUDB leads had 8.7 µV of muscle noise, 95 % of them 2.1 µV (medians). Steady noise loses 10 %.
_KEPT_WINDOWS = 0.95


@dataclass(frozen=True)
class LeadNoise:
    """Noise of one lead.

    Parameters
    ----------
    wander_uv : float or None
        Root mean square of the baseline below about 0.7 Hz; None without 2 s in one piece.
    muscle_uv : float or None
        Root mean square between 26 Hz and 100 Hz outside of QRS complexes, without mains; None where too little is
        seen. A record at 100 Hz shows what lies below 50 Hz, which is half of the usual muscle noise.
    mains_uv : float or None
        Amplitude of the mains; None where the sampling rate cannot show them.
    mains_hz : float or None
        50 or 60: the stronger line of the record.
    state : str
        ``ok``, ``flat`` (no variation), ``clipped`` (stays at its highest or lowest value), ``disconnected`` (shows no
        heart while other leads do) or ``not_seen`` (no half second in one piece).
    """

    wander_uv: float | None
    muscle_uv: float | None
    mains_uv: float | None
    mains_hz: float | None
    state: LeadState

    @property
    def words(self) -> dict[str, NoiseWord]:
        """The word for each kind of noise that was measured: ``wander``, ``muscle``, ``mains``."""
        sizes_uv = {"wander": self.wander_uv, "muscle": self.muscle_uv, "mains": self.mains_uv}
        return {kind: _word(kind, size_uv) for kind, size_uv in sizes_uv.items() if size_uv is not None}

    @property
    def word(self) -> NoiseWord | None:
        """The worst of the words and of the state; None where the lead is not seen."""
        if self.state == "not_seen":
            return None
        return max([*self.words.values(), _WORD_OF_STATE.get(self.state, "clean")], key=WORDS.index)

    def summary(self) -> dict[str, Any]:
        """Return the noise as the JSON holds it."""
        sizes_uv = {"wander_uv": self.wander_uv, "muscle_uv": self.muscle_uv, "mains_uv": self.mains_uv}
        return {
            "state": self.state, "word": self.word, "words": dict(self.words),
            **{name: None if size_uv is None else round(size_uv, 1) for name, size_uv in sizes_uv.items()},
            "mains_hz": self.mains_hz,
        }  # fmt: skip


def _word(kind: str, size_uv: float) -> NoiseWord:
    return WORDS[sum(size_uv >= limit_uv for limit_uv in _WORDS_FROM_UV[kind])]


def measure_noise(record: EcgRecord, qrs: Sequence[tuple[float, float]] = ()) -> dict[str, LeadNoise]:
    """Measure the noise of every lead.

    Each piece between gaps is measured by itself. Nothing is measured within QRS complexes: those given, and
    those that steep slopes show.

    Parameters
    ----------
    record : EcgRecord
        Any leads, of 2.5 s or more.
    qrs : sequence of (onset_s, end_s)
        QRS complexes where they are known, in seconds of the record.

    Returns
    -------
    dict of lead to LeadNoise
        In the order of the record's leads.

    Raises
    ------
    BadRecord
        Below 100 Hz.
    """
    if record.fs_hz < LEAST_RATE_HZ:
        raise BadRecord(
            f"noise is measured in records of {LEAST_RATE_HZ:g} Hz or more, this one has {record.fs_hz:g} Hz;"
            " take the recording at its own rate"
        )
    signals_uv = 1000.0 * record.signals.astype(np.float64)
    slopes = measure_slopes(signals_uv, record.fs_hz)
    steep = find_qrs(slopes)
    is_qrs = qrs_mask([*steep, *qrs], record.n_samples, record.fs_hz)
    powers = _measure_runs(signals_uv, is_qrs, record.fs_hz)
    states = _states(signals_uv, record, slopes, list(qrs) or steep, powers)
    line = _strongest_line(powers)
    return {lead: own.noise(line, state) for lead, own, state in zip(record.leads, powers, states, strict=True)}


@dataclass
class _LeadPowers:
    """Powers of one lead in µV², each with the samples of the run that it was measured in."""

    wander: list[tuple[float, int]] = field(default_factory=list)
    lines: list[tuple[Floats, int]] = field(default_factory=list)
    windows: list[Floats] = field(default_factory=list)

    def noise(self, line: int, state: LeadState) -> LeadNoise:
        """Return the noise that the runs show together, with the mains of one of `MAINS_HZ`."""
        mains_uv = _mean_root([(powers[line], n) for powers, n in self.lines])
        return LeadNoise(
            wander_uv=_mean_root(self.wander),
            muscle_uv=self._muscle_uv(),
            mains_uv=mains_uv,
            mains_hz=None if mains_uv is None else MAINS_HZ[line],
            state=state,
        )

    def _muscle_uv(self) -> float | None:
        windows = np.concatenate(self.windows) if self.windows else np.empty(0)
        if len(windows) < _LEAST_WINDOWS:
            return None
        return float(np.sqrt(np.sort(windows)[: round(_KEPT_WINDOWS * len(windows))].mean()))


def _mean_root(powers: Sequence[tuple[float, int]]) -> float | None:
    """Return the root of the mean of powers, weighted by their samples; None where none is known."""
    known = [(power, n) for power, n in powers if np.isfinite(power)]
    return float(np.sqrt(sum(power * n for power, n in known) / sum(n for _, n in known))) if known else None


def _measure_runs(signals_uv: Floats, is_qrs: Mask, fs_hz: float) -> list[_LeadPowers]:
    """Return the powers of each lead; leads whose runs begin and end together are measured together."""
    powers = [_LeadPowers() for _ in signals_uv]
    for (first, end), rows in rows_of_runs(np.isfinite(signals_uv)).items():
        run_uv, n = signals_uv[rows, first:end], end - first
        if n < _LEAST_RUN_S * fs_hz:
            continue
        wander = wander_power(run_uv, fs_hz) if n >= _LEAST_WANDER_RUN_S * fs_hz else np.full(len(rows), np.nan)
        band = measure_high_band(run_uv, is_qrs[first:end], fs_hz)
        for at, row in enumerate(rows):
            powers[row].wander.append((float(wander[at]), n))
            powers[row].lines.append((band.line_power[:, at], n))
            powers[row].windows.append(band.muscle_power[at])
    return powers


def _strongest_line(powers: Sequence[_LeadPowers]) -> int:
    """Return which of `MAINS_HZ` has most power in all leads together."""
    lines = [n * np.nan_to_num(power) for own in powers for power, n in own.lines]
    return int(np.argmax(np.sum(lines, axis=0))) if lines else 0


def _states(
    signals_uv: Floats,
    record: EcgRecord,
    slopes: Slopes,
    beats: Sequence[tuple[float, float]],
    powers: Sequence[_LeadPowers],
) -> list[LeadState]:
    is_disconnected = disconnected_leads(slopes, beats, record.leads)
    return [
        _state(lead_uv[np.isfinite(lead_uv)], record.fs_hz, bool(silent)) if own.lines else "not_seen"
        for lead_uv, silent, own in zip(signals_uv, is_disconnected, powers, strict=True)
    ]


def _state(values_uv: Floats, fs_hz: float, is_disconnected: bool) -> LeadState:
    if is_flat(values_uv):
        return "flat"
    if is_disconnected:
        return "disconnected"
    return "clipped" if is_clipped(values_uv, fs_hz) else "ok"
