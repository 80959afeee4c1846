"""Classify a record or a page."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ecgimg.classification.findings import Finding, Findings
from ecgimg.classification.labelled_records import VOLTAGE_LABELS, network_rate_leads
from ecgimg.classification.measured_inputs import measured_inputs
from ecgimg.classification.not_judged import why_not_judged
from ecgimg.classification.tokens import CANVAS
from ecgimg.classification.trained_classifier import Classifier, check_operating_point, shipped_classifier
from ecgimg.digitization import Digitization
from ecgimg.errors import BadRecord, EcgImgError
from ecgimg.leads import STANDARD_LEADS
from ecgimg.measurement import Measurements, measure_record
from ecgimg.measurement.page_numbers import measured_or_reason
from ecgimg.open_ecg import Ecg, channel_notes, open_ecg
from ecgimg.reasons import Reason, ReasonCode, texts
from ecgimg.record import EcgRecord

Signals = NDArray[np.float32]

_MAX_MV = 30.0  # no heart reaches it; a record in µV, or of raw converter counts, does
_FLAT_MV = 0.01  # peak to peak in every lead: electrodes that were off, or a blank line
# Below it the digitizer itself does not believe a lead. Of 10 photos of infarctions whose raised leads lay below 0.3, 5
# are told as critical from 0.2 on and 6 from 0.1 on; of 60 photos of healthy hearts none is told anything, and one from
# 0.1 on.
_MIN_LEAD_CONFIDENCE = 0.2


def classify(
    ecg: Ecg,
    *,
    operating_point: str = "likely",
    classifier: Classifier | None = None,
) -> Findings:
    """Measure and classify a record or a page, without a conclusion; see `ecgimg.classify`."""
    check_operating_point(operating_point)
    ecg = open_ecg(ecg)
    classifier = classifier or shipped_classifier()
    if isinstance(ecg, EcgRecord):
        return _classify_record(ecg, classifier, operating_point)
    if ecg.record is None:
        reason = ReasonCode.PAGE_NOT_READ.reason(text=texts(ecg.reasons))
        return Findings((reason,), operating_point=operating_point, digitization=ecg)
    return _classify_leads(ecg, classifier, operating_point)


def classify_page(page: Digitization) -> Findings:
    """Classify a digitized page; a page without an ECG (flat, absurd voltages) gives a reason instead of an error."""
    try:
        return classify(page)
    except EcgImgError as error:
        return Findings((ReasonCode.NO_ECG.reason(error=error),), digitization=page)


def check_ecg(record: EcgRecord) -> None:
    """Refuse what can be no ECG in mV (`BadRecord`): none of the twelve leads, no value, flat, absurd voltages."""
    leads = [lead for lead in STANDARD_LEADS if lead in record.leads]
    if not leads:
        raise BadRecord(f"the record has none of the twelve leads (it has {', '.join(record.leads)}); name them")
    signals = record.select(leads).signals
    if not np.isfinite(signals).any():
        raise BadRecord("the record holds no value in the twelve leads (all NaN): there is nothing to classify")
    largest_mv = float(np.nanmax(np.abs(signals)))
    if largest_mv > _MAX_MV:
        raise BadRecord(f"the record reaches {largest_mv:.3g} mV, which no heart does; its values must be in millivolt")
    has_samples = np.isfinite(signals).sum(axis=1) > 1
    heights_mv = (float(np.nanmax(row) - np.nanmin(row)) for row in signals[has_samples])
    if max(heights_mv, default=0.0) < _FLAT_MV:
        raise BadRecord("the record is flat in every lead: there is no ECG to classify")


def mean_logits(record: EcgRecord, measured: Measurements, classifier: Classifier) -> NDArray[np.float32]:
    """Return (labels,) logits of a record and what was measured of it.

    Of a record longer than ten seconds they are the mean over windows of ten.
    """
    windows = np.stack([window for _, window in split_windows(network_rate_leads(record))])
    return np.asarray(classifier.logits(windows, measured_inputs([measured] * len(windows))).mean(axis=0), np.float32)


def split_windows(signals: Signals) -> list[tuple[int, Signals]]:
    """Split (12, samples) into windows of the canvas that hold a value: (first sample, (12, samples)) of each."""
    samples = signals.shape[1]
    # of a record just above ten seconds, a second window would repeat most of the first
    if samples <= CANVAS * 5 // 4:
        return [(0, signals)]
    starts = sorted({*range(0, samples - CANVAS, CANVAS), samples - CANVAS})
    windows = [(start, signals[:, start : start + CANVAS]) for start in starts]
    return [(start, window) for start, window in windows if np.isfinite(window).any()]


def _classify_record(
    record: EcgRecord, classifier: Classifier, operating_point: str, gain_assumed: bool = False
) -> Findings:
    check_ecg(record)
    others = ", ".join(lead for lead in record.leads if lead not in STANDARD_LEADS)
    notes = (*channel_notes(record), *((ReasonCode.LEADS_NOT_USED.reason(leads=others),) if others else ()))
    record, measured, reasons = _measure(record, gain_assumed)
    reasons = (*reasons, *notes)
    if any(reason.code is ReasonCode.NO_BEAT_FOUND for reason in reasons):
        return Findings(reasons, operating_point=operating_point, record=record, measurements=measured)
    seen_s = {
        lead: float(np.isfinite(record.lead(lead)).sum() / record.fs_hz)
        for lead in STANDARD_LEADS
        if lead in record.leads
    }
    probabilities = classifier.probabilities(mean_logits(record, measured, classifier))
    thresholds, likely, possible = (classifier.thresholds(name) for name in (operating_point, "likely", "possible"))
    unlearned = classifier.unlearned()
    judged = []
    for label, probability in zip(classifier.labels, probabilities, strict=True):
        # not judged is better than a probability of leads that are not there
        reason = unlearned.get(label) or why_not_judged(label, seen_s, VOLTAGE_LABELS if gain_assumed else ())
        value = None if reason else float(probability)
        judged.append(Finding(label, value, thresholds[label], reason, likely[label], possible[label]))
    return Findings(reasons, tuple(judged), operating_point, seen_s, record=record, measurements=measured)


def _measure(record: EcgRecord, gain_assumed: bool) -> tuple[EcgRecord, Measurements, tuple[Reason, ...]]:
    """Measure a record; returns it without leads that show no heart, the measurements, and what limits them."""
    # the twelve alone and in their order, so that findings are the same to the last digit
    twelve = record.select([lead for lead in STANDARD_LEADS if lead in record.leads])
    measured = measured_or_reason(lambda: measure_record(twelve, gain_assumed=gain_assumed))
    dead = [lead for lead, numbers in measured.leads.items() if numbers.noise.state in ("flat", "disconnected")]
    if dead and len(dead) < len(twelve.leads):
        # such a lead is no lead of the patient: its zeros would be read as an ECG
        living = twelve.select([lead for lead in twelve.leads if lead not in dead])
        measured = measured_or_reason(lambda: measure_record(living, gain_assumed=gain_assumed))
        record = record.select([lead for lead in record.leads if lead not in dead])
    left_out = (ReasonCode.LEADS_WITHOUT_HEART.reason(leads=", ".join(dead)),) if dead else ()
    return record, measured, (*left_out, *(measured.reasons if not measured.values else ()))


def _classify_leads(page: Digitization, classifier: Classifier, operating_point: str) -> Findings:
    """Classify the leads of a page without those that were read with a very low confidence."""
    assert page.record is not None
    # each finding rests on all leads, so that one wrong trace would spoil them all
    confidence = page.lead_confidence or {}
    uncertain = [lead for lead in page.record.leads if confidence.get(lead, 1.0) < _MIN_LEAD_CONFIDENCE]
    leads = tuple(lead for lead in page.record.leads if lead not in uncertain)
    if not set(leads) & set(STANDARD_LEADS):
        reasons = (ReasonCode.ALL_LEADS_UNCERTAIN.reason(), *page.reasons)
        return Findings(reasons, operating_point=operating_point, digitization=page)
    left_out = (ReasonCode.LEADS_LEFT_OUT.reason(leads=", ".join(uncertain)),) if uncertain else ()
    findings = _classify_record(page.record.select(leads), classifier, operating_point, page.is_gain_assumed)
    return replace(findings, reasons=(*page.reasons, *left_out, *findings.reasons), digitization=page)
