"""Reports that were never made, for tests of what is made of two of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ecgimg import STANDARD_LEADS, EcgRecord
from ecgimg.classification.findings import Finding
from ecgimg.leads import KNOWN_LEADS
from ecgimg.measurement import Beat, LeadBeat, Measurements
from ecgimg.measurement.rhythm.beat_classes import BeatClass
from ecgimg.reporting import Conclusion, Judgement, Report

ONSETS_S = np.arange(0.6, 9.0, 0.8)


def beating_record(r_mv: float = 1.0, leads: tuple[str, ...] = STANDARD_LEADS, onsets_s=ONSETS_S) -> EcgRecord:
    """Return leads with a triangle of 80 ms from every onset on, as high as `r_mv`."""
    times_s = np.arange(5000) / 500.0
    signal = sum(np.clip(1 - np.abs(times_s - onset_s - 0.04) / 0.04, 0, 1) for onset_s in onsets_s)
    return EcgRecord(np.repeat(r_mv * np.asarray(signal, np.float32)[None], len(leads), axis=0), 500.0, leads)


def beats_of(record: EcgRecord, onsets_s=ONSETS_S, kind: BeatClass = BeatClass.DOMINANT) -> tuple[Beat, ...]:
    own = {lead: LeadBeat(None, None, None, {}) for lead in record.leads if lead in KNOWN_LEADS}
    return tuple(Beat(kind, None, (float(t), float(t) + 0.08), None, own) for t in onsets_s)


def report_of(
    measured: Measurements, *judgements: Judgement, record: EcgRecord | None = None, findings: tuple[Finding, ...] = ()
) -> Report:
    """Return a report of a record whose every lead shows every beat."""
    record = record if record is not None else beating_record()
    measured = replace(measured, record=record, beats=beats_of(record))
    return Report(findings=findings, record=record, measurements=measured, conclusion=Conclusion(judgements))
