"""How far apart four columns of a page start, as the marks between them and their names tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.model import LeadLabel, RowTrace

Floats = NDArray[np.float64]

MANY_MARKS = 60
"""So many upright strokes are no marks between columns."""
SAME_MM = 0.4
"""What lies no farther apart is at the same place."""
NARROWER = 0.03
"""Share by which columns may be narrower or wider than the paper speed says."""
_FEWEST_STEPS, _UNEVEN_NAMES_MM, _ABOUT = 4, 0.8, 0.04


def most_alike(places: Floats, within: float) -> Floats:
    """Return those of `places` (n,) that lie `within` so much of the one around which most do; none of none."""
    if not len(places):
        return places
    close = np.abs(places[:, None] - places[None, :]) < within
    return np.asarray(places[close[int(close.sum(axis=1).argmax())]], np.float64)


def quarter_px(separators: Floats, usual_px: float, px_per_mm: float) -> float:
    """Return how far apart four columns start: as three evenly spaced marks tell, if about as far as is usual."""
    if not 0 < len(separators) <= MANY_MARKS:
        return usual_px
    places = np.sort(separators)
    marks = np.array(
        [each.mean() for each in np.split(places, np.flatnonzero(np.diff(places) > SAME_MM * px_per_mm) + 1)]
    )
    steps = marks[None, :] - marks[:, None]
    for first, second in zip(*np.nonzero(np.abs(steps / usual_px - 1) < NARROWER), strict=True):
        third = marks[np.abs(marks - marks[second] - steps[first, second]) < SAME_MM * px_per_mm]
        if len(third):
            return float(third.mean() - marks[first]) / 2
    return usual_px


def between_names(
    names: Sequence[LeadLabel], rows: Sequence[RowTrace], usual_px: float, px_per_mm: float
) -> float | None:
    """Return how far apart four columns start as their names tell, where enough of them stand about as far as usual."""
    baselines = np.array([row.baseline_px for row in rows])
    lefts: dict[int, list[float]] = {}
    for label in names:
        if label.lead:
            lefts.setdefault(int(np.abs(baselines - label.y_px).argmin()), []).append(label.left_px)
    steps = [np.diff(np.sort(each)) for each in lefts.values()]
    told = np.concatenate([each[np.abs(each / usual_px - 1) < _ABOUT] for each in steps]) if steps else np.zeros(0)
    alike = np.abs(told - np.median(told)) < _UNEVEN_NAMES_MM * px_per_mm if len(told) else np.zeros(0, bool)
    return float(np.median(told[alike])) if alike.sum() >= max(_FEWEST_STEPS, 2 / 3 * len(told)) else None
