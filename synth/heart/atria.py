"""What the atria show: P waves of every origin, fibrillation waves, and the saw teeth of flutter."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from synth.heart.lead_vectors import project
from synth.heart.spec import HeartSpec, Intervals
from synth.heart.waves import Wave

Array = NDArray[np.float64]

# Right atrium (first, to the front) and left atrium (later, to the left and back): dipoles in mV.
_SINUS = ((0.055, 0.070, -0.050), (0.075, 0.044, 0.046))
_LEFT_ENLARGED = ((0.045, 0.080, -0.050), (0.095, 0.085, 0.115))
_RIGHT_ENLARGED = ((0.050, 0.255, -0.165), (0.040, 0.050, 0.030))
# Far from the atria, V2 to V6 see less of the P wave than a dipole would give.
_CHEST = np.array([(0.0, -0.015, -0.045, -0.055, -0.045, -0.025), (0.0, -0.005, -0.01, -0.03, -0.035, -0.025)])
_PACED = ((0.030, 0.060, -0.030), (0.050, 0.040, 0.040))
_RETROGRADE = ((0.010, -0.070, -0.030), (0.000, -0.075, 0.010))
_ECTOPIC = (
    ((0.060, -0.060, -0.030), (0.030, -0.050, 0.020)),
    ((-0.040, 0.080, -0.060), (-0.040, 0.050, -0.030)),
    ((0.030, 0.110, -0.070), (0.060, 0.080, 0.020)),
)


def p_waves(spec: HeartSpec, intervals: Intervals, rng: Generator, kind: str) -> tuple[Wave, ...]:
    """Return the waves of one P, timed from its onset; `kind` is that of an `AtrialEvent`, never ``flutter``."""
    dipoles = _atrial_dipoles(spec, rng, kind)
    # Retrograde activation reaches both atria at once, so its P wave is short.
    duration = intervals.p_s * {"retrograde": 0.8, "ectopic": 0.9}.get(kind, 1.0)
    # P waves follow the voltage of the QRS only in part.
    size = spec.gain**0.6 * np.exp(0.18 * spec.variety * rng.standard_normal())
    spread = 1 + 0.15 * spec.variety * rng.standard_normal((2, 3))
    if spec.atria != "none" and kind == "sinus":
        # An enlarged atrium must meet its criteria: chance may only add to it.
        size, spread = max(size, 1.0), np.maximum(spread, 1.0)
    amp = project(size * spread * dipoles, size * _CHEST)
    # Start, peak and end of the right and the left atrial part, in fractions of the P wave.
    times = ((0.0, 0.36, 0.78), (0.24, 0.62, 1.0))
    if spec.atria == "lae" and kind == "sinus":
        # Left atrial enlargement delays the second part, so that the P wave is notched.
        times = ((0.0, 0.28, 0.56), (0.38, 0.68, 1.0))
    return tuple(
        Wave("P", duration * start, duration * peak, 0.0, duration * end, amp[row])
        for row, (start, peak, end) in enumerate(times)
    )


def _atrial_dipoles(spec: HeartSpec, rng: Generator, kind: str) -> Array:
    """Return the dipoles of the right and the left atrial part, (2, 3) mV."""
    # Drawn for every kind, so that the draws after it do not depend on the kind.
    ectopic = _ECTOPIC[int(rng.integers(3))]
    if kind == "sinus":
        return np.array({"lae": _LEFT_ENLARGED, "rae": _RIGHT_ENLARGED}.get(spec.atria, _SINUS))
    return np.array({"ectopic": ectopic, "retrograde": _RETROGRADE, "paced": _PACED}.get(kind, _SINUS))


def fibrillation(n: int, fs_hz: float, gain: float, rng: Generator) -> Array:
    """Return f waves of 5 to 8 Hz, largest in V1 and II, (base leads, n) mV."""
    rate_hz = rng.uniform(5.2, 7.6)
    size = gain**0.5 * np.exp(rng.normal(-0.05, 0.3))
    dipoles = np.array([[0.010, 0.030, -0.075], [0.020, 0.050, 0.015], [-0.020, 0.015, -0.020]])
    total = np.zeros((len(project(dipoles, np.zeros((3, 6)))[0]), n))
    for dipole in dipoles:
        # Rate and size wander slowly: f waves never repeat exactly.
        drift, swell = _slow(n, fs_hz, 1.2, rng), _slow(n, fs_hz, 1.0, rng)
        phase = 2 * np.pi * np.cumsum(rate_hz * rng.uniform(0.94, 1.06) + 0.45 * drift) / fs_hz + rng.uniform(0, 6.28)
        course = np.sin(phase) + 0.30 * np.sin(2 * phase + 0.8) + 0.10 * np.sin(3 * phase + 1.9)
        amp = project(size * dipole[None], np.zeros((1, 6)))[0]
        total += amp[:, None] * (course * (0.75 + 0.35 * swell))
    return total


def flutter(t_s: Array, onset_s: float, rate_bpm: float, gain: float, rng: Generator) -> Array:
    """Return saw teeth, slowly down and sharply up in II, III and aVF, upright bumps in V1; (base leads, n) mV."""
    phase = 2 * np.pi * (t_s - onset_s) * rate_bpm / 60.0
    size = gain**0.5 * rng.uniform(0.85, 1.3)
    # The first harmonics of a saw tooth, tapered so that its corners do not ring.
    saw = np.sum([np.sinc(k / 6) * np.sin(k * phase) / k for k in range(1, 6)], axis=0)
    bump = np.exp(2.2 * (np.cos(phase - 0.9) - 1.0))
    # Flutter adds no offset of its own to V1.
    bump -= bump.mean()
    amp = project(size * np.array([[0.015, 0.115, 0.0], [0.0, 0.0, -0.10]]), np.array([[0.0] * 6, [0.08] + [0.0] * 5]))
    total: Array = amp[0][:, None] * saw + amp[1][:, None] * bump
    return total


def _slow(n: int, fs_hz: float, highest_hz: float, rng: Generator) -> Array:
    """Return a smooth random course of variance 1 below `highest_hz`, (n,)."""
    knots = int(np.ceil(n / fs_hz * 2 * highest_hz)) + 4
    at = np.arange(n) / fs_hz * 2 * highest_hz
    left = np.floor(at).astype(int)
    part = at - left
    ramp = part * part * (3 - 2 * part)
    values = rng.standard_normal(knots)
    course: Array = values[left] * (1 - ramp) + values[left + 1] * ramp
    return course
