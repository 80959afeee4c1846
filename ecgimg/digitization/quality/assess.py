"""Assess a page: whether it may be used, what limits it, and how far each lead can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.model import ImageGeometry, Interpretation, ResolvedScale, RowTrace
from ecgimg.digitization.quality.confidence import PageEvidence, lead_confidence
from ecgimg.digitization.quality.lead_boxes_and_coverage import locate_leads
from ecgimg.digitization.result import Digitization
from ecgimg.digitization.signals.lead_extraction import FS_HZ
from ecgimg.digitization.signals.lead_record import LeadRecord, make_record
from ecgimg.reasons import Reason, ReasonCode
from layouts import Layout

# Agreement of leads in dB: signal over what is left of a law (Einthoven, Goldberger) or of a repeated lead.
_DISAGREE_DB = 4.0  # limb leads below it disagree
_STRIP_DB, _CLEAR_STRIP_DB = 0.0, 12.0  # a rhythm strip below the first is another lead, above the second it is its own
_BACKED_DB, _SURE_DB = 6.0, 10.0  # limb leads above them speak for the layout, and for the scale as well
_NO_SENSE_DB = 2.0  # limb leads below it add up in no layout
_LAW_LEADS = {"einthoven": "I, II and III", "goldberger": "aVR, aVL and aVF"}
# Shares of the lead labels that were read and agree.
_MOST_LABELS, _HALF_OF_LABELS, _HARDLY_A_LABEL = 0.6, 0.5, 0.1
_CLOSE_MARGIN, _SURE_MARGIN = 0.3, 1.3  # between the scores of the best layout and the next
_LEAST_S = 2.4  # of each lead: printers show 2.5 s, and the picture may cut a little off
_LEAST_READ = 0.5  # share of a cell below which its lead counts as hardly read


def assess_page(
    geometry: ImageGeometry,
    rows: Sequence[RowTrace],
    interpretation: Interpretation | None,
    resolved: ResolvedScale,
    timings_s: Mapping[str, float],
    given_layout: Layout | None = None,
    seen: Interpretation | None = None,
) -> Digitization:
    """Cut the rows into leads, make the record, and say how far it can be trusted.

    Parameters
    ----------
    geometry : ImageGeometry
    rows : sequence of RowTrace
        Aligned in time.
    interpretation : Interpretation or None
        None where no layout has this many rows.
    resolved : ResolvedScale
        With the zero level of each row.
    timings_s : mapping of stage to seconds
    given_layout : Layout, optional
        What a person says that the page has, which is not doubted.
    seen : Interpretation, optional
        What the page looks like where it cannot have the given layout.
    """
    common: dict[str, Any] = {
        "px_per_mm": geometry.px_per_mm,
        "rotation_deg": geometry.rotation_deg(rows),
        "timings_s": timings_s,
        "sources": resolved.sources,
    }
    if interpretation is None:
        return Digitization("refused", (_other_row_count(len(rows), given_layout, seen),), **common)
    leads = make_record(rows, interpretation, resolved.scale)
    refusal = _refusal(interpretation, resolved, leads.consistency_db) if given_layout is None else None
    if refusal is not None:
        return Digitization("refused", (refusal,), **common)
    limits = _limits(interpretation, resolved, leads.consistency_db, _hardly_read(leads))
    return _usable_page(geometry, rows, interpretation, resolved, leads, limits, common)


def _other_row_count(n_rows: int, given_layout: Layout | None, seen: Interpretation | None) -> Reason:
    """Return why a page with so many rows has no layout, or not the given one."""
    if given_layout is None:
        return ReasonCode.UNKNOWN_ROW_COUNT.reason(rows=n_rows)
    expected, shown = (f"{count} row{'' if count == 1 else 's'}" for count in (given_layout.n_rows, n_rows))
    fields = {"layout": given_layout.name, "expected": expected, "shown": shown}
    if seen is None or seen.labels_read < _HALF_OF_LABELS:
        return ReasonCode.LAYOUT_HAS_OTHER_ROWS.reason(**fields)
    return ReasonCode.LAYOUT_CONTRADICTED.reason(**fields, seen=seen.layout.name)


def _usable_page(
    geometry: ImageGeometry,
    rows: Sequence[RowTrace],
    interpretation: Interpretation,
    resolved: ResolvedScale,
    leads: LeadRecord,
    limits: tuple[Reason, ...],
    common: Mapping[str, Any],
) -> Digitization:
    """Return the result for a page that can be used, within its limits."""
    scale, sources, record = resolved.scale, resolved.sources, leads.record
    readings, traces = locate_leads(geometry, rows, interpretation, scale)
    layout_confidence = float(1 / (1 + np.exp(-3 * interpretation.margin)))
    evidence = PageEvidence(
        layout_confidence, leads.consistency_db, sources["gain"] != "assumed", sources["px_per_mm"] == "grid"
    )
    return Digitization(
        status="limited" if limits else "ok",
        reasons=limits,
        record=record,
        layout=interpretation.layout.name,
        layout_confidence=layout_confidence,
        labels_read=interpretation.labels_read,
        speed_mm_s=scale.speed_mm_s,
        gain_mm_mv=scale.gain_mm_mv,
        chest_gain_mm_mv=scale.chest_gain_mm_mv,
        lead_confidence={
            lead: lead_confidence(trace.error_uv, trace.covered, _size_uv(record.lead(lead)), evidence)
            for lead, trace in traces.items()
        },
        lead_error_uv={lead: trace.error_uv for lead, trace in traces.items()},
        lead_seconds={
            lead: float(np.isfinite(record.lead(lead)).sum() / FS_HZ) for lead in interpretation.layout.record_leads
        },
        unread=_hardly_read(leads),
        readings=readings,
        grid_px=geometry.grid_px,
        consistency_db=leads.consistency_db,
        record_consistency_db=leads.record_consistency_db,
        reconciled=leads.reconciled,
        **common,
    )


def _hardly_read(leads: LeadRecord) -> tuple[str, ...]:
    """Return the leads of which less than half of a cell could be read."""
    shares = ((cell.slot.lead, np.isfinite(cell.signal_mv).mean()) for cell in leads.as_read)
    return tuple(dict.fromkeys(lead for lead, share in shares if share < _LEAST_READ))


def _size_uv(signal_mv: NDArray[np.float32]) -> float:
    """Return the standard deviation of a signal where it is known."""
    values = signal_mv[np.isfinite(signal_mv)]
    return 1000 * float(values.std()) if len(values) else 0.0


def _limits(
    interpretation: Interpretation, resolved: ResolvedScale, agreement: Mapping[str, float], unread: Sequence[str]
) -> tuple[Reason, ...]:
    """Return what limits a page that can be used, the gravest first."""
    layout, scale, sources = interpretation.layout, resolved.scale, resolved.sources
    limb_db, strip_db = interpretation.limb_agreement_db, agreement.get("strip", np.inf)
    backed_db = min(limb_db or 0.0, agreement.get("einthoven", np.inf))
    as_read_db = min(agreement.get(law, -np.inf) for law in ("einthoven", "goldberger"))
    laws_db = {law: agreement.get(law, np.inf) for law in _LAW_LEADS}
    worst_law = min(laws_db, key=lambda law: laws_db[law])
    code = ReasonCode
    holds = {
        code.STRIP_LABEL_UNREAD.reason(lead=layout.record_leads[0]): _is_unlabelled_strip(interpretation),
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
        code.STRIP_DIFFERS_FROM_LEAD.reason(): strip_db < _STRIP_DB and interpretation.labels_read < _MOST_LABELS,
        code.FEW_LABELS_READ.reason(): interpretation.labels_read < _HALF_OF_LABELS and backed_db < _BACKED_DB,
        code.LIMB_LAW_AT_ODDS.reason(leads=_LAW_LEADS[worst_law], agreement_db=laws_db[worst_law]): (
            laws_db[worst_law] < _DISAGREE_DB and max(agreement.values()) >= _BACKED_DB
        ),
        code.STRIP_LEAD_UNCERTAIN.reason(): not interpretation.strip_labels_read and strip_db < _CLEAR_STRIP_DB,
        code.LAYOUT_AMBIGUOUS.reason(): interpretation.margin < _CLOSE_MARGIN,
        code.COLUMNS_MAY_BE_SEQUENTIAL.reason(): (
            layout.columns_in_time == "simultaneous" and _CLOSE_MARGIN <= interpretation.margin < _SURE_MARGIN
        ),
        code.UNUSUAL_COLUMN_WIDTH.reason(seconds=layout.seconds_per_column): (
            not interpretation.has_usual_width and interpretation.measured_column_s is None
        ),
        code.COLUMNS_DIFFER_FROM_LAYOUT.reason(
            seconds=layout.seconds_per_column, measured_s=interpretation.measured_column_s or 0.0
        ): interpretation.measured_column_s is not None,
        code.LEADS_HARDLY_READ.reason(leads=", ".join(unread)): bool(unread),
        **dict.fromkeys(resolved.warnings, True),
        code.GAIN_ASSUMED.reason(gain_mm_mv=scale.gain_mm_mv): sources["gain"] == "assumed",
    }
    return tuple(reason for reason, is_so in holds.items() if is_so)


def _is_unlabelled_strip(interpretation: Interpretation) -> bool:
    return len(interpretation.layout.record_leads) == 1 and not interpretation.labels_read


def _lasts_ten_seconds(sources: Mapping[str, str]) -> bool:
    """Tell whether a trace is ten seconds long by two that say it: the ruling at 25 mm/s, or the width of a pulse."""
    agreeing_sources = ("grid", "width"), ("width", "pulse"), ("grid", "pulse")
    return (sources["px_per_mm"], sources["speed"]) in agreeing_sources


def _refusal(interpretation: Interpretation, resolved: ResolvedScale, agreement: Mapping[str, float]) -> Reason | None:
    """Return why a page cannot be used at all, or None."""
    layout, sources = interpretation.layout, resolved.sources
    limb_db = interpretation.limb_agreement_db
    backed_db = min(limb_db or 0.0, agreement.get("einthoven", np.inf))
    is_printed = sources["speed"] == sources["gain"] == "print"
    is_scaled = is_printed or (sources["px_per_mm"] == "grid" and sources["gain"] != "assumed")
    is_plausible = interpretation.has_usual_width and (is_scaled or _lasts_ten_seconds(sources))
    if _is_unlabelled_strip(interpretation) and not is_plausible:
        return ReasonCode.SINGLE_STRIP.reason()
    if not interpretation.has_usual_width and layout.printed_s < _LEAST_S:
        return ReasonCode.TRACES_TOO_SHORT.reason(seconds=layout.printed_s)
    is_unlabelled = interpretation.labels_read < _HARDLY_A_LABEL
    if is_unlabelled and limb_db is not None and limb_db < _NO_SENSE_DB:
        return ReasonCode.NO_LAYOUT_ADDS_UP.reason()
    is_backed = interpretation.has_usual_width and backed_db > _SURE_DB
    # a drawing that happens to have rows: neither scale, labels nor laws speak for an ECG
    is_guessed = sources["px_per_mm"] == "width" and sources["gain"] == "assumed"
    has_no_law = max(agreement.values(), default=0.0) < _BACKED_DB
    if is_guessed and has_no_law and interpretation.labels_read < _HALF_OF_LABELS:
        return ReasonCode.NOTHING_LEGIBLE.reason()
    if is_unlabelled and not is_backed and sources["speed"] == sources["gain"] == "assumed":
        return ReasonCode.NOTHING_LEGIBLE.reason()
    return None
