"""What is reported of scored pages."""

from __future__ import annotations

from ecgimg.evaluate.digitizer_report import confidence_summary
from ecgimg.evaluate.page_scores import LeadScore, PageScore


def test_confidence_summary():
    """Confidence is judged by how it ranks leads and by the error of sure leads."""

    def lead(confidence, mae):
        return LeadScore("I", 1, 1, 1, 1, mae, mae, 0, 1, 1, (1, 1), confidence)

    pages = [PageScore("a", {}, "ok", True, (lead(0.95, 10), lead(0.2, 300), lead(0.9, 20)), 1.0, 0.0, {})]
    told = confidence_summary(pages)
    assert told["auroc"] == 1
    assert told["median error of sure leads µV"] == 15
