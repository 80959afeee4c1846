"""What the recording adds: wander, muscle, mains and motion, made at the electrodes so that the leads' laws hold."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.fft import next_fast_len

from synth.heart.lead_vectors import ELECTRODES, base_from_electrodes
from synth.heart.spec import HeartSpec

Array = NDArray[np.float64]

_LIMBS = 3

_TO_ELECTRODE = 0.75
"""A lead is a difference: an electrode carries about 3/4 of the noise that a lead then shows."""


def lead_noise(spec: HeartSpec, n: int, fs_hz: float, rng: Generator) -> Array:
    """Return the noise of every base lead, (base leads, n) mV."""
    electrodes = _wander_and_muscle(spec, n, fs_hz, rng)
    t_s = np.arange(n) / fs_hz
    if spec.baseline_wander_mv > 0:
        electrodes += _breathing_sway(spec, t_s, rng)
    if spec.mains_mv > 0:
        electrodes += _mains_hum(spec, t_s, rng)
    _add_motion_steps(electrodes, spec, fs_hz, rng)
    leads: Array = base_from_electrodes() @ electrodes
    return leads


def _wander_and_muscle(spec: HeartSpec, n: int, fs_hz: float, rng: Generator) -> Array:
    """Return wander below 0.7 Hz and muscle noise that swells and fades, (electrodes, n) mV.

    Both are white noise shaped in the frequency domain. Muscle noise is broad, from tremor to about 45 Hz at the limbs
    and 105 Hz over the chest.
    """
    count = len(ELECTRODES)
    padded = next_fast_len(n + round(2 * fs_hz), real=True)  # longer, so that the end does not join the start
    f = np.fft.rfftfreq(padded, 1 / fs_hz)
    cut_hz = np.where(np.arange(count) < _LIMBS, 45.0, 105.0)[:, None]
    muscle = (f / (f + 12.0)) / (1 + (f / cut_hz) ** 2)
    # Drift rises towards low frequencies; below 0.04 Hz it would be an offset, not wander.
    wander = np.where(f > 0.04, np.maximum(f, 0.04) ** -1.1, 0.0)[None] * np.exp(-((f / 0.45) ** 2))
    muscle_mv = _shaped_noise(muscle, spec.muscle_mv, padded, rng)[:, :n]
    wander_mv = _shaped_noise(wander, spec.baseline_wander_mv, padded, rng)[:, :n]
    # Every electrode has a contact of its own.
    place = np.exp(0.35 * rng.standard_normal(count))
    place[:_LIMBS] *= 1.15
    # Muscles tense and relax within seconds.
    swell = np.exp(0.45 * _slow_courses(count, n, fs_hz, rng) - 0.1)
    return muscle_mv * place[:, None] * swell + 0.8 * wander_mv * np.exp(0.3 * rng.standard_normal((count, 1)))


def _shaped_noise(shape: Array, rms_mv: float, n: int, rng: Generator) -> Array:
    """Return white noise with the spectrum `shape` (1 or electrodes, frequencies), (electrodes, n) mV."""
    white = np.fft.rfft(rng.standard_normal((len(ELECTRODES), n)), axis=1)
    power = np.maximum(np.sum(shape**2, axis=1, keepdims=True), 1e-12)
    scale = np.sqrt(n / 2 / power) * _TO_ELECTRODE * rms_mv
    return np.fft.irfft(white * shape * scale, n, axis=1)


def _slow_courses(count: int, n: int, fs_hz: float, rng: Generator) -> Array:
    """Return slow random courses of about variance 1, one knot for every 1.2 s, (count, n)."""
    at = np.arange(n) / fs_hz / 1.2
    left = at.astype(int)
    ramp = 0.5 - 0.5 * np.cos(np.pi * (at - left))
    values = rng.standard_normal((count, int(left[-1]) + 2))
    course: Array = values[:, left] * (1 - ramp) + values[:, left + 1] * ramp
    return course


def _breathing_sway(spec: HeartSpec, t_s: Array, rng: Generator) -> Array:
    """Return the sway of the electrodes with breathing, (electrodes, n) mV."""
    phase = 2 * np.pi * spec.breath_per_min / 60 * t_s + 0.25 * np.sin(0.6 * t_s) + rng.uniform(0, 2 * np.pi)
    sway = np.sin(phase) + 0.25 * np.sin(2 * phase + 0.7)
    size = 0.6 * _TO_ELECTRODE * spec.baseline_wander_mv * rng.normal(1.0, 0.7, len(ELECTRODES))
    return np.outer(size, sway)


def _mains_hum(spec: HeartSpec, t_s: Array, rng: Generator) -> Array:
    """Return mains hum: one phase for all electrodes, sizes of their own, a little of the third harmonic."""
    phase = 2 * np.pi * spec.mains_hz * t_s + rng.uniform(0, 2 * np.pi)
    size = spec.mains_mv * rng.normal(0.0, _TO_ELECTRODE, len(ELECTRODES))
    harmonic = rng.uniform(0, 0.15) * np.sin(3 * phase + 0.4)
    # Above half of the sampling rate the third harmonic would alias.
    if t_s.size > 1 and 3 * spec.mains_hz * (t_s[1] - t_s[0]) >= 0.5:
        harmonic = 0.0 * phase
    return np.outer(size, np.sin(phase) + harmonic)


def _add_motion_steps(electrodes: Array, spec: HeartSpec, fs_hz: float, rng: Generator) -> None:
    """Add steps to single electrodes, rising within 60 ms and fading as the recorder's 0.15 Hz high-pass lets them."""
    n = electrodes.shape[1]
    for _ in range(rng.poisson(spec.motion_steps_per_min * n / fs_hz / 60)):
        row, first = int(rng.integers(len(electrodes))), int(rng.integers(n))
        t_s = np.arange(n - first) / fs_hz
        # The rise of 20 ms and a fall that the high-pass of a recorder gives.
        step = (1 - np.exp(-t_s / 0.02)) * np.exp(-t_s / rng.uniform(0.4, 1.1))
        electrodes[row, first:] += rng.choice([-1.0, 1.0]) * rng.uniform(0.1, 0.5) * step
