"""Vector pages are read from their paths."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

import ecgimg
from tests.formats.pages.pdf_pages import grid_lines, stroke, vector_pdf, word

Floats = NDArray[np.float64]


def test_digitize_vector_pdf(data_folder):
    """The traces of a vector PDF are read from its paths."""
    digitization = ecgimg.digitize(data_folder / "pages" / "ecgtizer_pdf" / "00009_hr_6x2.pdf")
    assert digitization.layout == "6x2"
    assert digitization.status == "ok"


LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


def hearts_mv(seconds: float = 5.0) -> Floats:
    """Twelve leads (12, samples) at 500 Hz that are straight for more than 0.2 s between the waves."""
    t_s = np.arange(int(500 * seconds)) / 500
    beat = np.exp(-0.5 * ((t_s % 0.9 - 0.3) / 0.012) ** 2) + 0.25 * np.exp(-0.5 * ((t_s % 0.9 - 0.6) / 0.035) ** 2)
    limb = np.stack([0.5 * beat, 0.9 * beat])  # I and II, of which the other four follow
    i, ii = limb
    chest = np.stack([share * beat for share in (-0.6, 0.4, 0.8, 1.1, 0.9, 0.7)])
    return np.concatenate([[i, ii, ii - i, -(i + ii) / 2, i - ii / 2, ii - i / 2], chest])


def without_straight_runs(points_mm: Floats) -> Floats:
    """Leave out the points of nearly straight runs, as plotting programs do."""
    kept = [0]
    for last in range(2, len(points_mm)):
        part = points_mm[kept[-1] : last + 1]
        straight = np.interp(part[:, 0], part[[0, -1], 0], part[[0, -1], 1])
        if np.abs(part[:, 1] - straight).max() > 0.02:
            kept.append(last - 1)
    return points_mm[[*kept, len(points_mm) - 1]]


def page_of_12x1(signals_mv: Floats, draw: Callable[[Floats], Floats]) -> str:
    """The content of a page of twelve rows in page mm."""
    content = grid_lines(1, "1 0.8 0.8", 0.1, (20, 10, 280, 205)) + grid_lines(5, "1 0.5 0.5", 0.2, (20, 10, 280, 205))
    content += "0 0 0 RG 0.3 w 1 j\n"
    for row, (lead, signal_mv) in enumerate(zip(LEADS, signals_mv, strict=True)):
        zero_mm = 26 + 15.5 * row
        points_mm = np.column_stack([30 + 25 * np.arange(len(signal_mv)) / 500, zero_mm - 10 * signal_mv])
        content += stroke(draw(points_mm)) + word(lead, 22, zero_mm - 4)
    return content + word("25 mm/s 10 mm/mV", 20, 208)


@pytest.mark.parametrize("draw", [lambda points_mm: points_mm, without_straight_runs], ids=["samples", "fewer points"])
def test_digitize_vector_plot(tmp_path, draw):
    """A drawn line is trace along its whole length, and straight, where a program leaves out points."""
    signals_mv = hearts_mv(9.0)
    vector_pdf(tmp_path / "plot.pdf", page_of_12x1(signals_mv, draw))
    page = ecgimg.digitize(tmp_path / "plot.pdf")
    assert (page.status, page.layout) == ("ok", "12x1")
    read_mv = page.record.select(LEADS).signals[:, : signals_mv.shape[1]]
    assert np.isfinite(read_mv).all()
    error_mv = read_mv - np.median(read_mv, axis=1, keepdims=True) - (
        signals_mv - np.median(signals_mv, axis=1, keepdims=True)
    )  # fmt: skip
    assert np.abs(error_mv).max() < 0.005
