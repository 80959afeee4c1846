"""Two pages of a session are compared in the browser's words."""

from __future__ import annotations

from types import SimpleNamespace

import gradio as gr
import pytest

from ecgimg.app.web_page import comparison_block
from ecgimg.app.web_page.comparison_block import ComparisonBlock, comparison_html
from ecgimg.comparison import compare_reports
from ecgimg.digitization import Digitization
from ecgimg.errors import BadRequest
from ecgimg.reasons import ReasonCode
from ecgimg.reporting import Report
from tests.classification.hearts import heart
from tests.comparison.reports import report_of
from tests.reporting.measured import measured_heart


def reading(number: int, report: Report, name: str = "page") -> SimpleNamespace:
    page = Digitization("ok", record=heart()) if report.record is not None else Digitization("refused")
    return SimpleNamespace(page=SimpleNamespace(number=number, name=name), findings=report, digitization=page)


class Service:
    """Some readings that were made."""

    def __init__(self, *readings: SimpleNamespace) -> None:
        self.made = readings

    def readings(self, key: str) -> tuple[SimpleNamespace, ...]:
        return self.made

    def reading(self, key: str, number: int) -> SimpleNamespace:
        if not 1 <= number <= len(self.made):
            raise BadRequest("this page is no longer here")
        return self.made[number - 1]


@pytest.fixture
def block(monkeypatch) -> ComparisonBlock:
    monkeypatch.setattr(comparison_block, "key_of", lambda request: "key")
    old, new = report_of(measured_heart()), report_of(measured_heart(rate_bpm=120.0))
    service = Service(reading(1, old, "<old>"), reading(2, Report()), reading(3, new))
    with gr.Blocks():
        return ComparisonBlock(service)


def test_pages_to_choose(block):
    """Pages that were read can be chosen, the first against the last; with fewer than two there is no choice."""
    panel, old, new, result = block.refresh(None)
    assert panel["visible"] is True
    assert old["choices"] == new["choices"] == [("1. <old>", 1), ("3. page", 3)]
    assert (old["value"], new["value"], result) == (1, 3, "")
    block.service = Service(reading(1, Report()))
    assert block.refresh(None)[0]["visible"] == "hidden"


def test_comparison_of_two_pages(block):
    """The table has both numbers and the change, and the picture is there."""
    shown = block.compare(1, 3, None)
    assert "<td>70\xa0bpm</td><td>120\xa0bpm</td><td><b>+50\xa0bpm</b> <small>more than its error</small></td>" in shown
    assert "data:image/svg+xml;base64," in shown


def test_wrong_choice(block):
    """One page twice, and a page that is gone, give one sentence."""
    assert "Both are the same page" in block.compare(1, 1, None)
    assert "no longer here" in block.compare(1, 9, None)


def test_nothing_to_compare():
    """Of pages without beats there are reasons and no picture."""
    refused = Report((ReasonCode.NO_ECG.reason(error="flat"),))
    assert "Neither page shows a beat" in comparison_html(compare_reports(refused, refused))
