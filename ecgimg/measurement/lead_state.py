"""Whether a lead shows the heart: leads that are flat, clipped or disconnected."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ecgimg.leads import unbroken_runs
from ecgimg.measurement.qrs_blanking import Slopes, Spans

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
LeadState = Literal["ok", "flat", "clipped", "disconnected", "not_seen"]

# Peak to peak. The smallest of 17,604 PTB-XL leads at 500 Hz has 208 µV, of 1,218 leads of digitized pages 207 µV.
_FLAT_UV = 20.0
# Plateaus at a lead's extreme value. 0.04 % of 17,604 PTB-XL leads have two of them, 87 % of leads clipped at 80 %.
_PLATEAU_SAMPLES, _PLATEAU_S, _LEAST_PLATEAUS = 3, 0.006, 2
_LONG_PLATEAU_S = 0.2  # the longest of a PTB-XL lead lasts 0.13 s
_BEAT_S = 0.08  # before and after the middle of a QRS
_LEAST_OUTSIDE = 20  # slopes outside of beats, of which a median is taken
# Mean square slope in beats over what the median outside of them lets expect of noise.
_STEEPNESS = 4.0
_REPETITION, _LEAST_BEATS = 6.0, 3
_CLEAR_STEEPNESS = 8.0
_NORMAL_MEDIAN = 0.455  # median of the square of a normal variable


def is_flat(values_uv: Floats) -> bool:
    """Tell whether the known values of a lead (n,) do not vary."""
    return float(np.ptp(values_uv)) < _FLAT_UV


def is_clipped(values_uv: Floats, fs_hz: float) -> bool:
    """Tell whether the known values of a lead (n,) stay at their highest or lowest value time and again."""
    least = max(_PLATEAU_SAMPLES, round(_PLATEAU_S * fs_hz))
    return any(_is_rail(values_uv == rail, least, fs_hz) for rail in (values_uv.max(), values_uv.min()))


def _is_rail(is_extreme: Mask, least: int, fs_hz: float) -> bool:
    if np.count_nonzero(is_extreme) < least:
        return False
    # recorders repeat a value where the signal begins or ends
    inner = [end - first for first, end in unbroken_runs(is_extreme) if first > 0 and end < len(is_extreme)]
    plateaus = [length for length in inner if length >= least]
    return len(plateaus) >= _LEAST_PLATEAUS or max(plateaus, default=0) >= _LONG_PLATEAU_S * fs_hz


def disconnected_leads(slopes: Slopes, beats: Spans) -> Mask:
    """Tell which leads show no heart while others do.

    A lead shows the heart where its slopes in beats exceed those outside, or repeat from beat to beat.

    Parameters
    ----------
    slopes : Slopes
    beats : list of (onset_s, end_s)

    Returns
    -------
    (leads,) bool
        False for leads that show fewer than two beats.
    """
    centres = np.array([round((onset_s + end_s) / 2 * slopes.fs_hz) for onset_s, end_s in beats], np.int64)
    reach, count = round(_BEAT_S * slopes.fs_hz), slopes.values_uv.shape[1]
    centres = centres[(centres >= reach) & (centres < count - reach)]
    at = centres[:, None] + np.arange(-reach, reach + 1)
    is_outside = np.ones(count, bool)
    is_outside[at] = False
    evidence = np.array([_heart_evidence(lead[at], lead[is_outside]) for lead in slopes.values_uv])
    steepness, repetition = evidence.reshape(-1, 2).T
    is_silent = (steepness < _STEEPNESS) & (repetition < _REPETITION)
    return np.asarray(is_silent & bool((steepness > _CLEAR_STEEPNESS).any()), bool)


def _heart_evidence(beats_uv: Floats, outside_uv: Floats) -> tuple[float, float]:
    """Return steepness and repetition of one lead, about 1 for noise; NaN where too little of it is known."""
    beats_uv = beats_uv[np.isfinite(beats_uv).all(axis=1)]
    outside_uv = outside_uv[np.isfinite(outside_uv)]
    if len(beats_uv) < 2 or len(outside_uv) < _LEAST_OUTSIDE:
        return np.nan, np.nan
    noise = max(float(np.median(outside_uv**2)) / _NORMAL_MEDIAN, 1e-12)
    steepness = float(np.mean(beats_uv**2)) / noise
    if len(beats_uv) < _LEAST_BEATS:
        return steepness, 0.0
    # the F statistic of a shape that all beats share
    shape = beats_uv.mean(axis=0)
    strays = max(float(np.sum((beats_uv - shape) ** 2)) / (len(beats_uv) - 1), 1e-12)
    return steepness, len(beats_uv) * float(np.sum(shape**2)) / strays
