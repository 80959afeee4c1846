"""Twelve leads redrawn on paper at true scale."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from ecgimg import STANDARD_LEADS, EcgRecord, draw_record_svg


def test_lay_out_at_true_scale_with_gaps():
    """Traces and pulses have their true size in mm, and gaps stay empty."""
    signals = np.full((12, 5000), np.nan, np.float32)
    signals[0, 1000:2000] = 0.0
    signals[0, 1500] = 1.0
    page = draw_record_svg.lay_out(EcgRecord(signals, 500.0))
    assert page.size_mm == (297.0, 210.0)
    trace = page.lines_mm[1]
    assert trace[-1, 0] - trace[0, 0] == pytest.approx(999 / 500 * 25, abs=0.01)
    assert np.ptp(trace[:, 1]) == pytest.approx(10.0, abs=0.02)
    assert len(page.lines_mm) == 13  # twelve pulses and one trace
    pulse = page.lines_mm[0]
    assert np.ptp(pulse[:, 1]) == pytest.approx(10.0)
    assert sum(words.text == "not on the page" for words in page.lettering) == 11


def test_draw_svg_in_millimetres():
    """The drawing is one well-formed SVG of the paper's size, with scale, leads and notice."""
    record = EcgRecord(np.zeros((12, 5000), np.float32), 500.0)
    root = ElementTree.fromstring(draw_record_svg.draw_svg(record, "a <title>"))
    assert root.get("width") == "297mm"
    assert root.get("viewBox") == "0 0 297 210"
    text = "".join(root.itertext())
    assert draw_record_svg.NOTICE in text
    assert "25 mm/s" in text
    assert all(lead in text for lead in STANDARD_LEADS)
