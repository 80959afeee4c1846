"""Findings as a user gets them: with the shipped weights, from records and pages, and every way to be wrong."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import ecgimg
import synth
from ecgimg import STANDARD_LEADS, BadRecord, BadRequest, EcgRecord
from ecgimg.reasons import ReasonCode
from tests.classification.hearts import heart


def test_classify_fibrillation(classifier):
    """Fibrillation is more probable in every fibrillating heart than in any regular one."""
    fibrillating = [ecgimg.classify(heart(seed=k, rhythm="af"))["AFIB"].probability for k in range(5)]
    regular = [ecgimg.classify(heart(seed=k))["AFIB"].probability for k in range(5)]
    assert min(fibrillating) > max(regular)


@pytest.mark.parametrize(("seconds", "fs_hz"), [(2.5, 500.0), (7.3, 250.0), (10.0, 100.0), (31.0, 500.0)])
def test_classify_any_length_and_rate(classifier, seconds, fs_hz):
    """A record of any length and sampling rate is classified."""
    found = ecgimg.classify(heart(seconds, fs_hz))
    assert found["NORM"].probability is not None


def test_classify_other_lead_order(classifier):
    """The order of the leads and leads besides the twelve do not matter."""
    record = heart()
    turned = EcgRecord(
        np.concatenate([record.signals[::-1], np.zeros((1, record.n_samples))]),
        record.fs_hz,
        (*record.leads[::-1], "V7"),
    )
    one, other = (np.array([f.probability or 0.0 for f in ecgimg.classify(r).findings]) for r in (record, turned))
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_classify_with_offset(classifier):
    """The offset of a recorder changes no finding."""
    record = heart()
    raised = dataclasses.replace(record, signals=record.signals + np.linspace(-0.5, 0.8, 12)[:, None])
    one, other = (np.array([f.probability or 0.0 for f in ecgimg.classify(r).findings]) for r in (record, raised))
    np.testing.assert_allclose(one, other, atol=1e-3)


def test_classify_with_unknown_operating_point():
    """An unknown operating point is refused, and the known ones are listed."""
    with pytest.raises(BadRequest, match="youden, sens90, spec90"):
        ecgimg.classify(heart(), operating_point="lucky")


def test_classify_refused_page(classifier):
    """A refused page gives the reason and no finding."""
    found = ecgimg.classify(np.full((300, 400, 3), 255, np.uint8))
    assert found.reasons[0].code is ReasonCode.PAGE_NOT_READ
    assert not found.findings


def test_classify_page(classifier):
    """A page is digitized and classified."""
    page = next(synth.pages(n=1, layouts="3x4+II", degradation="none", seed=3))
    found = ecgimg.classify(page.image, explain=True)
    assert found.digitization is not None
    assert found.digitization.layout == "3x4+II"
    assert found.seen_s["II"] > 9
    assert found["SR"].probability is not None


@pytest.mark.parametrize(
    ("signals", "message"),
    [
        (np.full((12, 1000), np.nan), "no value"),
        (np.zeros((12, 1000)), "flat"),
        (np.random.default_rng(0).normal(0, 200, (12, 1000)), "millivolt"),
    ],
)
def test_classify_what_is_no_ecg(classifier, signals, message):
    """A record without values, a flat one and one in another unit are refused."""
    with pytest.raises(BadRecord, match=message):
        ecgimg.classify(EcgRecord(signals, 100.0))


def test_classify_other_leads(classifier):
    """A record without any of the twelve leads is refused."""
    with pytest.raises(BadRecord, match="none of the twelve leads"):
        ecgimg.classify(EcgRecord(np.ones((1, 500)), 100.0, ("X",)))


def test_classify_page_with_assumed_gain(classifier):
    """Voltages are not judged where the gain is assumed."""
    page = next(synth.pages(n=1, layouts="3x4+II", degradation="none", seed=3))
    read = ecgimg.digitize(page.image)
    known, assumed = (
        ecgimg.classify(dataclasses.replace(read, sources={**(read.sources or {}), "gain": by}))
        for by in ("pulse", "assumed")
    )
    assert known["LVH"].probability is not None
    assert assumed["LVH"].not_judged.code is ReasonCode.VOLTAGES_UNCERTAIN
    assert assumed["AFIB"].probability is not None


def test_classify_page_with_doubted_lead(classifier):
    """A lead that the digitizer doubts is left out, with a warning."""
    page = next(synth.pages(n=1, layouts="3x4+II", degradation="none", seed=3))
    read = ecgimg.digitize(page.image)
    doubted = dataclasses.replace(read, lead_confidence={**(read.lead_confidence or {}), "V1": 0.1})
    found = ecgimg.classify(doubted)
    assert "V1" not in found.seen_s
    assert any("V1" in reason.text for reason in found.reasons)


def test_classify_flat_leads(classifier, delineator):
    """A flat lead is no lead: it is left out, with a reason, as one that is not there."""
    signals = heart(seed=3).signals.copy()
    signals[6:] = 0
    flat = ecgimg.classify(EcgRecord(signals, 500.0))
    without = ecgimg.classify(EcgRecord(signals[:6], 500.0, STANDARD_LEADS[:6]))
    assert ReasonCode.LEADS_WITHOUT_HEART in {reason.code for reason in flat.reasons}
    assert flat["NORM"].probability is None
    assert set(flat.seen_s) == set(STANDARD_LEADS[:6])
    assert flat["AFIB"].probability == pytest.approx(without["AFIB"].probability)


def test_classify_noise(classifier, delineator):
    """Where no beat is found, nothing is judged."""
    noise = np.random.default_rng(0).normal(0, 0.5, (12, 5000)).astype(np.float32)
    report = ecgimg.classify(EcgRecord(noise, 500.0))
    assert report.findings == ()
    assert report.conclusion.judgements == ()
    assert report.reasons[0].code is ReasonCode.NO_BEAT_FOUND
