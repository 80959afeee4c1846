"""Judge a page: confidence of each lead, warnings in words, and whether it may be used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitize.consistency import consistency_db
from ecgimg.digitize.place import FS_HZ, Placement, Scale, slot_signal
from ecgimg.digitize.result import Digitization, LeadReading, Status
from ecgimg.digitize.trace import RowTrace
from ecgimg.record import KNOWN_LEADS, STANDARD_LEADS, EcgRecord
from layouts import Slot

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ground:
    """Where the rows were measured, for drawing: the map to the original picture, its scale, and the ruling's lines.

    `to_image` maps (…, 2) of the rows' coordinates to pixels of the picture; `px_per_mm` is the picture's.
    """

    to_image: Callable[[Floats], Floats]
    px_per_mm: float
    grid_px: tuple[Floats, ...]
    quarters: int


def judge(
    ground: Ground,
    rows: Sequence[RowTrace],
    placement: Placement | None,
    scale: Scale,
    sources: Mapping[str, str],
    timings_s: Mapping[str, float],
) -> Digitization:
    """Cut the rows into leads, make the record, and say how far it can be trusted."""
    known: dict[str, Any] = {
        "px_per_mm": ground.px_per_mm, "rotation_deg": 90 * ground.quarters, "timings_s": timings_s, "sources": sources,
    }  # fmt: skip
    if placement is None:
        reason = f"no known layout has {len(rows)} rows of traces; name the layout, or add it as a file"
        return Digitization("refused", reason, **known)
    layout = placement.layout
    n = round(layout.duration_s * FS_HZ)
    leads = tuple(name for name in KNOWN_LEADS if name in STANDARD_LEADS or name in layout.record_leads)
    signals = np.full((len(leads), n), np.nan)
    trust: dict[str, float] = {}
    readings, cells = [], []
    for slot in layout.slots():
        row = rows[slot.row]
        values = slot_signal(slot, layout, row, placement.start_px, scale, scale.zero_px[slot.row])
        first = round(slot.start_s * FS_HZ)
        cells.append((slot, values))
        index = leads.index(slot.lead)
        part = signals[index, first : first + len(values)]
        seen = np.isfinite(values[: len(part)])
        part[seen] = values[: len(part)][seen]
        reading, certainty = _reading(ground, slot, row, placement, scale)
        readings.append(reading)
        trust[slot.lead] = max(trust.get(slot.lead, 0.0), certainty)
    record = EcgRecord(signals.astype(np.float32), FS_HZ, leads)
    warnings, status, reason = _verdict(placement, sources)
    return Digitization(
        status=status,
        reason=reason,
        record=record,
        layout=layout.name,
        layout_confidence=float(1 / (1 + np.exp(-3 * placement.margin))),
        speed_mm_s=scale.speed_mm_s,
        gain_mm_mv=scale.gain_mm_mv,
        lead_confidence=trust,
        lead_seconds={lead: float(np.isfinite(record.lead(lead)).sum() / FS_HZ) for lead in layout.record_leads},
        warnings=warnings,
        readings=tuple(readings),
        grid_px=ground.grid_px,
        consistency_db=consistency_db(cells, FS_HZ),
        **known,
    )


def _verdict(placement: Placement, sources: Mapping[str, str]) -> tuple[tuple[str, ...], Status, str]:
    warnings = []
    if sources["gain"] == "assumed":
        warnings.append("no calibration pulse was found: 10 mm/mV is assumed")
    if placement.physics_db is not None and placement.physics_db < 6:
        warnings.append(f"simultaneous limb leads disagree ({placement.physics_db:.0f} dB): lead names may be wrong")
    if placement.margin < 0.15:
        warnings.append("another layout explains the page nearly as well")
    severe = [text for text in warnings if "assumed" not in text]
    return tuple(warnings), "limited" if severe else "ok", severe[0] if severe else ""


def _reading(
    ground: Ground, slot: Slot, row: RowTrace, placement: Placement, scale: Scale
) -> tuple[LeadReading, float]:
    column_px = placement.layout.seconds_per_column * scale.speed_mm_s * scale.px_per_mm
    left = placement.start_px + (slot.column or 0) * column_px
    right = left + slot.seconds * scale.speed_mm_s * scale.px_per_mm
    x = row.points_px[:, 0]
    inside = (x >= left) & (x < right)
    points = row.points_px[inside]
    half = 8 * scale.px_per_mm
    corners = np.array(
        [
            (left, row.baseline_px - half),
            (right, row.baseline_px - half),
            (right, row.baseline_px + half),
            (left, row.baseline_px + half),
        ]
    )
    certainty = float(row.certainty[inside].mean()) if inside.any() else 0.0
    covered = _covered(x[inside], scale) / max(right - left, 1e-6)
    reading = LeadReading(
        slot.lead, slot.sign, slot.row, slot.column, slot.start_s, slot.end_s,
        ground.to_image(points) if len(points) else np.zeros((0, 2)), ground.to_image(corners),
    )  # fmt: skip
    return reading, float(np.clip(certainty * min(covered, 1.0), 0, 1))


def _covered(x: Floats, scale: Scale) -> float:
    """Length along x that points closer than a quarter millimetre to each other cover."""
    steps = np.diff(np.sort(x))
    return float(steps[steps < 0.25 * scale.px_per_mm].sum())
