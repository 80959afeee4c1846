"""Power of wander, mains and muscle noise in signals without gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq
from scipy.ndimage import median_filter, uniform_filter1d

from ecgimg.measurement.noise.qrs_blanking import spike_mask

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]
Mask = NDArray[np.bool_]

MAINS_HZ = (50.0, 60.0)
"""Mains frequencies that are looked for."""

MUSCLE_BAND_HZ = (26.0, 100.0)
"""Half-amplitude band of muscle noise: above P, T and flutter waves, below the mains' second harmonic."""

# The medians of de Chazal (2004) on a grid of 25 Hz. Of widths 0.2 to 0.28 s and 0.6 to 0.84 s these told 100 µV of
# wander best from clean 2.5 s leads (AUROC 0.944 on simulated hearts, 0.918 for the widest).
_WANDER_HZ, _WANDER_MEDIANS_S = 25.0, (0.2, 0.6)
_RAMP_HZ = 8.0  # of both edges of the muscle band: steeper ones spread a QRS beyond its margin
_MIRRORED_S = 0.25  # beyond each end
_BLIND_S = 0.02  # beside each end, where the band shows the mirror as well
_BLOCK_S = 0.02  # a period of 50 Hz
_LINE_S = 1.0  # 40 µV of muscle noise pass for 6.5 µV of mains over 1 s, for 8.3 µV over 0.4 s (95th percentile)
_LEAST_SEEN = 0.15  # share of `_LINE_S` outside of QRS complexes; at the ends half of it lies outside of the signal
_ASIDE_HZ = 5.0  # what muscle noise adds to a line is measured this far on both sides of it
_HIGHEST = 0.45  # of the sampling rate, for lines: anti-aliasing filters fade beyond
_WINDOW_S = 0.04


def wander_power(signals_uv: Floats, fs_hz: float) -> Floats:
    """Return the variance of the baseline below about 0.7 Hz, (leads,) µV²; of signals (leads, n) without gaps."""
    step = max(1, round(fs_hz / _WANDER_HZ))
    count = signals_uv.shape[1] // step
    baseline = signals_uv[:, : count * step].reshape(len(signals_uv), count, step).mean(axis=2)
    for width_s in _WANDER_MEDIANS_S:
        width = 2 * round(width_s * fs_hz / step / 2) + 1
        baseline = median_filter(baseline, size=(1, width), mode="nearest")
    return np.asarray(baseline.var(axis=1), np.float64)


@dataclass(frozen=True, eq=False)
class HighBand:
    """What lies above P and T waves, outside of QRS complexes.

    Parameters
    ----------
    line_power : (frequencies, leads) float64
        Square of the amplitude of each of `MAINS_HZ`, µV²; less what muscle noise adds. NaN where it cannot be seen.
    muscle_power : (leads, windows) float64
        Mean square of windows of 40 ms, without the lines, µV².
    """

    line_power: Floats
    muscle_power: Floats


def measure_high_band(signals_uv: Floats, is_qrs: Mask, fs_hz: float) -> HighBand:
    """Return the power of mains and muscle noise of signals (leads, n) without gaps.

    Parameters
    ----------
    signals_uv : (leads, n) float64
    is_qrs : (n,) bool
        Where no noise is measured, as beside pacing spikes.
    fs_hz : float
    """
    is_hidden = is_qrs | spike_mask(signals_uv, fs_hz)
    band_uv = _band_pass(_bridge(signals_uv, is_hidden), fs_hz)
    is_free = ~is_hidden
    blind = round(_BLIND_S * fs_hz)
    is_free[:blind] = is_free[len(is_free) - blind :] = False
    lines = _Lines.fit(band_uv, is_free, fs_hz)
    return HighBand(lines.power, _window_powers(band_uv - lines.course_uv, is_free, fs_hz))


def _bridge(signals_uv: Floats, is_hidden: Mask) -> Floats:
    """Return the signals with straight lines in place of what is hidden."""
    if not is_hidden.any() or is_hidden.all():
        return signals_uv
    known, hidden = np.flatnonzero(~is_hidden), np.flatnonzero(is_hidden)
    after = np.searchsorted(known, hidden)
    left, right = known[np.maximum(after - 1, 0)], known[np.minimum(after, len(known) - 1)]
    # at an end of the signals both are the same sample
    weight = (hidden - left) / np.maximum(right - left, 1)
    bridged = signals_uv.copy()
    bridged[:, hidden] = signals_uv[:, left] * (1 - weight) + signals_uv[:, right] * weight
    return bridged


def _band_pass(signals_uv: Floats, fs_hz: float) -> Floats:
    """Return the muscle band of signals (leads, n); both ends are continued by their mirror images."""
    n = signals_uv.shape[1]
    pad = min(n - 1, round(_MIRRORED_S * fs_hz))
    padded = next_fast_len(n + 2 * pad, real=True)
    first, last = signals_uv[:, :1], signals_uv[:, -1:]
    parts = [2 * first - signals_uv[:, pad:0:-1], signals_uv, 2 * last - signals_uv[:, -2 : -pad - 2 : -1]]
    parts.append(np.repeat(parts[-1][:, -1:], padded - n - 2 * pad, axis=1))
    f_hz = rfftfreq(padded, 1 / fs_hz)
    low_hz, high_hz = MUSCLE_BAND_HZ
    rise = np.clip((f_hz - low_hz) / _RAMP_HZ + 0.5, 0, 1)
    fall = np.clip((high_hz - f_hz) / _RAMP_HZ + 0.5, 0, 1)
    gain = np.sin(np.pi / 2 * rise) ** 2 * np.sin(np.pi / 2 * fall) ** 2
    spectrum = rfft(np.concatenate(parts, axis=1), axis=1)
    return np.asarray(irfft(spectrum * gain, padded, axis=1)[:, pad : pad + n], np.float64)


@dataclass(frozen=True, eq=False)
class _Lines:
    """Mains lines: their power (frequencies, leads) µV² and their course over time (leads, n) µV, summed."""

    power: Floats
    course_uv: Floats

    @classmethod
    def fit(cls, band_uv: Floats, is_free: Mask, fs_hz: float) -> _Lines:
        """Return the lines of a band (leads, n) where it is free of QRS complexes; NaN for a line that is not seen."""
        power = np.full((len(MAINS_HZ), len(band_uv)), np.nan)
        rows = [row for row, hz in enumerate(MAINS_HZ) if hz < _HIGHEST * fs_hz]
        if not rows:
            return cls(power, np.zeros_like(band_uv))
        # each line stands between its two neighbours
        lines_hz = [MAINS_HZ[row] + side_hz for row in rows for side_hz in (-_ASIDE_HZ, 0.0, _ASIDE_HZ)]
        lines = _Demodulation.of(band_uv, is_free, fs_hz, lines_hz)
        if not lines.is_seen.any():
            return cls(power, np.zeros_like(band_uv))
        below, own, above = np.moveaxis(lines.power.reshape(len(band_uv), len(rows), 3), 2, 0)
        # the geometric mean follows a spectrum that falls
        power[rows] = np.maximum(own - np.sqrt(below * above), 0.0).T
        return cls(power, lines.course_uv(slice(1, None, 3)))


@dataclass(frozen=True, eq=False)
class _Demodulation:
    """Local amplitudes of lines: (leads, blocks, frequencies), in blocks of 20 ms, means over about 1 s."""

    amplitudes: Complex
    is_seen: Mask
    within_block: Complex
    block_phase: Complex
    n: int

    @classmethod
    def of(cls, band_uv: Floats, is_free: Mask, fs_hz: float, lines_hz: Sequence[float]) -> _Demodulation:
        """Return the amplitudes of lines in a band (leads, n), where it is free of QRS complexes."""
        step, n = max(1, round(_BLOCK_S * fs_hz)), band_uv.shape[1]
        count = -(-n // step)
        blocks, free = np.zeros((len(band_uv), count * step)), np.zeros(count * step)
        blocks[:, :n], free[:n] = band_uv * is_free, is_free
        turn = -2j * np.pi * np.array(lines_hz) / fs_hz
        within_block = np.exp(np.arange(step)[:, None] * turn)
        block_phase = np.exp(step * np.arange(count)[:, None] * turn)
        sums = blocks.reshape(len(band_uv), count, step) @ within_block.view(np.float64)
        sums = (sums.view(np.complex128) * block_phase).view(np.float64)
        width = max(1, min(count, round(_LINE_S / _BLOCK_S)))
        means = uniform_filter1d(sums, width, axis=1, mode="constant").view(np.complex128)
        seen = uniform_filter1d(free.reshape(count, step).mean(axis=1), width, mode="constant")
        is_seen = seen > _LEAST_SEEN
        amplitudes = np.where(is_seen, 2 / (step * np.maximum(seen, _LEAST_SEEN)), 0.0)[:, None] * means
        return cls(amplitudes, is_seen, within_block, block_phase, n)

    @property
    def power(self) -> Floats:
        """Mean square of the amplitudes, (leads, frequencies) µV²."""
        return np.asarray(np.mean(np.abs(self.amplitudes[:, self.is_seen]) ** 2, axis=1), np.float64)

    def course_uv(self, lines: slice) -> Floats:
        """Return some of the lines over time, summed, (leads, n) µV."""
        blocks = self.amplitudes[:, :, lines] * self.block_phase[:, lines].conj()
        within = np.ascontiguousarray(self.within_block[:, lines]).view(np.float64)
        return np.asarray((blocks.view(np.float64) @ within.T).reshape(len(blocks), -1)[:, : self.n])


def _window_powers(band_uv: Floats, is_free: Mask, fs_hz: float) -> Floats:
    """Return the mean square of every window that is free of QRS complexes, (leads, windows) µV²."""
    width = max(2, round(_WINDOW_S * fs_hz))
    count = band_uv.shape[1] // width
    free = is_free[: count * width].reshape(count, width).all(axis=1)
    windows = band_uv[:, : count * width].reshape(len(band_uv), count, width)[:, free]
    return np.asarray(np.mean(windows**2, axis=2), np.float64)
