"""One page for each thing that goes wrong with digitizers: each is drawn here, so its truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ecgimg import EcgRecord
from ecgimg.digitization import Digitization, digitize_image, pipeline, reading_choice, views
from ecgimg.digitization.interpretation.scale import resolve_scale
from ecgimg.digitization.model import Interpretation, Pulse, ResolvedScale, RowTrace, ScaleReading
from ecgimg.digitization.quality import assess
from ecgimg.digitization.stage_timer import StageTimer
from ecgimg.digitization.text import rows_from_labels
from ecgimg.reasons import ReasonCode
from layouts import load_layout
from synth import HeartSpec, PageSpec, make_page, simulate
from synth.degradation import Copier, Degradation
from synth.page_map import flat_map
from synth.page_spec import GridStyle, LabelStyle
from tests.test_digitize import clean_page, snr_db


def read(page, **given):
    return digitize_image(page.image, **given)


def still_row(n=2000):
    points = np.stack([np.arange(n, dtype=np.float64), np.zeros(n)], axis=1)
    return RowTrace(0.0, points, np.ones(n), np.zeros(n), np.zeros(n, bool), np.zeros(n, bool))


@pytest.mark.parametrize("pulse", ["left", "right", "none"])
def test_pulses_on_either_side_or_none(pulse):
    page = clean_page(pulse=pulse, print_scale=False)
    found = read(page)
    assert found.layout == "3x4+II"
    assert found.sources["gain"] == ("assumed" if pulse == "none" else "pulse")
    assert found.status == ("limited" if pulse == "none" else "ok")
    assert snr_db(page, found) > 15


@pytest.mark.parametrize("gain", [5.0, 20.0])
@pytest.mark.parametrize("shown_by", ["pulse", "print"])
def test_other_gains(gain, shown_by):
    shown = {"print_scale": False} if shown_by == "pulse" else {"pulse": "none"}
    page = clean_page(gain_mm_mv=gain, **shown)
    found = read(page)
    assert found.gain_mm_mv == gain
    assert found.sources["gain"] == shown_by
    assert found.status == "ok"
    assert snr_db(page, found) > 12


@pytest.mark.slow
def test_a_page_of_which_rows_are_missing_is_limited(monkeypatch):
    page = clean_page("3x1")
    assert read(page).status == "ok"
    every = views.trace_rows
    monkeypatch.setattr(views, "trace_rows", lambda flat: every(flat)[:1])
    assert (read(page).status, read(page).layout) == ("ok", "3x1")  # the names tell where to seek them
    monkeypatch.setattr(rows_from_labels, "trace_rows", lambda flat, _: every(flat)[:1])
    found = read(page)
    assert (found.status, found.layout) == ("limited", "1x1")
    assert ReasonCode.TRACE_OUTSIDE_ROWS.reason() in found.reasons


@pytest.mark.slow
def test_strokes_that_have_nothing_in_common_are_refused(monkeypatch):
    page = clean_page("3x1", grid=GridStyle(style="none"))
    every = views.trace_rows

    def apart(flat):
        spans = ((300, 400), (900, 960), (900, 1000))
        pieces = [
            row.select((row.points_px[:, 0] > first) & (row.points_px[:, 0] < last))
            for row, (first, last) in zip(every(flat), spans, strict=False)
        ]
        return tuple(row for row in pieces if len(row.points_px))

    for module in (views, pipeline):
        monkeypatch.setattr(module, "trace_rows", apart)
    assert (read(page).status, read(page).layout) == ("refused", None)


def test_of_a_pulse_seen_in_part_the_height_tells_and_not_the_width():
    pulse = Pulse(0, 10, 50, 10.0, 0, (9, 51))  # 5 mm wide: 25 mm/s
    for whole, source in ((True, "pulse"), (False, "assumed")):
        settled = resolve_scale(8.0, 1440.0, [still_row()], [replace(pulse, is_whole=whole)], ())
        assert (settled.sources["gain"], settled.sources["speed"]) == ("pulse", source)


@pytest.mark.slow
def test_a_small_page_that_was_hardly_read_is_read_enlarged_and_told_in_its_own_pixels(monkeypatch):
    page = clean_page(px_per_mm=5.0)
    plain = digitize_image(page.image)
    assert not plain.unread
    monkeypatch.setattr(assess, "_LEAST_READ", 1.1)
    monkeypatch.setattr(pipeline, "shows_more", lambda tried, read: tried.layout == read.layout)
    larger = digitize_image(page.image)
    assert set(larger.unread) == set(plain.record.leads)
    assert larger.layout == plain.layout
    assert larger.px_per_mm == pytest.approx(plain.px_per_mm, rel=0.005)
    assert not np.array_equal(larger.record.signals, plain.record.signals)
    for one, other in zip(larger.readings, plain.readings, strict=True):
        assert one.box_px == pytest.approx(other.box_px, abs=2)
        heights = np.interp(other.points_px[:, 0], *one.points_px.T)
        assert np.median(np.abs(heights - other.points_px[:, 1])) < 0.3
    lines = [max(float(line[:, axis].max()) for line in found.grid_px) for found in (larger, plain) for axis in (0, 1)]
    assert lines[:2] == pytest.approx(lines[2:], abs=5)


@pytest.mark.parametrize(
    ("layout", "unread", "einthoven_db", "more"),
    [
        ("3x4", (), 12.0, True),
        ("3x4", ("I",), 12.0, False),
        ("3x4", ("I",), 18.0, True),
        ("3x4", (), 8.0, False),  # it shows more, but what contradicts itself
        ("3x4+II", (), 12.0, False),
        ("3x4+II", (), 18.0, True),  # leads that agree so much better are of another layout
        (None, (), 12.0, False),
    ],
)
def test_another_reading_must_show_more_and_agree_no_less(layout, unread, einthoven_db, more):
    read = Digitization("limited", (), layout="3x4", unread=("V1",), consistency_db={"einthoven": 12.0})
    tried = replace(read, layout=layout, unread=unread, consistency_db={"einthoven": einthoven_db, "strip": 1.0})
    assert pipeline.shows_more(tried, read) == more


@pytest.mark.slow
@pytest.mark.parametrize("doubtful_db", [5.0, 100.0])
def test_a_small_page_whose_leads_do_not_agree_is_looked_at_enlarged(monkeypatch, doubtful_db):
    looked_at = []
    monkeypatch.setattr(reading_choice, "_DOUBTFUL_DB", doubtful_db)
    monkeypatch.setattr(pipeline, "alternative_views", lambda *_: ())
    monkeypatch.setattr(pipeline, "strengthen_pale_ink", lambda image: looked_at.append(image.shape) or image)
    read = digitize_image(clean_page(px_per_mm=5.0).image)
    assert read.consistency_db["einthoven"] < 100
    assert bool(looked_at) == (doubtful_db == 100)


def test_a_refused_page_whose_name_is_legible_otherwise_is_read_with_its_limits(monkeypatch):
    page = clean_page("1x1", pulse="none", print_scale=False)
    seen = pipeline.view_page(page.image, StageTimer())[1]
    monkeypatch.setattr(pipeline, "view_page", lambda image, clock: (None, replace(seen, labels=(), has_grid=False)))
    monkeypatch.setattr(pipeline, "alternative_views", lambda *given: iter([replace(seen, has_grid=False)]))
    found = digitize_image(page.image)
    assert (found.status, found.layout, found.labels_read) == ("limited", "1x1", 1.0)
    monkeypatch.setattr(pipeline, "alternative_views", lambda *given: iter([]))
    assert digitize_image(page.image).status == "refused"


@pytest.mark.parametrize(
    ("wide_px", "printed", "seconds"),
    [
        (40, 10.0, 5.0),  # a short pulse, which may be of any width
        (40, None, 10.0),
        (80, None, 5.0),  # 0.4 s if the page showed ten, and none is as wide
        (134, None, 3.0),
        (1800, None, 1.0),  # no pulse is, and no page is shorter
    ],
)
def test_without_ruling_a_page_at_50_mm_s_is_as_short_as_its_pulses_say(wide_px, printed, seconds):
    pulse = Pulse(0, 10, 10 + wide_px, 80.0 / 6.0, 0, (9, 91))  # 10 mm high if the page shows five seconds
    said = (ScaleReading(50.0, printed, None, "print"),)
    settled = resolve_scale(6.0, 2000.0, [still_row()], [pulse], said, has_grid=False)
    assert settled.scale.px_per_s == pytest.approx(2000.0 / seconds)


@pytest.mark.parametrize(
    ("speed", "n_rows", "beat_px", "wide_px", "seconds"),
    [
        (50.0, 3, 240, 32, 5.0),  # at ten seconds each 1.2 s a beat as wide as 0.16 s, at five half of it
        (50.0, 3, 160, 16, 10.0),  # or each 0.4 s one of 0.04 s
        (50.0, 1, 240, 32, 10.0),  # strips are long
        (25.0, 3, 240, 16, 10.0),
    ],
)
def test_without_ruling_and_pulse_a_page_at_50_mm_s_shows_five_seconds(speed, n_rows, beat_px, wide_px, seconds):
    rows = [replace(still_row(), points_px=beats(2000, beat_px, wide_px, 100.0 * k)) for k in range(n_rows)]
    settled = resolve_scale(6.0, 2000.0, rows, [], (ScaleReading(speed, None, None, "print"),), has_grid=False)
    assert settled.scale.px_per_s == pytest.approx(2000.0 / seconds)
    assert settled.sources["px_per_mm"] == "width"


def beats(width_px, spacing_px, wide_px, baseline_px):
    """Return the points (width_px, 2) of a row that is flat but for a sharp peak in the middle of every spacing."""
    x = np.arange(float(width_px))
    from_beat = np.abs(x % spacing_px - spacing_px / 2)
    return np.stack([x, baseline_px - 40 * np.clip(1 - from_beat / (wide_px / 2), 0, None)], axis=1)


def test_a_printed_chest_gain_of_its_own():
    page = clean_page(chest_gain_mm_mv=5.0)
    found = read(page)
    assert (found.gain_mm_mv, found.chest_gain_mm_mv) == (10.0, 5.0)
    assert found.summary()["chest_gain_mm_mv"] == 5.0
    assert snr_db(page, found) > 12


@pytest.mark.parametrize(
    ("px_per_mm", "speed", "gain", "refused"),
    [
        ("grid", "width", "assumed", False),  # ten seconds by the ruling
        ("width", "pulse", "pulse", False),  # ten seconds by a pulse's width
        ("width", "width", "assumed", True),
        ("grid", "assumed", "assumed", True),
        ("grid", "assumed", "pulse", False),
        ("pulse", "width", "pulse", True),
    ],
)
def test_a_strip_without_a_name_is_read_where_two_tell_how_long_it_is(px_per_mm, speed, gain, refused):
    strip = Interpretation(load_layout("1x1"), 0.0, 1.0, 1.0, None, 0.0, has_usual_width=True)
    scale = resolve_scale(8.0, 2000.0, [still_row()], [], ()).scale
    settled = ResolvedScale(scale, {"px_per_mm": px_per_mm, "speed": speed, "gain": gain}, ())
    refusal = assess._refusal(strip, settled, {"einthoven": 0.0})
    assert (refusal == ReasonCode.SINGLE_STRIP.reason()) == refused


@pytest.mark.parametrize(("strip_db", "limited"), [(20.0, False), (2.0, True)])
def test_a_page_on_which_no_leads_that_must_agree_do_is_limited(strip_db, limited):
    placement = Interpretation(load_layout("3x4+II"), 0.0, 9.0, 5.0, 12.0, 1.0, has_usual_width=True)
    settled = resolve_scale(8.0, 2000.0, [still_row()], [], (ScaleReading(25.0, 10.0, 10.0, "print"),))
    agreement = {"einthoven": 1.0, "goldberger": -2.0, "strip": strip_db}
    limits = assess._limits(placement, settled, agreement, ())
    assert limits == ((ReasonCode.LEADS_INCONSISTENT.reason(),) if limited else ())


@pytest.mark.parametrize("chest", [5.0, None])
def test_a_gain_of_the_limb_leads_alone_limits_the_page(chest):
    said = (ScaleReading(None, None, None, "given"), ScaleReading(25.0, 10.0, chest, "print", limb_only=chest is None))
    settled = resolve_scale(8.0, 2000.0, [still_row()], [], said)
    assert settled.scale.chest_gain_mm_mv == (chest or 10.0)
    assert settled.warnings == (() if chest else (ReasonCode.CHEST_GAIN_UNREAD.reason(),))


@pytest.mark.parametrize("chest", [10.0, 5.0])
def test_without_ruling_the_chest_leads_gain_is_to_the_pulse_as_it_is_printed(chest):
    pulse = Pulse(0, 10, 50, 84.0 / 6.0, 0, (9, 51))  # 10.5 mm high if the page shows ten seconds
    said = (ScaleReading(25.0, 10.0, chest, "print"),)
    scale = resolve_scale(6.0, 2000.0, [still_row()], [pulse], said, has_grid=False).scale
    assert scale.gain_mm_mv == pytest.approx(10.5)
    assert scale.chest_gain_mm_mv == pytest.approx(1.05 * chest)


def test_a_pulse_that_contradicts_the_print_limits_the_page():
    settled = resolve_scale(
        8.0, 2000.0, [still_row()], [Pulse(0, 10, 50, 20.0, 0, (9, 51))], (ScaleReading(25.0, 10.0, None, "print"),)
    )
    assert settled.scale.gain_mm_mv == 10.0
    assert settled.warnings == (ReasonCode.GAIN_CONTRADICTS_PULSE.reason(gain_mm_mv=10, pulse_mm=20),)


@pytest.mark.parametrize(
    ("pulse_px", "printed", "seconds"),
    [
        (80.0, None, 10.0),  # 10 mm if the page shows ten seconds
        (88.9, None, 9.0),  # 11.1 mm then, and 10 if it shows nine
        (97.0, None, 8.0),
        (106.0, None, 7.5),  # columns are quarters of seconds, pages halves
        (229.0, 20.0, 7.0),
        (229.0, None, 7.0),
        (160.0, None, 10.0),  # 20 mm
        (140.0, None, 10.0),  # 17.5 mm are more likely 20 seen from aside than 10 on a page of 5.7 seconds
    ],
)
def test_without_ruling_a_pulse_tells_a_page_of_less_than_ten_seconds(pulse_px, printed, seconds):
    pulses = [Pulse(0, 10, 10 + 50 * 10 / seconds, pulse_px / 6.0, 0, (9, 51))]  # at a guess of 6 px/mm
    said = (ScaleReading(None, printed, None, "print"),)
    settled = resolve_scale(6.0, 2000.0, [still_row()], pulses, said, has_grid=False)
    assert settled.sources["px_per_mm"] == ("width" if seconds == 10 else "pulse")
    assert settled.scale.px_per_s == pytest.approx(2000.0 / seconds)
    assert settled.scale.gain_mm_mv == pytest.approx(pulse_px / settled.scale.px_per_mm)


def test_what_the_user_says_of_the_scale_comes_first():
    said = (ScaleReading(50.0, 5.0, 5.0, "given"), ScaleReading(25.0, 10.0, 20.0, "print"))
    settled = resolve_scale(8.0, 2000.0, [still_row()], [], said)
    assert (settled.scale.speed_mm_s, settled.scale.gain_mm_mv, settled.scale.chest_gain_mm_mv) == (50.0, 5.0, 5.0)
    assert settled.sources["gain"] == settled.sources["speed"] == "given"
    assert not settled.warnings


def test_twice_the_speed():
    layout = load_layout("3x4+II").with_seconds(1.25)
    page = clean_page(layout=layout, speed_mm_s=50.0)
    found = read(page)
    assert (found.layout, found.speed_mm_s) == ("3x4+II", 50.0)
    assert snr_db(page, found) > 12


@pytest.mark.parametrize(("width_mm", "speed"), [(250.0, 25.0), (500.0, 50.0), (375.0, 25.0), (125.0, 12.5)])
def test_a_speed_that_nothing_tells_is_the_one_at_which_the_page_shows_ten_seconds(width_mm, speed):
    settled = resolve_scale(8.0, 8.0 * width_mm, [still_row()], [], ())
    assert settled.scale.speed_mm_s == speed
    assert settled.sources["speed"] == ("width" if width_mm == 250 else "assumed")


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.15, 0.25])
def test_a_rhythm_strip_that_is_nearly_still_is_no_line_of_the_form(share):
    record = simulate(HeartSpec(rate_bpm=66), np.random.default_rng(2)).record
    first, third = record.lead("I"), share * record.lead("III")
    second = first + third
    limbs = [first, second, third, -(first + second) / 2, first - second / 2, second - first / 2]
    still = EcgRecord(np.concatenate([limbs, record.signals[6:]]), record.fs_hz, record.leads)
    page = clean_page("3x4+III", record=still)
    found = read(page)
    assert found.layout == "3x4+III"
    assert found.lead_seconds["III"] > 9


def test_cabrera_order_is_told_by_names_and_physics():
    page = clean_page("6x2-cabrera")
    found = read(page)
    assert found.layout == "6x2-cabrera"
    assert snr_db(page, found) > 15


def test_columns_of_the_same_seconds_are_told_by_their_beats():
    page = clean_page("6x2-simultaneous")
    assert read(page).layout == "6x2-simultaneous"


def test_rows_that_overlap_and_tall_complexes():
    page = clean_page(plot_mm=(10.0, 45.0, 270.0, 109.0))  # rows 16 mm apart, complexes up to 20 mm tall
    found = read(page)
    assert found.layout == "3x4+II"
    assert snr_db(page, found) > 8


def test_a_trace_that_leaves_the_page_keeps_the_rest():
    page = clean_page()
    cut = np.ascontiguousarray(page.image[:, : round(0.93 * page.image.shape[1])])
    found = digitize_image(cut)
    assert found.layout == "3x4+II"
    assert snr_db(page, found) > 12


@pytest.mark.slow
@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_pages_that_lie_on_their_side_or_head(quarters):
    page = clean_page()
    found = digitize_image(np.ascontiguousarray(np.rot90(page.image, quarters)))
    assert found.rotation_deg == 90 * quarters
    assert snr_db(page, found) > 15


def test_a_page_head_down_that_its_print_does_not_turn_is_tried_upright(monkeypatch):
    monkeypatch.setattr(views, "_upright_by_print", lambda seen: seen)
    page = clean_page()
    found = digitize_image(np.ascontiguousarray(page.image[::-1, ::-1]))
    assert (found.status, found.rotation_deg) == ("ok", 180)
    assert snr_db(page, found) > 15


def test_a_ruling_fitted_askew_is_left_out_where_the_limb_leads_disagree(monkeypatch):
    fit_map_to_grid = views.fit_map_to_grid

    def askew(*given):
        found = fit_map_to_grid(*given)
        sheared = found.coefficients @ [[1.0, 0.0], [0.1, 1.0]]  # x runs on by a tenth of y
        return replace(found, coefficients=sheared)

    monkeypatch.setattr(views, "fit_map_to_grid", askew)
    page = clean_page()
    found = read(page)
    assert found.sources["px_per_mm"] == "width"
    assert found.consistency_db["einthoven"] > 10
    assert snr_db(page, found) > 10


@pytest.mark.slow
def test_a_page_that_the_picture_cuts_keeps_its_columns_where_they_are():
    page = clean_page(layout=load_layout("6x2"), separator="none")
    cut_px = round(0.2 * page.image.shape[1])
    found = digitize_image(np.ascontiguousarray(page.image[:, :-cut_px]))
    whole = digitize_image(page.image)
    assert found.layout == whole.layout == "6x2"
    assert found.lead_seconds["V1"] < whole.lead_seconds["V1"] - 0.3
    for lead in ("II", "V1", "V4"):
        seen, there = (each.record.lead(lead) for each in (found, whole))
        known = np.isfinite(seen) & np.isfinite(there)
        assert known.sum() > 1500
        assert np.abs(seen - there)[known].mean() < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["3x4+II", "6x2"])
def test_columns_that_stand_apart_are_read_where_they_start(layout):
    page = clean_page(layout=load_layout(layout), separator="gap")
    found = read(page)
    assert (found.layout, found.status) == (layout, "ok")
    assert snr_db(page, found) > 15


def test_pages_without_names_are_told_by_the_limb_leads():
    page = clean_page(header=False, print_scale=False, pulse="none", label=replace(LabelStyle(), size_mm=0.3))
    found = read(page)
    assert (found.status, found.layout) == ("limited", "3x4+II")


def test_a_black_and_white_photocopy():
    spec = PageSpec(layout=load_layout("3x4+II"), vendor="ge", separator="tick")
    copier = Copier(contrast=1.2, grey=True, binary="threshold", level=0.5)
    degradation = Degradation(kind="scan", page_map=flat_map(spec.px_per_mm), size_px=spec.size_px, copier=copier)
    record = simulate(HeartSpec(rate_bpm=66), np.random.default_rng(2)).record
    page = make_page(spec, degradation, record, np.random.SeedSequence(3))
    found = read(page)
    assert found.layout == "3x4+II"
    assert snr_db(page, found) > 10


@pytest.mark.parametrize("pulse", ["left", "none"])
def test_no_ruling_at_all(pulse):
    page = clean_page(grid=replace(GridStyle(), style="none"), pulse=pulse)
    found = read(page)
    assert found.status == "limited"
    assert found.reasons[0].code is ReasonCode.TEN_SECONDS_ASSUMED
    assert found.sources["px_per_mm"] == "width"
    if pulse == "left":  # calibrated by the pulse
        assert found.layout == "3x4+II"
        assert snr_db(page, found) > 8


def test_a_long_strip_with_its_name_is_read_either_way_up():
    page = clean_page("1x1", size_mm=(279.4, 70.0), plot_mm=(10.0, 10.0, 270.0, 60.0))
    found = read(page)
    assert (found.status, found.layout, found.rotation_deg) == ("ok", "1x1", 0)
    turned = digitize_image(np.ascontiguousarray(page.image[::-1, ::-1]))
    assert (turned.layout, turned.rotation_deg) == ("1x1", 180)  # II reads alike both ways, the printed scale does not
