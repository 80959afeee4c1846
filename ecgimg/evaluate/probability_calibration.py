"""Turn out-of-fold logits into calibrated probabilities and operating points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from ecgimg.classification.labelled_records import LabelledRecords
from ecgimg.classification.labels import LABELS
from ecgimg.classification.trained_classifier import OPERATING_POINTS, LabelCard
from ecgimg.evaluate import classifier_metrics as metrics

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Fewer positives are too few to choose a threshold by.
_MIN_POSITIVES = 8
# Penalties of log slope and offset, in units of one record's cross-entropy: with few positives they hold slope to 1.
_SLOPE_PENALTY, _OFFSET_PENALTY = 2.0, 0.02
_SLOPE_LIMITS = (0.2, 4.0)
# Share of findings that are right, and the least probability of a single one: of a common label, the share is reached
# by findings that are nearly all wrong in themselves. From 0.5 on, 9 % of 786 normal records are told anything likely
# that nobody stated, statements included, and abnormal records are told 2.2 (PTB-XL, 12x1 and 3x4+II); from 0.4 on,
# 12 % and 2.5.
_PRECISIONS = {"likely": (0.5, 0.5), "possible": (0.2, 0.1)}
_LEAST_FOUND = 5  # right findings above a threshold


def calibrate(data: LabelledRecords, logits: Mapping[str, NDArray[np.floating[Any]]]) -> dict[str, LabelCard]:
    """Return the card of each label from out-of-fold logits, all layouts together."""
    stacked = np.stack(list(logits.values())).astype(np.float64)  # (layouts, records, labels)
    predicted = np.isfinite(stacked).all(axis=(0, 2))  # records of folds that were not held out have no logits
    return {
        label: calibrate_label(stacked[:, predicted, k], data.targets[predicted, k], data.known[predicted, k])
        for k, label in enumerate(LABELS)
    }


def calibrate_label(logits: Floats, positive: Flags, known: Flags) -> LabelCard:
    """Fit slope, offset and thresholds of one label.

    Parameters
    ----------
    logits : (layouts, records)
        Of records that the network did not see in training, as each layout shows them.
    positive, known : (records,)

    Returns
    -------
    LabelCard
        Platt's scaling (Platt 1999), its slope held to 1 the more, the fewer positives there are; without thresholds
        where there are fewer than eight.
    """
    scores, target = logits[:, known].ravel(), np.tile(positive[known], len(logits))
    positives = int(positive[known].sum())
    slope, offset = fit_platt_scaling(scores, target, positives)
    probability = np.asarray(expit(slope * scores + offset))
    enough = positives >= _MIN_POSITIVES
    return LabelCard(
        slope=slope,
        offset=offset,
        thresholds=operating_points(probability, target) if enough else None,
        positives=positives,
        auroc=metrics.auroc(scores, target) if enough else None,
    )


def fit_platt_scaling(logits: Floats, positive: Flags, positives: int) -> tuple[float, float]:
    """Return (slope, offset) that make ``sigmoid(slope · logit + offset)`` a probability."""
    layouts = positive.sum() / max(positives, 1)  # every record stands in each layout, and counts once

    def loss(values: Floats) -> float:
        scaled = values[0] * logits + values[1]
        entropy = (np.logaddexp(0, scaled) - positive * scaled).sum() / max(layouts, 1)
        return float(entropy + _SLOPE_PENALTY * np.log(values[0]) ** 2 + _OFFSET_PENALTY * values[1] ** 2)

    fitted = minimize(loss, np.array([1.0, 0.0]), bounds=[_SLOPE_LIMITS, (-8.0, 8.0)], method="L-BFGS-B")
    return float(fitted.x[0]), float(fitted.x[1])


def operating_points(probability: Floats, positive: Flags) -> dict[str, float | None]:
    """Return the thresholds of `OPERATING_POINTS`; None for a share of right findings that no threshold reaches."""
    # Quantiles instead of every value: two thousand thresholds are as fine as the records can tell apart.
    cuts = np.unique(np.quantile(probability, np.linspace(0, 1, 2001)))
    ordered = [np.sort(probability[flags]) for flags in (positive, ~positive)]
    reaching, below = (np.searchsorted(values, cuts) / len(values) for values in ordered)
    sensitivity, specificity = 1 - reaching, below
    least = np.flatnonzero(sensitivity >= 0.9)
    most = np.flatnonzero(specificity >= 0.9)
    thresholds = {
        "youden": cuts[int(np.argmax(sensitivity + specificity))],
        "sens90": cuts[least[-1]] if len(least) else cuts[0],
        "spec90": cuts[most[0]] if len(most) else cuts[-1],
    }
    points: dict[str, float | None] = {name: float(cut) for name, cut in thresholds.items()}
    for name, (share, floor) in _PRECISIONS.items():
        points[name] = _precision_point(probability, positive, share, floor)
    return {name: points[name] for name in OPERATING_POINTS}


def _precision_point(probability: Floats, positive: Flags, share: float, floor: float) -> float | None:
    """Return the lowest probability, `floor` at least, from which on a share of the findings is right."""
    order = np.argsort(probability)[::-1]
    right = np.cumsum(positive[order]) / np.arange(1, len(order) + 1)
    found = np.flatnonzero((right >= share) & (np.cumsum(positive[order]) >= _LEAST_FOUND))
    return max(float(probability[order[found[-1]]]), floor) if len(found) else None
