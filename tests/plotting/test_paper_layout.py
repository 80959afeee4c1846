"""Leads laid out on paper: true scale, gaps, and the distance of the rows."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg import STANDARD_LEADS
from ecgimg.plotting.marks import Mark
from ecgimg.plotting.paper_layout import lay_out, lay_out_on_a4


def texts_of(page) -> list[str]:
    return [words.text for words in page.lettering]


def zeros_mm_of(page) -> list[float]:
    """Heights of the zero levels, from the pulses that stand on them."""
    return [float(line[0, 1]) for line in page.lines_mm if line[0, 0] == 19.0]


def test_lay_out_at_true_scale_with_gaps():
    """Traces and pulses have their true size in mm, and gaps stay empty."""
    signals = np.full((12, 5000), np.nan, np.float32)
    signals[0, 1000:2000] = 0.0
    signals[0, 1500] = 1.0
    page = lay_out(signals, 500.0, STANDARD_LEADS)
    assert page.size_mm == (297.0, 210.0)
    trace = page.lines_mm[1]
    assert trace[0, 0] == pytest.approx(30 + 2 * 25, abs=0.01)
    assert trace[-1, 0] - trace[0, 0] == pytest.approx(999 / 500 * 25, abs=0.01)
    assert np.ptp(trace[:, 1]) == pytest.approx(10.0, abs=0.03)
    assert len(page.lines_mm) == 13  # twelve pulses and one trace
    assert np.ptp(page.lines_mm[0][:, 1]) == pytest.approx(10.0)
    assert texts_of(page).count("not on the page") == 11


def test_rows_keep_apart():
    """Rows whose traces would cross are farther apart, in steps of the grid; deep waves beside high ones are not."""
    signals = np.zeros((3, 1000), np.float32)
    signals[0, 300:320] = -1.5
    signals[1, 300:320] = 1.8
    signals[2, 700:720] = 3.0
    page = lay_out(signals, 500.0, ("I", "II", "III"))
    first, second, third = zeros_mm_of(page)
    assert second - first == 35.0
    assert third - second == 35.0  # 30 mm above the zero level of lead III
    beside = signals.copy()
    beside[1] = np.roll(beside[1], 400)
    assert np.diff(zeros_mm_of(lay_out(beside, 500.0, ("I", "II", "III"))))[0] == 20.0


def test_artefact_does_not_stretch_the_page():
    """A trace that leaves every range takes a limited place."""
    signals = np.zeros((2, 1000), np.float32)
    signals[1, 100] = 500.0
    assert np.diff(zeros_mm_of(lay_out(signals, 500.0, ("I", "II")))).tolist() == [45.0]


def test_rows_on_a4():
    """On A4 rows that need little room are spread over the sheet; those that need more take more sheets."""
    signals = np.zeros((12, 5000), np.float32)
    (page,) = lay_out_on_a4(signals, 500.0, STANDARD_LEADS, seconds=10.0)
    assert page.size_mm == (297.0, 210.0)
    assert set(np.diff(zeros_mm_of(page))) == {15.0}
    (page,) = lay_out_on_a4(signals[:6], 500.0, STANDARD_LEADS[:6], seconds=10.0)
    assert np.diff(zeros_mm_of(page)).tolist() == [30.0] * 5
    signals[1::2, 1000:1020] = 2.0  # each second lead is 20 mm high
    pages = lay_out_on_a4(signals, 500.0, STANDARD_LEADS, seconds=10.0)
    assert [page.size_mm for page in pages] == [(297.0, 210.0)] * 2
    assert [len(zeros_mm_of(page)) for page in pages] == [6, 6]
    assert min(np.diff(zeros_mm_of(pages[0]))[::2]) >= 22.0
    signals[:, 100] = 500.0  # artefacts, of which no sheet has room for more than a few
    pages = lay_out_on_a4(signals, 500.0, STANDARD_LEADS, seconds=10.0)
    assert all(page.size_mm[1] <= 210.0 for page in pages)


def test_part_of_record():
    """A part begins at the left of the paper, the footer says which it is, and the seconds are those of the record."""
    signals = np.zeros((2, 5000), np.float32)
    signals[1, :1000] = np.nan
    page = lay_out(signals, 500.0, ("V1", "II"), start_s=0.5, seconds=1.5)
    assert "0.5 to 2 s of 10 s" in texts_of(page)
    seconds = {words.text: words.x_mm for words in page.lettering if words.anchor == "middle"}
    assert seconds == {"1 s": 42.5, "2 s": 67.5}
    assert "not on the page" not in texts_of(page)
    assert "of 10 s" not in "".join(texts_of(lay_out(signals, 500.0, ("V1", "II"))))


def test_short_part_on_a4():
    """A short part on A4 has paper as wide as the page, and a footer of one line."""
    page = lay_out(np.zeros((12, 100), np.float32), 100.0, STANDARD_LEADS, on_a4=True)
    assert page.size_mm == (297.0, 210.0)


@pytest.mark.parametrize(("lead", "missing"), [("II", "not in these seconds"), ("V1", "not on the page")])
def test_empty_row_says_why(lead, missing):
    """A row is empty because the record has nothing of the lead, or nothing in these seconds."""
    signals = np.full((1, 5000), np.nan, np.float32)
    signals[0, 4000:] = 0.0 if lead == "II" else np.nan
    assert missing in texts_of(lay_out(signals, 500.0, (lead,), seconds=2.0))


def test_order_of_rows():
    """The standard leads come first, in their usual order, and no other lead is drawn."""
    page = lay_out(np.zeros((4, 100), np.float32), 100.0, ("V8", "V1", "V4R", "I"))
    assert texts_of(page)[:4] == ["I", "V1", "V8", "V4R"]


def test_marks_of_page():
    """Marks lie at their second on the row of their lead, and the legend explains their wave."""
    marks = [Mark("II", 1.0, "qrs_onset"), Mark("II", 1.1, "qrs_end"), Mark("V6", 1.0, "t_peak")]
    page = lay_out(np.zeros((2, 1000), np.float32), 500.0, ("I", "II"), marks)
    in_row, in_legend = page.waves
    assert in_row.wave == in_legend.wave == "QRS"
    left, right, top, bottom = in_row.bands_mm[0]
    assert (left, right) == (55.0, pytest.approx(57.5))
    assert top < zeros_mm_of(page)[1] < bottom
    assert "QRS" in texts_of(page)
    assert "T" not in texts_of(page)


@pytest.mark.parametrize(("samples", "fs_hz"), [(1, 500.0), (3, 1.0), (2, 100_000.0)])
def test_few_samples(samples, fs_hz):
    """The shortest records are laid out."""
    assert lay_out(np.zeros((1, samples), np.float32), fs_hz, ("II",)).size_mm[0] >= 105.0
