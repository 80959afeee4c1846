"""The printed scale, from lines and from pages."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ecgimg.digitization import page_views
from ecgimg.digitization.model import ScaleReading
from ecgimg.digitization.text.line_recognition import LineReading
from ecgimg.digitization.text.scale_text import read_printed_scale, scale_from_lines
from synth import pages
from tests.digitization.text.printed_lines import FONTS, PX_PER_MM, flat_page


def reading(text: str, unsure: str = "", sure: float = 0.99) -> LineReading:
    """Return a line in which the first `unsure` is read with little confidence."""
    confidences = np.full(len(text), sure)
    if unsure:
        confidences[text.index(unsure) : text.index(unsure) + len(unsure)] = 0.4
    return LineReading(text, confidences, 10.0 * np.arange(len(text)))


def values(scale: ScaleReading) -> tuple[float | None, float | None, float | None]:
    return scale.speed_mm_s, scale.gain_mm_mv, scale.chest_gain_mm_mv


@pytest.mark.parametrize(
    ("lines", "scale"),
    [
        ([reading("25mm/s 10mm/mv")], (25, 10, 10)),
        ([reading("25mm/s"), reading("20/10mm/mv")], (25, 20, 10)),
        ([reading("25mm/s"), reading("25 mm/s 5mm/mv")], (25, 5, 5)),
        ([reading("25mm/s 10mm/mv"), reading("50mm/s")], (None, 10, 10)),
        ([reading("25mm/s 10mm/mv", unsure="2")], (None, 10, 10)),
        ([reading("25mm/s 10mm/mv", unsure="mv")], (25, None, None)),
        ([reading("limb: 10 mm/mv chest: 5 mm/mv", unsure="10")], (None, None, 5)),
        ([reading("limb: 10 mm/mv chest: 5 mm/mv", unsure="5")], (None, 10, None)),
        ([reading("limb: 10 mm/mv chbst: s mm/mv")], (None, 10, None)),
        ([reading("25mm/s"), reading("50mm/s", unsure="5")], (None, None, None)),
        ([reading("25mm/s"), reading("25mm/s", unsure="5")], (25, None, None)),
        ([reading("chest: 5 mm/mv")], (None, None, 5)),
        ([reading("26mm/s 11mm/mv")], (None, None, None)),
        ([reading("12:5mm/mv 6 25mm/s")], (None, None, None)),
        ([reading("20/:10mm/mv"), reading("6. 25mm/s")], (None, None, None)),
        ([reading("11.2 l 10.0 mm/mv")], (None, None, None)),
        ([reading("brst: 5 mm/mv")], (None, None, None)),
        ([reading("gain: 5 mm/mv")], (None, 5, 5)),
        ([reading("1.80 25mm/s ac50 10mm/mv")], (None, 10, 10)),
        ([reading("low voltage. limb leads"), reading("5mm/mv")], (None, 5, 5)),
        ([reading("25mm/s10mm/mv")], (25, 10, 10)),
        ([reading("s5mm/s z0mm/mv")], (None, None, None)),
        ([], (None, None, None)),
    ],
)
def test_scale_from_lines_of_sure_and_usual_numbers(lines: list[LineReading], scale: tuple[float | None, ...]):
    """Only sure and usual numbers count."""
    scale_reading = scale_from_lines(lines)
    assert values(scale_reading) == scale
    assert scale_reading.confidence == (0.99 if any(scale) else 0)


@pytest.mark.parametrize(("chest", "limb_only"), [("5", False), ("s", True)])
def test_scale_from_lines_of_limb_gain_alone(chest: str, limb_only: bool):
    """A gain of the limb leads alone is reported as one."""
    assert scale_from_lines([reading(f"limb: 10 mm/mv chest: {chest} mm/mv")]).limb_only == limb_only


@pytest.mark.parametrize("font", FONTS)
@pytest.mark.parametrize(
    ("text", "scale"),
    [
        ("25mm/s   10mm/mV   150Hz", (25, 10, 10)),
        ("50 mm/s   5 mm/mV   0.05 - 35 Hz", (50, 5, 5)),
        ("Speed: 12.5 mm/sec   Limb: 20 mm/mV   Chest: 10.0 mm/mV", (12.5, 20, 10)),
        ("AC50   25mm/s   10/5mm/mV", (25, 10, 5)),
        ("Sinus rhythm   75 bpm   QT/QTc 350/401 ms", (None, None, None)),
    ],
)
def test_read_printed_scale_in_three_fonts(font: str, text: str, scale: tuple[float | None, ...]):
    """Printed scales are read in three fonts."""
    assert values(read_printed_scale(flat_page((text, font, 15, 50, 200)))) == scale


@pytest.mark.parametrize("times", [0.5, 2.0])
def test_read_printed_scale_at_guessed_px_per_mm(times: float):
    """Prints of another size are read where the pixels per mm are a guess."""
    page = flat_page(("Speed: 12.5 mm/sec   Limb: 20 mm/mV   Chest: 20.0 mm/mV", FONTS[1], 15, 50, 200))
    off = replace(page, px_per_mm=times * PX_PER_MM)
    assert values(read_printed_scale(off)) != (12.5, 20, 20)
    guessed = replace(off, page_map=replace(page.page_map, confidence=0.0))
    assert values(read_printed_scale(guessed)) == (12.5, 20, 20)


def test_read_printed_scale_of_empty_page():
    """An empty page gives no scale."""
    assert read_printed_scale(flat_page()) == ScaleReading()


def test_read_printed_scale_of_drawn_page():
    """The printed scale of a drawn page is read."""
    for page in pages(n=12, layouts="3x4+II", degradation="none", seed=31):
        if any("mm/mV" in text.text for text in page.truth.texts):
            break
    segmentation = page_views.segment(page.image)
    page_map = page_views.fit_map_to_grid(page.image, segmentation.ink, segmentation.trace)
    assert page_map is not None
    scale = read_printed_scale(page_views.dewarp_page(page.image, segmentation, page_map))
    truth = page.truth
    assert values(scale) == (truth.speed_mm_s, truth.gain_mm_mv, truth.chest_gain_mm_mv)
    assert 0.6 < scale.confidence <= 1
