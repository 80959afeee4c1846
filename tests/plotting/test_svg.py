"""ECG paper as SVG."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np

from ecgimg import STANDARD_LEADS
from ecgimg.plotting.marks import Mark
from ecgimg.plotting.paper_layout import lay_out
from ecgimg.plotting.paper_page import NOTICE
from ecgimg.plotting.svg import MINOR, as_svg, ruling_mm


def test_svg_in_millimetres():
    """The drawing is one well-formed SVG of the paper's size, with scale, leads and notice."""
    page = lay_out(np.zeros((12, 5000), np.float32), 500.0, STANDARD_LEADS)
    root = ElementTree.fromstring(as_svg(page, "a <title>"))
    assert root.get("width") == "297mm"
    assert root.get("viewBox") == "0 0 297 210"
    text = "".join(root.itertext())
    assert NOTICE in text
    assert "25 mm/s" in text
    assert "a <title>" in text
    assert all(lead in text for lead in STANDARD_LEADS)


def test_trace_of_svg():
    """The steps of a trace add up to its points."""
    signals = np.sin(np.arange(1000, dtype=np.float32) / 50)[None]
    page = lay_out(signals, 500.0, ("II",))
    drawing = re.search(r'scale\(0\.01\)"[^>]* d="([^"]*)"', as_svg(page, ""))[1]
    trace = drawing.split("M")[2]  # after the pulse
    numbers = np.array([int(number) for number in re.findall(r"-?\d+", trace)]).reshape(-1, 2)
    np.testing.assert_allclose(np.cumsum(numbers, axis=0) / 100, page.lines_mm[1], atol=0.006)


def test_marks_of_svg():
    """Bands lie behind the trace and dots on it; nothing is drawn of waves without marks."""
    signals = np.zeros((1, 1000), np.float32)
    kinds = ("p_onset", "p_peak", "p_end", "pacing_spike")
    marks = [Mark("II", 0.5 + 0.05 * k, kind) for k, kind in enumerate(kinds)]
    svg = as_svg(lay_out(signals, 500.0, ("II",), marks), "")
    assert svg.index('fill="#56b4e9"') < svg.index("scale(0.01)") < svg.index('fill="#0b5c94"')
    assert "#7b1fa2" in svg
    assert "#e69f00" not in svg
    ElementTree.fromstring(svg)


def test_ruling_draws_no_line_twice():
    """The 1 mm ruling leaves out the lines of the 5 mm ruling."""
    fine, coarse = set(ruling_mm((30.0, 20.0), 1.0)), set(ruling_mm((30.0, 20.0), 5.0))
    assert not fine & coarse
    assert len(fine | coarse) == 29 + 19


def test_svg_loads_nothing():
    """An SVG has no script, link or file of others."""
    svg = as_svg(lay_out(np.zeros((1, 1000), np.float32), 500.0, ("II",)), "")
    assert MINOR in svg
    assert not re.search(r"<script|<image|<use|href|url\(|@import", svg)
    assert svg.count("http") == 1  # the namespace
