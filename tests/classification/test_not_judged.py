"""What is not judged where too little is seen."""

from __future__ import annotations

import ecgimg
from ecgimg.classification.not_judged import silence
from tests.classification.hearts import heart


def test_silence_about_too_little():
    """A label is not judged where too few seconds or leads are seen, or the gain is uncertain."""
    assert "at least 2.5 s" in silence("NORM", {"II": 2.0})
    assert "P waves" in silence("AFIB", {"II": 2.5})
    assert silence("AFIB", {"II": 10.0}) == ""
    assert "V1" in silence("AMI", {"I": 10.0, "II": 10.0})
    assert "gain" in silence("LVH", {"V1": 2.5, "V5": 2.5}, ("LVH",))


def test_silence_of_single_lead(classifier):
    """A single lead says nothing of the anterior wall, but tells the rhythm."""
    found = ecgimg.classify(heart().select(["II"]))
    assert found["AMI"].probability is None
    assert found["AMI"].present is None
    assert found["AFIB"].probability is not None
    assert "silence" in found.summary()["findings"]["AMI"]
