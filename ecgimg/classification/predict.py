"""From a record or a page to findings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgimg.classification.explain import explain
from ecgimg.classification.findings import Evidence, Finding, Findings
from ecgimg.classification.labelled_records import VOLTAGE_LABELS, network_rate_leads
from ecgimg.classification.not_judged import why_not_judged
from ecgimg.classification.tokens import CANVAS, FS_HZ, PATCH
from ecgimg.classification.weights import Classifier, check_operating_point, shipped_classifier
from ecgimg.digitization import Digitization, digitize, digitize_image
from ecgimg.errors import BadRecord, EcgImgError
from ecgimg.formats import is_record_file, read_record
from ecgimg.reasons import ReasonCode, texts
from ecgimg.record import STANDARD_LEADS, EcgRecord

Signals = NDArray[np.float32]

_TOP = 3
_LARGEST_MV = 30.0
_FLAT_MV = 0.01
_SURE_ENOUGH = 0.3


def classify(
    ecg: EcgRecord | Digitization | str | Path | NDArray[np.uint8],
    *,
    operating: str = "youden",
    explain: bool = False,
    classifier: Classifier | None = None,
) -> Findings:
    """Classify a record or a page; see `ecgimg.classify`."""
    check_operating_point(operating)
    if isinstance(ecg, str | Path):
        ecg = read_record(ecg) if is_record_file(ecg) else digitize(ecg)
    elif isinstance(ecg, np.ndarray):
        ecg = digitize_image(ecg)
    classifier = classifier or shipped_classifier()
    if isinstance(ecg, EcgRecord):
        return _of_record(ecg, classifier, operating, explain)
    if ecg.record is None:
        reason = ReasonCode.PAGE_NOT_READ.reason(text=texts(ecg.reasons))
        return Findings((reason,), operating=operating, digitization=ecg)
    return _of_page(ecg, classifier, operating, explain)


def classify_page(page: Digitization, *, explain: bool = False) -> Findings:
    """Classify a page that was read; where it holds no ECG (flat, absurd voltages), that is the findings' reason."""
    try:
        return classify(page, explain=explain)
    except EcgImgError as error:
        return Findings((ReasonCode.NO_ECG.reason(error=error),), digitization=page)


def check_ecg(record: EcgRecord) -> None:
    """Refuse what can be no ECG in mV (`BadRecord`): none of the twelve leads, no value, flat, absurd voltages."""
    known = [lead for lead in STANDARD_LEADS if lead in record.leads]
    if not known:
        raise BadRecord(f"the record has none of the twelve leads (it has {', '.join(record.leads)}); name them")
    signals = record.select(known).signals
    if not np.isfinite(signals).any():
        raise BadRecord("the record holds no value in the twelve leads (all NaN): there is nothing to classify")
    largest = float(np.nanmax(np.abs(signals)))
    if largest > _LARGEST_MV:
        raise BadRecord(f"the record reaches {largest:.3g} mV, which no heart does; its values must be in millivolt")
    alive = np.isfinite(signals).sum(axis=1) > 1
    if max((float(np.nanmax(row) - np.nanmin(row)) for row in signals[alive]), default=0.0) < _FLAT_MV:
        raise BadRecord("the record is flat in every lead: there is no ECG to classify")


def logits_of(record: EcgRecord, classifier: Classifier) -> NDArray[np.float32]:
    """Return (labels,) logits; of a record longer than ten seconds the mean over windows of ten."""
    windows = np.stack([window for _, window in _windows(network_rate_leads(record))])
    return np.asarray(classifier.logits(windows).mean(axis=0), np.float32)


def _windows(signals: Signals) -> list[tuple[int, Signals]]:
    """Cut (12, samples) into windows of the canvas that hold a value: (first sample, (12, samples)) of each."""
    samples = signals.shape[1]
    if samples <= CANVAS * 5 // 4:
        return [(0, signals)]
    starts = sorted({*range(0, samples - CANVAS, CANVAS), samples - CANVAS})
    cut = [(start, signals[:, start : start + CANVAS]) for start in starts]
    return [(start, window) for start, window in cut if np.isfinite(window).any()]


def _of_record(
    record: EcgRecord, classifier: Classifier, operating: str, wanted: bool, gain_assumed: bool = False
) -> Findings:
    check_ecg(record)
    seen_s = {
        lead: float(np.isfinite(record.lead(lead)).sum() / record.fs_hz)
        for lead in STANDARD_LEADS
        if lead in record.leads
    }
    chances = classifier.probabilities(logits_of(record, classifier))
    thresholds = classifier.thresholds(operating)
    findings = []
    for label, chance in zip(classifier.labels, chances, strict=True):
        reason = why_not_judged(label, seen_s, VOLTAGE_LABELS if gain_assumed else ())
        findings.append(Finding(label, None if reason else float(chance), thresholds[label], reason))
    found = Findings((), tuple(findings), operating, seen_s, record=record)
    return replace(found, evidence=evidence_of(found, record, classifier)) if wanted else found


def _of_page(page: Digitization, classifier: Classifier, operating: str, wanted: bool) -> Findings:
    """Classify what was read off a page, without the leads that the digitizer does not believe itself."""
    assert page.record is not None
    confidence = page.lead_confidence or {}
    doubted = [lead for lead in page.record.leads if confidence.get(lead, 1.0) < _SURE_ENOUGH]
    kept = tuple(lead for lead in page.record.leads if lead not in doubted)
    if not set(kept) & set(STANDARD_LEADS):
        reasons = (ReasonCode.ALL_LEADS_UNCERTAIN.reason(), *page.reasons)
        return Findings(reasons, operating=operating, digitization=page)
    left_out = (ReasonCode.LEADS_LEFT_OUT.reason(leads=", ".join(doubted)),) if doubted else ()
    gain_assumed = (page.sources or {}).get("gain") == "assumed"
    found = _of_record(page.record.select(kept), classifier, operating, wanted, gain_assumed)
    return replace(found, reasons=(*page.reasons, *left_out), digitization=page)


def evidence_of(
    found: Findings, record: EcgRecord, classifier: Classifier, top: int = _TOP
) -> dict[str, tuple[Evidence, ...]]:
    """Return the patches that the `top` leading findings rest on, most important first.

    Of a record longer than ten seconds the first ten in which something is seen are explained.
    """
    first, signals = _windows(network_rate_leads(record))[0]
    labels = [finding.label for finding in found.leading[:top]]
    if not labels:
        return {}
    patches = explain(classifier, signals, labels)
    evidence = {}
    for label, weights in patches.weights.items():
        order = np.argsort(-weights)
        evidence[label] = tuple(
            Evidence(
                STANDARD_LEADS[int(patches.lead[k])],
                first / FS_HZ + float(patches.start_s[k]),
                first / FS_HZ + float(patches.start_s[k]) + PATCH / FS_HZ,
                float(weights[k]),
            )
            for k in order
        )
    return evidence
