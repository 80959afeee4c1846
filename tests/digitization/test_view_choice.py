"""Which of two readings of a page is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ecgimg.digitization import Digitization, view_choice


@pytest.mark.parametrize(
    ("layout", "unread", "einthoven_db", "more"),
    [
        ("3x4", (), 12.0, True),
        ("3x4", ("I",), 12.0, False),
        ("3x4", ("I",), 18.0, True),
        ("3x4", (), 8.0, False),  # it shows more, but what contradicts itself
        ("3x4+II", (), 12.0, False),
        ("3x4+II", (), 18.0, True),  # leads that agree so much better are of another layout
        (None, (), 12.0, False),
    ],
)
def test_shows_more_of_agreeing_leads(layout, unread, einthoven_db, more):
    """Another reading is taken if it shows more and its leads agree no less."""
    reading = Digitization("limited", (), layout="3x4", unread=("V1",), consistency_db={"einthoven": 12.0})
    other = replace(reading, layout=layout, unread=unread, consistency_db={"einthoven": einthoven_db, "strip": 1.0})
    assert view_choice.shows_more(other, reading) == more
