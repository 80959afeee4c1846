"""Where noise cannot be measured: QRS complexes, from slopes that stand out in most leads, and pacing spikes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Spans = list[tuple[float, float]]

_SLOPE_HZ = 100.0  # slopes of QRS complexes lie below 30 Hz
_ENERGY_S = 0.08  # a narrow QRS
# Medians of a lead's own energy. Of 3 to 6 the best: with up to three leads replaced by noise, and 60 µV of muscle
# noise in all, it finds all 903 beats of LUDB and 22 false ones; 6 finds 39 false ones.
_NOISE_MEDIANS = 3.0
_STRONGEST_BEATS = 0.98  # quantile of time: 10 s with 30 beats a minute have 4 % of their time in a QRS
_LEAST_ACTIVITY = 0.3  # of the strongest beats: 99.5 % of T waves in LUDB stay below 0.17, of QRS complexes above 0.6
_LEAST_DISTANCE_S = 0.25  # 240 beats a minute
_QRS_EDGE = 0.03  # of the activity at a beat's peak
_LONGEST_HALF_S = 0.14  # half of a wide QRS and the width of the energy's window
_MARGIN_S = 0.02  # the slowest part of a QRS is outside the span of its steep part

# Usual changes between samples: bursts of muscle noise reach 24. The 90th percentile of muscle noise in 27 paced PTB-XL
# records is 31 µV with spikes, 10 µV without.
_JUMP, _LEAST_CHANGE_UV = 40.0, 1.0
_SPIKE_S = 0.03  # before and after a jump


@dataclass(frozen=True, eq=False)
class Slopes:
    """How the leads change within 20 ms.

    Parameters
    ----------
    values_uv : (leads, blocks) float64
        Mean of 20 ms less that of the 20 ms before, so that mains of 50 Hz are averaged out; NaN beside gaps.
    fs_hz : float
        Blocks a second, about 100.
    """

    values_uv: Floats
    fs_hz: float


def measure_slopes(signals_uv: Floats, fs_hz: float) -> Slopes:
    """Return the slopes of signals (leads, samples) µV."""
    step = max(1, round(fs_hz / _SLOPE_HZ))
    count = signals_uv.shape[1] // step
    blocks = signals_uv[:, : count * step].reshape(len(signals_uv), count, step).mean(axis=2)
    pairs = (blocks[:, 1:] + blocks[:, :-1]) / 2
    slopes = np.full(blocks.shape, np.nan)
    slopes[:, 2:-1] = pairs[:, 2:] - pairs[:, :-2]
    return Slopes(slopes, fs_hz / step)


def find_qrs(slopes: Slopes) -> Spans:
    """Return (onset_s, end_s) of the complexes that the slopes show; none where no lead shows a beat."""
    activity = _activity(slopes)
    top = float(np.quantile(activity, _STRONGEST_BEATS)) if len(activity) else 0.0
    if top <= 0:
        return []
    reach = round(_LEAST_DISTANCE_S * slopes.fs_hz)
    is_peak = (activity == maximum_filter1d(activity, 2 * reach + 1)) & (activity > _LEAST_ACTIVITY * top)
    return [_steep_span(activity, int(peak), slopes.fs_hz) for peak in np.flatnonzero(is_peak)]


def _activity(slopes: Slopes) -> Floats:
    """Return how steep the leads are together, (blocks,): 1 where all known leads are as steep as in their beats."""
    known = np.isfinite(slopes.values_uv)
    width = round(_ENERGY_S * slopes.fs_hz)
    energy = uniform_filter1d(np.where(known, slopes.values_uv, 0.0) ** 2, width, axis=1)
    total = np.zeros(energy.shape[1])
    for lead, is_known in zip(energy, known, strict=True):
        if is_known.any():
            total += _above_noise(lead, lead[is_known])
    return np.asarray(total / np.maximum(known.sum(axis=0), 1), np.float64)


def _above_noise(energy: Floats, known: Floats) -> Floats:
    """Return the energy of one lead as a share of its beats' energy; 0 everywhere where it shows noise alone."""
    median, top = np.quantile(known, (0.5, _STRONGEST_BEATS))
    noise = _NOISE_MEDIANS * median
    # one artefact counts no more than a beat and a half
    return np.clip((energy - noise) / (top - noise), 0.0, 1.5) if top > noise else np.zeros_like(energy)


def _steep_span(activity: Floats, peak: int, fs_hz: float) -> tuple[float, float]:
    """Return (onset_s, end_s) around a peak of the activity, as far as the activity does not fade."""
    reach = round(_LONGEST_HALF_S * fs_hz)
    first = max(peak - reach, 0)
    is_low = activity[first : peak + reach + 1] < _QRS_EDGE * activity[peak]
    before, after = np.flatnonzero(is_low[: peak - first]), np.flatnonzero(is_low[peak - first :])
    onset = first + before[-1] + 1 if len(before) else first
    end = peak + after[0] if len(after) else peak + reach + 1
    return float(onset / fs_hz), float(end / fs_hz)


def qrs_mask(spans: Spans, n: int, fs_hz: float) -> Mask:
    """Return (n,) bool: True within the spans and a margin around each."""
    mask = np.zeros(n, bool)
    for onset_s, end_s in spans:
        mask[max(0, round((onset_s - _MARGIN_S) * fs_hz)) : max(0, round((end_s + _MARGIN_S) * fs_hz))] = True
    return mask


def spike_mask(signals_uv: Floats, fs_hz: float) -> Mask:
    """Return (n,) bool: True around jumps of any lead (leads, n), as of pacing spikes and of ends of traces."""
    changes = np.abs(np.diff(signals_uv, axis=1, prepend=signals_uv[:, :1]))
    # every fourth is enough for a median
    usual_uv = np.maximum(np.median(changes[:, ::4], axis=1, keepdims=True), _LEAST_CHANGE_UV)
    is_jump = (changes > _JUMP * usual_uv).any(axis=0)
    return np.asarray(maximum_filter1d(is_jump, 2 * round(_SPIKE_S * fs_hz) + 1), bool)
