"""Find the waves of each lead in what the network says of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecgimg.measurement.delineation.model import QRS, Floats, P, T, WaveEvidence, WaveTable

_LEAST_S = {P: 0.024, QRS: 0.024, T: 0.040}  # shorter runs are doubts between two waves, as of LUDB's false ones
_REACH_S = 0.1  # beyond the run that a wave may begin or end; only what is no ECG gives more
_BREAK_S = 0.024  # a run that is broken for no longer is one wave with a notch


def find_waves(evidence: WaveEvidence) -> WaveTable:
    """Return the waves of all leads: runs of steps at which a kind is the likeliest.

    Onset and end of a wave are means over its steps, each with the weight of its probability and its precision.
    """
    kinds = np.where(evidence.known, evidence.probability.argmax(axis=1), 0)
    steps = kinds.shape[1]
    rows = [
        (lead, first, last, kind)
        for lead in range(len(kinds))
        for first, last, kind in _runs(kinds[lead], evidence.step_s)
    ]
    runs = np.array(rows, np.int64).reshape(-1, 4)
    lead, kind = runs[:, 0], runs[:, 3]
    # all steps of all waves side by side, so that sums over waves are sums over slices
    lengths = runs[:, 2] - runs[:, 1]
    wave = np.repeat(np.arange(len(runs)), lengths)
    step = np.arange(len(wave)) - np.repeat(np.cumsum(lengths) - lengths, lengths) + runs[wave, 1]
    at = (lead[wave] * 3 + kind[wave] - 1) * steps + step
    probability = evidence.probability[:, 1:].reshape(-1)[at].astype(np.float64)
    onset_s, onset_error_s = _means(wave, len(runs), at, probability, evidence.onset_s, evidence.onset_error_s)
    end_s, end_error_s = _means(wave, len(runs), at, probability, evidence.end_s, evidence.end_error_s)
    first_s, last_s = runs[:, 1] * evidence.step_s, (runs[:, 2] - 1) * evidence.step_s
    onset_s = np.clip(onset_s, first_s - _REACH_S, last_s)
    end_s = np.clip(end_s, first_s, last_s + _REACH_S)
    mean_probability = np.bincount(wave, probability, len(runs)) / np.maximum(lengths, 1)
    return WaveTable(lead, kind, onset_s, end_s, onset_error_s, end_error_s, mean_probability)


def _means(
    wave: NDArray[np.int64], n: int, at: NDArray[np.int64], probability: Floats,
    times_s: NDArray[np.float32], errors_s: NDArray[np.float32],
) -> tuple[Floats, Floats]:  # fmt: skip
    """Return the weighted mean time of each wave, and its expected error."""
    error_s = errors_s.reshape(-1)[at].astype(np.float64)
    weight = probability / error_s**2
    total = np.maximum(np.bincount(wave, weight, n), 1e-12)
    mean_s = np.bincount(wave, weight * times_s.reshape(-1)[at], n) / total
    # the steps of a wave err alike, so that their mean errs as they do
    return mean_s, np.bincount(wave, weight * error_s, n) / total


def _runs(kinds: NDArray[np.int64], step_s: float) -> list[tuple[int, int, int]]:
    """Return (first, last + 1, kind) of the waves of one lead."""
    edges = np.flatnonzero(np.diff(kinds)) + 1
    firsts, lasts = np.r_[0, edges], np.r_[edges, len(kinds)]
    runs: list[tuple[int, int, int]] = []
    for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
        kind = int(kinds[first])
        if kind and runs and runs[-1][2] == kind and (first - runs[-1][1]) * step_s <= _BREAK_S:
            runs[-1] = (runs[-1][0], last, kind)
        elif kind:
            runs.append((first, last, kind))
    return [run for run in runs if (run[1] - run[0]) * step_s >= _LEAST_S[run[2]]]
