"""What a digitization tells of itself."""

from __future__ import annotations

import json
import re

import pytest

from ecgimg.digitization import Digitization
from ecgimg.reasons import ReasonCode


def test_summary_of_clean_page(standard_page):
    """The summary survives JSON, and names leads, confidences and seconds."""
    _, digitization = standard_page
    summary = json.loads(json.dumps(digitization.summary()))
    assert summary["schema_version"] == 2
    assert set(summary["leads"]) == {"I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"}
    assert all(0 <= lead["confidence"] <= 1 for lead in summary["leads"].values())
    assert summary["leads"]["II"]["seconds"] == pytest.approx(10, abs=0.2)


def test_repr_of_clean_page(standard_page):
    """A page is one line: status, layout, scale and leads."""
    _, digitization = standard_page
    assert repr(digitization) == "Digitization(ok, 3x4+II, 25 mm/s, 10 mm/mV, 12 leads)"


def test_repr_of_limited_and_refused_pages():
    """Reasons are named by their codes, and a chest gain of its own is said."""
    reason = ReasonCode.GAIN_ASSUMED.reason(gain_mm_mv=10.0)
    limited = Digitization("limited", (reason,), speed_mm_s=25.0, gain_mm_mv=10.0, chest_gain_mm_mv=5.0)
    assert repr(limited) == "Digitization(limited, 25 mm/s, 10 mm/mV, chest leads 5 mm/mV; gain_assumed)"
    assert (
        repr(Digitization("refused", (ReasonCode.NO_TRACE_FOUND.reason(),))) == "Digitization(refused; no_trace_found)"
    )


def test_html_of_clean_page(standard_page):
    """A notebook shows the line, the confidence of each lead, and the plot."""
    _, digitization = standard_page
    html = digitization._repr_html_()
    assert repr(digitization) in html
    headings = re.findall(r'<th scope="col"[^>]*>([^<]*)', html)
    assert headings == ["lead", "I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
    assert html.count("<img ") == 1


def test_html_quotes_nothing():
    """A page shows the texts of its reasons, but no path and nothing that a person entered."""
    reasons = (
        ReasonCode.NO_TRACE_FOUND.reason(),
        ReasonCode.UNREADABLE_FILE.reason(error="/home/jane doe/<b>.png is empty"),
        ReasonCode.CORRECTED_BY_HAND.reason(correction="layout /home/jane doe/own.yaml"),
    )
    page = Digitization("refused", reasons)
    html = page._repr_html_()
    assert "error: No ECG trace was found on the page." in html
    assert "error: Unreadable file" in html
    assert "jane" not in html + repr(page)
    assert "<img" not in html
