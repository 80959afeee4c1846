"""Where each lead was read in the picture, and how well its trace was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecgimg.digitization.model import ImageGeometry, Interpretation, RowTrace, Scale
from ecgimg.digitization.numerics import Floats
from ecgimg.digitization.result import LeadReading
from ecgimg.digitization.signals.lead_extraction import slot_start_px
from layouts import Slot

_HALF_BOX_MM = 8.0  # of the box drawn around a lead, above and below its baseline
_GAP_MM = 0.25  # points farther apart than this along x have a gap between them


@dataclass(frozen=True)
class TraceQuality:
    """How well the trace of a lead was read: the mean error to be expected, and the share of its cell covered, 0-1."""

    error_uv: float
    covered: float


def locate_leads(
    geometry: ImageGeometry, rows: Sequence[RowTrace], interpretation: Interpretation, scale: Scale
) -> tuple[tuple[LeadReading, ...], dict[str, TraceQuality]]:
    """Return the cells and strips of a page in the picture, and of each lead the quality of its best covered one."""
    qualities: dict[str, TraceQuality] = {}
    readings = []
    for slot in interpretation.layout.slots():
        reading, quality = _reading(geometry, slot, rows[slot.row], interpretation, scale)
        readings.append(reading)
        if slot.lead not in qualities or quality.covered > qualities[slot.lead].covered:
            qualities[slot.lead] = quality
    return tuple(readings), qualities


def _reading(
    geometry: ImageGeometry, slot: Slot, row: RowTrace, interpretation: Interpretation, scale: Scale
) -> tuple[LeadReading, TraceQuality]:
    left = slot_start_px(slot, interpretation.layout, row, interpretation.start_px, scale)
    right = left + slot.seconds * scale.px_per_s
    x = row.points_px[:, 0]
    inside = (x >= left) & (x < right)
    points = row.points_px[inside]
    corners = _box(left, right, row.baseline_px, _HALF_BOX_MM * scale.px_per_mm)
    error_uv = 1000 * float(row.error_px[inside].mean()) / scale.px_per_mv(slot.lead) if inside.any() else 0.0
    covered = _covered(x[inside], scale) / max(right - left, 1e-6)
    reading = LeadReading(
        slot.lead, slot.sign, slot.row, slot.column, slot.start_s, slot.end_s,
        geometry.to_image(points) if len(points) else np.zeros((0, 2)), geometry.to_image(corners),
    )  # fmt: skip
    return reading, TraceQuality(error_uv, min(covered, 1.0))


def _covered(x: Floats, scale: Scale) -> float:
    """Return the length along x that points without a gap between them cover."""
    steps = np.diff(np.sort(x))
    return float(steps[steps < _GAP_MM * scale.px_per_mm].sum())


def _box(left: float, right: float, middle: float, half_height: float) -> Floats:
    """Return the corners (4, 2) of a box, clockwise from the top left."""
    top, bottom = middle - half_height, middle + half_height
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
