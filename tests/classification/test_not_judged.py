"""What is not judged where too little is seen."""

from __future__ import annotations

import ecgimg
from ecgimg.classification.not_judged import why_not_judged
from ecgimg.reasons import ReasonCode
from tests.classification.hearts import heart


def test_silence_about_too_little():
    """A label is not judged where too few seconds or leads are seen, or the gain is uncertain."""
    assert "at least 2.5 s" in why_not_judged("NORM", {"II": 2.0}).text
    assert "P waves" in why_not_judged("AFIB", {"II": 2.5}).text
    assert why_not_judged("AFIB", {"II": 10.0}) is None
    assert "V1" in why_not_judged("AMI", {"I": 10.0, "II": 10.0}).text
    assert why_not_judged("LVH", {"V1": 2.5, "V5": 2.5}, ("LVH",)).code is ReasonCode.VOLTAGES_UNCERTAIN


def test_silence_of_single_lead(classifier):
    """A single lead says nothing of the anterior wall, but tells the rhythm."""
    found = ecgimg.classify(heart().select(["II"]))
    assert found["AMI"].probability is None
    assert found["AMI"].present is None
    assert found["AFIB"].probability is not None
    assert found.summary()["findings"]["AMI"]["not_judged"]["code"] == "leads_not_seen"
