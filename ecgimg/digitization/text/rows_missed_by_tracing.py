"""Trace a page again where its lead labels announce other rows than were found: pale rows get lost, others break."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecgimg.digitization.model import FlatPage, LeadLabel, RowTrace
from ecgimg.digitization.numerics import Floats, Mask
from ecgimg.digitization.tracing.trace_rows import trace_rows

_MIN_CONFIDENCE = 0.7
_MIN_LABELS = 3  # two make one distance, which nothing confirms
_MAX_UNEVENNESS = 0.25  # of the distance between labels; others are no column of labels
_MAX_ROW_OFFSET = 0.35  # of that distance: how far a row may stand from where its label announces it
_MIN_LABELLED = 2 / 3  # of the rows; between fewer labels no row is assumed
_ALIGNED_MM = 6.0  # labels of the first column start this near each other
_SAME_ROW_MM = 3.0  # labels nearer to each other are two parts of one


def retrace_rows_by_labels(
    page: FlatPage, rows: tuple[RowTrace, ...], labels: Sequence[LeadLabel]
) -> tuple[RowTrace, ...]:
    """Return the rows, traced again where the labels at their starts announce others.

    The rows stay as they are where not every announced row can be traced.
    """
    baselines_px = baselines_by_labels(np.array([row.baseline_px for row in rows]), labels, page.px_per_mm)
    if baselines_px is None:
        return rows
    retraced = trace_rows(page, baselines_px)
    return retraced if len(retraced) == len(baselines_px) else rows


def baselines_by_labels(found_px: Floats, labels: Sequence[LeadLabel], px_per_mm: float) -> Floats | None:
    """Return where rows lie by labels that stand below each other at even distances, None if that is nothing new.

    Rhythm strips may have no label, so rows that were found far from any label stay.

    Parameters
    ----------
    found_px : (rows,) float64
        Heights at which rows were found.
    labels : sequence of LeadLabel
    px_per_mm : float

    Returns
    -------
    (n,) float64 or None
        Heights from the top, px.
    """
    sure = [label for label in labels if label.confidence > _MIN_CONFIDENCE]
    for candidates in ([label for label in sure if label.lead], sure):  # some may not have been legible
        heights = _first_column_heights(candidates, px_per_mm)
        if len(heights) < _MIN_LABELS or not len(found_px):
            continue
        pitch = float(np.median(np.diff(heights)))
        heights = _with_missing_labels(heights, pitch)
        if np.abs(np.diff(heights) - pitch).max() < _MAX_UNEVENNESS * pitch:
            return _corrected_baselines(found_px, heights, pitch)
    return None


def _with_missing_labels(heights: Floats, pitch: float) -> Floats:
    """Return the heights of labels, and of the few that are missing where two stand several pitches apart."""
    spaces = np.diff(heights) / pitch
    counts = np.rint(spaces)
    is_uneven = counts.min() < 1 or np.abs(spaces - counts).max() > _MAX_UNEVENNESS
    if is_uneven or len(heights) < _MIN_LABELLED * (1 + counts.sum()):
        return heights
    order = np.concatenate([[0.0], np.cumsum(counts)])
    return np.interp(np.arange(order[-1] + 1), order, heights)


def _corrected_baselines(found_px: Floats, heights: Floats, pitch: float) -> Floats | None:
    """Return the rows found, but one for each label that has none or several; None if every label has one.

    The new row stands from its label as far as most rows do from theirs.
    """
    away = found_px[:, None] - heights
    offset = _usual_offset(away, pitch)
    if offset is None:
        return None
    is_near = _is_near(away, offset, pitch)
    is_shared = is_near.sum(axis=0) > 1
    is_missing = np.abs(away - offset).min(axis=0) > pitch / 2
    if not is_shared.any() and not is_missing.any():
        return None
    kept = found_px[~is_near[:, is_shared].any(axis=1)]
    return np.sort(np.append(kept, heights[is_shared | is_missing] + offset))


def _usual_offset(away: Floats, pitch: float) -> float | None:
    """Return the offset, of those in `away` (rows, labels), at which most labels have one row, None if all are far."""
    offsets = sorted(away[np.abs(away) < pitch].tolist(), key=abs)
    return max(offsets, key=lambda offset: int((_is_near(away, offset, pitch).sum(axis=0) == 1).sum()), default=None)


def _is_near(away: Floats, offset: float, pitch: float) -> Mask:
    """Return which rows are at an offset of which labels, (rows, labels)."""
    return np.asarray(np.abs(away - offset) < _MAX_ROW_OFFSET * pitch)


def _first_column_heights(labels: Sequence[LeadLabel], px_per_mm: float) -> Floats:
    """Return the heights, from the top, of the labels that stand below each other farthest to the left."""
    reach_px = _ALIGNED_MM * px_per_mm
    columns = [[label for label in labels if abs(label.left_px - first.left_px) < reach_px] for first in labels]
    full = [column for column in columns if len(column) >= _MIN_LABELS]
    leftmost = min(full, key=lambda column: min(label.left_px for label in column), default=[])
    heights = np.sort([label.y_px for label in leftmost])
    parts = np.split(heights, np.flatnonzero(np.diff(heights) > _SAME_ROW_MM * px_per_mm) + 1)
    return np.array([part.mean() for part in parts if len(part)])
