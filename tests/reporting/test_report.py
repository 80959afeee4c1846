"""A record or a page is classified and measured as one."""

from __future__ import annotations

import json

import pytest

import ecgimg
from ecgimg.digitization import Digitization
from ecgimg.reasons import ReasonCode
from ecgimg.record import EcgRecord
from ecgimg.reporting import Grade, Report
from ecgimg.resample import resample
from tests.classification.hearts import heart


def test_classify_reports(classifier, delineator):
    """A report has findings, measurements, and what both tell."""
    report = ecgimg.classify(heart(seed=3, conduction="clbbb", qrs_ms=150))
    assert isinstance(report, Report)
    (block,) = [item for item in report.conclusion.judgements if item.finding and item.finding.label == "CLBBB"]
    assert block.grade is Grade.LIKELY
    assert block.statement.code.value == "left_bundle_branch_block"
    assert "QRS" in report.numbers
    content = json.loads(json.dumps(report.summary()))
    assert content["schema_version"] == 3
    assert content["numbers"]["qrs_ms"] == pytest.approx(report.measurements["qrs_ms"].value)
    assert [item["name"] for item in content["conclusion"]["likely"]]


def test_report_of_coarse_record(classifier, delineator):
    """A record that is too coarse to measure is classified, and the reason is kept."""
    report = ecgimg.classify(resample(heart(rhythm="af", seed=4), 50.0))
    assert report.measurements.reasons[0].code is ReasonCode.NOT_MEASURED
    assert "atrial fibrillation" in {judgement.name for judgement in report.conclusion.judgements}
    assert report.numbers == ""


@pytest.mark.parametrize("fs_hz", [128, 250, 257, 360, 512, 1000, 976.5625])
def test_report_at_other_rates(classifier, delineator, fs_hz):
    """The rate of a record changes neither what is measured nor what is found."""
    record = heart(seed=3, conduction="clbbb", qrs_ms=150)
    usual, other = ecgimg.classify(record), ecgimg.classify(resample(record, fs_hz))
    assert other.record.fs_hz == pytest.approx(fs_hz, rel=1e-5)
    for name, within in (("rate_bpm", 0.2), ("pr_ms", 2.0), ("qrs_ms", 2.0), ("qt_ms", 3.0), ("qrs_axis_deg", 2.0)):
        assert other.measurements[name].value == pytest.approx(usual.measurements[name].value, abs=within)
    for finding in usual.findings:
        if finding.probability is not None:
            assert other[finding.label].probability == pytest.approx(finding.probability, abs=0.05)


def test_report_of_refused_page(classifier):
    """A page that was not read has reasons and no judgement."""
    report = ecgimg.classify(Digitization("refused", (ReasonCode.NO_TRACE_FOUND.reason(),)))
    assert report.reasons[0].code is ReasonCode.PAGE_NOT_READ
    assert report.conclusion.judgements == ()
    assert "page_not_read" in repr(report)


def test_repr_of_report(classifier, delineator):
    """A report is one line of numbers and names, and a table in notebooks."""
    report = ecgimg.classify(heart(rhythm="af", seed=4))
    assert repr(report).startswith("Report(")
    assert "bpm" in repr(report)
    assert "fibrillation" in report._repr_html_()
    assert "not a medical device" in report._repr_html_()


def test_report_of_one_lead(classifier, delineator):
    """Of a strip, what needs other leads is not judged."""
    record = heart()
    report = ecgimg.classify(EcgRecord(record.signals[1:2], record.fs_hz, ("II",)))
    silent = {name for names in report.conclusion.not_judged.values() for name in names}
    assert "incomplete right bundle branch block" in silent
