"""Join the waves of simultaneous leads to beats."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ecgimg.leads import unbroken_runs
from ecgimg.measurement.delineation.model import QRS, BeatWaves, Floats, P, T, WaveEvidence, WaveTable
from ecgimg.measurement.order_statistics import known_median

_MEAN_PROBABILITY = 0.4  # of QRS or P over the known leads: a single lead's false wave stays below, as in LUDB
_BREAK_S = 0.04  # between parts of one QRS: leads may disagree for so long
_REFRACTORY_S = 0.2  # from QRS to QRS: 300 beats a minute
_SLACK_S = 0.04  # by which a lead's QRS may lie beside that of all leads
_LONGEST_PR_S = 0.5
_USUAL_PR_S = 0.2  # before the QRS: a lead that is known there would show a P wave
# Mean probability of P over leads, of one beat and of all beats: in LUDB, cross-validated, records without P reach
# 0.29, those with P are above 0.76.
_P_OF_BEAT, _P_OF_RECORD = 0.3, 0.5
_INSIDE_SHARE = 0.7  # of a QRS that must lie within the record
_LONGEST_ST_T_S = 0.75  # from QRS end to T end


def join_beats(evidence: WaveEvidence, waves: WaveTable) -> BeatWaves:
    """Return the beats: a QRS that the known leads show together, with the P before it and the T after it."""
    leads = len(evidence.known)
    spans_s = _joint_runs(evidence, QRS)
    owner = _owners(spans_s, waves)
    arrays = np.full((4, 3, len(spans_s), leads), np.nan)
    probability = np.zeros((3, len(spans_s), leads))
    columns = (waves.onset_s, waves.end_s, waves.onset_error_s, waves.end_error_s)
    # of two waves that claim one place, the later P, and otherwise the likelier one, is written last
    order = np.lexsort((np.where(waves.kind == P, waves.onset_s, waves.probability), waves.kind))
    for wave in order[owner[order] >= 0]:
        place = waves.kind[wave] - 1, owner[wave], waves.lead[wave]
        for array, column in zip(arrays, columns, strict=True):
            array[place] = column[wave]
        probability[place] = waves.probability[wave]
    qrs_s = np.stack([_median(arrays[edge, QRS - 1], spans_s[:, edge]) for edge in (0, 1)], axis=1)
    whole = ~_cut_off(evidence, qrs_s)
    qrs_s, arrays, probability = qrs_s[whole], arrays[:, :, whole], probability[:, whole]
    seen = _seen(evidence, qrs_s)
    arrays[:, :, ~seen] = np.nan
    probability[:, ~seen] = 0.0
    onset_s, end_s, onset_error_s, end_error_s = arrays
    p_seen = seen & _seen(evidence, qrs_s - (_USUAL_PR_S, 0.0))
    lone_p_s = _lone_p(evidence, arrays[:2, P - 1], qrs_s)
    return BeatWaves(qrs_s, onset_s, end_s, onset_error_s, end_error_s, probability, seen, p_seen, lone_p_s)


def without_false_p(waves: BeatWaves) -> BeatWaves:
    """Return the beats without P waves that too few leads show; without any where most beats have none."""
    support = p_support(waves)
    is_false = (support < _P_OF_BEAT) | (not shows_p(waves))
    keep = ~(is_false[:, None] & (np.arange(3) == P - 1)[:, None, None])
    times = (np.where(keep, values, np.nan) for values in (waves.onset_s, waves.end_s))
    return replace(waves, onset_s=next(times), end_s=next(times), probability=np.where(keep, waves.probability, 0.0))


def p_support(waves: BeatWaves) -> Floats:
    """Return the mean probability of a P wave before each beat (beats,), NaN where no lead could show one."""
    count = waves.p_seen.sum(axis=1)
    shown = (waves.probability[P - 1] * waves.p_seen).sum(axis=1)
    return np.where(count > 0, shown / np.maximum(count, 1), np.nan)


def shows_p(waves: BeatWaves) -> bool:
    """Return whether the record has P waves before its beats; True where no beat can tell."""
    support = p_support(waves)
    support = support[np.isfinite(support)]
    return not len(support) or float(support.mean()) > _P_OF_RECORD


def _joint_runs(evidence: WaveEvidence, kind: int) -> Floats:
    """Return (runs, 2) seconds where the known leads show a wave together, no two QRS within the refractory time."""
    known = evidence.known
    mean = (evidence.probability[:, kind] * known).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    spans: list[tuple[float, float, float]] = []
    for first, end in unbroken_runs(mean > _MEAN_PROBABILITY):
        start_s, end_s = first * evidence.step_s, (end - 1) * evidence.step_s
        weight = float(mean[first:end].sum())
        if spans and start_s - spans[-1][1] < _BREAK_S:
            spans[-1] = (spans[-1][0], end_s, spans[-1][2] + weight)
        elif kind == QRS and spans and start_s - spans[-1][0] < _REFRACTORY_S:
            # two within the refractory time: the one that more leads show for longer
            spans[-1] = max(spans[-1], (start_s, end_s, weight), key=lambda span: span[2])
        elif end - first > 1:
            spans.append((start_s, end_s, weight))
    return np.array([span[:2] for span in spans], np.float64).reshape(-1, 2)


def _owners(spans_s: Floats, waves: WaveTable) -> NDArray[np.int64]:
    """Return the beat of each wave, -1 for none."""
    owner = np.full(len(waves), -1, np.int64)
    if not len(spans_s):
        return owner
    middle_s = (waves.onset_s + waves.end_s) / 2
    beat_s = spans_s.mean(axis=1)
    is_qrs, is_p, is_t = (waves.kind == kind for kind in (QRS, P, T))
    nearest = np.abs(middle_s[:, None] - beat_s).argmin(axis=1)
    overlaps = (waves.onset_s < spans_s[nearest, 1] + _SLACK_S) & (waves.end_s > spans_s[nearest, 0] - _SLACK_S)
    owner[is_qrs & overlaps] = nearest[is_qrs & overlaps]
    following = np.searchsorted(beat_s, middle_s)
    is_before = is_p & (following < len(beat_s))
    gap_s = np.where(is_before, spans_s[np.minimum(following, len(beat_s) - 1), 0] - waves.onset_s, np.inf)
    owner[is_before & (gap_s < _LONGEST_PR_S)] = following[is_before & (gap_s < _LONGEST_PR_S)]
    is_after = is_t & (following > 0)
    lag_s = np.where(is_after, waves.end_s - spans_s[np.maximum(following - 1, 0), 1], np.inf)
    owner[is_after & (lag_s < _LONGEST_ST_T_S)] = following[is_after & (lag_s < _LONGEST_ST_T_S)] - 1
    return owner


def _median(values_s: Floats, fallback_s: Floats) -> Floats:
    """Return the median over leads of each beat (beats, leads), another time where no lead has one."""
    medians = known_median(values_s, axis=1)
    return np.where(np.isnan(medians), fallback_s, medians)


def _cut_off(evidence: WaveEvidence, qrs_s: Floats) -> NDArray[np.bool_]:
    """Return which QRS (beats, 2) lie outside the record by so much that they may be none."""
    inside_s = np.clip(qrs_s, 0.0, evidence.known.shape[1] * evidence.step_s)
    return np.asarray(np.diff(inside_s)[:, 0] < _INSIDE_SHARE * np.diff(qrs_s)[:, 0])


def _seen(evidence: WaveEvidence, qrs_s: Floats) -> NDArray[np.bool_]:
    """Return (beats, leads): True where a lead is known from onset to end (beats, 2) of a QRS."""
    steps = evidence.known.shape[1]
    is_whole = (qrs_s[:, 0] > -evidence.step_s) & (qrs_s[:, 1] < (steps + 1) * evidence.step_s)
    first = np.clip((qrs_s[:, 0] / evidence.step_s).astype(int), 0, steps - 1)
    last = np.clip((qrs_s[:, 1] / evidence.step_s).astype(int) + 1, 1, steps)
    # sums up to each step, so that a span's sum is a difference
    total = np.pad(np.cumsum(evidence.known, axis=1), ((0, 0), (1, 0)))
    return np.asarray((total[:, last] - total[:, first] == last - first).T & is_whole[:, None])


def _lone_p(evidence: WaveEvidence, p_s: Floats, qrs_s: Floats) -> Floats:
    """Return onsets and ends of P waves that the known leads show together and that belong to no beat."""
    spans_s = _joint_runs(evidence, P)
    own_s = np.stack([_median(p_s[edge], np.full(len(qrs_s), np.nan)) for edge in (0, 1)], axis=1)
    own_s = own_s[np.isfinite(own_s).all(axis=1)]
    is_own = (spans_s[:, None, 0] < own_s[:, 1]) & (spans_s[:, None, 1] > own_s[:, 0])
    return spans_s[~is_own.any(axis=1)]
