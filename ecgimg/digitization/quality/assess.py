"""Judge a page: confidence of each lead, warnings in words, and whether it may be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.model import ImageGeometry, Interpretation, ResolvedScale, RowTrace, Scale
from ecgimg.digitization.quality.confidence import PageEvidence, lead_confidence
from ecgimg.digitization.result import Digitization, LeadReading
from ecgimg.digitization.signals.consistency import consistency_db
from ecgimg.digitization.signals.lead_extraction import FS_HZ, slot_error_mv, slot_signal_mv, slot_start_px
from ecgimg.digitization.signals.reconcile import SlotReading, reconcile
from ecgimg.reasons import Reason, ReasonCode
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
        return Digitization("refused", (ReasonCode.UNKNOWN_ROW_COUNT.reason(rows=len(rows)),), **known)
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
    refusal = _refusal(placement, settled, agreement)
    if refusal is not None:
        return Digitization("refused", (refusal,), **known)
    limits = _limits(placement, settled, agreement, unread)
    return Digitization(
        status="limited" if limits else "ok",
        reasons=limits,
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


def _limits(
    interpretation: Interpretation, resolved: ResolvedScale, agreement: Mapping[str, float], unread: Sequence[str]
) -> tuple[Reason, ...]:
    """Return what limits a page that can be used, the gravest first."""
    layout, scale, sources = interpretation.layout, resolved.scale, resolved.sources
    limb_db, strip_db = interpretation.limb_agreement_db, agreement.get("strip", np.inf)
    backed_db = min(limb_db or 0.0, agreement.get("einthoven", np.inf))
    as_read_db = min(agreement.get(law, -np.inf) for law in ("einthoven", "goldberger"))
    code = ReasonCode
    holds = {
        code.STRIP_LABEL_UNREAD.reason(lead=layout.record_leads[0]): _is_nameless(interpretation),
        code.TEN_SECONDS_ASSUMED.reason(): sources["px_per_mm"] == "width",
        code.PULSE_HEIGHT_ASSUMED.reason(): sources["px_per_mm"] == "pulse",
        code.SPEED_ASSUMED.reason(speed_mm_s=scale.speed_mm_s): (
            sources["speed"] == "assumed" and sources["px_per_mm"] == "grid"
        ),
        # The layout was chosen before columns and rows were aligned, so the limb leads must still disagree after that.
        code.LIMB_LEADS_DISAGREE.reason(agreement_db=limb_db or 0.0): (
            limb_db is not None and limb_db < _DISAGREE_DB and as_read_db < _BACKED_DB
        ),
        code.LEADS_INCONSISTENT.reason(): max(agreement.values(), default=np.inf) < _BACKED_DB,
        code.LABELS_CONTRADICT_LAYOUT.reason(): interpretation.is_contradicted,
        code.ROW_OUTSIDE_PICTURE.reason(): interpretation.is_cut,
        code.STRIP_DIFFERS_FROM_LEAD.reason(): strip_db < _STRIP_DB and interpretation.labels_read < _MOST,
        code.FEW_LABELS_READ.reason(): interpretation.labels_read < _HALF_NAMED and backed_db < _BACKED_DB,
        code.STRIP_LEAD_UNCERTAIN.reason(): not interpretation.strip_labels_read and strip_db < _CLEAR_STRIP_DB,
        code.LAYOUT_AMBIGUOUS.reason(): interpretation.margin < _CLOSE_MARGIN,
        code.COLUMNS_MAY_BE_SEQUENTIAL.reason(): (
            layout.columns_in_time == "simultaneous" and _CLOSE_MARGIN <= interpretation.margin < _SURE_MARGIN
        ),
        code.UNUSUAL_COLUMN_WIDTH.reason(seconds=layout.seconds_per_column): not interpretation.has_usual_width,
        code.LEADS_HARDLY_READ.reason(leads=", ".join(unread)): bool(unread),
        **dict.fromkeys(resolved.warnings, True),
        code.GAIN_ASSUMED.reason(gain_mm_mv=scale.gain_mm_mv): sources["gain"] == "assumed",
    }
    return tuple(reason for reason, is_so in holds.items() if is_so)


def _is_nameless(interpretation: Interpretation) -> bool:
    return interpretation.layout.n_rows == 1 and not interpretation.labels_read


def _lasts_ten_seconds(sources: Mapping[str, str]) -> bool:
    """Tell whether a trace is ten seconds long by two that say it: the ruling at 25 mm/s, or the width of a pulse."""
    told_twice = ("grid", "width"), ("width", "pulse"), ("grid", "pulse")
    return (sources["px_per_mm"], sources["speed"]) in told_twice


def _refusal(interpretation: Interpretation, resolved: ResolvedScale, agreement: Mapping[str, float]) -> Reason | None:
    """Return why a page cannot be used at all, or None."""
    layout, sources = interpretation.layout, resolved.sources
    limb_db = interpretation.limb_agreement_db
    backed_db = min(limb_db or 0.0, agreement.get("einthoven", np.inf))
    is_printed = sources["speed"] == sources["gain"] == "print"
    is_scaled = is_printed or (sources["px_per_mm"] == "grid" and sources["gain"] != "assumed")
    is_plausible = interpretation.has_usual_width and (is_scaled or _lasts_ten_seconds(sources))
    if _is_nameless(interpretation) and not is_plausible:
        return ReasonCode.SINGLE_STRIP.reason()
    if not interpretation.has_usual_width and layout.printed_s < _LEAST_S:
        return ReasonCode.TRACES_TOO_SHORT.reason(seconds=layout.printed_s)
    is_unlabelled = interpretation.labels_read < _HARDLY_ANY
    if is_unlabelled and limb_db is not None and limb_db < _NO_SENSE_DB:
        return ReasonCode.NO_LAYOUT_ADDS_UP.reason()
    is_backed = interpretation.has_usual_width and backed_db > _SURE_DB
    if is_unlabelled and not is_backed and sources["speed"] == sources["gain"] == "assumed":
        return ReasonCode.NOTHING_LEGIBLE.reason()
    return None


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
