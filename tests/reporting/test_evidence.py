"""What is said is drawn where it was measured, or where the classifier looks."""

from __future__ import annotations

import numpy as np
import pytest

import ecgimg
from ecgimg.measurement.rhythm.beat_classes import BeatClass
from ecgimg.reporting.evidence_figure import draw_on_signal, strongest
from tests.classification.hearts import heart


def test_evidence_of_measured_finding(classifier, delineator):
    """A wide QRS rests on the QRS complexes of the usual beats."""
    report = ecgimg.classify(heart(seed=3, conduction="clbbb", qrs_ms=150), explain=True)
    spans = report.evidence["CLBBB"]
    assert {span.lead for span in spans} == set(report.record.leads)
    assert {span.weight for span in spans} == {None}
    assert np.median([span.end_s - span.start_s for span in spans]) == pytest.approx(0.15, abs=0.03)
    assert strongest(spans) == spans


def test_evidence_of_premature_beats(classifier, delineator):
    """Premature beats are marked, and no others."""
    report = ecgimg.classify(heart(seed=5, pvc_per_min=20), explain=True)
    early = [beat for beat in report.measurements.beats if beat.kind is BeatClass.PREMATURE_WIDE]
    assert early
    spans = report.evidence["PVC"]
    starts = sorted({round(span.start_s, 1) for span in spans})
    assert all(any(abs(start - beat.qrs_s[0]) < 0.1 for beat in early) for start in starts)


def test_picture_of_evidence(classifier, delineator):
    """Marks are drawn on the signals, with the name of the finding above them."""
    report = ecgimg.classify(heart(rhythm="af", seed=4), explain=True)
    picture = draw_on_signal(report.record, report, "AFIB")
    assert picture.ndim == 3
    assert (picture == (255, 224, 160)).all(axis=2).any()
    assert not set(report.evidence) & {"NORM", "SR"}
