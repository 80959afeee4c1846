"""Judge a page: confidence of each lead, warnings in words, and whether it may be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.model import ImageGeometry, Interpretation, ResolvedScale, RowTrace, Scale
from ecgimg.digitization.quality.confidence import PageEvidence, lead_confidence
from ecgimg.digitization.result import Digitization, LeadReading, Status
from ecgimg.digitization.signals.consistency import consistency_db
from ecgimg.digitization.signals.lead_extraction import FS_HZ, slot_error_mv, slot_signal_mv, slot_start_px
from ecgimg.digitization.signals.reconcile import SlotReading, reconcile
from ecgimg.record import KNOWN_LEADS, STANDARD_LEADS, EcgRecord
from layouts import Slot

Floats = NDArray[np.float64]

_DISAGREE_DB = 4.0
_LEAST_READ = 0.5
_STRIP_DB, _CLEAR_STRIP_DB = 0.0, 12.0
_MOST = 0.6
_HALF_NAMED, _BACKED_DB, _SURE_DB = 0.5, 6.0, 10.0
_CLOSE_MARGIN, _SURE_MARGIN = 0.3, 1.3
_LEAST_S = 2.4
_HARDLY_ANY, _NO_SENSE_DB = 0.1, 2.0


def judge(
    ground: ImageGeometry,
    rows: Sequence[RowTrace],
    placement: Interpretation | None,
    settled: ResolvedScale,
    timings_s: Mapping[str, float],
) -> Digitization:
    """Cut the rows into leads, reconcile them, make the record, and say how far it can be trusted."""
    scale, sources = settled.scale, settled.sources
    known: dict[str, Any] = {
        "px_per_mm": ground.px_per_mm, "rotation_deg": ground.rotation_deg(rows), "timings_s": timings_s,
        "sources": sources,
    }  # fmt: skip
    if placement is None:
        reason = f"no known layout has {len(rows)} rows of traces; name the layout, or add it as a file"
        return Digitization("refused", reason, **known)
    layout = placement.layout
    leads = tuple(name for name in KNOWN_LEADS if name in STANDARD_LEADS or name in layout.record_leads)
    cells = [_cell(slot, rows[slot.row], placement, scale) for slot in layout.slots()]
    readings, trust = _readings(ground, rows, placement, scale)
    agreement = consistency_db(
        [(cell.slot, cell.signal_mv) for cell in cells], FS_HZ
    )  # of what was read, as it was read
    signals = reconcile(cells)
    record = _record(cells, signals, leads, round(layout.duration_s * FS_HZ))
    moved = _moved(cells, signals)
    layout_confidence = float(1 / (1 + np.exp(-3 * placement.margin)))
    evidence = PageEvidence(layout_confidence, agreement, sources["gain"] != "assumed", sources["px_per_mm"] == "grid")
    hardly = [cell.slot.lead for cell in cells if np.isfinite(cell.signal_mv).mean() < _LEAST_READ]
    unread = tuple(dict.fromkeys(hardly))
    warnings, status, reason = _verdict(placement, settled, agreement, unread)
    if status == "refused":
        return Digitization("refused", reason, **known)
    return Digitization(
        status=status,
        reason=reason,
        record=record,
        layout=layout.name,
        layout_confidence=layout_confidence,
        speed_mm_s=scale.speed_mm_s,
        gain_mm_mv=scale.gain_mm_mv,
        chest_gain_mm_mv=scale.chest_gain_mm_mv,
        lead_confidence={
            lead: lead_confidence(error, seen, _size_uv(record.lead(lead)), evidence)
            for lead, (error, seen) in trust.items()
        },
        lead_error_uv={lead: error for lead, (error, _) in trust.items()},
        names_read=placement.labels_read,
        lead_seconds={lead: float(np.isfinite(record.lead(lead)).sum() / FS_HZ) for lead in layout.record_leads},
        unread=unread,
        warnings=warnings,
        readings=readings,
        grid_px=ground.grid_px,
        consistency_db=agreement,
        reconciled=tuple(lead for lead in leads if lead in moved),
        **known,
    )


def _cell(slot: Slot, row: RowTrace, placement: Interpretation, scale: Scale) -> SlotReading:
    where = slot, placement.layout, row, placement.start_px, scale
    return SlotReading(slot, slot_signal_mv(*where, scale.zero_px[slot.row]), slot_error_mv(*where))


def _moved(cells: Sequence[SlotReading], signals: Sequence[Floats]) -> set[str]:
    """Return the leads whose signals are no longer those of their cells."""
    return {
        cell.slot.lead
        for cell, signal in zip(cells, signals, strict=True)
        if not np.array_equal(cell.signal_mv, signal, equal_nan=True)
    }


def _record(cells: Sequence[SlotReading], signals: Sequence[Floats], leads: tuple[str, ...], n: int) -> EcgRecord:
    """Put the cells' signals where they belong in a record of n samples."""
    values = np.full((len(leads), n), np.nan)
    for cell, signal in zip(cells, signals, strict=True):
        part = values[leads.index(cell.slot.lead), cell.first_sample : cell.first_sample + len(signal)]
        seen = np.isfinite(signal[: len(part)])
        part[seen] = signal[: len(part)][seen]
    return EcgRecord(values.astype(np.float32), FS_HZ, leads)


def _size_uv(signal: NDArray[np.float32]) -> float:
    known = signal[np.isfinite(signal)]
    return 1000 * float(known.std()) if len(known) else 0.0


def _verdict(
    placement: Interpretation, settled: ResolvedScale, agreement: Mapping[str, float], unread: Sequence[str]
) -> tuple[tuple[str, ...], Status, str]:
    """Put what limits the page into words, the gravest first."""
    backed_db = min(placement.limb_agreement_db or 0.0, agreement.get("einthoven", np.inf))
    reason = _refusal(placement, settled, backed_db)
    if reason:
        return (reason,), "refused", reason
    layout, scale, sources = placement.layout, settled.scale, settled.sources
    warnings = {
        f"the lead's name could not be read: lead {layout.record_leads[0]} is assumed": _is_nameless(placement),
        "no ruling was found: the time scale assumes that the page shows ten seconds, or five at 50 mm/s": (
            sources["px_per_mm"] == "width"
        ),
        "no ruling was found: the time scale assumes that the calibration pulse is of a usual height": (
            sources["px_per_mm"] == "pulse"
        ),
        f"no paper speed was found, and 25 mm/s would not be ten usual seconds: {scale.speed_mm_s:g} mm/s is assumed": (
            sources["speed"] == "assumed" and sources["px_per_mm"] == "grid"
        ),
        f"simultaneous limb leads disagree ({placement.limb_agreement_db or 0:.0f} dB): lead names may be wrong": (
            placement.limb_agreement_db is not None
            and placement.limb_agreement_db < _DISAGREE_DB
            and min(agreement.get(law, -np.inf) for law in ("einthoven", "goldberger")) < _BACKED_DB  # as read at last
        ),
        "no leads that must agree do: the traces or their times may be misread": (
            max(agreement.values(), default=np.inf) < _BACKED_DB
        ),
        "most lead names that were read stand elsewhere in this layout: a row may be missing": (
            placement.is_contradicted
        ),
        "a row of this layout lies outside the picture": placement.is_cut,
        "the rhythm strip does not repeat its lead: lead names may be wrong": (
            agreement.get("strip", np.inf) < _STRIP_DB and placement.labels_read < _MOST
        ),
        "too few lead names could be read to be sure of the layout": (
            placement.labels_read < _HALF_NAMED and backed_db < _BACKED_DB
        ),
        "the rhythm strip's name could not be read, and it does not clearly repeat its lead": (
            not placement.strip_labels_read and agreement.get("strip", np.inf) < _CLEAR_STRIP_DB
        ),
        "another layout explains the page nearly as well": placement.margin < _CLOSE_MARGIN,
        "the columns seem to show the same seconds, by their beats alone: they may follow each other": (
            layout.columns_in_time == "simultaneous" and _CLOSE_MARGIN <= placement.margin < _SURE_MARGIN
        ),
        f"the columns are {layout.seconds_per_column:.2g} s wide, which no printer prints: check the speed": (
            not placement.has_usual_width
        ),
        f"less than half of the trace could be read of {', '.join(unread)}": bool(unread),
        **dict.fromkeys(settled.warnings, True),
        f"no calibration pulse and no printed gain was found: {scale.gain_mm_mv:g} mm/mV is assumed": (
            sources["gain"] == "assumed"
        ),
    }
    true = tuple(words for words, holds in warnings.items() if holds)
    return true, "limited" if true else "ok", true[0] if true else ""


def _is_nameless(placement: Interpretation) -> bool:
    return placement.layout.n_rows == 1 and not placement.labels_read


def _lasts_ten_seconds(sources: Mapping[str, str]) -> bool:
    """Tell whether a trace is ten seconds long by two that say it: the ruling at 25 mm/s, or the width of a pulse."""
    told_twice = ("grid", "width"), ("width", "pulse"), ("grid", "pulse")
    return (sources["px_per_mm"], sources["speed"]) in told_twice


def _refusal(placement: Interpretation, settled: ResolvedScale, backed_db: float) -> str:
    """Return why a page cannot be used at all, or nothing; `backed_db` is how well its limb leads add up."""
    layout, sources = placement.layout, settled.sources
    is_printed = sources["speed"] == sources["gain"] == "print"
    is_scaled = is_printed or (sources["px_per_mm"] == "grid" and sources["gain"] != "assumed")
    to_go_by = placement.has_usual_width and (is_scaled or _lasts_ten_seconds(sources))
    if _is_nameless(placement) and not to_go_by:
        return (
            "a single strip without a lead name was found, no 12-lead page; name the layout to read it (--layout 1x1)"
        )
    if not placement.has_usual_width and layout.printed_s < _LEAST_S:
        return f"the traces found are only {layout.printed_s:.1f} s long; a page shows 2.5 s or more of each lead"
    unnamed = placement.labels_read < _HARDLY_ANY
    if unnamed and placement.limb_agreement_db is not None and placement.limb_agreement_db < _NO_SENSE_DB:
        return "no lead name could be read, and no layout's limb leads add up: this may be no 12-lead page"
    is_backed = placement.has_usual_width and backed_db > _SURE_DB
    if unnamed and not is_backed and sources["speed"] == sources["gain"] == "assumed":
        return (
            "neither lead names nor speed nor gain could be read: take the whole page, or name layout, speed and gain"
        )
    return ""


def _readings(
    ground: ImageGeometry, rows: Sequence[RowTrace], placement: Interpretation, scale: Scale
) -> tuple[tuple[LeadReading, ...], dict[str, tuple[float, float]]]:
    """Return what was read where, and of each lead the error (µV) and the share covered of its best slot."""
    trust: dict[str, tuple[float, float]] = {}
    readings = []
    for slot in placement.layout.slots():
        reading, error_uv, covered = _reading(ground, slot, rows[slot.row], placement, scale)
        readings.append(reading)
        if slot.lead not in trust or covered > trust[slot.lead][1]:
            trust[slot.lead] = error_uv, covered
    return tuple(readings), trust


def _reading(
    ground: ImageGeometry, slot: Slot, row: RowTrace, placement: Interpretation, scale: Scale
) -> tuple[LeadReading, float, float]:
    left = slot_start_px(slot, placement.layout, row, placement.start_px, scale)
    right = left + slot.seconds * scale.px_per_s
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
    error_uv = 1000 * float(row.error_px[inside].mean()) / scale.px_per_mv(slot.lead) if inside.any() else 0.0
    covered = _covered(x[inside], scale) / max(right - left, 1e-6)
    reading = LeadReading(
        slot.lead, slot.sign, slot.row, slot.column, slot.start_s, slot.end_s,
        ground.to_image(points) if len(points) else np.zeros((0, 2)), ground.to_image(corners),
    )  # fmt: skip
    return reading, error_uv, min(covered, 1.0)


def _covered(x: Floats, scale: Scale) -> float:
    """Length along x that points closer than a quarter millimetre to each other cover."""
    steps = np.diff(np.sort(x))
    return float(steps[steps < 0.25 * scale.px_per_mm].sum())
