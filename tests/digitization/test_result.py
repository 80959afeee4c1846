"""What a digitization tells of itself."""

from __future__ import annotations

import json

import pytest


def test_summary_of_clean_page(standard_page):
    """The summary survives JSON, and names leads, confidences and seconds."""
    _, digitization = standard_page
    summary = json.loads(json.dumps(digitization.summary()))
    assert summary["schema_version"] == 2
    assert set(summary["leads"]) == {"I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"}
    assert all(0 <= lead["confidence"] <= 1 for lead in summary["leads"].values())
    assert summary["leads"]["II"]["seconds"] == pytest.approx(10, abs=0.2)
