"""Drawing a page: scale, baselines, labels, ruling, gaps."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ecgimg import EcgRecord
from synth.page_drawing import _rasterize, draw_page, grid_coverage
from synth.page_spec import GridStyle, LabelStyle, TraceStyle
from tests.synth.plain_pages import clean, plain, step_record


def test_rasterize_at_pixel_centres():
    """Pixel centres are whole numbers."""
    ink = _rasterize([np.array([(0.0, 20.5), (40.0, 20.5)])], 1.0, (40, 40))
    assert ink[20, 20] == 255
    assert ink[19, 20] == ink[21, 20] == 0


def test_draw_gain():
    """One millivolt is as tall as the gain, also of chest leads and pulses."""
    spec = plain(gain_mm_mv=10, chest_gain_mm_mv=5)
    page = clean(spec, step_record())
    for trace in page.truth.traces:
        if trace.slot.column == 0:
            rise_mm = (trace.points_px[100, 1] - trace.points_px[300, 1]) / spec.px_per_mm
            assert rise_mm == pytest.approx(10)
    chest = next(trace for trace in page.truth.traces if trace.slot.lead == "V1")
    pulse = page.truth.pulses_px[0]
    assert chest.points_px[0, 1] == pytest.approx(
        page.truth.traces[0].points_px[100, 1] - 5 * spec.px_per_mm
    )  # already at 1 mV, on the baseline of row 1, at half gain
    assert np.ptp(pulse[:, 1]) == pytest.approx(10 * spec.px_per_mm)
    assert pulse[3, 0] - pulse[2, 0] == pytest.approx(5 * spec.px_per_mm)


def test_draw_speed():
    """One second is as wide as the paper speed."""
    for speed in (12.5, 25.0):
        spec = plain(speed_mm_s=speed)
        trace = clean(spec, step_record()).truth.traces[0]
        assert (trace.points_px[500, 0] - trace.points_px[0, 0]) / spec.px_per_mm == pytest.approx(speed)


def test_draw_inverted_lead():
    """An inverted lead goes down, and its label has a minus."""
    page = clean(plain("3x4+II-cabrera"), step_record())
    inverted = next(trace for trace in page.truth.traces if trace.slot.lead == "aVR")
    assert inverted.slot.sign == -1
    assert inverted.points_px[300, 1] > inverted.points_px[100, 1]
    label = next(text for text in page.truth.texts if text.cell == page.truth.traces.index(inverted))
    assert label.text == "−aVR"


def test_draw_ruling():
    """The ruling is where its truth says."""
    spec = plain(grid=GridStyle(thin_opacity=0.0, thick_opacity=1.0, thick_mm=0.2), pulse="none")
    page = clean(spec, EcgRecord(np.where(np.arange(5000) < 3, 0.0, np.nan) * np.ones((12, 1)), 500.0))
    darkness = 255 - page.image[..., 1].astype(float)
    xs = page.truth.grid_px[0, :, 0]
    row = round(page.truth.grid_px[:2, 0, 1].mean())
    profile = darkness[row]
    profile = profile - profile.min()
    for x in xs[2:-2]:
        near = slice(round(x) - 6, round(x) + 7)
        centre = (profile[near] * np.arange(near.start, near.stop)).sum() / profile[near].sum()
        # the share of each pixel that a line covers is exact; their centre of mass then is so to about 0.08 px
        assert centre == pytest.approx(x, abs=0.1)


@pytest.mark.parametrize("style", ["lines", "dotted", "major", "none"])
def test_grid_coverage_of_styles(style):
    """Every grid style has ink, but for none."""
    ink = grid_coverage(plain(grid=GridStyle(style=style))).mean()
    assert (ink == 0) == (style == "none")


def test_draw_labels():
    """Every label's box holds its ink, and no ink of labels is outside."""
    for place in ("above-left", "below-left", "before", "on-baseline"):
        spec = plain(label=LabelStyle(place=place), pulse="none")
        page = clean(spec, EcgRecord(np.zeros((12, 5000)), 500.0), masks=True)
        labels = [text for text in page.truth.texts if text.kind == "label"]
        assert [text.cell for text in labels] == list(range(13))
        for text in labels:
            low, high = np.ceil(text.box_px.min(axis=0)).astype(int), np.floor(text.box_px.max(axis=0)).astype(int)
            inside = page.masks.kind("label")[low[1] : high[1] + 1, low[0] : high[0] + 1]
            assert inside.any(axis=1).mean() > 0.9
            assert inside[:, :3].any()
            assert inside[:, -3:].any()
        outside = page.masks.kind("label").copy()
        for text in labels:
            low, high = np.floor(text.box_px.min(axis=0)).astype(int), np.ceil(text.box_px.max(axis=0)).astype(int)
            outside[low[1] : high[1] + 1, low[0] : high[0] + 1] = False
        assert not outside.any()


def test_draw_gap():
    """A gap in the record leaves no ink."""
    signals = np.zeros((12, 5000), np.float32)
    signals[0, 300:900] = np.nan
    page = clean(plain(trace=TraceStyle(connected=False)), EcgRecord(signals, 500.0), masks=True)
    trace = page.truth.traces[0]
    assert trace.hidden[300:900].all()
    assert not trace.hidden[:300].any()
    assert np.isnan(trace.points_px[300:900]).all()
    middle = (trace.points_px[299] + trace.points_px[900]) / 2
    assert not page.masks.trace(0)[round(middle[1]), round(middle[0])]
    assert page.masks.trace(0)[round(trace.points_px[100, 1]), round(trace.points_px[100, 0])]


def test_draw_trace_off_paper():
    """A trace off the paper is hidden."""
    signals = np.zeros((12, 5000), np.float32)
    signals[0, 500:550] = 30.0
    page = clean(plain(), EcgRecord(signals, 500.0))
    assert page.truth.traces[0].hidden[510:540].all()


def test_draw_twice(heart_record):
    """The same seed draws the same page."""
    spec = dataclasses.replace(plain(), vendor="ge", header=True)
    first, second = (draw_page(spec, heart_record, np.random.default_rng(5)).image for _ in range(2))
    assert np.array_equal(first, second)
