"""Findings: names, thresholds, and their order."""

from __future__ import annotations

import json

import pytest

import ecgimg
from ecgimg.classification.findings import Finding, Findings
from ecgimg.classification.labels import LABELS
from ecgimg.digitization import Digitization
from ecgimg.plotting.paper_page import NOTICE
from ecgimg.reasons import ReasonCode
from tests.classification.hearts import heart


def test_findings_summary(classifier):
    """Every label has a name, and a probability or a reason why it is not judged; the summary says so, too."""
    found = ecgimg.classify(heart())
    assert [finding.label for finding in found.findings] == list(LABELS)
    assert all(
        finding.name and (finding.probability is None) == (finding.not_judged is not None) for finding in found.findings
    )
    assert found["SR"].present
    told = json.loads(json.dumps(found.summary()))
    assert told["findings"]["SR"]["present"] is True
    assert "not a medical device" in told["notice"]


@pytest.mark.parametrize("operating_point", ["likely", "possible", "youden", "sens90", "spec90"])
def test_findings_present_at_operating_point(classifier, operating_point):
    """What is present reaches the threshold of the operating point."""
    found = ecgimg.classify(heart(seed=3, conduction="clbbb", qrs_ms=150), operating_point=operating_point)
    cuts = classifier.thresholds(operating_point)
    reached = {
        f.label for f in found.findings if None not in (cuts[f.label], f.probability) and f.probability >= cuts[f.label]
    }
    assert {finding.label for finding in found.present} == reached
    assert "CLBBB" in {finding.label for finding in found.leading}
    assert not any(finding.label.startswith(("cinc_", "super_")) for finding in found.leading)


def test_findings_order():
    """Findings farthest above their threshold come first."""
    found = Findings("", (Finding("SR", 0.9, 0.8), Finding("AFIB", 0.3, 0.02), Finding("LVH", 0.1, 0.2)))
    assert [finding.label for finding in found.present] == ["AFIB", "SR"]
    with pytest.raises(KeyError):
        found["none"]


def some_findings() -> Findings:
    """Four present findings, a group among them, one that is absent and one that is not judged."""
    short = ReasonCode.TOO_SHORT_FOR_RHYTHM.reason(seconds=2.5)
    findings = (
        Finding("AFIB", 0.9, 0.02), Finding("LVH", 0.6, 0.5), Finding("IMI", 0.5, 0.4), Finding("NST", 0.3, 0.29),
        Finding("super_HYP", 0.6, 0.5), Finding("SR", 0.1, 0.8), Finding("PVC", None, 0.1, short),
    )  # fmt: skip
    return Findings((ReasonCode.LEADS_LEFT_OUT.reason(leads="V1"),), findings)


def test_repr_of_findings():
    """Findings are one line: the first three that are no group, how many are judged, and the codes of reasons."""
    assert repr(some_findings()) == (
        "Findings(AFIB 90 %, LVH 60 %, IMI 50 %, …; 5 present, 6 of 7 labels judged; leads_left_out)"
    )
    refused = Findings((ReasonCode.PAGE_NOT_READ.reason(text="/home/jane doe/page.png"),))
    assert repr(refused) == "Findings(nothing judged; page_not_read)"


def test_html_of_findings():
    """A notebook shows names and probabilities of what is present, the reasons, and the notice."""
    html = some_findings()._repr_html_()
    assert html.index("atrial fibrillation") < html.index("left ventricular hypertrophy")
    assert "90 %" in html
    assert "super_HYP" not in html
    assert "left out: V1." in html
    assert html.count("too short to judge") == 1
    assert NOTICE in html


def test_html_of_refused_page():
    """Where a page was refused, its reasons are shown, and no path that an error names."""
    page = Digitization("refused", (ReasonCode.NO_TRACE_FOUND.reason(),))
    html = Findings((ReasonCode.NO_ECG.reason(error="/home/jane doe/page.png"),), digitization=page)._repr_html_()
    assert "No ECG trace was found on the page." in html
    assert "<li>No ECG</li>" in html
    assert "jane" not in html
    assert "<table" not in html
