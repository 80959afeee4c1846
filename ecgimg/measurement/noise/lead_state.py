"""Whether a lead shows the heart: leads that are flat, clipped or disconnected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ecgimg.leads import unbroken_runs
from ecgimg.measurement.noise.qrs_blanking import Slopes

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]
LeadState = Literal["ok", "flat", "clipped", "disconnected", "not_seen"]

_LIMB_LEADS = ("I", "II", "III", "aVR", "aVL", "aVF")

# Peak to peak. The smallest of 17,604 PTB-XL leads at 500 Hz has 208 µV, of 1,218 leads of digitized pages 207 µV.
_FLAT_UV = 20.0
# Plateaus at the extreme value: two steep ones has none of 17,604 PTB-XL leads, but 91 % of leads clipped at 80 %.
_PLATEAU_SAMPLES, _PLATEAU_S, _LEAST_PLATEAUS = 3, 0.006, 2
_STEEP_STEPS = 12.0  # usual steps of the signal; a round peak falls by 9 steps of a coarse converter
_FLANK_S = 0.04  # at most; a level baseline that is the extreme value has waves farther away
_LONG_PLATEAU_S = 0.2  # the longest plateau of a PTB-XL lead lasts 0.13 s
_QRS_S = 0.08  # before and after the middle of a QRS
_BEAT_S = (0.25, 0.4)  # before and after it: from P to T
_LEAST_BEATS = 2
_LEAST_OUTSIDE = 20  # slopes outside of QRS complexes, of which a median is taken
# Power of slopes in QRS complexes over that outside: 99.5 % of 3,600 LUDB and PTB-XL leads of 2.5 s have 4.8 or more;
# 99 % of 648 leads that noise, drift or mains replaced have 2.9 or less.
_STEEPNESS, _CLEAR_STEEPNESS = 4.0, 8.0
# F statistic: 99.5 % of the replaced leads have 2.1 or less, of 2.5 s as of 10 s; 99.5 % of leads of 10 s 4.6 or more.
_REPETITION = 2.5
# Share of variance that other leads explain: 0.21 or more in 99.5 % of the leads, 0.04 or less in 99 % of the replaced.
_EXPLAINED, _MAIN_COURSES = 0.1, 3
_LEAST_COURSE = 0.2  # size of a main course over that of the largest
_SIMULTANEOUS, _LEAST_COMMON = 0.8, 100  # share of a lead's slopes that another lead shows as well, and their number
_LEAST_SLOPE_UV = 1.0  # a converter's step; pure mains leave 0.001 µV, in which anything would stand out
_NORMAL_MEDIAN = 0.455  # median of the square of a normal variable


def is_flat(values_uv: Floats) -> bool:
    """Tell whether the known values of a lead (n,) do not vary."""
    return float(np.ptp(values_uv)) < _FLAT_UV


def is_clipped(values_uv: Floats, fs_hz: float) -> bool:
    """Tell whether the known values of a lead (n,) stay at their highest or lowest value time and again."""
    return any(_is_rail(np.abs(values_uv - rail), fs_hz) for rail in (values_uv.max(), values_uv.min()))


def _is_rail(below_uv: Floats, fs_hz: float) -> bool:
    """Tell whether a signal stays at an extreme value; `below_uv` (n,) is its distance from there."""
    least = max(_PLATEAU_SAMPLES, round(_PLATEAU_S * fs_hz))
    is_extreme = below_uv == 0
    if np.count_nonzero(is_extreme) < least:
        return False
    # recorders repeat a value where the signal begins or ends
    inner = [(first, end) for first, end in unbroken_runs(is_extreme) if first > 0 and end < len(is_extreme)]
    changes = np.abs(np.diff(below_uv))
    step_uv = float(np.median(changes[changes > 0]))
    cut = [
        end - first for first, end in inner if end - first >= least and _is_cut(below_uv, first, end, step_uv, fs_hz)
    ]
    return len(cut) >= _LEAST_PLATEAUS or max(cut, default=0) >= _LONG_PLATEAU_S * fs_hz


def _is_cut(below_uv: Floats, first: int, end: int, step_uv: float, fs_hz: float) -> bool:
    """Tell a plateau that is cut off from a round peak: both flanks are steep within one length of the plateau."""
    length = min(end - first, round(_FLANK_S * fs_hz))
    flanks_uv = below_uv[max(first - length, 0)], below_uv[min(end - 1 + length, len(below_uv) - 1)]
    return bool(min(flanks_uv) > _STEEP_STEPS * step_uv)


def disconnected_leads(slopes: Slopes, beats: Sequence[tuple[float, float]], leads: Sequence[str]) -> Mask:
    """Tell which leads show no heart while others do.

    A lead shows the heart where its slopes in beats exceed those outside, or repeat from beat to beat, or are those of
    leads that show it clearly.

    Parameters
    ----------
    slopes : Slopes
    beats : list of (onset_s, end_s)
    leads : sequence of str
        Their names.

    Returns
    -------
    (leads,) bool
        False for leads that show fewer than two beats.
    """
    centres = np.array([round((onset_s + end_s) / 2 * slopes.fs_hz) for onset_s, end_s in beats], np.int64)
    steepness, repetition = _steepness(slopes, centres), _repetition(slopes, centres)
    is_silent = (steepness < _STEEPNESS) & (repetition < _REPETITION)
    if not (steepness > _CLEAR_STEEPNESS).any():
        return np.zeros(len(leads), bool)
    shows_heart = (steepness >= _STEEPNESS) | (repetition >= _REPETITION)
    is_limb = np.array([lead in _LIMB_LEADS for lead in leads])
    for row in np.flatnonzero(is_silent):
        # an electrode that is off puts its noise into all limb leads
        groups = (shows_heart & ~is_limb, shows_heart & is_limb) if is_limb[row] else (shows_heart,)
        shares = (_explained(slopes.values_uv[row], slopes.values_uv[group]) for group in groups)
        is_silent[row] = next((share for share in shares if share is not None), 0.0) < _EXPLAINED
    return np.asarray(is_silent, bool)


def _around(centres: Ints, before_s: float, after_s: float, slopes: Slopes) -> Ints:
    """Return the blocks around the middle of every beat, (beats, blocks of a beat), of beats that are within."""
    before, after = round(before_s * slopes.fs_hz), round(after_s * slopes.fs_hz)
    is_within = (centres >= before) & (centres < slopes.values_uv.shape[1] - after)
    return np.asarray(centres[is_within, None] + np.arange(-before, after + 1))


def _steepness(slopes: Slopes, centres: Ints) -> Floats:
    """Return the power of slopes in QRS complexes over that outside, (leads,): 1 for noise; NaN where unknown."""
    at = _around(centres, _QRS_S, _QRS_S, slopes)
    is_outside = np.ones(slopes.values_uv.shape[1], bool)
    is_outside[at] = False
    steepness = np.full(len(slopes.values_uv), np.nan)
    for row, lead_uv in enumerate(slopes.values_uv):
        beats_uv, outside_uv = _known_beats(lead_uv[at]), lead_uv[is_outside & np.isfinite(lead_uv)]
        if len(beats_uv) >= _LEAST_BEATS and len(outside_uv) >= _LEAST_OUTSIDE:
            noise = max(float(np.median(outside_uv**2)) / _NORMAL_MEDIAN, _LEAST_SLOPE_UV**2)
            # the median over beats, as a burst of noise may hit one of them
            steepness[row] = np.median(np.mean(beats_uv**2, axis=1)) / noise
    return steepness


def _repetition(slopes: Slopes, centres: Ints) -> Floats:
    """Return the F statistic of a shape that all beats share, (leads,): 1 for noise, 0 where unknown."""
    at = _around(centres, *_BEAT_S, slopes)
    repetition = np.zeros(len(slopes.values_uv))
    for row, lead_uv in enumerate(slopes.values_uv):
        beats_uv = _known_beats(lead_uv[at])
        if len(beats_uv) >= _LEAST_BEATS:
            # wander is a constant slope
            beats_uv = beats_uv - beats_uv.mean(axis=1, keepdims=True)
            shape = beats_uv.mean(axis=0)
            strays = float(np.sum((beats_uv - shape) ** 2)) / (len(beats_uv) - 1)
            repetition[row] = len(beats_uv) * np.sum(shape**2) / max(strays, shape.size * _LEAST_SLOPE_UV**2)
    return repetition


def _known_beats(beats_uv: Floats) -> Floats:
    return beats_uv[np.isfinite(beats_uv).all(axis=1)]


def _explained(lead_uv: Floats, others_uv: Floats) -> float | None:
    """Return the share of a lead's variance that the main courses of other leads explain; None without such leads."""
    others_uv = others_uv[np.isfinite(others_uv[:, np.isfinite(lead_uv)]).mean(axis=1) > _SIMULTANEOUS]
    seen = np.isfinite(lead_uv) & np.isfinite(others_uv).all(axis=0)
    if not len(others_uv) or np.count_nonzero(seen) < _LEAST_COMMON:
        return None
    lead_uv, others_uv = lead_uv[seen], others_uv[:, seen]
    _, sizes, courses = np.linalg.svd(others_uv / np.linalg.norm(others_uv, axis=1, keepdims=True), full_matrices=False)
    # without the left arm II is III plus what lead I shows: their small difference must not explain it
    main = courses[:_MAIN_COURSES][sizes[:_MAIN_COURSES] > _LEAST_COURSE * sizes[0]]
    return float(np.sum((main @ lead_uv) ** 2) / max(np.sum(lead_uv**2), 1e-12))
