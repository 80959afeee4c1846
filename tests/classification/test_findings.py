"""Findings: names, thresholds, and their order."""

from __future__ import annotations

import json

import pytest

import ecgimg
from ecgimg.classification.findings import Finding, Findings
from ecgimg.classification.labels import LABELS
from tests.classification.hearts import heart


def test_findings_summary(classifier):
    """Every label has a probability, a threshold and a name, in the summary too."""
    found = ecgimg.classify(heart())
    assert [finding.label for finding in found.findings] == list(LABELS)
    assert all(0 <= finding.probability <= 1 and finding.name for finding in found.findings)
    assert found["SR"].present
    told = json.loads(json.dumps(found.summary()))
    assert told["findings"]["SR"]["present"] is True
    assert "not a medical device" in told["notice"]


@pytest.mark.parametrize("operating_point", ["youden", "sens90", "spec90"])
def test_findings_present_at_operating_point(classifier, operating_point):
    """What is present reaches the threshold of the operating point."""
    found = ecgimg.classify(heart(seed=3, conduction="clbbb", qrs_ms=150), operating_point=operating_point)
    cuts = classifier.thresholds(operating_point)
    reached = {f.label for f in found.findings if cuts[f.label] is not None and f.probability >= cuts[f.label]}
    assert {finding.label for finding in found.present} == reached
    assert "CLBBB" in {finding.label for finding in found.leading}
    assert not any(finding.label.startswith(("cinc_", "super_")) for finding in found.leading)


def test_findings_order():
    """Findings farthest above their threshold come first."""
    found = Findings("", (Finding("SR", 0.9, 0.8), Finding("AFIB", 0.3, 0.02), Finding("LVH", 0.1, 0.2)))
    assert [finding.label for finding in found.present] == ["AFIB", "SR"]
    with pytest.raises(KeyError):
        found["none"]
