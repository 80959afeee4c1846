"""Scores of probabilities against labels, and their spread over patients."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def auroc(score: NDArray[np.floating], positive: Flags) -> float:
    """Return the chance that a positive scores above a negative, ties half; NaN where one of them is missing."""
    n, p = len(positive), int(positive.sum())
    if p == 0 or p == n:
        return float("nan")
    ranks = rankdata(score)
    return float((ranks[positive].sum() - p * (p + 1) / 2) / (p * (n - p)))


def auprc(score: NDArray[np.floating], positive: Flags) -> float:
    """Return the average precision; NaN without a positive."""
    if not positive.any():
        return float("nan")
    order = np.argsort(-np.asarray(score), kind="stable")
    hits = positive[order]
    last = np.r_[np.diff(np.asarray(score)[order]) != 0, True]  # equal scores are one step
    true_positives, flagged = np.cumsum(hits)[last], np.arange(1, len(hits) + 1)[last]
    return float((np.diff(np.r_[0, true_positives]) * true_positives / flagged).sum() / positive.sum())


def f_score(flagged: Flags, positive: Flags) -> float:
    """Return the F1 score; NaN where there is nothing to find."""
    if not positive.any():
        return float("nan")
    return float(2 * (flagged & positive).sum() / (flagged.sum() + positive.sum()))


def calibration_error(probability: Floats, positive: Flags, bins: int = 10) -> float:
    """Return the expected calibration error over bins of equal width (Naeini 2015)."""
    # A probability of 1 belongs to the last bin.
    which = np.minimum((probability * bins).astype(int), bins - 1)
    gaps = [
        abs(float(positive[which == k].mean()) - float(probability[which == k].mean())) * float((which == k).mean())
        for k in range(bins)
        if (which == k).any()
    ]
    return float(sum(gaps))


def macro(score: Callable[[Floats, Flags], float], probabilities: Floats, positive: Flags, known: Flags) -> float:
    """Return the mean of a score over the labels (columns) that have one, each over the records where it is known."""
    values = [score(probabilities[known[:, k], k], positive[known[:, k], k]) for k in range(positive.shape[1])]
    # A label without positives in a draw has no score, and stays out of the mean.
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else float("nan")


def resampled(groups: NDArray[np.str_], times: int, rng: Generator) -> list[NDArray[np.intp]]:
    """Draw groups (patients) with replacement; return the records of each draw."""
    _, member = np.unique(groups, return_inverse=True)
    order = np.argsort(member, kind="stable")
    starts = np.searchsorted(member[order], np.arange(member.max() + 2))
    # Patients are drawn, not records: records of one patient are not independent.
    draws = rng.integers(0, member.max() + 1, (times, member.max() + 1))
    return [np.concatenate([order[starts[k] : starts[k + 1]] for k in draw]) for draw in draws]


def interval(values: Floats, share: float = 0.95) -> tuple[float, float]:
    """Return the middle `share` of bootstrap values."""
    low, high = np.nanquantile(values, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)
