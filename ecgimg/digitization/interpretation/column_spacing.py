"""The distance between the starts of four columns, by the separators between them and by their lead labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecgimg.digitization.model import LeadLabel, RowTrace
from ecgimg.digitization.numerics import Floats

MAX_SEPARATORS = 60
"""More upright strokes than this are no separators."""
SAME_PLACE_MM = 0.4
"""Separators, or ends of rows, that are nearer to each other are at the same place."""
MAX_SPEED_ERROR = 0.03
"""Share by which columns may be narrower or wider than the paper speed says."""
_MAX_LABEL_ERROR = 0.04  # the same of the distance between labels, which are printed less exactly
_MIN_LABEL_STEPS, _MAX_LABEL_SPREAD_MM = 4, 0.8  # distances between labels that must agree, and to what


def spacing_by_separators(separators_px: Floats, usual_px: float, px_per_mm: float) -> float:
    """Return the distance between column starts by three evenly spaced separators, else the usual one.

    Parameters
    ----------
    separators_px : (n,) float64
        Where separators stand along x, once for each row in which one stands.
    usual_px : float
        The distance that the paper speed says; the separators' must be about that.
    px_per_mm : float
        Of the flat page.
    """
    if not 0 < len(separators_px) <= MAX_SEPARATORS:
        return usual_px
    places_px = _distinct_places(separators_px, SAME_PLACE_MM * px_per_mm)
    steps_px = places_px[None, :] - places_px[:, None]
    for first, second in zip(*np.nonzero(np.abs(steps_px / usual_px - 1) < MAX_SPEED_ERROR), strict=True):
        off_px = np.abs(places_px - places_px[second] - steps_px[first, second])
        third = places_px[off_px < SAME_PLACE_MM * px_per_mm]
        if len(third):
            return float(third.mean() - places_px[first]) / 2
    return usual_px


def _distinct_places(values_px: Floats, same_px: float) -> Floats:
    """Return the means of the clusters of values (n,), which gaps of more than `same_px` divide, from left to right."""
    sorted_px = np.sort(values_px)
    new_place = np.flatnonzero(np.diff(sorted_px) > same_px) + 1
    return np.array([cluster.mean() for cluster in np.split(sorted_px, new_place)])


def spacing_by_labels(
    labels: Sequence[LeadLabel], rows: Sequence[RowTrace], usual_px: float, px_per_mm: float
) -> float | None:
    """Return the distance between column starts by the lead labels of each row.

    Parameters
    ----------
    labels : sequence of LeadLabel
    rows : sequence of RowTrace
    usual_px : float
        The distance that the paper speed says; only labels that are about as far apart count.
    px_per_mm : float
        Of the flat page.

    Returns
    -------
    float or None
        None where too few labels agree.
    """
    baselines_px = np.array([row.baseline_px for row in rows])
    lefts_px: dict[int, list[float]] = {}
    for label in labels:
        if label.lead:
            lefts_px.setdefault(int(np.abs(baselines_px - label.y_px).argmin()), []).append(label.left_px)
    if not lefts_px:
        return None
    steps_px = np.concatenate([np.diff(np.sort(row_lefts_px)) for row_lefts_px in lefts_px.values()])
    steps_px = steps_px[np.abs(steps_px / usual_px - 1) < _MAX_LABEL_ERROR]
    if not len(steps_px):
        return None
    agreeing_px = steps_px[np.abs(steps_px - np.median(steps_px)) < _MAX_LABEL_SPREAD_MM * px_per_mm]
    return float(np.median(agreeing_px)) if len(agreeing_px) >= max(_MIN_LABEL_STEPS, 2 / 3 * len(steps_px)) else None
