"""Stages of the digitizer on rows whose truth is known to a fraction of a pixel."""

from __future__ import annotations

import itertools
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from ecgimg.digitization.dewarp.bend_fit import fit_bend
from ecgimg.digitization.dewarp.grid_frequency import (
    GridFrequency,
    WindowFrequencies,
    _comb_score,
    _harmonic_order,
    measure_window_frequencies,
)
from ecgimg.digitization.dewarp.grid_phase import fit_grid_phase
from ecgimg.digitization.dewarp.page_map import PageMap, exponents_up_to
from ecgimg.digitization.dewarp.paper_outline import find_paper_outline
from ecgimg.digitization.dewarp.row_ends import align_row_ends
from ecgimg.digitization.dewarp.trace_fit import fit_map_to_traces, row_angle_rad, sample_trace_points
from ecgimg.digitization.interpretation.layout_matching import match_layout
from ecgimg.digitization.interpretation.scale import resolve_scale
from ecgimg.digitization.interpretation.separators import find_separator_at, remove_separators
from ecgimg.digitization.model import (
    FlatPage,
    ImageGeometry,
    Interpretation,
    RowTrace,
    Scale,
    ScaleReading,
    Segmentation,
)
from ecgimg.digitization.pulses.detect import find_pulses
from ecgimg.digitization.pulses.detect_by_shape import find_pulses_by_shape
from ecgimg.digitization.quality.assess import assess_page
from ecgimg.digitization.signals.zero_level import fit_zero_levels
from ecgimg.digitization.tracing.annotations import ink_masks, remove_annotations
from ecgimg.digitization.tracing.binarise import binarise_trace
from ecgimg.digitization.tracing.centre_line import SUB_COLUMNS
from ecgimg.digitization.tracing.form_lines import form_lines
from ecgimg.digitization.tracing.row_detection import find_row_baselines
from ecgimg.digitization.tracing.row_ink import PathRuns, map_ink, measure_row_ink
from ecgimg.digitization.tracing.subpixel_refinement import refine_steep_strokes
from ecgimg.digitization.tracing.trace_rows import _ink_beside_pulses, _is_form_line
from ecgimg.digitization.views import has_tilted_rows, upright_quarter_turns
from ecgimg.reasons import ReasonCode
from layouts import load_layout
from tests.printed_rows import PITCH_PX, PX_PER_MM, PX_PER_S, START_PX, placed, printed_rows, scale_of

# ---------------------------------------------------------------- redrawing


def drawn(height_px, width=300, rows=160, pen_px=3.0):
    """Draw a quiet trace with a peak of `height_px`, and measure its ink; returns ink, strokes and the true heights."""
    x = np.arange(0, width, 0.25)
    y = 120 + 2 * np.sin(x / 40) - height_px * np.clip(1 - np.abs(x - 150.6) / 2.5, 0, None)
    picture = np.zeros((rows, width), np.uint8)
    points = np.rint(np.stack([x, y], axis=1) * 16).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(picture, [points], False, 255, 2, cv2.LINE_AA, 4)
    page = SimpleNamespace(darkness=picture.astype(np.float32), segmentation=SimpleNamespace(trace=picture))
    ink = map_ink(page)
    columns = np.arange(2, width - 2)
    inked = ink.share[:, columns] > 0.5
    top = inked.argmax(axis=0).astype(np.float64)
    bottom = rows - 1 - inked[::-1].argmax(axis=0).astype(np.float64)
    none = np.zeros(len(columns), bool)
    strokes = measure_row_ink(ink, PathRuns(columns, top, bottom, top, bottom, none), pen_px, PX_PER_MM)
    return ink, strokes, np.interp(columns[:, None] + np.array(SUB_COLUMNS), x, y)


def test_a_steep_complex_is_redrawn_to_where_its_ink_is():
    ink, strokes, truth = drawn(60.0)
    told = truth + 0.25 * np.clip(118 - truth, 0, None)  # the peak is read too low
    found = refine_steep_strokes(ink, strokes, told, np.full(len(told), 3.0))
    near = slice(140, 157)
    before, after = (np.sqrt(((heights - truth)[near] ** 2).mean()) for heights in (told, found))
    assert after < 0.5 * before
    assert truth.min() < found.min() < told.min() - 3


@pytest.mark.parametrize("share", [1.0, 0.6])
def test_a_spike_as_narrow_as_the_pen_is_redrawn_to_its_tip_and_a_paler_line_is_none(share):
    ink, strokes, truth = drawn(0.0)
    spike = np.zeros_like(ink.share)
    spike[90:120, 150:152] = share
    ink = replace(ink, share=np.maximum(ink.share, spike))
    upper = strokes.upper.copy()
    upper[148:150] = 90
    strokes = replace(strokes, upper=upper)
    found = refine_steep_strokes(ink, strokes, truth, np.full(len(truth), 1.0))
    assert (found.min() < 96) == (share == 1)
    assert np.abs(found[:140] - truth[:140]).max() < 0.5


def test_flat_traces_are_left_as_they_were_read():
    ink, strokes, truth = drawn(0.0)
    assert np.array_equal(refine_steep_strokes(ink, strokes, truth, np.full(len(truth), 0.1)), truth)


# ---------------------------------------------------------------- pages before their rows are known


def page_of_rows(n_rows=3, beats=8):
    """Draw rows with tall complexes at the same times on a page of 2,000 x 800 px; returns the ink."""
    ink = np.zeros((800, 2000), np.uint8)
    x = np.arange(60, 1940)
    for row in range(n_rows):
        y = 150 + 230 * row + 3 * np.sin(x / 60)
        for beat in range(beats):
            y = y - 110 * np.clip(1 - np.abs(x - 150 - 230 * beat) / 9, 0, None)
        cv2.polylines(ink, [np.stack([x, y], axis=1).round().astype(np.int32).reshape(-1, 1, 2)], False, 255, 3)
    return ink


@pytest.mark.parametrize("n_rows", [1, 3])
def test_rows_are_laid_along_x(n_rows):
    ink = page_of_rows(n_rows)
    assert upright_quarter_turns(ink) == 0
    assert upright_quarter_turns(np.ascontiguousarray(np.rot90(ink))) == 3


@pytest.mark.parametrize(("degrees", "tilted"), [(0, False), (-4, False), (14, True), (-25, True)])
def test_rows_that_lie_aslant_say_that_the_ruling_is_none(degrees, tilted):
    turn = cv2.getRotationMatrix2D((1000, 400), degrees, 1.0)
    assert has_tilted_rows(cv2.warpAffine(page_of_rows(), turn, (2000, 800))) == tilted


def test_what_is_marked_as_a_pulse_beyond_its_sides_may_be_trace():
    pulse, darkness = np.zeros((400, 900), np.uint8), np.zeros((400, 900), np.float32)
    for plane, end in ((pulse, 140), (darkness, 880)):
        corners = np.array([(52, 300), (60, 300), (60, 220), (100, 220), (100, 300), (end, 300)], np.int32)
        cv2.polylines(plane, [corners.reshape(-1, 1, 2)], False, 255, 2)
    none = np.zeros_like(pulse)
    page = FlatPage(darkness, Segmentation(none, none, pulse, none), none, PX_PER_MM, (0, 0), None)
    beyond = _ink_beside_pulses(page, find_pulses(page, [300.0]), 255.0)
    assert beyond[298:303, 106:136].any(axis=0).all()
    assert not beyond[:, 60:100].any()
    assert not beyond[:, 150:].any()


def test_a_pulse_is_found_that_is_wide_as_a_millimetre_was_guessed_too_small():
    pulse = np.zeros((400, 900), np.uint8)
    corners = np.array([(52, 300), (70, 300), (70, 220), (150, 220), (150, 300), (168, 300)], np.int32)
    cv2.polylines(pulse, [corners.reshape(-1, 1, 2)], False, 255, 2)
    none = np.zeros_like(pulse)
    page = FlatPage(pulse.astype(np.float32), Segmentation(none, none, pulse, none), none, 4.0, (0, 0), None)
    (found,) = find_pulses(page, [300.0])
    assert (found.left_px, found.right_px) == pytest.approx((70, 150), abs=1.5)
    assert found.height_mm == pytest.approx(20, abs=0.3)


@pytest.mark.parametrize("drift_mm", [0.0, 9.0])
def test_rows_are_found_of_which_only_one_lies_still(drift_mm):
    x = np.arange(1600)
    mask = np.zeros((760, 1600), np.uint8)
    for row, drift in ((160, 0.0), (320, drift_mm), (480, drift_mm)):
        y = row + PX_PER_MM * drift * np.interp(x, [700, 900], [0, 1])
        cv2.polylines(mask, [np.rint(np.stack([x, y], axis=1)).astype(np.int32).reshape(-1, 1, 2)], False, 1, 3)
    assert len(find_row_baselines(mask > 0, PX_PER_MM)) == 3


@pytest.mark.parametrize("angle_deg", [-33.0, -7.0, 0.0, 21.0])
def test_the_angle_of_rows_is_read_off_their_traces(angle_deg):
    turn = cv2.getRotationMatrix2D((1000, 400), -angle_deg, 0.6)
    for n_rows in (1, 3):
        angle = row_angle_rad(sample_trace_points(cv2.warpAffine(page_of_rows(n_rows), turn, (2000, 1200))))
        assert np.rad2deg(angle) == pytest.approx(angle_deg, abs=0.6)


@pytest.mark.parametrize(("harmonics", "told"), [((1, 2, 3, 4, 5, 6), 6), ((6,), 5)])
def test_which_harmonic_of_the_lines_a_frequency_is(harmonics, told):
    base = np.array([24.0, 6.0]) / 768
    spectrum = np.full((768, 385), 0.1, np.float32)
    for n in harmonics:
        column, row = np.rint(n * base * 768).astype(int)
        spectrum[row + 384, column] = 5.0
    assert _harmonic_order(spectrum, 6 * base, 5) == told


def spectrum_of(harmonics, base):
    spectrum = np.full((768, 385), 0.1, np.float32)
    for n in harmonics:
        for vector in (base, np.array([-base[1], base[0]])):
            column, row = np.rint(n * vector * 768).astype(int)
            spectrum[row % 768 - 384 if row >= 384 else row + 384, abs(column)] = 5.0
    return spectrum


def test_two_spaces_of_the_ruling_are_not_taken_for_one():
    base = np.array([21.0, 0.0]) / 768  # lines 18.3 px apart make twice this frequency: pages as small are rarer
    spectrum = spectrum_of((2, 4, 6, 8, 10), base)
    turned = np.array([-base[1], base[0]])
    assert _comb_score(spectrum, 2 * base, 2 * turned)[0] > 1.5 * _comb_score(spectrum, base, turned)[0]
    fine = spectrum_of((5,), base)  # 1 mm lines only: no harmonic of the 5 mm ones is to be expected
    assert _comb_score(fine, base, turned)[1]


def test_one_space_of_the_ruling_is_not_taken_for_three():
    base = np.array([22.0, 0.0]) / 768  # sharp 5 mm lines 35 px apart, and no others
    turned = np.array([-base[1], base[0]])
    spectrum = spectrum_of(range(1, 16), base)
    assert _comb_score(spectrum, base, turned)[0] > 1.5 * _comb_score(spectrum, 3 * base, 3 * turned)[0]


@pytest.mark.parametrize("share", [1.0, 0.15])
@pytest.mark.parametrize("spacing_px", [20, 36, 50])
def test_lines_of_5_mm_are_a_ruling_where_most_of_the_ink_stands_on_them(spacing_px, share):
    lines = np.zeros((1100, 1500), np.float32)
    lines[: round(1100 * share) : spacing_px] = 3
    lines[: round(1100 * share), ::spacing_px] = 3
    ruling = cv2.blur(lines, (3, 3)) + np.random.default_rng(4).normal(0, 0.3, lines.shape).astype(np.float32)
    ink = np.zeros(ruling.shape, np.uint8)
    ink[100::200] = 255
    found = measure_window_frequencies(ruling, ink, 0.0)
    if share < 1:
        assert found is None
    else:
        assert np.median(1 / found.across[:, 0]) == pytest.approx(spacing_px, rel=0.02)
        assert len(found.weights) > 30


@pytest.mark.parametrize("px_per_mm", [2.62, 2.75, 3.1, 3.4])
def test_lines_of_1_and_5_mm_are_told_apart_on_small_pictures(px_per_mm):
    lines = np.zeros((8 * 308, 8 * 640), np.float32)  # drawn eight times as large
    for spacing_px, px in ((px_per_mm, 0.7), (5 * px_per_mm, 1.0)):
        for along in (lines, lines.T):
            starts = np.arange(0, len(along), 8 * spacing_px).astype(int)
            for start in starts:
                along[start : start + round(8 * px)] = 8
    ruling = cv2.resize(lines, (640, 308), interpolation=cv2.INTER_AREA)
    ruling -= cv2.GaussianBlur(ruling, (0, 0), 12)
    found = measure_window_frequencies(ruling, np.full(ruling.shape, 20, np.uint8), 0.0)
    assert np.hypot(*found.common.across) == pytest.approx(1 / (5 * px_per_mm), rel=0.01)


def test_sharp_lines_are_not_taken_for_a_ruling_five_times_as_fine():
    lines = np.zeros((1283, 1907), np.float32)
    for spacing_px, dark in ((11.2, 1.0), (56.0, 3.0)):
        for along in (lines, lines.T):
            along[np.arange(0, len(along) - 1, spacing_px).astype(int)] = dark
    found = measure_window_frequencies(lines - cv2.blur(lines, (61, 61)), np.full(lines.shape, 20, np.uint8), 0.0)
    assert np.hypot(*found.common.across) == pytest.approx(1 / 56, rel=0.01)


@pytest.mark.parametrize(("rows_on_lines", "ruled"), [(slice(None), True), (slice(550, 700), True), (slice(0), False)])
def test_a_ruling_is_none_if_hardly_any_of_the_specks_near_traces_lie_on_its_lines(rows_on_lines, ruled):
    rng = np.random.default_rng(5)
    shape, px_per_mm = (1300, 1700), 9.0
    specks = np.where(rng.random(shape) < 0.02, np.float32(3), np.float32(0))
    x, y = (np.remainder(np.arange(n), px_per_mm) < 1 for n in shape[::-1])
    lines = (x[None, :] | y[:, None]) & (rng.random(shape) < 0.1)
    specks[rows_on_lines] = np.where(lines, np.float32(3), np.float32(0))[rows_on_lines]
    centre, scale = ((shape[1] - 1) / 2, (shape[0] - 1) / 2), shape[1] / 2
    straight = np.array([(0.0, 0.0), (scale / px_per_mm, 0.0), (0.0, scale / px_per_mm)])
    bend = np.zeros((shape[0] // 16, shape[1] // 16, 2))
    start = PageMap(exponents_up_to(1), straight, centre, (scale, scale), shape[::-1], bend, 0.0)
    lattice = GridFrequency(
        np.array([1 / 45, 0.0]), np.array([0.0, 1 / 45]), has_1mm_lines=True, has_5mm_lines=False, search_harmonic=5
    )
    traces = np.zeros(shape, np.uint8)
    traces[600:650] = 255
    assert (fit_grid_phase(specks, start, start, lattice, traces) is not None) == ruled


@pytest.mark.parametrize("folded_axis", [0, 1])
def test_a_sheet_that_curls_away_on_a_part_of_it_is_followed_along_the_axis_that_does(folded_axis):
    shape, px_per_mm = (1100, 1900), 7.0
    along = np.arange(shape[1 - folded_axis]) - (shape[1 - folded_axis] - 1) / 2
    edge = 0.35 * along[-1]
    curled_mm = along / px_per_mm + 0.00028 * np.maximum(along - edge, 0) ** 2 / px_per_mm
    other = np.arange(shape[folded_axis]) - (shape[folded_axis] - 1) / 2
    axes = [curled_mm, other / px_per_mm] if folded_axis == 0 else [other / px_per_mm, curled_mm]
    x_mm, y_mm = np.meshgrid(*axes)
    near_lines = [np.minimum(*(np.remainder(mm, n) for mm in (x_mm, y_mm))) < wide for n, wide in ((1, 0.2), (5, 0.3))]
    ruling = (near_lines[0] + 1.5 * near_lines[1]).astype(np.float32)
    ruling -= cv2.blur(ruling, (61, 61))
    size, scale = shape[::-1], shape[1] / 2
    centre = ((size[0] - 1) / 2, (size[1] - 1) / 2)
    straight = np.array([(0.0, 0.0), (scale / px_per_mm, 0.0), (0.0, scale / px_per_mm)])
    nodes = np.zeros((shape[0] // 16, shape[1] // 16, 2))
    start = PageMap(exponents_up_to(1), straight, centre, (scale, scale), size, nodes, 0.0)
    at_nodes = (np.interp(px, np.arange(len(mm)), mm) for px, mm in zip(start.nodes_px, axes, strict=True))
    true_mm = np.stack(np.meshgrid(*at_nodes), axis=-1)
    wave = 0.3 * np.sin(np.arange(nodes.shape[1 - folded_axis]) / 9)
    folded = replace(start, bend_mm=start.nodes_mm() - true_mm)
    folded.bend_mm[..., folded_axis] += wave if folded_axis == 0 else wave[:, None]
    lattice = GridFrequency(
        np.array([1 / 35, 0.0]), np.array([0.0, 1 / 35]), has_1mm_lines=True, has_5mm_lines=True, search_harmonic=5
    )
    found = fit_grid_phase(ruling, start, folded, lattice, np.full(shape, 255, np.uint8))
    off = (found.nodes_mm() - true_mm)[2:-2, 2:-2]
    assert np.abs(off - np.median(off, axis=(0, 1))).max() < 0.2


def test_dashes_that_lie_level_are_left_of_a_ruling_in_black_and_white_that_does_not():
    shape, px_per_mm, tilt, seen_mm = (1254, 1754), 5.83, -0.022, 60
    size, scale = shape[::-1], shape[1] / 2
    centre = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])
    mm_px = px_per_mm * np.array([[1.0, tilt], [-tilt, 1.0]])  # a millimetre along x, and along y
    specks = (np.random.default_rng(0).random(shape) < 0.02).astype(np.float32)
    for axis, line in itertools.product((0, 1), range(-200, 200, 5)):
        along, at_mm = mm_px[axis], np.arange(-200, 200)
        piece = (at_mm + 3 * line) // seen_mm
        points = centre + line * mm_px[1 - axis] + at_mm[:, None] * along
        middles = centre + line * mm_px[1 - axis] + ((piece + 0.5) * seen_mm - 3 * line)[:, None] * along
        points[:, 1 - axis] = middles[:, 1 - axis]
        dashes = (
            np.rint(points[piece % 2 == 0]).astype(int)[None] + np.arange(3)[:, None, None] * np.eye(2, dtype=int)[axis]
        )
        x, y = dashes.reshape(-1, 2).T
        inside = (x >= 0) & (y >= 0) & (x < size[0]) & (y < size[1])
        specks[y[inside], x[inside]] = 1
    straight = np.array([(0.0, 0.0), (scale / 5.9, 0.0), (0.0, scale / 5.9)])
    bend = np.zeros((shape[0] // 16, shape[1] // 16, 2))
    start = PageMap(exponents_up_to(1), straight, tuple(centre), (scale, scale), size, bend, 0.0)
    lattice = GridFrequency(
        np.array([1 / 29.5, 0.0]), np.array([0.0, 1 / 29.5]), has_1mm_lines=True, has_5mm_lines=True, search_harmonic=5
    )
    ruling = 3 * (specks - cv2.blur(specks, (61, 61)))
    found = fit_grid_phase(ruling, start, start, lattice, np.full(shape, 255, np.uint8))
    true_mm = (np.stack(np.meshgrid(*start.nodes_px), axis=-1) - centre) @ np.linalg.inv(mm_px)
    off = (found.nodes_mm() - true_mm)[2:-2, 2:-2]
    assert (off - np.median(off, axis=(0, 1))).std() < 0.15  # more than twice that where dashes are followed


def test_a_fold_is_followed_as_the_windows_tell():
    centres = np.stack(np.meshgrid(np.arange(100.0, 1600, 200), np.arange(100.0, 1100, 200)), axis=-1).reshape(-1, 2)
    slopes = np.stack([np.where(centres[:, 0] > 800, 0.02, 0.0), np.zeros(len(centres))], axis=1)
    slopes[7] = 0.5, -0.5  # a window that contradicts its neighbours
    none = np.zeros((len(centres), 2))
    lattice = GridFrequency(
        np.array([0.03, 0.0]), np.array([0.0, 0.03]), has_1mm_lines=True, has_5mm_lines=True, search_harmonic=5
    )
    windows = WindowFrequencies(centres, none, none, np.full(len(centres), 30.0), lattice)
    surface = fit_bend(windows, slopes, (75, 106), (1700, 1200))
    step = np.diff(surface, axis=1) / (1700 / 106)
    assert np.abs(step[:, 5:30]).max() < 0.004  # a window and a half away from the fold
    assert np.abs(step[:, 72:95] - 0.02).max() < 0.004


def test_rows_with_nothing_in_common_have_no_layout():
    points = np.stack([np.arange(50.0, 90.0), np.zeros(40)], axis=1)
    row = RowTrace(0.0, points, np.ones(40), np.zeros(40), np.zeros(40, bool), np.zeros(40, bool))
    scale = Scale(PX_PER_MM, 25.0, 10.0, 10.0, (0.0,))
    assert match_layout([row], (90.0, 50.0), (), scale, [load_layout("1x1")]) is None


def test_a_scrap_of_a_few_columns_is_redrawn():
    ink, strokes, _ = drawn(30, width=8)
    heights = np.repeat((strokes.upper + strokes.lower)[:, None] / 2, len(SUB_COLUMNS), axis=1)
    assert refine_steep_strokes(ink, strokes, heights, np.full(len(heights), 0.1)).shape == heights.shape


def test_straight_lines_of_the_form_are_told_from_traces():
    trace = page_of_rows() > 0
    lined = trace.copy()
    lined[100:103, 40:1960] = True  # goes through the complexes of the first row
    lines = form_lines(lined, PX_PER_MM)
    assert not form_lines(trace, PX_PER_MM).any()
    assert lines[101, 40:1960].mean() > 0.9
    assert (lines & trace).sum() < 0.02 * trace.sum()


def marked_page(dashes):
    """Return rows with a tall complex beside a border at 1,000 px, and a page where dashes stand there, or not."""
    rows = []
    for baseline in (150, 380, 610):
        x = np.arange(60, 1940, 0.5)
        y = baseline - 100 * np.clip(1 - np.abs(x - 1006) / 5, 0, None)
        tall = np.abs(x - 1004) < 8
        flags = np.zeros(len(x), bool)
        rows.append(
            RowTrace(baseline, np.stack([x, y], axis=1), np.full(len(x), 0.5), np.full(len(x), 0.1), tall, flags)
        )
    darkness = page_of_rows(3, 0).astype(np.float32)
    for top in range(30, 740, 20) if dashes else ():
        darkness[top : top + 8, 999:1002] = 255
    trace = np.where(darkness > 0, 255, 0).astype(np.uint8)
    page = SimpleNamespace(darkness=darkness, px_per_mm=PX_PER_MM, segmentation=SimpleNamespace(trace=trace))
    return page, rows


def test_a_dashed_mark_is_taken_off_the_trace_and_the_complex_beside_it_stays():
    page, rows = marked_page(dashes=True)
    left, right = find_separator_at(page, rows, 1003.0, 255.0)
    assert 998 <= left < 1000 < right <= 1002
    for row in remove_separators(page, rows, [1003.0]):
        x = row.points_px[:, 0]
        assert not ((x > 999) & (x < 1001)).any()
        assert ((x > 1003) & (x < 1010)).sum() == 13


def test_short_marks_that_stand_aside_of_each_other_are_found_over_a_dotted_ruling():
    page, rows = marked_page(dashes=False)
    page.darkness[:, :] = np.maximum(page.darkness, 0)
    page.darkness[::6, 3 :: round(PX_PER_MM)] = 255  # the ruling
    for aside, row in enumerate(rows):
        top = int(row.baseline_px)
        page.darkness[top - 30 : top + 30, 1010 + aside] = 255
    left, right = find_separator_at(page, rows, 1012.0, 255.0)
    assert 1008 < left < 1011 < right < 1014
    assert find_separator_at(page, rows, 1412.0, 255.0) is None


def test_what_is_surely_trace_stays_unless_marks_tell_where_the_columns_start():
    page, rows = marked_page(dashes=True)
    sure = [replace(row, certainty=np.ones(len(row.points_px))) for row in rows]
    assert all(len(row.points_px) == 3760 for row in remove_separators(page, sure, [1003.0]))
    told = [replace(row, column_starts_px=(40.0, 1003.0)) for row in sure]
    assert all(len(row.points_px) < 3760 for row in remove_separators(page, told, [1003.0]))


def test_without_a_mark_nothing_is_taken_off():
    page, rows = marked_page(dashes=False)
    assert find_separator_at(page, rows, 1003.0, 255.0) is None
    assert all(len(row.points_px) == 3760 for row in remove_separators(page, rows, [1003.0]))


@pytest.fixture
def layout():
    return load_layout("3x4+II")


# ---------------------------------------------------------------- what limits a page


def judged(
    layout,
    rows,
    said,
    *,
    named=1.0,
    width_s=10.0,
    strip_labels_read=True,
    limb_agreement_db=None,
    ruled=True,
    margin=1.0,
):
    settled = resolve_scale(PX_PER_MM, width_s * PX_PER_S, rows, [], (said,), has_grid=ruled)
    placement = Interpretation(layout, START_PX, 1.0, margin, limb_agreement_db, named, True, strip_labels_read)
    return assess_page(ImageGeometry(lambda points: points, PX_PER_MM, ()), rows, placement, settled, {})


def test_a_nameless_strip_is_read_as_its_layouts_lead_and_says_so():
    layout = load_layout("1x1")
    rows = printed_rows(layout)
    found = judged(layout, rows, ScaleReading(25.0, 10.0, 10.0, "print"), named=0.0)
    assert found.status == "limited"
    assert found.reasons[0] == ReasonCode.STRIP_LABEL_UNREAD.reason(lead="II")
    ten_seconds = judged(layout, rows, ScaleReading(None, None, None, "print"), named=0.0)
    assert ten_seconds.status == "limited"  # by its ruling
    assert judged(layout, rows, ScaleReading(None, None, None, "print"), named=0.0, width_s=8.0).status == "refused"
    printed = judged(layout, rows, ScaleReading(25.0, 10.0, 10.0, "print"), named=0.0, ruled=False)
    assert printed.status == "limited"  # what prints speed and gain is an ECG
    assert judged(layout, rows, ScaleReading(25.0, 10.0, 10.0, "given"), named=0.0, ruled=False).status == "refused"


@pytest.mark.parametrize(("name", "limited"), [("6x2", False), ("6x2-simultaneous", True)])
def test_columns_that_only_seem_to_show_the_same_seconds_limit_the_page(name, limited):
    layout = load_layout(name)
    rows, said = printed_rows(layout, column_s=5.0, shifts_ms=(0,) * 6), ScaleReading(25.0, 10.0, 10.0, "print")
    found = judged(layout, rows, said, margin=1.0)
    assert found.status == ("limited" if limited else "ok")
    assert (found.reasons[:1] == (ReasonCode.COLUMNS_MAY_BE_SEQUENTIAL.reason(),)) == limited
    assert judged(layout, rows, said, margin=2.0).status == "ok"


def test_a_speed_that_nothing_tells_limits_the_page(layout):
    rows = printed_rows(layout)
    found = judged(layout, rows, ScaleReading(None, 10.0, 10.0, "print"), width_s=8.0)
    assert found.status == "limited"
    assert found.reasons[0].code is ReasonCode.SPEED_ASSUMED
    assert judged(layout, rows, ScaleReading(None, 10.0, 10.0, "print")).status == "ok"
    assert judged(layout, rows, ScaleReading(None, None, None, "print"), named=0.0, width_s=8.0).status == "refused"


def test_a_nameless_strip_that_does_not_repeat_its_lead_limits_the_page(layout):
    rows = printed_rows(layout)
    said = ScaleReading(25.0, 10.0, 10.0, "print")
    assert judged(layout, rows, said, strip_labels_read=False).status == "ok"
    rows[3] = replace(rows[3], points_px=rows[3].points_px[:, :1] * [1, 0] + rows[1].points_px[::-1, 1:] * [0, 1])
    assert judged(layout, rows, said).status == "ok"
    found = judged(layout, rows, said, strip_labels_read=False)
    assert found.status == "limited"
    assert found.reasons[0].code is ReasonCode.STRIP_LEAD_UNCERTAIN


def test_few_names_and_no_physics_limit_the_page():
    layout = load_layout("6x1-chest")
    rows = printed_rows(layout, column_s=10.0, shifts_ms=(0,) * 6)
    said = ScaleReading(25.0, 10.0, 10.0, "print")
    assert judged(layout, rows, said, named=0.3).reasons[0].code is ReasonCode.FEW_LABELS_READ
    assert judged(layout, rows, said, named=0.8).status == "ok"


def test_limb_leads_that_add_up_as_read_at_last_limit_no_page(layout):
    rows = printed_rows(layout)
    said = ScaleReading(25.0, 10.0, 10.0, "print")
    assert judged(layout, rows, said, limb_agreement_db=1.0).status == "ok"  # a complex at a border, taken off since
    found = judged(layout, [rows[1], rows[0], *rows[2:]], said, limb_agreement_db=1.0)
    assert found.status == "limited"
    assert found.reasons[0].code is ReasonCode.LIMB_LEADS_DISAGREE


def test_a_nameless_page_whose_limb_leads_do_not_add_up_as_read_is_limited():
    layout = load_layout("6x2")
    rows = printed_rows(layout, column_s=5.0, shifts_ms=(0,) * 6)
    said = ScaleReading(25.0, 10.0, 10.0, "print")
    assert judged(layout, rows, said, named=0.0, limb_agreement_db=8.0).status == "ok"
    swapped = [rows[0], rows[2], rows[1], *rows[3:]]
    found = judged(layout, swapped, said, named=0.0, limb_agreement_db=8.0)  # whatever was made of them before
    assert found.reasons[0].code is ReasonCode.FEW_LABELS_READ


# ---------------------------------------------------------------- levels


@pytest.mark.parametrize(("aside_px", "near_px"), [((0, 0, 0, 0, 0, 0), 1), ((0, 8, -10, 5, 9, -6), 6)])
def test_rows_that_are_not_spaced_evenly_are_not_levelled_as_if_they_were(aside_px, near_px):
    layout = load_layout("6x2")
    rows = [
        replace(row, points_px=row.points_px + np.array([0, aside]), baseline_px=row.baseline_px + aside)
        for row, aside in zip(printed_rows(layout, column_s=5.0, shifts_ms=(0,) * 6), aside_px, strict=True)
    ]
    zero_px = fit_zero_levels(rows, placed(layout), scale_of(rows), {0: PITCH_PX})
    assert np.abs(zero_px - PITCH_PX * np.arange(1, 7) - aside_px).max() < near_px  # the heart's mean is not quite 0


# ---------------------------------------------------------------- fast strokes


def test_a_pale_fast_stroke_is_trace_and_a_dot_of_the_ruling_beside_the_trace_is_not():
    shape = (200, 400)
    trace, darkness = np.zeros(shape, np.uint8), np.zeros(shape, np.float32)
    trace[120:123, 10:390], darkness[120:123, 10:390] = 255, 100
    darkness[60:120, 200:202] = 42  # a spike of 7.5 mm, which the network sees only here and there
    trace[60:120:10, 200:202] = 80
    darkness[112:120, 300:302] = 42  # a piece of the ruling, 1 mm
    trace[112:120:3, 300:302] = 80
    none = np.zeros(shape, np.uint8)
    page = FlatPage(darkness, Segmentation(trace, none, none, none), none, PX_PER_MM, (0, 0), None)
    mask = binarise_trace(page, full_darkness=115.0)
    assert mask[62:119, 200].all()
    assert not mask[112:119, 300].any()


@pytest.mark.parametrize(
    ("dark", "seen", "pulsed", "joined"),
    [(0, 0, 0, False), (45, 0, 0, False), (45, 30, 0, True), (70, 0, 0, True), (70, 0, 120, False)],
)
def test_a_spike_stands_on_the_trace_by_strokes_paler_than_itself(dark, seen, pulsed, joined):
    shape = (200, 400)
    trace, darkness = np.zeros(shape, np.uint8), np.zeros(shape, np.float32)
    trace[120:123, 10:390], darkness[120:123, 10:390] = 255, 115
    trace[60:100, 200:204], darkness[60:100, 200:204] = 255, 75
    for stroke in (slice(199, 201), slice(203, 205)):
        darkness[100:120, stroke], trace[100:120, stroke] = dark, seen
    none, pulse = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    pulse[60:100, 200:204] = pulsed
    page = FlatPage(darkness, Segmentation(trace, none, pulse, none), none, PX_PER_MM, (0, 0), None)
    mask = binarise_trace(page, full_darkness=115.0)
    assert mask[62:99, 201].all()
    for column in (200, 203):
        assert mask[100:120, column].all() == joined
    assert not mask[102:118, 202].any()


@pytest.mark.parametrize("struck", [False, True])
def test_a_line_of_the_ruling_that_joins_a_name_to_the_trace_is_no_trace_and_a_beat_through_it_is(struck):
    shape = (200, 400)
    trace, label, darkness = (np.zeros(shape, np.uint8) for _ in range(3))
    trace[100:103, 10:390], darkness[100:103, 10:390] = 255, 115
    label[118:132, 200:212], darkness[118:132, 200:212] = 255, 115  # a letter, 2 mm below the trace
    line = slice(205, 207 if struck else 206)  # what the network sees of it: more of a beat
    darkness[103:118, line], trace[103:118:4, line] = 70, 130 if struck else 30
    none = np.zeros(shape, np.uint8)
    page = FlatPage(darkness.astype(np.float32), Segmentation(trace, label, none, none), none, PX_PER_MM, (0, 0), None)
    mask = binarise_trace(page, full_darkness=115.0)
    assert mask[101, 12:388].all()
    assert mask[104:116, 205].all() == struck


@pytest.mark.parametrize(("crossed", "surely", "ruled"), [(0, 0.9, True), (20, 0.7, True), (20, 0.9, False)])
def test_a_line_of_the_form_is_no_trace_though_one_runs_into_it(crossed, surely, ruled):
    middle = np.full(1000, 300.0)
    middle[500 : 500 + crossed] -= 40
    strokes = SimpleNamespace(
        upper=middle - 1,
        lower=middle + 1,
        has_ink=np.ones(1000, bool),
        certainty=np.full(1000, surely),
        px_per_mm=PX_PER_MM,
    )
    assert _is_form_line(strokes) == ruled


# ---------------------------------------------------------------- somebody's pen


def penned(pen_px, trace_px=2):
    """Draw a trace with narrow beats and a ring between two of them; returns both, (height, width) bool."""
    trace, ring = (np.zeros((240, 900), np.uint8) for _ in range(2))
    x = np.arange(0, 900.0)
    y = 150 - 60 * np.clip(1 - np.abs(np.remainder(x, 150) - 75) / 4, 0, None)
    points = np.rint(np.stack([x, y], axis=1)).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(trace, [points], False, 1, trace_px)
    cv2.ellipse(ring, (300, 150), (45, 45), 0, 0, 360, 1, pen_px)
    return trace > 0, ring > 0


def test_a_ring_drawn_by_a_thick_pen_is_taken_out_and_the_trace_stays():
    trace, ring = penned(8)
    left = remove_annotations(trace | ring, trace | ring, trace | ring, PX_PER_MM)
    aside = cv2.dilate(ring.astype(np.uint8), np.ones((15, 15))) > 0
    assert not (left & ring & ~trace).any()
    assert (left == trace)[~aside].all()
    only_in_part = remove_annotations(trace | (ring & (np.arange(900) % 40 < 8)), trace | ring, trace | ring, PX_PER_MM)
    assert not (only_in_part & ring & ~trace).any()


def test_a_tick_that_is_drawn_across_a_trace_is_taken_out_though_it_is_not_wide():
    trace, _ = penned(8)
    tick = np.zeros(trace.shape, np.uint8)
    cv2.polylines(tick, [np.array([(600, 120), (620, 185), (675, 60)]).reshape(-1, 1, 2)], False, 1, 7)
    left = remove_annotations(trace | (tick > 0), trace | (tick > 0), trace | (tick > 0), PX_PER_MM)
    assert not (left & (tick > 0) & ~trace).any()
    assert (left == trace)[cv2.dilate(tick, np.ones((15, 15))) == 0].all()


def test_ink_is_seen_in_the_channel_in_which_it_is_darkest():
    image = np.full((200, 300, 3), 240, np.uint8)
    image[50:60], image[100:110], image[150:160] = (180, 30, 40), (40, 40, 40), (235, 200, 205)  # pen, trace, ruling
    page = FlatPage(np.zeros((200, 300), np.float32), None, image, PX_PER_MM, (0, 0), None)
    _, found = ink_masks(page, full_darkness=190.0)
    assert found[50:60].all()
    assert found[100:110].all()
    assert found.sum() == 20 * 300


def test_a_stretch_of_the_trace_that_trembles_stays():
    trace, _ = penned(8)
    rng = np.random.default_rng(1)
    for x in range(600, 800):
        trace[150 - rng.integers(3, 9) : 150 + rng.integers(3, 9), x] = True
    assert (remove_annotations(trace, trace, trace, PX_PER_MM) == trace).all()


def test_ink_as_thick_as_the_trace_stays():
    trace, ring = penned(2)
    assert (remove_annotations(trace | ring, trace | ring, trace | ring, PX_PER_MM) == (trace | ring)).all()
    bold, _ = penned(8, trace_px=9)
    assert (remove_annotations(bold, bold, bold, PX_PER_MM) == bold).all()


# ---------------------------------------------------------------- the sheet of paper


def photographed(focal_px: float, tilts_deg: tuple[float, float], desk: int = 60):
    """A white sheet of A4 across on a desk, seen from aside, with rows of traces; and its corners in the picture."""
    size, sheet = (1200, 900), np.array([[-1.485, -1.05], [1.485, -1.05], [1.485, 1.05], [-1.485, 1.05]])
    x, y = np.deg2rad(tilts_deg)
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])

    def seen(points):
        points = np.c_[points, np.zeros(len(points))] @ (about_x @ about_y).T + [0, 0, focal_px / 330]
        return focal_px * points[:, :2] / points[:, 2:] + [(size[0] - 1) / 2, (size[1] - 1) / 2]

    image = np.full((size[1], size[0], 3), desk, np.uint8)
    cv2.fillPoly(image, [np.rint(seen(sheet)).astype(np.int32)], (225, 222, 215), cv2.LINE_AA)
    trace = np.zeros(image.shape[:2], np.uint8)
    across = np.linspace(-1.2, 1.2, 400)
    for height in (-0.5, 0.0, 0.5):
        row = seen(np.c_[across, height + 0.02 * np.sin(40 * across)])
        cv2.polylines(trace, [np.rint(row).astype(np.int32)], False, 255, 2)
    image[trace > 0] = 30
    return image, trace, seen, sheet


@pytest.mark.parametrize("tilts_deg", [(0.0, 0.0), (20.0, 0.0), (-10.0, 12.0)])
def test_the_sheet_tells_the_perspective_and_its_sides_ratio(tilts_deg):
    image, trace, seen, sheet = photographed(960.0, tilts_deg)
    corners = find_paper_outline(image, trace).image_to_page(seen(sheet))
    sides = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
    assert sides[0] / sides[2] == pytest.approx(1, abs=0.01)
    assert sides[1] / sides[3] == pytest.approx(1, abs=0.01)
    assert sides[0] / sides[1] == pytest.approx(1.485 / 1.05, rel=0.02)


def test_a_page_without_ruling_is_laid_flat_by_its_sheet():
    image, trace, seen, _ = photographed(960.0, (10.0, 8.0))
    places = np.stack(np.meshgrid(np.linspace(-1.2, 1.2, 9), [-0.5, 0.0, 0.5]), axis=-1).reshape(-1, 2)
    off_mm = []
    for sheet in (None, find_paper_outline(image, trace)):
        found = fit_map_to_traces(trace, sheet)
        page = found.image_to_page(seen(places))
        assert np.abs(found.page_to_image(page) - seen(places)).max() < 0.01
        terms = np.c_[places, np.ones(len(places))]
        off_mm.append(np.abs(page - terms @ np.linalg.lstsq(terms, page, rcond=None)[0]).max())
    assert off_mm[0] > 5
    assert off_mm[1] < 0.5


@pytest.mark.parametrize("desk", [225, 60])
def test_where_a_side_is_not_in_the_picture_there_is_no_sheet(desk):
    image, trace, *_ = photographed(960.0, (0.0, 0.0), desk)
    if desk == 60:
        image, trace = image[:, 150:], trace[:, 150:]
    assert find_paper_outline(image, trace) is None


# ---------------------------------------------------------------- pulses that the network took for traces


def rows_with_pulses(
    pulse_mm=10.0, hollow=True, at_right=False, complex_mm=0.0, n_pulses=2, ruled=True, lettered=False, unsure_top=0
):
    """Three rows 30 mm apart, a pulse of 5 mm before the first, in what the network calls trace, or in part a name.

    Of `unsure_top` mm below a lid it is unsure, and of half of the lid it sees nothing: that is only as dark.
    """
    trace = np.zeros((round(95 * PX_PER_MM), 1200), np.uint8)
    baselines = [25.0 * PX_PER_MM, 55.0 * PX_PER_MM, 85.0 * PX_PER_MM]
    for row, base in enumerate(baselines):
        x = np.arange(100, 1100.0)
        y = base - 12 * np.exp(-0.5 * (np.remainder(x, 160) - 80) ** 2 / 200)
        if row < n_pulses:
            side, foot, top = 92 - 5 * PX_PER_MM, 92, base - pulse_mm * PX_PER_MM
            x, y = np.append([side - 8, side, side, foot, foot], x), np.append([base, base, top, top, base], y)
            y[5] -= complex_mm * PX_PER_MM
            if not hollow:
                cv2.rectangle(trace, (int(side), int(base - 3)), (foot, int(base + 3)), 255, -1)
        points = np.rint(np.stack([x, y], axis=1)).astype(np.int32)
        cv2.polylines(trace, [points.reshape(-1, 1, 2)], False, 255, 2)
    trace = np.ascontiguousarray(trace[:, ::-1]) if at_right else trace
    none = np.zeros_like(trace)
    darkness, label = trace.astype(np.float32), none
    if lettered:  # the side away from the trace, as high as letters are
        label = trace.copy()
        label[:, 56:] = 0
        trace = trace - label
    if unsure_top:
        pulse = trace[:, :98]
        for base in baselines:
            top = round(base - pulse_mm * PX_PER_MM)
            tip = pulse[top - 3 : top + round(unsure_top * PX_PER_MM)]
            tip[tip > 0] = 40
            pulse[top - 3 : top + 4, 62:82] = 0
    page = FlatPage(darkness, Segmentation(trace, label, none, none), none, PX_PER_MM, (0, 0), None)
    assert find_pulses(page, baselines) == ()
    return find_pulses_by_shape(page, baselines, has_grid=ruled)


@pytest.mark.parametrize("at_right", [False, True])
@pytest.mark.parametrize("pulse_mm", [5.0, 10.0, 20.0])
def test_pulses_taken_for_traces_are_found_by_their_shape(pulse_mm, at_right):
    pulses = rows_with_pulses(pulse_mm, at_right=at_right)
    assert [pulse.row for pulse in pulses] == [0, 1]
    for pulse in pulses:
        assert pulse.height_mm == pytest.approx(pulse_mm, abs=0.15)
        left = 52 if not at_right else 1199 - 92
        assert pulse.left_px == pytest.approx(left, abs=1.5)
        assert pulse.right_px == pytest.approx(left + 40, abs=1.5)


def test_a_pulse_is_found_of_whose_top_the_network_is_unsure():
    pulses = rows_with_pulses(20.0, unsure_top=4.0)
    assert [pulse.row for pulse in pulses] == [0, 1]
    assert all(pulse.height_mm == pytest.approx(20.0, abs=0.15) for pulse in pulses)


@pytest.mark.parametrize("lettered", [False, True])
def test_a_single_pulse_is_found_and_of_an_odd_shape_two_must_agree_on_a_page_without_ruling(lettered):
    assert [pulse.row for pulse in rows_with_pulses(n_pulses=1, lettered=lettered)] == [0]
    assert [pulse.row for pulse in rows_with_pulses(n_pulses=1, ruled=False, lettered=lettered)] == [0]
    assert rows_with_pulses(14.0, n_pulses=1, ruled=False, lettered=lettered) == ()
    assert len(rows_with_pulses(14.0, ruled=False, lettered=lettered)) == 2  # of any height: the mm are not known


def test_a_wave_at_the_end_of_its_trace_is_no_pulse():
    trace = np.zeros((round(65 * PX_PER_MM), 1200), np.uint8)
    baselines = [25.0 * PX_PER_MM, 55.0 * PX_PER_MM]
    for base in baselines:
        x = np.arange(100, 1100.0)
        y = base - 60 * np.clip(1 - np.abs((x - 1075) / 14) ** 3, 0, None)
        cv2.polylines(trace, [np.rint(np.stack([x, y], axis=1)).astype(np.int32).reshape(-1, 1, 2)], False, 255, 2)
    none = np.zeros_like(trace)
    page = FlatPage(trace.astype(np.float32), Segmentation(trace, none, none, none), none, PX_PER_MM, (0, 0), None)
    assert find_pulses_by_shape(page, baselines, has_grid=False) == ()


def test_a_pulse_at_whose_side_a_complex_begins_is_left_alone():
    assert len(rows_with_pulses(complex_mm=8.0)) == 2
    assert rows_with_pulses(complex_mm=13.0) == ()  # the complex would be cut with the pulse


def test_what_is_not_hollow_or_of_no_usual_height_is_no_pulse():
    assert rows_with_pulses(hollow=False) == ()
    assert rows_with_pulses(14.0) == ()


# ---------------------------------------------------------------- rows of a page without ruling


def rows_between(lefts, rights, page_px=(900, 700), bow=0.0):
    """Six rows drawn from `lefts` to `rights` (x of the top and the bottom row), on a flat page of 4 px/mm."""
    flat = PageMap(
        exponents_up_to(1), np.array([[0, 0], [100, 0], [0, 100.0]]), (449.5, 349.5), (400.0, 400.0), page_px,
        np.zeros((43, 56, 2)), 0.0,
    )  # fmt: skip
    blank = np.zeros((page_px[1], page_px[0]), np.float32)
    page = FlatPage(blank, Segmentation(*[blank.astype(np.uint8)] * 4), blank, 4.0, (-449.5 / 4, -349.5 / 4), flat)
    rows = []
    for share in np.linspace(0, 1, 6):
        left, right = (
            ends[0] + share * (ends[1] - ends[0]) + side * bow * 4 * share * (1 - share)
            for ends, side in ((lefts, 1), (rights, -1))
        )
        x = np.arange(left, right, 0.25)
        points = np.stack([x, np.full(len(x), 100 + 500 * share)], axis=1)
        still = np.zeros(len(x), bool)
        rows.append(RowTrace(points[0, 1], points, np.ones(len(x)), np.zeros(len(x)), still, still))
    return page, rows


@pytest.mark.parametrize(
    ("lefts", "rights", "bow"), [((100, 100), (700, 800), 0), ((100, 140), (820, 790), 0), ((100, 100), (800, 800), 12)]
)
def test_rows_of_an_unruled_page_are_brought_below_each_other(lefts, rights, bow):
    page, rows = rows_between(lefts, rights, bow=bow)
    found = align_row_ends(page, rows)
    ends = np.array([[found.image_to_page(row.points_px[k]) for k in (0, -1)] for row in rows])
    assert np.ptp(ends[:, :, 0], axis=0).max() < 0.3
    assert np.ptp(ends[:, 1, 0] - ends[:, 0, 0]) < 0.3
    assert np.abs(found.page_to_image(ends) - [[row.points_px[k] for k in (0, -1)] for row in rows]).max() < 0.05


def test_rows_that_are_even_or_end_anywhere_tell_nothing():
    assert align_row_ends(*rows_between((100, 100), (800, 800))) is None
    assert align_row_ends(*rows_between((100, 140), (780, 820))) is None  # at an angle: no perspective
    page, rows = rows_between((100, 100), (800, 800))
    ragged = [row.select(row.points_px[:, 0] > 100 + 37 * (k * k % 5)) for k, row in enumerate(rows)]
    assert align_row_ends(page, ragged) is None
    assert align_row_ends(page, rows[:2]) is None
