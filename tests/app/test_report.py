"""The report for download."""

from __future__ import annotations

import pytest

from ecgimg.app import process_page
from ecgimg.plotting.paper_page import NOTICE


def test_report_size_and_notice(read_photo):
    """The report is true to size, every page has the notice, and no page names a person."""
    import pypdfium2 as pdfium

    with pdfium.PdfDocument(process_page.download_path(read_photo, "report")) as document:
        assert len(document) == 2
        for page in document:
            assert page.get_size() == pytest.approx((297 / 25.4 * 72, 210 / 25.4 * 72), abs=0.1)
            assert NOTICE in page.get_textpage().get_text_range()
        first = document[0].get_textpage().get_text_range()
        assert "The page was read" in first
        assert "atrial fibrillation" in first
        assert "Smith" not in first
