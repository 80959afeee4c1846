"""The head of the page: durations as they are said, and sample pages that are what they say."""

from __future__ import annotations

import pytest

import ecgimg
from ecgimg.app.process_page import sample_pages
from ecgimg.app.web_page import intro
from ecgimg.reporting import Grade


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0, "deleted as soon as you close"), (0.5, "deleted 30 seconds after"), (1, "deleted 1 minute after"),
        (1.5, "deleted 90 seconds after"), (5, "deleted 5 minutes after"), (120, "deleted 2 hours after"),
    ],
)  # fmt: skip
def test_time_until_deletion(minutes, words):
    """The time until pages are deleted is said in whole seconds, minutes or hours."""
    assert words in intro.header(minutes)


def test_every_sample_is_described():
    """Every sample page has a button that says what its heart has."""
    shown = intro.samples(sample_pages())
    assert shown.count("<button") == len(sample_pages()) == len(intro._SAMPLES)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sample", "words"),
    [("photo", "atrial fibrillation"), ("scan", "ST elevation, inferior leads"), ("rows", "left bundle branch block")],
)
def test_samples_are_what_they_say(sample, words):
    """What is likely on a sample page is what its heart was simulated with."""
    report = ecgimg.classify(sample_pages()[sample])
    judgements = [*report.conclusion.of_grade(Grade.CRITICAL), *report.conclusion.of_grade(Grade.LIKELY)]
    assert any(words in judgement.name for judgement in judgements)
