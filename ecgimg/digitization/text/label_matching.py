"""Match the lead labels that were read on a page to the slots of a layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from ecgimg.digitization.model import LeadLabel, RowTrace, Scale
from ecgimg.digitization.numerics import row_pitch_px
from ecgimg.digitization.signals.lead_extraction import slot_start_px
from layouts import Layout, Slot

_MAX_AWAY_PITCH = 0.62  # of the distance between rows: a label farther above or below is of another row

# where a label may start, seen from the start of its column
_USUAL_OFFSET_MM = 1.5
_MAX_BEFORE_MM, _MAX_AFTER_MM, _MAX_AFTER_COLUMN = 20.0, 4.0, 0.3  # the last is a share of the column

# what labels add to the score of a layout, each times the confidence of the label where one was read
_ILLEGIBLE_SCORE = 0.2  # there is a label where the layout has one
_MISSING_PENALTY = 0.1  # labels are often hidden or lost, so this says little
_SPARE_PENALTY = 0.5
_SCORE_WEIGHT = 4.0

_MIN_STEPS = 3  # labels of fewer pairs of columns may agree by chance
_ROUNDING_ERROR = 0.03
_STEPS_PER_SECOND = 4  # printed columns last whole quarters of a second


def score_labels(
    layout: Layout, rows: Sequence[RowTrace], labels: Sequence[LeadLabel], start_px: float, scale: Scale
) -> tuple[list[bool], float]:
    """Return in which slots of a layout a label was read that agrees, and the score of all labels, read or not.

    Parameters
    ----------
    layout : Layout
    rows : sequence of RowTrace
        As many as the layout has.
    labels : sequence of LeadLabel
    start_px : float
        Where the first column starts.
    scale : Scale

    Returns
    -------
    (list of bool, float)
        One bool for each of `layout.slots()`; the score is 4 where every label is read and agrees for sure.
    """
    slots = layout.slots()
    pitch_px = _pitch_px(rows, scale.px_per_mm)
    column_px = layout.seconds_per_column * scale.px_per_s
    agrees: list[bool] = []
    score = 0.0
    matched: set[int] = set()
    for slot in slots:
        left_px = slot_start_px(slot, layout, rows[slot.row], start_px, scale)
        free = {index: label for index, label in enumerate(labels) if index not in matched}
        beside = _labels_beside(free, left_px, rows[slot.row].baseline_px, pitch_px, column_px, scale.px_per_mm)
        index, slot_score = _match(slot, labels, beside)
        agrees.append(index is not None and labels[index].lead == slot.printed_name)
        score += slot_score
        if index is not None:
            matched.add(index)
    spare = [label for index, label in enumerate(labels) if index not in matched and label.lead]
    score -= _SPARE_PENALTY * sum(label.confidence for label in spare)
    return agrees, _SCORE_WEIGHT * score / len(slots)


def _labels_beside(
    labels: Mapping[int, LeadLabel],
    left_px: float,
    baseline_px: float,
    pitch_px: float,
    column_px: float,
    px_per_mm: float,
) -> list[tuple[float, int]]:
    """Return the labels that may be of a column of a row: how far off the usual place each starts, and its index."""
    max_after_px = _MAX_AFTER_COLUMN * column_px + _MAX_AFTER_MM * px_per_mm
    return [
        (abs(label.left_px - left_px - _USUAL_OFFSET_MM * px_per_mm), index)
        for index, label in labels.items()
        if -_MAX_BEFORE_MM * px_per_mm < label.left_px - left_px < max_after_px
        and abs(label.y_px - baseline_px) < _MAX_AWAY_PITCH * pitch_px
    ]


def _match(slot: Slot, labels: Sequence[LeadLabel], beside: Sequence[tuple[float, int]]) -> tuple[int | None, float]:
    """Return the index of the nearest label that agrees with a slot, else of the nearest, else None; and its score."""
    agreeing = [(off, index) for off, index in beside if labels[index].lead == slot.printed_name]
    if agreeing:
        _, index = min(agreeing)
        return index, labels[index].confidence
    if beside:
        _, index = min(beside)
        return index, -labels[index].confidence if labels[index].lead else _ILLEGIBLE_SCORE
    return None, -_MISSING_PENALTY


def column_seconds_by_labels(
    layout: Layout, rows: Sequence[RowTrace], labels: Sequence[LeadLabel], scale: Scale
) -> float | None:
    """Return how long the columns of a layout last by the distance between labels of a row, in s.

    The result is a whole number of quarters of a second. It is None where fewer than three pairs of labels tell it, or
    where they tell no such number.
    """
    steps_px = [
        (right - left) / (last - first)
        for starts in _label_starts(layout, rows, labels, scale.px_per_mm).values()
        for (first, left), (last, right) in pairwise(sorted(starts))
        if last > first
    ]
    if len(steps_px) < _MIN_STEPS:
        return None
    seconds = float(np.median(steps_px)) / scale.px_per_s
    rounded = round(_STEPS_PER_SECOND * seconds) / _STEPS_PER_SECOND
    return rounded if rounded and abs(rounded / seconds - 1) < _ROUNDING_ERROR else None


def _label_starts(
    layout: Layout, rows: Sequence[RowTrace], labels: Sequence[LeadLabel], px_per_mm: float
) -> dict[int, list[tuple[int, float]]]:
    """Return column and left edge (px) of the labels that stand in the row where the layout has them, by row."""
    max_away_px = _MAX_AWAY_PITCH * _pitch_px(rows, px_per_mm)
    columns = {(slot.row, slot.printed_name): slot.column for slot in layout.slots() if slot.column is not None}
    starts: dict[int, list[tuple[int, float]]] = {}
    for label in labels:
        row = int(np.argmin([abs(label.y_px - row.baseline_px) for row in rows]))
        if (row, label.lead) in columns and abs(label.y_px - rows[row].baseline_px) < max_away_px:
            starts.setdefault(row, []).append((columns[row, label.lead], label.left_px))
    return starts


def count_labels_beside_rows(rows: Sequence[RowTrace], labels: Sequence[LeadLabel], px_per_mm: float) -> int:
    """Return how many legible labels stand among the rows, not in the header or the footer of the page."""
    beyond_px = _MAX_AWAY_PITCH * _pitch_px(rows, px_per_mm)
    top, bottom = rows[0].baseline_px - beyond_px, rows[-1].baseline_px + beyond_px
    return sum(top < label.y_px < bottom for label in labels if label.lead)


def _pitch_px(rows: Sequence[RowTrace], px_per_mm: float) -> float:
    return row_pitch_px(np.array([row.baseline_px for row in rows]), px_per_mm)
