"""Trace a page again whose names tell of other rows than were found: pale ones get lost, wandering ones break."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.model import FlatPage, LeadLabel, RowTrace
from ecgimg.digitization.tracing.trace_rows import trace_rows

Floats = NDArray[np.float64]

_SURE, _FEWEST, _UNEVEN, _NEAR, _MOST = 0.7, 3, 0.25, 0.35, 2 / 3
_ALIGNED_MM, _SAME_ROW_MM = 6.0, 3.0


def trace_as_named(page: FlatPage, rows: tuple[RowTrace, ...], labels: Sequence[LeadLabel]) -> tuple[RowTrace, ...]:
    """Return rows, traced again where the names at their starts tell that some are missing or one was taken for two."""
    found = np.array([row.baseline_px for row in rows])
    told = baselines_as_named(found, labels, page.px_per_mm)
    if told is None:
        return rows
    again = trace_rows(page, told)
    return again if len(again) == len(told) else rows


def baselines_as_named(found_px: Floats, labels: Sequence[LeadLabel], px_per_mm: float) -> Floats | None:
    """Return where rows lie, as names below each other at even distances tell, or None if they tell nothing new.

    Rows of strips may have no name, so those that were found far from any stay.
    """
    surely = [label for label in labels if label.confidence > _SURE]
    for among in ([label for label in surely if label.lead], surely):  # some may not have been legible
        names = _first_names(among, px_per_mm)
        if len(names) < _FEWEST or not len(found_px):
            continue
        pitch = float(np.median(np.diff(names)))
        names = _with_those_between(names, pitch)
        if np.abs(np.diff(names) - pitch).max() < _UNEVEN * pitch:
            return _told(found_px, names, pitch)
    return None


def _with_those_between(names: Floats, pitch: float) -> Floats:
    """Return the heights of names, and of a few among many that were not found: there two are some pitches apart."""
    spaces = np.diff(names) / pitch
    counts = np.rint(spaces)
    if counts.min() < 1 or np.abs(spaces - counts).max() > _UNEVEN or len(names) < _MOST * (1 + counts.sum()):
        return names
    order = np.concatenate([[0.0], np.cumsum(counts)])
    return np.interp(np.arange(order[-1] + 1), order, names)


def _told(found_px: Floats, names: Floats, pitch: float) -> Floats | None:
    """Return the rows found, but for names that have none or several: these have one where the others' rows tell."""
    away = found_px[:, None] - names

    def near(offset: float) -> NDArray[np.bool_]:
        return np.asarray(np.abs(away - offset) < _NEAR * pitch)

    offsets = sorted(away[np.abs(away) < pitch].tolist(), key=abs)
    if not offsets:
        return None
    offset = max(offsets, key=lambda each: int((near(each).sum(axis=0) == 1).sum()))
    own = near(offset)
    shared = own.sum(axis=0) > 1
    is_missing = np.abs(away - offset).min(axis=0) > pitch / 2
    if not shared.any() and not is_missing.any():
        return None
    kept = found_px[~own[:, shared].any(axis=1)]
    return np.sort(np.append(kept, names[shared | is_missing] + offset))


def _first_names(labels: Sequence[LeadLabel], px_per_mm: float) -> Floats:
    """Return the heights, from the top, of the names that stand below each other farthest to the left."""
    reach = _ALIGNED_MM * px_per_mm
    columns = [[label for label in labels if abs(label.left_px - each.left_px) < reach] for each in labels]
    full = [column for column in columns if len(column) >= _FEWEST]
    first = min(full, key=lambda column: min(label.left_px for label in column), default=[])
    heights = np.sort([label.y_px for label in first])
    parts = np.split(heights, np.flatnonzero(np.diff(heights) > _SAME_ROW_MM * px_per_mm) + 1)
    return np.array([part.mean() for part in parts if len(part)])
