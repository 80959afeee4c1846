"""What recorders, pages and digitizers do to a record: the delineator learns to bear it."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import butter, resample_poly, sosfiltfilt

from ecgimg.measurement.delineation.network_input import RATE_HZ

Signals = NDArray[np.float64]

_LEAST_HEIGHT_MV = 0.05  # noise is in shares of a lead's height; a lead of nothing gets some too


def disturbed(signals_mv: NDArray[np.float32], rng: Generator) -> NDArray[np.float32]:
    """Return a record (leads, samples) with wander, tremor, hum, filters, coarse steps, and leads turned over."""
    signals = signals_mv.astype(np.float64)
    leads, samples = signals.shape
    height_mv = np.maximum(np.ptp(signals, axis=1), _LEAST_HEIGHT_MV)[:, None]
    for disturb, chance in ((_wander, 0.7), (_tremor, 0.5), (_hum, 0.25), (_trace_error, 0.3)):
        if rng.random() < chance:
            signals = signals + height_mv * disturb(leads, samples, rng)
    signals = _band_limited(signals, rng)
    if rng.random() < 0.2:
        step_mv = rng.uniform(0.005, 0.04)
        signals = np.round(signals / step_mv) * step_mv
    turned = np.where(rng.random((leads, 1)) < 0.15, -1.0, 1.0)
    return (signals * turned).astype(np.float32)


def _wander(leads: int, samples: int, rng: Generator) -> Signals:
    """Return two slow waves of any phase in each lead."""
    t_s, total = np.arange(samples) / RATE_HZ, np.zeros((leads, samples))
    for _ in range(2):
        size = rng.exponential(0.08) * rng.standard_normal((leads, 1))
        total += size * np.sin(2 * np.pi * rng.uniform(0.05, 0.6) * t_s + rng.uniform(0, 6.3, (leads, 1)))
    return total


def _tremor(leads: int, samples: int, rng: Generator) -> Signals:
    """Return noise that swells and fades."""
    swell = np.exp(0.7 * np.stack([_slow(samples, 1.0, rng) for _ in range(leads)]))
    return np.asarray(rng.exponential(0.015) * rng.standard_normal((leads, samples)) * swell)


def _hum(leads: int, samples: int, rng: Generator) -> Signals:
    size = rng.exponential(0.015) * rng.standard_normal((leads, 1))
    phase = 2 * np.pi * rng.choice([50, 60]) * np.arange(samples) / RATE_HZ
    return np.asarray(size * np.sin(phase + rng.uniform(0, 6.3)))


def _trace_error(leads: int, samples: int, rng: Generator) -> Signals:
    """Return the error of a traced line, which changes over some milliseconds."""
    highest_hz = rng.uniform(3, 25)
    return rng.exponential(0.012) * np.stack([_slow(samples, highest_hz, rng) for _ in range(leads)])


def _band_limited(signals: Signals, rng: Generator) -> Signals:
    """Return the record as a recorder with a filter, or at 100 Hz, would give it; most as they are."""
    samples, kind = signals.shape[1], rng.random()
    if kind < 0.25:
        signals = sosfiltfilt(butter(2, rng.uniform(25, 60), fs=RATE_HZ, output="sos"), signals, axis=1)
    elif kind < 0.4:
        signals = resample_poly(resample_poly(signals, 2, 5, axis=1), 5, 2, axis=1)[:, :samples]
    if rng.random() < 0.3:
        lowest = butter(1, rng.uniform(0.05, 0.5), "highpass", fs=RATE_HZ, output="sos")
        signals = sosfiltfilt(lowest, signals, axis=1)
    return signals


def _slow(samples: int, highest_hz: float, rng: Generator) -> NDArray[np.float64]:
    """Return a random course of variance about 1 below `highest_hz`."""
    knots = int(np.ceil(samples / RATE_HZ * 2 * highest_hz)) + 2
    return np.interp(np.arange(samples) / RATE_HZ * 2 * highest_hz, np.arange(knots), rng.standard_normal(knots))


def shown(leads: int, samples: int, rng: Generator) -> NDArray[np.bool_]:
    """Return (leads, samples) True where a crop is shown: half of them whole, the others columns, some leads, gaps."""
    seen = np.ones((leads, samples), bool)
    kind = rng.random()
    if kind < 0.3:
        seen = _columns(leads, samples, rng)
    elif kind < 0.45:
        kept = rng.random(leads) < rng.uniform(0.1, 0.9)
        kept[rng.integers(leads)] = True
        seen &= kept[:, None]
    if rng.random() < 0.15:
        for _ in range(int(rng.integers(1, 4))):
            first, width = int(rng.integers(samples)), int(rng.uniform(0.02, 0.5) * RATE_HZ)
            seen[rng.random(leads) < 0.4, first : first + width] = False
    return seen


def _columns(leads: int, samples: int, rng: Generator) -> NDArray[np.bool_]:
    """Return columns of leads that follow each other in time, as a page shows them, most with a rhythm strip."""
    columns = int(rng.choice([2, 4]))
    width = 10.0 / columns * RATE_HZ if rng.random() < 0.7 else samples / columns
    column = ((np.arange(samples) + rng.uniform(0, 10 * RATE_HZ)) // width).astype(int) % columns
    own = np.arange(leads) * columns // leads
    if rng.random() < 0.3:
        rng.shuffle(own)
    seen: NDArray[np.bool_] = own[:, None] == column
    if rng.random() < 0.7:
        seen[rng.integers(leads)] = True
    return seen
