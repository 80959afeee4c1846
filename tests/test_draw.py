from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ecgimg import BadRecord, BadRequest, EcgRecord
from ecgimg.printed_scale import agreed, find_mentions
from layouts import load_layout, load_layouts
from synth import PageSpec, make_page
from synth.degradation import Degradation
from synth.draw import _rasterize, draw_page, grid_coverage
from synth.header_footer import make_header_footer
from synth.page_geometry import make_page_geometry
from synth.page_map import flat_map
from synth.page_spec import GridStyle, LabelStyle, TraceStyle
from synth.random_degradation import drop_unreadable_chest_gain, make_random_degradation
from synth.random_page_spec import make_random_page_spec

NO_GRID = GridStyle(style="none")


def plain(layout: str = "3x4+II", **settings) -> PageSpec:
    return PageSpec(layout=load_layout(layout), **{"grid": NO_GRID, "header": False, "print_scale": False, **settings})


def clean(spec: PageSpec, record: EcgRecord, masks: bool = False):
    degradation = Degradation(kind="none", page_map=flat_map(spec.px_per_mm), size_px=spec.size_px)
    return make_page(spec, degradation, record, np.random.SeedSequence(1), masks=masks)


def step_record() -> EcgRecord:
    """0 mV, and 1 mV from 0.4 s on in every lead."""
    signals = np.zeros((12, 5000), np.float32)
    signals[:, 200:] = 1.0
    return EcgRecord(signals, 500.0)


def test_pixel_centres_are_whole_numbers():
    ink = _rasterize([np.array([(0.0, 20.5), (40.0, 20.5)])], 1.0, (40, 40))
    assert ink[20, 20] == 255
    assert ink[19, 20] == ink[21, 20] == 0


def test_one_millivolt_is_as_tall_as_the_gain():
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


def test_one_second_is_as_wide_as_the_speed():
    for speed in (12.5, 25.0):
        spec = plain(speed_mm_s=speed)
        trace = clean(spec, step_record()).truth.traces[0]
        assert (trace.points_px[500, 0] - trace.points_px[0, 0]) / spec.px_per_mm == pytest.approx(speed)


def test_an_inverted_lead_goes_down():
    page = clean(plain("3x4+II-cabrera"), step_record())
    inverted = next(trace for trace in page.truth.traces if trace.slot.lead == "aVR")
    assert inverted.slot.sign == -1
    assert inverted.points_px[300, 1] > inverted.points_px[100, 1]
    label = next(text for text in page.truth.texts if text.cell == page.truth.traces.index(inverted))
    assert label.text == "−aVR"


def test_the_ruling_is_where_its_truth_says():
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
def test_grid_styles_differ_in_ink(style):
    ink = grid_coverage(plain(grid=GridStyle(style=style))).mean()
    assert (ink == 0) == (style == "none")


def test_labels_hold_ink_and_stand_at_their_cells():
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


def test_a_gap_in_the_record_leaves_no_ink():
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


def test_overlapping_traces_keep_their_own_masks():
    signals = np.zeros((12, 5000), np.float32)
    signals[0, 600:640] = -6.0  # lead I falls through the rows below
    page = clean(plain(), EcgRecord(signals, 500.0), masks=True)
    both = page.masks.trace(0) & page.masks.trace(4)
    assert both.any()
    crossing = np.argwhere(both)[0]
    assert np.array_equal(page.masks.trace()[tuple(crossing)], True)


def test_masks_are_the_ink(heart_record):
    page = clean(
        plain(pulse="none", separator="none"), heart_record.select(load_layout("12x1").record_leads), masks=True
    )
    ink = (255 - page.image.min(axis=2)) > 150
    traced = page.masks.trace() | page.masks.kind("label")
    assert (ink & ~traced).sum() < 0.01 * ink.sum()
    assert (traced & ((255 - page.image.min(axis=2)) < 40)).sum() < 0.01 * traced.sum()


@pytest.mark.parametrize("vendor", ["plain", "ge", "philips", "mindray", "schiller", "nihon-kohden", "edan", "monitor"])
def test_reports_tell_the_true_scale_and_no_ones_name(vendor):
    spec = plain(vendor=vendor, header=True, print_scale=True, speed_mm_s=12.5, gain_mm_mv=20)
    texts, _ = make_header_footer(spec, np.random.default_rng(2))
    footer = " ".join(text.text for text in texts if text.y_mm > spec.plot_mm[3])
    assert "12.5" in footer
    assert "20" in footer or "x2.0" in footer
    header = [text for text in texts if text.y_mm < spec.plot_mm[1]]
    assert header
    names = [text.text for text in header if "name" in text.text.lower()]
    assert all("sample patient" in name.lower() or name.strip().endswith(":") for name in names)


def test_report_is_left_out_when_asked():
    texts, boxes = make_header_footer(plain(vendor="philips"), np.random.default_rng(2))
    assert texts == []
    assert boxes == []


def test_every_sampled_page_fits():
    for layout in load_layouts("all"):
        for seed in range(40):
            spec = make_random_page_spec(layout, np.random.default_rng(seed), "photo")
            plan = make_page_geometry(spec)
            right = max(cell.box_mm[2] for cell in plan.cells)
            assert right <= spec.size_mm[0]
            assert spec.layout.leads == layout.leads


def test_a_chest_gain_of_its_own_is_printed_on_the_page():
    specs = [make_random_page_spec(load_layouts("all")[5], np.random.default_rng(seed)) for seed in range(300)]
    apart = [spec for spec in specs if spec.chest_gain_mm_mv is not None]
    assert apart
    for spec in apart:
        texts = make_header_footer(spec, np.random.default_rng(0))[0]
        mentions = [mention for text in texts for mention in find_mentions(text.text)]
        assert agreed(mentions, "gain") == spec.gain_mm_mv
        assert agreed(mentions, "chest") == spec.chest_gain_mm_mv


def test_where_the_picture_cuts_off_the_gains_there_is_but_one():
    layout, left = load_layouts("all")[5], {True: 0, False: 0}
    for seed in range(600):
        rng = np.random.default_rng(seed)
        drawn = make_random_page_spec(layout, rng, "photo")
        if drawn.chest_gain_mm_mv is None:
            continue
        degradation = make_random_degradation(drawn, "photo", rng)
        spec = drop_unreadable_chest_gain(drawn, degradation)
        left[spec.chest_gain_mm_mv is not None] += 1
        said = [text for text in make_header_footer(drawn, rng)[0] if agreed(find_mentions(text.text), "chest")]
        x, y = degradation.page_map.page_to_image(
            np.array([(text.x_mm, text.y_mm + text.size_mm / 2) for text in said])
        ).T
        in_picture = (x >= 0) & (y >= 0) & (x < degradation.size_px[0]) & (y < degradation.size_px[1])
        assert in_picture.any() or spec.chest_gain_mm_mv is None
    assert min(left.values()) > 0


def test_a_page_that_does_not_fit_is_refused():
    with pytest.raises(BadRequest, match="need"):
        make_page_geometry(plain(speed_mm_s=50))


@pytest.mark.parametrize(
    "wrong",
    [
        {"size_mm": (0, 210)},
        {"size_mm": (297, -1)},
        {"px_per_mm": 0},
        {"px_per_mm": float("nan")},
        {"px_per_mm": 1000},
        {"speed_mm_s": -25},
        {"gain_mm_mv": 0},
        {"chest_gain_mm_mv": 0},
    ],
)
def test_impossible_pages_are_refused(wrong):
    with pytest.raises(BadRequest):
        plain(**wrong)


def test_records_that_cannot_be_drawn():
    spec = plain()
    with pytest.raises(BadRecord, match="no value at all"):
        clean(spec, EcgRecord(np.full((12, 5000), np.nan), 500.0))
    with pytest.raises(BadRecord, match="no lead V1, V2"):
        clean(spec, EcgRecord(np.zeros((6, 5000)), 500.0, ("I", "II", "III", "aVR", "aVL", "aVF")))


def test_a_short_record_is_drawn_as_far_as_it_goes():
    page = clean(plain("12x1"), EcgRecord(np.zeros((12, 2000)), 500.0))
    assert page.truth.record.n_samples == 5000
    trace = page.truth.traces[0]
    assert not trace.hidden[:2000].any()
    assert trace.hidden[2000:].all()


def test_traces_off_the_paper_are_hidden():
    signals = np.zeros((12, 5000), np.float32)
    signals[0, 500:550] = 30.0
    page = clean(plain(), EcgRecord(signals, 500.0))
    assert page.truth.traces[0].hidden[510:540].all()


def test_drawing_is_deterministic(heart_record):
    spec = dataclasses.replace(plain(), vendor="ge", header=True)
    first, second = (draw_page(spec, heart_record, np.random.default_rng(5)).image for _ in range(2))
    assert np.array_equal(first, second)
