"""What the page shows of a result."""

from __future__ import annotations

import re
from dataclasses import replace

from ecgimg.app.web_page import result_html
from ecgimg.measurement import Measured, Measurements
from ecgimg.reasons import Reason, ReasonCode
from tests.measurement.measured import measured_page


def test_result_order_and_escaping(read_photo):
    """The result names no file, has its parts in order, and escapes what it shows."""
    shown = result_html.result(read_photo, "/files/token/1.0")
    assert "Smith" not in shown
    assert shown.index("ecg-verdict") < shown.index("overlay.jpg") < shown.index("paper.svg") < shown.index("ecg-leads")
    assert shown.index("ecg-leads") < shown.index("ecg-numbers") < shown.index("ecg-findings")
    assert shown.index("ecg-findings") < shown.index("ecg-downloads")
    assert result_html.progress("reading the page", 0, 1, "<b>.jpg").count("&lt;b&gt;") == 1
    assert "<" not in re.sub(r"</?p[^>]*>", "", result_html.message("a <script>"))


def test_confidence_is_folded(read_photo):
    """Leads that were all read well are folded, and open where one was not."""
    shown = result_html.result(read_photo, "")
    assert "<details><summary>All 12 leads were read with high confidence" in shown
    doubtful = replace(read_photo.digitization, lead_confidence={**read_photo.digitization.lead_confidence, "V1": 0.4})
    shown = result_html.result(replace(read_photo, digitization=doubtful), "")
    assert "high confidence" not in shown
    assert "ecg-leads" in shown


def test_measurements_table(read_photo):
    """Every number has a row heading, every column a heading, and every table a caption; reasons are escaped."""
    reason = Reason(ReasonCode.NO_T_WAVE, "<b>no end</b>")
    measurements = measured_page(qt_ms=Measured(reason=reason))
    shown = result_html.result(replace(read_photo, measurements=measurements), "")
    numbers = shown[shown.index("ecg-numbers") : shown.index("<h2>Findings")]
    assert "not given: &lt;b&gt;no end&lt;/b&gt;" in numbers
    assert '<th scope="row">QRS duration</th><td><b>104\xa0ms</b>' in numbers
    assert numbers.count("<table") == numbers.count("<caption>") == numbers.count('<th scope="col">') / 2
    assert numbers.count('<th scope="row">') == numbers.count("<tr>") - numbers.count("<thead")


def test_page_that_was_not_measured(read_photo):
    """An error of the measurement is a sentence, and the rest of the page is there."""
    reason = ReasonCode.NOT_MEASURED.reason(error="weights <x> are missing")
    shown = result_html.result(replace(read_photo, measurements=Measurements((reason,))), "")
    assert "<p>Nothing could be measured: weights &lt;x&gt; are missing.</p>" in shown
    assert shown.index("<h2>Measurements") < shown.index("ecg-findings") < shown.index("ecg-downloads")
