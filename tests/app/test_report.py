"""The report for download."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ecgimg import STANDARD_LEADS
from ecgimg.app import process_page
from ecgimg.app.report import write_report
from ecgimg.digitization import Digitization
from ecgimg.measurement import Measured, Measurements
from ecgimg.plotting.paper_page import NOTICE
from ecgimg.reasons import ReasonCode
from ecgimg.reporting import Report
from tests.measurement.measured import CLEAN, lead, measured_page


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
        for words in ("Measurements", "Heart rate", "QRS duration", "QTc (Fridericia)", "QRS axis", "Sokolow-Lyon"):
            assert words in first
        assert "Smith" not in first


@pytest.mark.parametrize("shape", [(300, 900), (900, 600)], ids=["wide", "tall"])
def test_report_of_many_lines(tmp_path, shape):
    """Measurements with many lines leave room for the picture, and long names and reasons do not run together."""
    import pypdfium2 as pdfium

    noises = {name: replace(CLEAN, muscle_uv=30.0 + 40.0 * (k % 2)) for k, name in enumerate(STANDARD_LEADS)}
    leads = {name: lead(name, noise, st_j60_mv=Measured(0.2, 0.01, 3)) for name, noise in noises.items()}
    reasons = [ReasonCode.LEADS_NEEDED.reason(leads=f"the leads {', '.join(STANDARD_LEADS[:k])}") for k in range(3, 7)]
    names = ("p_axis_deg", "qrs_axis_deg", "t_axis_deg", "sokolow_lyon_mv")
    missing = {name: Measured(reason=reason) for name, reason in zip(names, reasons, strict=True)}
    overlay = np.full((*shape, 3), 200, np.uint8)
    page = Digitization("ok", speed_mm_s=25.0, gain_mm_mv=10.0, px_per_mm=8.0)
    write_report(tmp_path / "report.pdf", overlay, page, measured_page(leads=leads, **missing), Report())
    with pdfium.PdfDocument(tmp_path / "report.pdf") as document:
        text = document[0].get_textpage().get_text_range()
    assert "P duration" in text
    assert "the rest is in the JSON file" in text


def test_report_of_page_that_was_not_measured(tmp_path):
    """Where nothing was measured, the report says why."""
    import pypdfium2 as pdfium

    measurements = Measurements((ReasonCode.NO_BEAT_FOUND.reason(),))
    page = Digitization("ok", speed_mm_s=25.0, gain_mm_mv=10.0, px_per_mm=8.0)
    write_report(tmp_path / "report.pdf", np.full((300, 400, 3), 200, np.uint8), page, measurements, Report())
    with pdfium.PdfDocument(tmp_path / "report.pdf") as document:
        assert "No heartbeat was found." in document[0].get_textpage().get_text_range()
