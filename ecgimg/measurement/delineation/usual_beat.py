"""The usual beat of a record: where its waves begin and end over all leads, also those that were seen at other times.

A page shows few leads at a time, so that the earliest onset and the latest end of a beat may lie in a lead that another
column shows. Each lead's marks are therefore taken as medians over its beats about the middle of the QRS, and then the
earliest and latest of all leads, as in a beat whose leads were recorded together. A lead counts the less, the larger
the errors are that the network expects of its marks.
"""

from __future__ import annotations

import numpy as np

from ecgimg.measurement.delineation.model import QRS, BeatWaves, Floats, Mask, P, T
from ecgimg.measurement.order_statistics import known_median

# Quantiles over leads that stand for the first and the last: of twelve marks the extreme one errs most, and of marks
# that are medians of two or three beats even more. With these, four columns of LUDB change PR by 0.8 ± 2.8 ms, QRS by
# 1.0 ± 3.0 ms and QT by 2.1 ± 5.0 ms.
_SHARE = {P: 0.15, QRS: 0.10, T: 0.15}
# Middles of the QRS of 99 % of LUDB's leads lie within 12 ms of the median lead. If one lies further off, columns and
# strips of a page were read to show other times than they do, and all leads are put about their own middles.
_LARGEST_OFFSET_S = 0.015
_MISS_S = 0.02  # by which a mark may lie beside what beats and leads together give
_LEAST_SHARE = 0.5  # of a lead's beats that must show a wave for its marks to count


def usual_beat(waves: BeatWaves, usual: Mask) -> tuple[Floats, Floats]:
    """Return onset and end (3,) of P, QRS and T, s about the middle of the QRS; NaN without the wave.

    Parameters
    ----------
    usual : (beats,) bool
        The beats that stand for the record.
    """
    onset_s, end_s = np.full(3, np.nan), np.full(3, np.nan)
    seen = waves.seen & usual[:, None]
    _, middle_s = qrs_moments(waves, usual)
    for kind, share in _SHARE.items():
        is_marked = np.isfinite(waves.onset_s[kind - 1]) & seen
        counts = is_marked.sum(axis=0) >= np.maximum(_LEAST_SHARE * seen.sum(axis=0), 1)
        if counts.any():
            marks = (waves.onset_s - middle_s, waves.onset_error_s, waves.end_s - middle_s, waves.end_error_s)
            of_leads = (np.where(is_marked, mark[kind - 1], np.nan)[:, counts] for mark in marks)
            first_s, first_error_s, last_s, last_error_s = (known_median(mark, axis=0) for mark in of_leads)
            onset_s[kind - 1] = _weighted_quantile(first_s, 1 / first_error_s**2, share)
            end_s[kind - 1] = _weighted_quantile(last_s, 1 / last_error_s**2, 1 - share)
    return onset_s, end_s


def _weighted_quantile(values: Floats, weights: Floats, share: float) -> float:
    """Return the quantile of values (n,) of which each counts by its weight; the extremes are the shares 0 and 1."""
    order = np.argsort(values)
    values, weights = values[order], weights[order]
    places = np.cumsum(weights) - weights / 2
    places -= places[0]
    return float(np.interp(share * places[-1], places, values))


def qrs_moments(waves: BeatWaves, usual: Mask | None = None) -> tuple[Floats, Floats]:
    """Return the same moment of each beat (beats,) s, whichever leads show it, and in each lead (beats, leads) s.

    It is the middle of the QRS, which lies apart in the leads by as much in every beat. That of a lead is its own where
    it is shown too early or too late. NaN for a beat that no lead shows.

    Parameters
    ----------
    usual : (beats,) bool, optional
        The beats to compare, all by default.
    """
    beat_s, offset_s, middle_s = _fit_middles(waves, np.ones(len(waves), bool) if usual is None else usual)
    shift_s = offset_s * float(np.abs(offset_s).max(initial=0.0) > _LARGEST_OFFSET_S)
    miss_s = np.nan_to_num(middle_s - beat_s[:, None] - offset_s)
    return beat_s, np.asarray(beat_s[:, None] + shift_s + np.where(np.abs(miss_s) > _MISS_S, miss_s, 0.0))


def _fit_middles(waves: BeatWaves, usual: Mask) -> tuple[Floats, Floats, Floats]:
    """Return middles of the QRS: times of beats (beats,), offsets of leads (leads,) of median 0, and (beats, leads).

    Both are fitted together by least squares, a second time without the marks that the first fit misses. A lead that
    shows more beats counts more: the rhythm strip of a page tells the time, where its columns differ.
    """
    middle_s = (waves.onset_s[QRS - 1] + waves.end_s[QRS - 1]) / 2
    known = np.isfinite(middle_s) & waves.seen & usual[:, None]
    weight = known * known.mean(axis=0) ** 2 if len(known) else known.astype(np.float64)
    beat_s, offset_s = _fit_beats_and_leads(middle_s, weight)
    fits = known & (np.abs(middle_s - beat_s[:, None] - offset_s) < _MISS_S)
    # a beat that would lose all its marks keeps them
    weight = np.where(fits.any(axis=1, keepdims=True), weight * fits, weight)
    beat_s, offset_s = _fit_beats_and_leads(middle_s, weight)
    middle = float(np.median(offset_s[known.any(axis=0)])) if known.any() else 0.0
    return beat_s + middle, offset_s - middle, np.where(known, middle_s, np.nan)


def _fit_beats_and_leads(times_s: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Return the times of beats (beats,) and offsets of leads (leads,) whose sums fit (beats, leads) best."""
    total = weight.sum(axis=1, keepdims=True)
    count = np.where(total > 0, total, 1.0)
    times_s = np.where(weight > 0, times_s, 0.0)
    mean_s = (weight * times_s).sum(axis=1, keepdims=True) / count
    # the best times of the beats are put in, which leaves one equation for each lead
    matrix = np.diag(weight.sum(axis=0)) - weight.T @ (weight / count)
    offset_s = np.linalg.lstsq(matrix, (weight * (times_s - mean_s)).sum(axis=0), rcond=1e-9)[0]
    beat_s = (weight * (times_s - offset_s)).sum(axis=1) / count[:, 0]
    return np.where(total[:, 0] > 0, beat_s, np.nan), offset_s
