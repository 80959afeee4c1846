"""Lead names that were read on a page, and how well they fit a layout."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ecgimg.digitization.model import LeadLabel, RowTrace, Scale
from ecgimg.digitization.signals.lead_extraction import slot_start_px
from layouts import Layout

_BESIDE_ROW = 0.62  # of the rows' pitch
_FEWEST_STEPS, _OFF = 3, 0.03


def score_names(
    layout: Layout, rows: Sequence[RowTrace], labels: Sequence[LeadLabel], start_px: float, scale: Scale
) -> tuple[list[bool], float]:
    """Return in which slots a name was read that agrees, and the score of all names, read and unread."""
    slots = layout.slots()
    pitch = _pitch(rows, scale.px_per_mm)
    column_px = layout.seconds_per_column * scale.px_per_s
    agreed = []
    score = 0.0
    taken: set[int] = set()
    for slot in slots:
        left = slot_start_px(slot, layout, rows[slot.row], start_px, scale)
        near = [
            (abs(label.left_px - left - 1.5 * scale.px_per_mm), index)
            for index, label in enumerate(labels)
            if -20 * scale.px_per_mm < label.left_px - left < 0.3 * column_px + 4 * scale.px_per_mm
            and abs(label.y_px - rows[slot.row].baseline_px) < _BESIDE_ROW * pitch
            and index not in taken
        ]
        exact = [(d, index) for d, index in near if labels[index].lead == slot.printed_name]
        agreed.append(bool(exact))
        if exact:
            _, index = min(exact)
            taken.add(index)
            score += labels[index].confidence
        elif near:
            _, index = min(near)
            taken.add(index)
            score += 0.2 if not labels[index].lead else -labels[index].confidence
        else:
            score -= 0.1
    spare = [label for index, label in enumerate(labels) if index not in taken and label.lead]
    score -= 0.5 * sum(label.confidence for label in spare)
    return agreed, 4 * score / len(slots)


def seconds_between_names(
    layout: Layout, rows: Sequence[RowTrace], labels: Sequence[LeadLabel], scale: Scale
) -> float | None:
    """Return how long the columns of a layout are, in quarters of a second, as names in one row tell, or None."""
    reach_px = _BESIDE_ROW * _pitch(rows, scale.px_per_mm)
    columns = {(slot.row, slot.printed_name): slot.column for slot in layout.slots() if slot.column is not None}
    seen: dict[int, list[tuple[int, float]]] = {}
    for label in labels:
        row = int(np.argmin([abs(label.y_px - row.baseline_px) for row in rows]))
        if (row, label.lead) in columns and abs(label.y_px - rows[row].baseline_px) < reach_px:
            seen.setdefault(row, []).append((columns[row, label.lead], label.left_px))
    steps = [
        (right - left) / (last - first)
        for names in seen.values()
        for (first, left), (last, right) in pairwise(sorted(names))
        if last > first
    ]
    if len(steps) < _FEWEST_STEPS:
        return None
    seconds = float(np.median(steps)) / scale.px_per_s
    rounded = round(4 * seconds) / 4
    return rounded if rounded and abs(rounded / seconds - 1) < _OFF else None


def names_among(rows: Sequence[RowTrace], labels: Sequence[LeadLabel], px_per_mm: float) -> int:
    """Return how many names were read among the rows, not in the head or the foot of the page."""
    beyond = _BESIDE_ROW * _pitch(rows, px_per_mm)
    top, bottom = rows[0].baseline_px - beyond, rows[-1].baseline_px + beyond
    return sum(top < label.y_px < bottom for label in labels if label.lead)


def _pitch(rows: Sequence[RowTrace], px_per_mm: float) -> float:
    heights = [row.baseline_px for row in rows]
    return float(np.median(np.diff(heights))) if len(heights) > 1 else 40 * px_per_mm
