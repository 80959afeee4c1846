"""Noise of known size, and hearts to add it to."""

from __future__ import annotations

import numpy as np

from ecgimg import EcgRecord
from synth import HeartSpec, simulate

FS_HZ = 500.0
QUIET = {"baseline_wander_mv": 0.0, "muscle_mv": 0.0}


def quiet_heart(seed=0, duration_s=10.0, fs_hz=FS_HZ, **options):
    return simulate(HeartSpec(**(QUIET | options)), np.random.default_rng(seed), duration_s, fs_hz)


def varied_hearts(count, duration_s=10.0):
    """Hearts of many rhythms and shapes, every fifth of low voltage."""
    rhythms = ("sinus", "af", "sinus_arrhythmia", "flutter", "junctional")
    conductions = ("normal", "clbbb", "crbbb")
    return [
        quiet_heart(
            seed,
            duration_s,
            rate_bpm=50.0 + 60.0 * seed / count,
            rhythm=rhythms[seed % 5],
            conduction=conductions[seed % 3],
            low_voltage=seed % 5 == 0,
        )
        for seed in range(count)
    ]


def shaped(n, fs_hz, gain, rng):
    """White noise with a gain over frequency, of root mean square 1; longer than needed, so that its ends differ."""
    spectrum = np.fft.rfft(rng.standard_normal(3 * n)) * gain(np.fft.rfftfreq(3 * n, 1 / fs_hz))
    noise = np.fft.irfft(spectrum, 3 * n)[n : 2 * n]
    return noise / noise.std()


def course(n, fs_hz, knot_s, spread, rng):
    """A factor that swells and fades."""
    knots = np.exp(spread * rng.standard_normal(int(n / fs_hz / knot_s) + 3))
    return np.interp(np.arange(n) / fs_hz / knot_s, np.arange(len(knots)), knots)


def wander(n, fs_hz, rms_uv, rng):
    return rms_uv * shaped(n, fs_hz, lambda f: (f > 0.05) & (f < 0.6), rng)


def muscle(n, fs_hz, rms_uv, rng):
    """Tremor from 20 to 150 Hz in bursts."""
    noise = shaped(n, fs_hz, lambda f: ((f > 20) & (f < 150)) / (1 + (f / 80) ** 2), rng)
    noise *= course(n, fs_hz, 0.7, 0.6, rng)
    return rms_uv * noise / noise.std()


def mains(n, fs_hz, amplitude_uv, rng, hz=50.0):
    """Mains of drifting amplitude, up to 0.1 Hz off."""
    phase = 2 * np.pi * (hz + rng.uniform(-0.1, 0.1)) * np.arange(n) / fs_hz + rng.uniform(0, 2 * np.pi)
    hum = np.cos(phase) * course(n, fs_hz, 2.0, 0.3, rng)
    return amplitude_uv * hum / hum.std() / np.sqrt(2)


NOISES = {"wander": wander, "muscle": muscle, "mains": mains}


def with_noise(record, noise, size_uv, rng, **options):
    """The record with noise of its own in every lead."""
    added = [noise(record.n_samples, record.fs_hz, size_uv, rng, **options) for _ in record.leads]
    return EcgRecord(record.signals + np.stack(added) / 1000, record.fs_hz, record.leads)


def with_leads(record, replaced):
    """The record with other signals (µV) in some of its leads."""
    signals = record.signals.copy()
    for lead, signal_uv in replaced.items():
        signals[record.leads.index(lead)] = signal_uv / 1000
    return EcgRecord(signals, record.fs_hz, record.leads)
