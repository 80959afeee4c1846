"""What a reader of ECGs measures in a simulated heart: from the signal, with no noise where a size is measured."""

from __future__ import annotations

import numpy as np
from scipy.signal import find_peaks

from ecgimg.leads import STANDARD_LEADS
from synth.heart import HeartSpec, simulate

FS = 500.0
SEEDS = range(4)
QUIET = {"baseline_wander_mv": 0.0, "muscle_mv": 0.0, "breath_axis_deg": 0.0}
EXACT = QUIET | {"variety": 0.0, "beat_variation": 0.0, "breath_gain": 0.0, "breath_rr": 0.0}


def heart(seed=0, duration_s=10.0, leads=STANDARD_LEADS, **options):
    return simulate(HeartSpec(**options), np.random.default_rng(seed), duration_s, FS, leads)


def quiet(seed=0, **options):
    return heart(seed, **(QUIET | options))


def magnitude(beats):
    return np.sqrt(np.sum(beats.record.signals.astype(float) ** 2, axis=0))


def r_times(beats):
    """R peaks in seconds, found without the fiducials: the steep complexes of all leads together."""
    slope = np.sum(np.abs(np.gradient(beats.record.signals.astype(float), axis=1)), axis=0)
    steep = np.convolve(slope, np.ones(25) / 25, "same")
    return find_peaks(steep, height=0.4 * steep.max(), distance=100)[0] / FS


def walk(values, start, step, level):
    """Index of the first sample from `start` on, in steps of ±1, that is below `level`."""
    while 0 < start < len(values) - 1 and values[start] >= level:
        start += step
    return start


def whole_beat(beats, kind=None):
    """Number of the first beat that lies on the canvas from P to T."""
    f = beats.fiducials
    for number, name in enumerate(f.kind):
        if (kind in (None, name)) and f.qrs_onset_s[number] > 0.3 and np.isfinite(f.t_offset_s[number]):
            return number
    raise AssertionError(f"no whole beat of kind {kind} in {f.kind}")


def between(beats, lead, start_s, stop_s):
    return beats.record.lead(lead)[round(start_s * FS) : round(stop_s * FS)].astype(float)


def qrs(beats, lead, kind=None):
    """(samples,) mV from the onset of a QRS to its end, against the level before it."""
    f, n = beats.fiducials, whole_beat(beats, kind)
    level = between(beats, lead, f.qrs_onset_s[n] - 0.012, f.qrs_onset_s[n]).mean()
    return between(beats, lead, f.qrs_onset_s[n], f.qrs_offset_s[n]) - level


def r_and_s(beats, lead, kind=None):
    wave = qrs(beats, lead, kind)
    return max(wave.max(), 0.0), max(-wave.min(), 0.0)


def q_wave(beats, lead, kind=None):
    """Depth in mV and duration in seconds of a QRS's first deflection where that is negative; zeros otherwise."""
    wave = qrs(beats, lead, kind)
    small = 0.03 * np.ptp(wave)
    first = int(np.argmax(np.abs(wave) > small))
    if wave[first] > 0:
        return 0.0, 0.0
    after = np.flatnonzero(wave[first:] > 0)
    last = first + (int(after[0]) if after.size else wave.size - first)
    return -wave[first:last].min(), last / FS


def t_wave(beats, lead, kind=None):
    """Value furthest from zero between 60 ms after the QRS and the end of T."""
    f, n = beats.fiducials, whole_beat(beats, kind)
    wave = between(beats, lead, f.qrs_offset_s[n] + 0.06, f.t_offset_s[n])
    return wave[np.argmax(np.abs(wave))]


def j60(beats, lead):
    """ST level 60 ms after the end of the QRS."""
    f, n = beats.fiducials, whole_beat(beats)
    return between(beats, lead, f.qrs_offset_s[n] + 0.056, f.qrs_offset_s[n] + 0.064).mean()


def axis(beats):
    f, n = beats.fiducials, whole_beat(beats)
    start, stop = f.qrs_onset_s[n], f.qrs_offset_s[n]
    area = [between(beats, lead, start, stop).sum() for lead in ("I", "aVF")]
    return np.degrees(np.arctan2(area[1] * 2 / np.sqrt(3), area[0]))


def turned_away(angle, other):
    return abs((angle - other + 180) % 360 - 180)


def rr(beats):
    return np.diff(beats.fiducials.qrs_onset_s[np.isfinite(beats.fiducials.qrs_onset_s)])
