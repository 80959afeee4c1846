"""Leads that should agree."""

from __future__ import annotations

from ecgimg.digitization.signals.consistency import consistency_db
from layouts import load_layout
from tests.evaluate.waves import wave


def test_consistency_of_wrong_lead():
    """A lead that does not add up lowers the agreement."""
    first, second = wave(1250), wave(1250, 1)
    slots = {slot.lead: slot for slot in load_layout("3x4+II").slots() if slot.column is not None}
    cells = [(slots["I"], first), (slots["II"], second), (slots["III"], second - first)]
    assert consistency_db(cells, 500.0)["einthoven"] == 60
    assert consistency_db([*cells[:2], (slots["III"], first)], 500.0)["einthoven"] < 3
