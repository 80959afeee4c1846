"""The result of digitizing a page: the record, and how far each part of it can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ecgimg.digitization.numerics import Floats
from ecgimg.leads import KNOWN_LEADS
from ecgimg.plotting.notebook_html import bullets, card, percentage, picture, table
from ecgimg.reasons import Reason
from ecgimg.record import EcgRecord

Status = Literal["ok", "limited", "refused"]

SCHEMA_VERSION = 2


@dataclass(frozen=True, eq=False)
class LeadReading:
    """One cell or rhythm strip of the page, as it was read.

    Parameters
    ----------
    lead : str
    sign : {1, -1}
        −1 where the page prints the lead upside down (−aVR).
    row : int
        Number of the row from the top, from 0.
    column : int or None
        Number of the column from the left, from 0; None for a rhythm strip.
    start_s, end_s : float
        The part of the recording that the page shows here.
    points_px : (n, 2) float64
        The trace in pixels (x, y) of the original picture.
    box_px : (4, 2) float64
        Corners of the cell in the same pixels.
    """

    lead: str
    sign: int
    row: int
    column: int | None
    start_s: float
    end_s: float
    points_px: Floats
    box_px: Floats


@dataclass(frozen=True, eq=False, repr=False)
class Digitization:
    """A page as it was read.

    Parameters
    ----------
    status : {"ok", "limited", "refused"}
        A ``limited`` page can be used with the limits that `reasons` name; a ``refused`` page has no record.
    reasons : tuple of Reason
        Why the page is refused, or what limits it, the gravest first; for status ``ok`` notes at most.
    record : EcgRecord or None
        At 500 Hz, in mV, NaN where the page shows nothing.
    layout : str or None
        A name of `layouts.layout_names`, or that of a user's own file.
    layout_confidence : float
        0 to 1: by how much the layout explains the page better than the second best one.
    labels_read : float
        Share of the layout's leads whose printed lead labels were read and agree.
    speed_mm_s, gain_mm_mv, chest_gain_mm_mv, px_per_mm : float or None
        The chest gain holds for the leads V1 to V9.
    sources : mapping
        Sources of speed, gain and px_per_mm: ``given``, ``print``, ``text``, ``pulse``, ``grid``, ``width`` or
        ``assumed``.
    rotation_deg : int
        Clockwise turn that brings the picture upright.
    lead_confidence : mapping
        From lead to the probability that its mean error is below 100 µV.
    lead_error_uv : mapping
        From lead to the expected error of its trace alone.
    lead_seconds : mapping
        From lead to the seconds that the page shows of it.
    unread : tuple of str
        Leads with a cell of which less than half could be read.
    readings : tuple of LeadReading
    grid_px : tuple of (n, 2) float64
        Lines of the 5 mm grid in the original picture, for the overlay.
    timings_s : mapping of stage to seconds
    consistency_db : mapping
        Consistency of the leads before they were reconciled, as signal over residual in dB: ``einthoven`` (I + III
        against II), ``goldberger`` (aVR + aVL + aVF against 0) and ``strip`` (a rhythm strip against its lead's cell).
    record_consistency_db : mapping
        The same of the leads as the record has them: by the laws where they were reconciled.
    reconciled : tuple of str
        Leads whose signals were changed so that leads that are bound by a law, or shown twice, agree.
    corrections : mapping
        The corrections by hand, as `Corrections.summary` returns them.
    """

    status: Status
    reasons: tuple[Reason, ...] = ()
    record: EcgRecord | None = None
    layout: str | None = None
    layout_confidence: float = 0.0
    labels_read: float = 0.0
    speed_mm_s: float | None = None
    gain_mm_mv: float | None = None
    chest_gain_mm_mv: float | None = None
    px_per_mm: float | None = None
    sources: Mapping[str, str] | None = None
    rotation_deg: int = 0
    lead_confidence: Mapping[str, float] | None = None
    lead_error_uv: Mapping[str, float] | None = None
    lead_seconds: Mapping[str, float] | None = None
    unread: tuple[str, ...] = ()
    readings: tuple[LeadReading, ...] = ()
    grid_px: tuple[Floats, ...] = ()
    timings_s: Mapping[str, float] | None = None
    consistency_db: Mapping[str, float] = field(default_factory=dict)
    record_consistency_db: Mapping[str, float] = field(default_factory=dict)
    reconciled: tuple[str, ...] = ()
    corrections: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_gain_assumed(self) -> bool:
        """Whether the page does not show its gain, so that its millivolts cannot be compared with limits."""
        return (self.sources or {}).get("gain") == "assumed"

    def summary(self) -> dict[str, Any]:
        """Return the content of ``STEM.json``: everything but the signals, the traces and the grid."""
        from ecgimg._version import __version__

        # rounded, so that people can read the file
        return {
            "schema": "ecgimg-digitization",
            "schema_version": SCHEMA_VERSION,
            "version": __version__,
            "status": self.status,
            "reasons": [reason.summary() for reason in self.reasons],
            "layout": self.layout,
            "layout_confidence": round(self.layout_confidence, 3),
            "labels_read": round(self.labels_read, 3),
            "speed_mm_s": self.speed_mm_s,
            "gain_mm_mv": self.gain_mm_mv,
            "chest_gain_mm_mv": self.chest_gain_mm_mv,
            "px_per_mm": round(self.px_per_mm, 4) if self.px_per_mm else None,
            "sources": dict(self.sources or {}),
            "rotation_deg": self.rotation_deg,
            "leads": {
                lead: {
                    "confidence": round(value, 3),
                    "expected_error_uv": round((self.lead_error_uv or {}).get(lead, 0.0), 1),
                    "seconds": round((self.lead_seconds or {}).get(lead, 0.0), 3),
                }
                for lead, value in (self.lead_confidence or {}).items()
            },
            "consistency_db": {law: round(value, 1) for law, value in self.consistency_db.items()},
            "record_consistency_db": {law: round(value, 1) for law, value in self.record_consistency_db.items()},
            "reconciled": list(self.reconciled),
            "corrections": dict(self.corrections),
            "timings_s": {stage: round(value, 3) for stage, value in (self.timings_s or {}).items()},
        }

    def __repr__(self) -> str:
        codes = ", ".join(reason.code.value for reason in self.reasons)
        return f"Digitization({'; '.join(filter(None, [self._outline(), codes]))})"

    def _outline(self) -> str:
        """Return status, layout, scale and leads in one line."""
        facts = [self.status, self.layout]
        if self.speed_mm_s is not None:
            facts.append(f"{self.speed_mm_s:g} mm/s")
        if self.gain_mm_mv is not None:
            facts.append(f"{self.gain_mm_mv:.3g} mm/mV")
        if self.chest_gain_mm_mv not in (None, self.gain_mm_mv):
            facts.append(f"chest leads {self.chest_gain_mm_mv:.3g} mm/mV")
        if self.record is not None:
            count = int(self.record.known.any(axis=1).sum())
            facts.append(f"{count} lead{'' if count == 1 else 's'}")
        return ", ".join(filter(None, facts))

    def _repr_html_(self) -> str:
        reasons = [f"{reason.severity.value}: {reason.text_without_quotes}" for reason in self.reasons]
        parts = [bullets(reasons), self._lead_table()]
        if self.record is not None:
            parts.append(picture(self.record.plot()))
        return card(f"Digitization({self._outline()})", *parts)

    def _lead_table(self) -> str:
        """Return confidence and seconds of each lead as an HTML table, or nothing where no lead was read."""
        confidence, seconds = self.lead_confidence or {}, self.lead_seconds or {}
        leads = [lead for lead in KNOWN_LEADS if lead in confidence]
        if not leads:
            return ""
        return table(
            [
                ["lead", *leads],
                ["confidence", *(percentage(confidence[lead]) for lead in leads)],
                ["seconds seen", *(f"{seconds.get(lead, 0.0):.1f}" for lead in leads)],
            ]
        )
