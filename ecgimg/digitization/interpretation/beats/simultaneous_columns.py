"""Whether the columns of a page show the same seconds, by the times of their beats.

Two hypotheses are weighed by their likelihoods. If two columns show the same seconds, their beats coincide up to a
constant offset, which is the error of where the columns start. If a column shows the seconds after those of the column
before it, its first beat comes one cycle after the last beat there. Its beats then coincide with the others by chance
only: even a regular heart varies by more than the error with which a beat is timed.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from ecgimg.digitization.numerics import Floats

_SMOOTH_S, _JOIN_S = 0.003, 0.016  # smoothing of a lead, and of steepness: the latter joins the slopes of a beat
_TOP_PERCENT, _PEAK_PERCENT = 99, 99.5  # steepness of a lead's beats, and of those of all leads together
_NOISE_FLOORS = 2.0  # steepness below so many medians is noise
_NOISE_WEIGHT, _MIN_WEIGHT = 3.0, 0.05  # how fast a lead's weight falls with its noise, and how far
_PEAK_SHARE, _MIN_BEAT_SPACING_S = 0.45, 0.3  # what is lower, or follows faster, is no beat of its own
_BEAT_HALF_WIDTH_S, _CENTRING_PASSES = 0.08, 3
_TIMING_ERRORS_S = np.array([0.002, 0.005, 0.012])  # of a beat in a clean lead, a usual and a noisy one
_START_ERRORS_S, _START_PRIOR = np.array([0.010, 0.040]), np.array([0.85, 0.15])  # of a column's start
_VARIATIONS = np.array([0.6, 1.0, 2.0])  # by how much other cycles may vary, relative to those of the page
_MIN_SPREAD_S, _MIN_CYCLE_ERROR_S = 0.003, 0.012
_USUAL_CYCLE_S, _USUAL_SPREAD_S = 0.8, 0.05  # of a heart of which too few beats are seen
_OUTLIERS = 0.05  # share of beats that are timed anywhere
_DECISION_LOG_ODDS, _DECISION_SCORE = 2.5, 0.4  # the log odds at which the score says that seconds are the same
_LOG_ODDS_PER_SCORE, _MAX_SCORE = 10.0, 1.2
_MAX_CYCLE_LOG_ODDS = 6.0  # a rhythm may recur by chance, so that alike cycles alone never decide


class _Rhythm(NamedTuple):
    """How long a cycle is, and by how much cycles differ."""

    cycle_s: float
    spread_s: float


def simultaneity_score(columns: Sequence[Sequence[Floats]], fs_hz: float, strips: Sequence[Floats] = ()) -> float:
    """Return how clearly columns show the same seconds, -1.2 to 1.2; more than 0.4 speaks for it.

    Parameters
    ----------
    columns : sequence of sequences of (samples,) float64
        The signals of each column's leads, NaN where nothing was read.
    fs_hz : float
        Samples a second.
    strips : sequence of (samples,) float64
        Signals of rhythm strips below all columns. If the columns follow each other, their beats are also in the
        strips, at the same place along x.
    """
    beats_s = [_beat_times_s(leads, fs_hz) for leads in columns]
    strip_beats_s = _beat_times_s(strips, fs_hz) if strips else np.zeros(0)
    cycles_s = np.concatenate([np.diff(times_s) for times_s in (*beats_s, strip_beats_s)])
    rhythm = _measure_rhythm(cycles_s)
    column_s = min(len(lead) for leads in columns for lead in leads) / fs_hz
    start_log_odds, cycle_log_odds = [], []
    for index, (first_s, second_s) in enumerate(pairwise(beats_s)):
        delays_s = _delays_s(first_s, second_s, rhythm)
        if not len(delays_s):
            continue
        strip_delays_s = _delays_s(strip_beats_s - (index + 1) * column_s, second_s, rhythm)
        sequential = 0.0
        if len(strip_delays_s):
            sequential = _coincident_log_likelihood(strip_delays_s, rhythm)
        elif len(cycles_s) > 1:
            sequential = _sequential_log_likelihood(column_s - first_s[-1] + second_s[0], rhythm)
        start_log_odds.append(_coincident_log_likelihood(delays_s, rhythm) - sequential)
        cycle_log_odds.append(_same_cycles_log_odds(np.diff(delays_s), rhythm))
    if not start_log_odds:
        return 0.0
    # all columns start alike, so their odds are averaged; each pair of columns has cycles of its own
    log_odds = float(np.mean(start_log_odds)) + min(sum(cycle_log_odds), _MAX_CYCLE_LOG_ODDS)
    score = _DECISION_SCORE + (log_odds - _DECISION_LOG_ODDS) / _LOG_ODDS_PER_SCORE
    return float(np.clip(score, -_MAX_SCORE, _MAX_SCORE))


def _measure_rhythm(cycles_s: Floats) -> _Rhythm:
    """Return median and robust spread of the cycles, or usual ones where too few are seen."""
    cycle_s = float(np.median(cycles_s)) if len(cycles_s) else _USUAL_CYCLE_S
    spread_s = 1.48 * float(np.median(np.abs(cycles_s - cycle_s))) if len(cycles_s) > 1 else _USUAL_SPREAD_S
    return _Rhythm(cycle_s, max(spread_s, _MIN_SPREAD_S))


def _delays_s(first_s: Floats, second_s: Floats, rhythm: _Rhythm) -> Floats:
    """Return by how much beats of the second column come later than those of the first.

    Only pairs count in which each beat is the other's nearest, less than half a cycle away.
    """
    if not len(first_s) or not len(second_s):
        return np.zeros(0)
    delays = second_s[:, None] - first_s
    nearest = np.abs(delays).argmin(axis=1)
    is_mutual = np.abs(delays).argmin(axis=0)[nearest] == np.arange(len(second_s))
    delays_s = delays[np.arange(len(second_s)), nearest][is_mutual]
    return np.asarray(delays_s[np.abs(delays_s) < rhythm.cycle_s / 2], np.float64)


def _coincident_log_likelihood(delays_s: Floats, rhythm: _Rhythm) -> float:
    """Return the log likelihood that beats come at the same times, up to the error of where the columns start."""
    log_likelihoods = _log_likelihood(np.median(delays_s), _START_ERRORS_S, rhythm)
    return float(np.logaddexp.reduce(np.log(_START_PRIOR) + log_likelihoods))


def _sequential_log_likelihood(interval_s: float, rhythm: _Rhythm) -> float:
    """Return the log likelihood that an interval between beats, across a column border, is a number of cycles."""
    n_cycles = max(round(interval_s / rhythm.cycle_s), 1)
    error_s = float(np.hypot(1.5 * rhythm.spread_s * np.sqrt(n_cycles), _MIN_CYCLE_ERROR_S))
    return float(_log_likelihood(interval_s - n_cycles * rhythm.cycle_s, error_s, rhythm))


def _same_cycles_log_odds(differences_s: Floats, rhythm: _Rhythm) -> float:
    """Return the log odds that two columns show the same cycles, and not others, by how their cycles differ."""
    other_errors_s = np.hypot(np.sqrt(2) * rhythm.spread_s * _VARIATIONS[:, None], 2 * _TIMING_ERRORS_S).ravel()
    same, other = (
        _log_likelihood(differences_s[:, None], errors_s, rhythm).sum(axis=0) - np.log(len(errors_s))
        for errors_s in (2 * _TIMING_ERRORS_S, other_errors_s)
    )
    return float(np.logaddexp.reduce(same) - np.logaddexp.reduce(other))


def _log_likelihood(deviation_s: Floats | float, error_s: Floats | float, rhythm: _Rhythm) -> Floats:
    """Return the log likelihood of a normal deviation, relative to any time of a cycle; outliers are anywhere."""
    normal = -0.5 * np.square(np.asarray(deviation_s) / error_s) - np.log(np.sqrt(2 * np.pi) * np.asarray(error_s))
    return np.asarray(np.logaddexp(np.log(1 - _OUTLIERS) + normal + np.log(rhythm.cycle_s), np.log(_OUTLIERS)))


def _beat_times_s(leads: Sequence[Floats], fs_hz: float) -> Floats:
    """Return the times of a column's beats: the centres of where its leads are steep."""
    steepness = _steepness(leads, fs_hz)
    joined = gaussian_filter1d(steepness, _JOIN_S * fs_hz)
    height = max(_PEAK_SHARE * float(np.percentile(joined, _PEAK_PERCENT)), 1e-9)
    peaks, _ = find_peaks(joined, height=height, distance=round(_MIN_BEAT_SPACING_S * fs_hz))
    half, samples = round(_BEAT_HALF_WIDTH_S * fs_hz), np.arange(len(steepness))
    centres = peaks.astype(np.float64)
    for _ in range(_CENTRING_PASSES):  # which of a beat's slopes is steepest is chance, the centre of all is not
        windows = [slice(max(round(centre) - half, 0), round(centre) + half + 1) for centre in centres.tolist()]
        centres = np.array(
            [np.average(samples[window], weights=steepness[window] + 1e-9) for window in windows], np.float64
        )
    return np.asarray(centres / fs_hz, np.float64)


def _steepness(leads: Sequence[Floats], fs_hz: float) -> Floats:
    """Return the steepness (samples - 1,) of all leads of a column together; noisy leads count less."""
    steepness: Floats = np.zeros(min(len(lead) for lead in leads) - 1)
    for lead in leads:
        known = np.flatnonzero(np.isfinite(lead))
        if not len(known):
            continue
        filled = np.interp(np.arange(len(lead)), known, lead[known])
        slopes = np.abs(np.diff(gaussian_filter1d(filled, _SMOOTH_S * fs_hz)))
        top, noise = float(np.percentile(slopes, _TOP_PERCENT)) + 1e-9, float(np.median(slopes))
        weight = max(1 - _NOISE_WEIGHT * noise / top, _MIN_WEIGHT)
        steepness += weight * np.clip((slopes - _NOISE_FLOORS * noise) / top, 0, 1)[: len(steepness)]
    return steepness
