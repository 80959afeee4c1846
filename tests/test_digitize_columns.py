"""Where the columns of a page start and which lead each shows, on rows known to a fraction of a pixel."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ecgimg.digitization.interpretation.beats.beat_matching import matching_beat_share
from ecgimg.digitization.interpretation.beats.heart_rate import measure_beats
from ecgimg.digitization.interpretation.beats.simultaneous_columns import simultaneity_score
from ecgimg.digitization.interpretation.column_dewarp import fit_column_dewarp
from ecgimg.digitization.interpretation.column_extent import find_column_extent
from ecgimg.digitization.interpretation.column_gaps import find_column_gaps
from ecgimg.digitization.interpretation.column_starts import set_starts_by_row_ends, set_starts_by_separators
from ecgimg.digitization.interpretation.gapped_columns import (
    complete_column_starts,
    gapped_extent,
    refine_gapped_starts,
)
from ecgimg.digitization.interpretation.layout_matching import _CellSignals, _lead_change_penalty, match_layout
from ecgimg.digitization.interpretation.row_extent import shared_end_px, uncropped_extents
from ecgimg.digitization.interpretation.scale import resolve_scale
from ecgimg.digitization.interpretation.separators import detect_separators
from ecgimg.digitization.model import FlatPage, LeadLabel, Pulse, ResolvedScale, RowTrace, Scale, Segmentation
from ecgimg.digitization.pulses.trim import equalise_bases, trim_pulses
from ecgimg.digitization.signals.lead_extraction import FS_HZ, slot_signal_mv
from ecgimg.digitization.signals.row_alignment import align_rows
from ecgimg.digitization.text.label_detection import _join_letters
from ecgimg.digitization.text.label_matching import column_seconds_by_labels
from layouts import load_layout, load_layouts
from synth import HeartSpec, simulate
from tests.printed_rows import PITCH_PX, PX_PER_MM, PX_PER_S, START_PX, placed, printed_rows, scale_of

# ---------------------------------------------------------------- columns


@pytest.fixture
def layout():
    return load_layout("3x4+II")


def test_columns_a_little_narrower_than_the_speed_says_are_found(layout):
    rows = printed_rows(layout, column_s=2.48, step_mv=0.1)
    rows = set_starts_by_row_ends(rows, placed(layout), scale_of(rows))
    expected = START_PX + 2.48 * PX_PER_S * np.arange(4)
    for row in rows[:3]:
        assert np.abs(np.array(row.column_starts_px) - expected).max() < 0.5
    assert rows[3].column_starts_px == ()


def test_columns_where_the_speed_says_stay_there(layout):
    rows = printed_rows(layout)
    assert all(row.column_starts_px == () for row in set_starts_by_row_ends(rows, placed(layout), scale_of(rows)))


def test_marks_between_columns_tell_where_they_start(layout):
    rows = printed_rows(layout)
    marks = START_PX + 2.49 * PX_PER_S * np.array([1, 1, 2, 2, 3, 3.0])
    found = set_starts_by_separators(rows, placed(layout), marks, scale_of(rows))
    assert found[0].column_starts_px == pytest.approx(START_PX + 2.49 * PX_PER_S * np.arange(4))


def test_a_mark_through_all_rows_counts_in_each_and_a_stroke_of_the_header_in_none():
    other = np.zeros((700, 900), np.uint8)
    other[150:650, 300:302] = 255  # through the rows
    other[220:240, 500:502] = 255  # beside one
    other[20:50, 700:702] = 255  # in the header
    none = np.zeros_like(other)
    page = FlatPage(other.astype(np.float32), Segmentation(none, none, none, other), none, 8.0, (0, 0), None)
    marks = detect_separators(page, [200.0, 330.0, 460.0, 590.0])
    assert marks == pytest.approx([300.5] * 4 + [500.5])


def test_columns_narrower_than_the_speed_says_are_found_by_single_marks(layout):
    spacing = 2.475 * PX_PER_S
    rows = [row.select(row.points_px[:, 0] < START_PX + 4 * spacing) for row in printed_rows(layout)]
    marks = np.repeat(START_PX + spacing * np.arange(1, 4), 4)
    start, end = find_column_extent(rows, [], marks, scale_of(rows), 4000, np.zeros(len(rows), bool))
    assert start == pytest.approx(START_PX, abs=0.5)
    assert end == pytest.approx(START_PX + 4 * spacing, abs=1.0)


@pytest.mark.parametrize(("cap_px", "inked_px"), [(1.0, 1.0), (1.0, 0.0)])
def test_the_start_is_told_whatever_the_pens_caps(layout, cap_px, inked_px):
    rows = [
        replace(row, cap_px=cap_px, ink_ends_px=(row.ink_ends_px[0] - inked_px, row.ink_ends_px[1] + inked_px))
        for row in printed_rows(layout)
    ]
    trimmed = [row.select((row.points_px[:, 0] >= row.left_px) & (row.points_px[:, 0] <= row.right_px)) for row in rows]
    start, _ = find_column_extent(trimmed, [], np.zeros(0), scale_of(rows), 4000, np.zeros(len(rows), bool))
    assert start == pytest.approx(START_PX, abs=0.25)


def test_of_two_starts_that_the_ends_vouch_for_alike_the_marked_borders_tell(layout):
    late_px = 24
    rows = printed_rows(layout)
    for number in (1, 2, 3):
        rows[number] = rows[number].select(rows[number].points_px[:, 0] > START_PX + late_px)
    rows[3] = rows[3].select(rows[3].points_px[:, 0] < START_PX + 9.5 * PX_PER_S)
    starts = []
    for offset in (0, late_px):
        borders = START_PX + offset + 2.5 * PX_PER_S * np.arange(1, 4)
        none = np.zeros(len(rows), bool)
        start, _ = find_column_extent(
            rows, [], np.zeros(0), scale_of(rows), 4000, none, lambda x, at=borders: bool(np.abs(at - x).min() < 3)
        )
        starts.append(start)
    assert starts == pytest.approx([START_PX, START_PX + late_px], abs=1.0)


@pytest.mark.parametrize("named", [True, False])
def test_evenly_spaced_beats_are_no_marks_where_the_names_say_otherwise(layout, named):
    rows = printed_rows(layout)
    beats = np.repeat(START_PX + 30 + 2.55 * PX_PER_S * np.arange(4), 4)
    names = [
        LeadLabel(
            START_PX + 20 + 2.5 * PX_PER_S * column, row.baseline_px - 20, START_PX + 8 + 2.5 * PX_PER_S * column, name
        )
        for row, leads in zip(rows, (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5")), strict=False)
        for column, name in enumerate(leads)
    ]
    _, end = find_column_extent(
        rows, [], beats, scale_of(rows), 4000, np.zeros(len(rows), bool), labels=names if named else ()
    )
    start = end - 10 * PX_PER_S
    assert (abs(start - START_PX) < 1.0) == named


@pytest.mark.parametrize("pulses_in", [(3,), (0, 1, 2, 3)])
def test_where_a_ruling_is_short_rows_without_a_pulse_tell_the_start_even_below_one(layout, pulses_in):
    short_px = 0.07 * PX_PER_S
    rows = [row.select(row.points_px[:, 0] < START_PX + 10 * PX_PER_S - short_px) for row in printed_rows(layout)]
    rows = [replace(row, ink_ends_px=(row.left_px, row.right_px)) for row in rows]
    pulses = [Pulse(k, START_PX - 50, START_PX - 20, 10.0, 0.0, (START_PX - 60, START_PX)) for k in pulses_in]
    start, _ = find_column_extent(rows, pulses, np.zeros(0), scale_of(rows), 4000, np.zeros(len(rows), bool))
    assert start == pytest.approx(START_PX if len(pulses_in) == 1 else START_PX - short_px, abs=1.0)


@pytest.mark.parametrize("in_lettering", [True, False])
def test_where_all_traces_start_in_their_names_the_ends_tell(layout, in_lettering):
    late_px = 14
    rows = [row.select(row.points_px[:, 0] > START_PX + late_px) for row in printed_rows(layout)]
    hidden = np.full(len(rows), in_lettering)
    pulses = [Pulse(row, START_PX - 50, START_PX - 20, 10.0, 0.0, (START_PX - 60, START_PX - 10)) for row in range(4)]
    start, _ = find_column_extent(rows, pulses, np.zeros(0), scale_of(rows), 4000, hidden)
    assert start == pytest.approx(START_PX + (0 if in_lettering else late_px), abs=1.0)


def test_beyond_the_start_of_the_next_column_a_lead_is_blank(layout):
    spacing = 2.475 * PX_PER_S
    starts = tuple((START_PX + spacing * np.arange(4)).tolist())
    rows = [replace(row, column_starts_px=starts) for row in printed_rows(layout, column_s=2.475)]
    slots = [slot for slot in layout.slots() if slot.row == 0]
    blanks = []
    for slot in slots:
        signal = slot_signal_mv(slot, layout, rows[0], START_PX, scale_of(rows), rows[0].baseline_px)
        blanks.append(int(np.isnan(signal).sum()))
        assert np.isfinite(signal[: round(2.47 * FS_HZ)]).all()
    assert blanks == pytest.approx([11, 11, 11, 0], abs=1)


def test_the_foot_of_a_pulse_that_breaks_off_at_the_start_is_not_of_the_lead(layout):
    row = printed_rows(layout)[0]
    x, y = row.points_px.T
    begun = START_PX + 0.04 * PX_PER_S  # the lead follows a millimetre later, and higher
    foot = x < START_PX + 0.004 * PX_PER_S
    broken = replace(row, points_px=np.stack([x, np.where(foot, y + 30, y)], axis=1)).select(foot | (x > begun))
    slot = next(slot for slot in layout.slots() if slot.row == 0)
    scale = scale_of([row])
    signals = [slot_signal_mv(slot, layout, each, START_PX, scale, row.baseline_px) for each in (row, broken)]
    n = round(0.05 * FS_HZ)
    assert np.abs(signals[1][:n] - signals[0][n]).max() < 0.05
    assert signals[1][n:] == pytest.approx(signals[0][n:], abs=1e-6)


def test_letters_of_one_name_are_joined_and_those_of_two_are_not():
    letters = np.array([[28, 150, 32, 162], [37, 151, 41, 162], [80, 150, 92, 162], [94, 140, 97, 146.0]])
    expected = [[28, 150, 41, 162], [80, 150, 92, 162], [94, 140, 97, 146]]  # II, V, and what is no letter
    assert _join_letters(letters).tolist() == expected
    assert _join_letters(letters[:0]).shape == (0, 4)


@pytest.mark.parametrize("printed", ["3x4+V1", "6x2-cabrera"])
def test_names_that_stand_elsewhere_in_the_layout_are_told(printed):
    """As of a page of six rows, of which four were found: its names contradict whatever layout of four rows."""
    layout = load_layout("3x4+V1")
    rows = printed_rows(layout)
    slots = [slot for slot in load_layout(printed).slots() if slot.row < 4 and slot.column is not None]
    step_px = 10 * PX_PER_S / load_layout(printed).columns
    names = [
        LeadLabel(left + 12, rows[slot.row].baseline_px - 40, left, slot.lead, 0.99)
        for slot in slots
        for left in [START_PX + 8 + step_px * slot.column]
    ]
    found = match_layout(rows, (START_PX, START_PX + 10 * PX_PER_S), names, scale_of(rows), [layout])
    assert found.is_contradicted == (printed == "6x2-cabrera")


@pytest.mark.parametrize("lead", ["II", "V5"])
def test_a_strip_that_lost_a_spike_is_still_its_lead_s(lead):
    layout = load_layout(f"3x4+{lead}")
    rows = printed_rows(layout)
    cell = next(slot for slot in layout.slots() if slot.lead == lead and slot.column is not None)
    x, y = rows[3].points_px.T.copy()
    inside = (x > START_PX + cell.start_s * PX_PER_S) & (x < START_PX + (cell.start_s + 2.5) * PX_PER_S)
    peak = int(np.flatnonzero(inside)[np.abs(y[inside] - np.median(y)).argmax()])
    y[peak - 8 : peak + 9] = np.median(y)
    rows[3] = replace(rows[3], points_px=np.stack([x, y], axis=1))
    found = match_layout(rows, (START_PX, START_PX + 10 * PX_PER_S), [], scale_of(rows), load_layouts("all"))
    assert found.layout.rhythm == (lead,)


@pytest.mark.parametrize("side", ["top", "bottom"])
@pytest.mark.parametrize("named", [True, False])
def test_a_row_that_the_picture_cuts_off_is_missed_where_names_tell(side, named):
    layout = load_layout("12x1")
    kept = slice(1, None) if side == "top" else slice(0, -1)
    rows = printed_rows(layout, shifts_ms=(0,) * 12)[kept]
    leads = [slot.lead for slot in layout.slots()][kept]
    names = [
        LeadLabel(START_PX + 12, row.baseline_px - 40, START_PX + 8, lead, 0.99)
        for row, lead in zip(rows, leads, strict=True)
        if named
    ]
    found = match_layout(rows, (START_PX, START_PX + 10 * PX_PER_S), names, scale_of(rows), load_layouts("all"))
    if not named:
        assert found is None
        return
    assert found.is_cut
    assert found.layout.name == "12x1"
    assert [slot.lead for slot in found.layout.slots()] == leads


def test_a_row_cut_off_is_missed_where_names_tell_though_another_layout_has_as_many_rows():
    layout = load_layout("3x4+II+V1+V5")
    rows = printed_rows(layout, shifts_ms=(0,) * 6)[1:]
    names = [
        LeadLabel(x + 12, rows[slot.row - 1].baseline_px - 40, x + 8, slot.printed_name, 0.99)
        for slot in layout.slots()
        if slot.row
        for x in [START_PX + slot.start_s * PX_PER_S]
    ]
    found = match_layout(rows, (START_PX, START_PX + 10 * PX_PER_S), names, scale_of(rows), load_layouts("all"))
    assert (found.layout.name, found.is_cut, found.is_contradicted) == (layout.name, True, False)


# ---------------------------------------------------------------- columns that stand apart


def rows_apart(*, slant=0.0, lost=(), left_px=100.0, strip=True):
    """Return three rows of four columns of 200 px, 15 px apart, and a strip; 5 px a mm; `lost`: (row, from, to) px."""
    rows = []
    for index in range(3 + strip):
        x = np.arange(left_px, 945.0 if index < 3 else 900.0)
        column, inside = np.divmod(x - 100, 215)
        kept = (inside < 200) & (column < 4) if index < 3 else np.ones(len(x), bool)
        for row, start, end in lost:
            kept &= (row != index) | (x < start) | (x > end)
        x = x[kept] + slant * 100 * index
        points = np.stack([x, np.full(len(x), 100.0 + 100 * index)], axis=1)
        no = np.zeros(len(x), bool)
        rows.append(RowTrace(100.0 + 100 * index, points, np.ones(len(x)), np.ones(len(x)), no, no))
    return rows


def test_a_pen_across_a_gap_does_not_join_what_the_others_part():
    rows = rows_apart()
    x = np.arange(290.0, 330.0)
    pen = RowTrace(200.0, np.stack([x, np.full(len(x), 200.0)], axis=1), *np.ones((2, 40)), *np.zeros((2, 40), bool))
    points = np.concatenate([rows[1].points_px[rows[1].points_px[:, 0] < 290], pen.points_px])
    points = np.concatenate([points, rows[1].points_px[rows[1].points_px[:, 0] >= 330]])
    rows[1] = RowTrace(200.0, points, *np.ones((2, len(points))), *np.zeros((2, len(points)), bool))
    found, _ = find_column_gaps(rows, 5.0)
    assert found[1].column_starts_px == pytest.approx(100 + 215 * np.arange(4), abs=1.5)


def test_a_row_that_shows_no_gap_starts_its_columns_where_the_others_do():
    found, _ = find_column_gaps(rows_apart(slant=0.03), 5.0)
    written_over = (found[0], found[1], replace(found[2], column_starts_px=()), found[3])
    told = complete_column_starts(written_over, load_layout("3x4+II"))
    for index, row in enumerate(told[:3]):
        assert row.column_starts_px == pytest.approx(100 + 215 * np.arange(4) + 3 * index, abs=1.5)
    assert told[3].column_starts_px == ()


def test_gaps_are_found_where_they_begin_if_names_hide_where_they_end():
    hidden = [(0, 300, 350), (1, 319, 345), (2, 325, 360)]  # of what follows the first gap, in each row
    lost = [(row, first + 215 * k, last + 215 * k) for k in range(3) for row, first, last in hidden]
    rows, gaps_px = find_column_gaps(rows_apart(lost=lost), 5.0, has_grid=True)
    assert all(row.column_starts_px == pytest.approx(100 + 215 * np.arange(4), abs=1.5) for row in rows[:3])
    assert gaps_px == pytest.approx(45, abs=4)


def test_gaps_on_a_slant_are_none_on_a_page_laid_flat_by_its_ruling():
    assert find_column_gaps(rows_apart(slant=0.07), 5.0)[1] > 0
    assert find_column_gaps(rows_apart(slant=0.07), 5.0, has_grid=True)[1] == 0


def test_a_single_gap_on_which_names_stand_parts_no_columns():
    strip = rows_apart()[3]
    kept = np.abs(strip.points_px[:, 0] - 500) > 6
    rows = [
        replace(row, points_px=row.points_px + np.array([0, 100.0 * k]))
        for k, row in enumerate([strip.select(kept)] * 3)
    ]
    assert find_column_gaps(rows, 5.0)[1] > 0
    assert find_column_gaps(rows, 5.0, lambda blank, y_px: abs(blank[0] - 500) < 5 and y_px >= 400)[1] == 0


@pytest.mark.parametrize("high_px", [4.0, 40.0])
def test_the_side_of_a_pulse_at_the_very_end_of_a_row_is_no_trace(high_px):
    x = np.arange(100.0, 500.0, 0.25)
    y = np.where(x < 100.3, 200.0 - high_px, 200.0)
    row = RowTrace(200.0, np.stack([x, y], axis=1), *np.ones((2, len(x))), *np.zeros((2, len(x)), bool))
    (found,), _ = trim_pulses([row], [], 8.0)
    assert found.points_px[0, 0] == (100.0 if high_px < 20 else 100.5)
    assert found.points_px[-1, 0] == x[-1]


@pytest.mark.parametrize("whole", [False, True])
def test_what_is_not_wholly_a_pulse_amid_a_trace_cuts_no_row(layout, whole):
    rows = printed_rows(layout)
    middle = START_PX + 5 * PX_PER_S  # where a trace steps from one column to the next
    pulse = Pulse(2, middle, middle + 20, 5.0, rows[2].baseline_px, (middle, middle + 40), whole)
    cut, pulses = trim_pulses(rows, [pulse], PX_PER_MM)
    assert bool(pulses) == whole
    assert all(row.points_px[0, 0] < START_PX + 1 and row.points_px[-1, 0] > middle + 900 for row in cut) != whole


@pytest.mark.parametrize("hidden", [False, True])
def test_on_a_shorter_page_the_ends_tell_where_columns_start_that_names_hide(layout, hidden):
    short = printed_rows(layout)
    short = [row.select(row.points_px[:, 0] < START_PX + 8 * PX_PER_S) for row in short]
    late = [row.select(row.points_px[:, 0] > START_PX + (15 if hidden else 2)) for row in short]
    start, end = find_column_extent(late, [], np.zeros(0), scale_of(late), 4000, np.full(len(late), hidden))
    assert start == pytest.approx(START_PX, abs=1.6)
    assert end == pytest.approx(START_PX + 8 * PX_PER_S, abs=1.6)


def test_on_a_shorter_page_pulses_tell_where_columns_start_that_names_hide(layout):
    short = [row.select(row.points_px[:, 0] < START_PX + 9.5 * PX_PER_S) for row in printed_rows(layout)]
    late = [row.select(row.points_px[:, 0] > START_PX + 60) for row in short]  # by more than a quarter of a second
    pulses = [Pulse(row, START_PX - 50, START_PX - 20, 10.0, 0.0, (START_PX - 60, START_PX + 1)) for row in range(4)]
    start, end = find_column_extent(late, pulses, np.zeros(0), scale_of(late), 4000, np.ones(len(late), bool))
    assert start == pytest.approx(START_PX, abs=1.6)
    assert end == pytest.approx(START_PX + 9.5 * PX_PER_S, abs=1.6)


def seen_aside(x, narrower):
    """Return where x lies once columns get narrower to the right, the first start staying where it is."""
    away = (np.asarray(x, np.float64) - START_PX) / PX_PER_S
    return START_PX + PX_PER_S * (away - narrower * away**2 / 20)


@pytest.mark.parametrize("narrower", [0.0, 0.05, -0.04])
@pytest.mark.parametrize("marked", [3, 2, 1])
def test_columns_that_are_uneven_without_a_ruling_are_made_even_by_their_marks(layout, narrower, marked):
    even = printed_rows(layout)
    rows = [
        replace(row, points_px=np.stack([seen_aside(row.points_px[:, 0], narrower), row.points_px[:, 1]], axis=1))
        for row in even
    ]
    borders = seen_aside(START_PX + 2.5 * PX_PER_S * np.arange(1, 4), narrower)
    scale, placement = scale_of(rows), placed(layout)
    blank = np.zeros((round(rows[-1].baseline_px) + 400, round(borders[-1]) + 1200), np.float32)
    segmentation = SimpleNamespace(trace=np.full(blank.shape, 255, np.uint8), label=np.zeros(blank.shape, np.uint8))
    page = FlatPage(blank, segmentation, blank, PX_PER_MM, (0, 0), None)
    found = fit_column_dewarp(page, rows, placement, np.repeat(borders[-marked:], 3), [], scale)
    if marked == 1:
        assert found is None
        return
    told = found.with_flat_starts(rows, placement)
    assert told[0].column_starts_px[1:] == pytest.approx(borders, abs=0.5)
    assert found.start_px == pytest.approx(START_PX, abs=1)
    for row, seen in zip(even, told, strict=True):
        laid = found.dewarp_row(seen)
        stretch = found.spacing_px / (2.5 * PX_PER_S)
        assert laid.points_px[:, 0] == pytest.approx(START_PX + stretch * (row.points_px[:, 0] - START_PX), abs=1.5)
        assert found.even_to_image(np.asarray)(laid.points_px) == pytest.approx(seen.points_px, abs=0.01)
    settled = ResolvedScale(scale, {"px_per_mm": "width", "gain": "pulse"}, ()).stretched(stretch)
    assert settled.scale.px_per_s == pytest.approx(PX_PER_S * stretch)
    assert settled.scale.px_per_mv("I") == pytest.approx(scale.px_per_mv("I"))


@pytest.mark.parametrize("slant", [0.0, 0.03, -0.05])
def test_gaps_between_columns_are_found_on_a_slant(slant):
    rows, gaps_px = find_column_gaps(rows_apart(slant=slant), 5.0)
    for index, row in enumerate(rows[:3]):
        assert row.column_starts_px == pytest.approx(100 + 215 * np.arange(4) + slant * 100 * index, abs=1.5)
    assert rows[3].column_starts_px == ()
    assert gaps_px == pytest.approx(45, abs=4)


def test_a_gap_that_lost_ink_widened_or_no_row_reaches_is_found_by_the_others():
    lost = [(0, 520, 560), (1, 690, 999), (2, 690, 999)]
    rows, _ = find_column_gaps(rows_apart(lost=lost), 5.0)
    assert all(row.column_starts_px == pytest.approx(100 + 215 * np.arange(4), abs=1.5) for row in rows[:3])


def test_a_gap_that_names_make_wider_is_like_the_others():
    lost = [(row, 731, 750) for row in range(3)]
    rows, _ = find_column_gaps(rows_apart(lost=lost), 5.0)
    assert all(row.column_starts_px == pytest.approx(100 + 215 * np.arange(4), abs=4) for row in rows[:3])


def test_a_row_that_holds_on_to_a_pulse_beyond_its_end_has_gaps_all_the_same():
    rows = rows_apart()
    x = np.concatenate([rows[0].points_px[:, 0], np.arange(990.0, 1010.0)])
    points = np.stack([x, np.full(len(x), 100.0)], axis=1)
    rows[0] = RowTrace(100.0, points, *np.ones((2, len(x))), *np.zeros((2, len(x)), bool))
    found, _ = find_column_gaps(rows, 5.0)
    assert all(row.column_starts_px == pytest.approx(100 + 215 * np.arange(4), abs=1.5) for row in found[:3])


def test_a_gap_that_only_a_row_has_which_is_not_parted_is_where_that_one_has_it():
    strip = rows_apart()[3]
    strip = strip.select(strip.points_px[:, 0] < 730)
    x = strip.points_px[:, 0]
    holes = [[(300, 315), (420, 720)], [(515, 530)], [(300, 315), (500, 999)]]
    rows = []
    for index, own in enumerate(holes):
        kept = np.all([(x < start) | (x > end) for start, end in own], axis=0)
        row = strip.select(kept)
        rows.append(replace(row, points_px=row.points_px + np.array([0, 100.0 * index])))
    found, _ = find_column_gaps(rows, 5.0)
    assert found[0].column_starts_px == pytest.approx(100 + 215 * np.arange(3), abs=2)
    assert found[1].column_starts_px == ()


def test_a_first_column_that_the_picture_cuts_starts_outside_it():
    cut = [row.select(row.points_px[:, 0] > 150) for row in rows_apart()]
    shifted = [replace(row, points_px=row.points_px - np.array([150.0, 0])) for row in cut]
    rows, _ = find_column_gaps(shifted, 5.0)
    assert rows[0].column_starts_px == pytest.approx(-50 + 215 * np.arange(4), abs=1.5)


def test_blanks_here_and_there_part_no_columns():
    strip = rows_apart()[3]
    x = strip.points_px[:, 0]
    holes = [(200, 215), (420, 440), (700, 715), (500, 520)]
    rows = [strip.select((x < start) | (x > end)) for start, end in holes]
    rows = [replace(row, points_px=row.points_px + np.array([0, 100.0 * k])) for k, row in enumerate(rows)]
    found, gaps_px = find_column_gaps(rows, 5.0)
    assert gaps_px == 0
    assert all(row.column_starts_px == () for row in found)


# ---------------------------------------------------------------- rows in time


def test_rows_that_start_apart_are_aligned_by_what_must_add_up(layout):
    shifts = (0, 10, 0, -8)
    rows = printed_rows(layout, shifts_ms=shifts)
    found = align_rows(rows, placed(layout), scale_of(rows))
    told_ms = np.array([1000 * row.shift_px / PX_PER_S for row in found])
    assert told_ms - told_ms[0] == pytest.approx(np.array(shifts) - shifts[0], abs=2.0)


def test_rows_that_agree_are_left_where_they_are(layout):
    rows = printed_rows(layout)
    assert all(row.shift_px == 0 for row in align_rows(rows, placed(layout), scale_of(rows)))


# ---------------------------------------------------------------- whatever pens and names do to the ends


@pytest.mark.parametrize("beyond_px", [0.0, 2.0])
def test_columns_apart_start_where_the_speed_says_whatever_the_pens_caps(beyond_px):
    rows = []
    for row in rows_apart():
        x = np.arange(100.0, 945.0)
        inside = np.remainder(x - 100, 215)
        inked = (inside <= 199 + beyond_px) | (
            inside >= 215 - beyond_px
        )  # ink of a round pen goes on, a flat one's not
        points = np.stack([x, np.full(len(x), row.baseline_px)], axis=1)[inked]
        n, no = len(points), np.zeros(len(points), bool)
        rows.append(RowTrace(row.baseline_px, points, np.ones(n), np.ones(n), no, no, cap_px=2.0))
    apart, _ = find_column_gaps(rows, 5.0)
    layout = load_layout("3x4+II").with_seconds(199 / 125 + 1 / FS_HZ)
    settled = refine_gapped_starts(apart, layout, Scale(5.0, 25.0, 10.0, 10.0, (0.0,) * 4))
    assert settled[0].column_starts_px == pytest.approx(100 + 215 * np.arange(4), abs=0.4)


def test_a_first_column_whose_start_is_lost_starts_as_far_before_the_second_as_that_before_the_third():
    lost = [(row, 0, 112) for row in range(3)]
    rows, _ = find_column_gaps(rows_apart(lost=lost), 5.0)
    assert rows[0].column_starts_px == pytest.approx(100 + 215 * np.arange(4), abs=1.5)


@pytest.mark.parametrize("hidden", [(1, 2, 3), ()])
def test_where_names_hide_most_starts_the_row_that_makes_whole_columns_tells(layout, hidden):
    rows = [
        row.select(row.points_px[:, 0] > START_PX + (20 if number in hidden else 0))
        for number, row in enumerate(printed_rows(layout, column_s=1.75))
    ]
    rows[3] = rows[3].select(rows[3].points_px[:, 0] < START_PX + 7 * PX_PER_S)
    start, end = find_column_extent(rows, [], np.zeros(0), scale_of(rows), 4000, np.zeros(len(rows), bool))
    assert start == pytest.approx(START_PX, abs=0.6)
    assert end == pytest.approx(START_PX + 7 * PX_PER_S, abs=1.0)


def test_where_no_two_ends_are_the_same_those_that_are_nearly_tell():
    assert shared_end_px(np.array([381.0, 310.0, 315.0, 360.0]), 5.2) == pytest.approx(312.5)
    assert shared_end_px(np.array([381.0, 310.0, 311.0, 382.0, 382.5]), 5.2) == pytest.approx(382.0)


@pytest.mark.parametrize("to_edge", [True, False])
def test_columns_that_the_picture_cuts_off_go_on_beyond_its_edge(layout, to_edge):
    left_px = 300.0
    rows = [row.select(row.points_px[:, 0] > left_px) for row in printed_rows(layout)]
    cut = left_px - (0 if to_edge else 50)  # of the picture, flat as it is
    page = SimpleNamespace(
        flat_to_image=lambda points: points - (cut, 0.0),
        page_map=SimpleNamespace(size_px=(4000, 3000), px_per_mm=PX_PER_MM),
    )
    right = START_PX + 10 * PX_PER_S
    found = uncropped_extents(page, rows, (left_px, right), 10 * PX_PER_S)
    assert found == ([(pytest.approx(START_PX), right)] if to_edge else [])
    assert uncropped_extents(page, rows, (left_px, right), right - left_px) == []


@pytest.mark.parametrize(("column_s", "told_s"), [(2.5, 2.5), (1.25, 1.25), (1.13, None)])
def test_names_in_a_row_tell_how_long_columns_are(layout, column_s, told_s):
    rows = printed_rows(layout)
    names = [
        LeadLabel(0.0, row.baseline_px - 20, START_PX + 8 + column_s * PX_PER_S * column, name)
        for row, leads in zip(rows, (("I", "aVR", "V1"), ("II", "V2", "V5")), strict=False)
        for column, name in zip((0, 1, 2) if "I" in leads else (0, 2, 3), leads, strict=True)
    ]
    assert column_seconds_by_labels(layout, rows, names, scale_of(rows)) == told_s
    assert column_seconds_by_labels(layout, rows, names[:3], scale_of(rows)) is None  # two steps only


@pytest.mark.parametrize("shown_px", [200, 120])
def test_a_last_column_that_stands_apart_is_as_wide_as_the_others(shown_px):
    rows = [row.select(row.points_px[:, 0] < 745 + shown_px) for row in rows_apart(strip=False)]
    apart, gaps_px = find_column_gaps(rows, 5.0)
    start, end = gapped_extent(apart, gaps_px, 5.0)
    assert (start, end) == (pytest.approx(100, abs=1.5), pytest.approx(900, abs=5))


@pytest.mark.parametrize(
    ("free_px", "facing_px", "told_px"),
    [
        ((15, 14, 16), (45, 20, 15), 15),  # the trace begins as still as a foot
        ((15, 14, 16), (5, 6, 7), 15),  # the foot's end is taken for trace
        ((15, 2, 30), (45, 20, 15), None),  # the free feet tell nothing
        ((2, 2, 2), (45, 20, 15), 2),  # pulses without feet
        ((2, 2, 2), (15, 14, 15), None),  # with a foot on the side of the trace alone
    ],
)
@pytest.mark.parametrize("before", [True, False])
def test_pulses_have_feet_as_long_on_both_sides(free_px, facing_px, told_px, before):
    sides = [(free, facing) if before else (facing, free) for free, facing in zip(free_px, facing_px, strict=True)]
    pulses = [Pulse(row, 100.0, 150.0, 10.0, 0.0, (100.0 - a, 150.0 + b)) for row, (a, b) in enumerate(sides)]
    even = equalise_bases(pulses, [before] * 3, 10.0)
    for pulse, facing, free in zip(even, facing_px, free_px, strict=True):
        ends = (free, facing if told_px is None else told_px)
        found = (pulse.left_px - pulse.extent_px[0], pulse.extent_px[1] - pulse.right_px)
        assert found == (ends if before else ends[::-1])


# ---------------------------------------------------------------- which lead stands where, without names


def test_a_lead_recurs_in_itself_and_hardly_in_another():
    record = simulate(HeartSpec(), np.random.default_rng(5)).record
    first, second = (record.lead("II")[k * 1250 : (k + 1) * 1250].astype(float) for k in (0, 1))
    assert matching_beat_share(first, second, FS_HZ) > 0.8
    assert matching_beat_share(first, record.lead("aVL")[1250:2500].astype(float), FS_HZ) < 0.5
    second[300:1200] = np.nan
    assert matching_beat_share(first, second, FS_HZ) is None


def test_rows_of_one_lead_each_are_no_columns():
    layout = load_layout("6x1-limb")
    rows = printed_rows(layout, column_s=10.0, shifts_ms=(0,) * 6)
    extent = START_PX, START_PX + 10 * PX_PER_S
    assert _lead_change_penalty(layout, _CellSignals(rows, START_PX, scale_of(rows))) == 0
    assert _lead_change_penalty(load_layout("6x2"), _CellSignals(rows, START_PX, scale_of(rows))) > 1
    found = match_layout(rows, extent, (), scale_of(rows), [load_layout("6x2"), layout])
    assert found.layout.name == "6x1-limb"


def test_columns_are_not_rows_of_one_lead():
    layout = load_layout("6x2")
    rows = printed_rows(layout, column_s=5.0, shifts_ms=(0,) * 6)
    assert _lead_change_penalty(layout, _CellSignals(rows, START_PX, scale_of(rows))) == 0
    assert _lead_change_penalty(load_layout("6x1-limb"), _CellSignals(rows, START_PX, scale_of(rows))) > 1


# ---------------------------------------------------------------- paper speed by the heart


def rows_of_beats(width_mm, beat_mm, n_rows=3, wide_mm=2.0):
    """Return rows with a spike of 8 mm, `wide_mm` wide, every so many mm."""
    x = np.arange(0, width_mm * PX_PER_MM, 0.5)
    from_beat = np.remainder(x / PX_PER_MM, beat_mm) - beat_mm / 2
    y = -8 * PX_PER_MM * np.clip(1 - np.abs(from_beat) / (wide_mm / 2), 0, None)
    no = np.zeros(len(x), bool)
    points = [np.stack([x, y + PITCH_PX * row], axis=1) for row in range(n_rows)]
    return [RowTrace(PITCH_PX * row, points[row], np.ones(len(x)), np.ones(len(x)), no, no) for row in range(n_rows)]


@pytest.mark.parametrize(
    ("width_mm", "beat_mm", "wide_mm", "speed_mm_s", "told_by"),
    [
        (250, 20, 2, 25.0, "width"),
        (175, 20, 2, 25.0, "assumed"),
        (467, 40, 4, 50.0, "assumed"),
        (175, 66, 4, 50.0, "assumed"),
        (220, 42, 4, 50.0, "assumed"),
        (125, 10.5, 1, 12.5, "assumed"),
        (125, 15.4, 0.8, 12.5, "assumed"),  # likely at 25 mm/s, but ten seconds are likelier
        (125, 20, 2, 25.0, "assumed"),
        (400, 11, 2, 25.0, "assumed"),
        (250, 60, 4, 50.0, "assumed"),
        (250, 44, 4, 50.0, "assumed"),  # both are rare at 25 mm/s
        (250, 44, 2, 25.0, "width"),  # a slow heart
        (250, 20, 4, 25.0, "width"),  # a block
    ],
)
def test_the_speed_that_nothing_prints_is_told_by_the_heart(width_mm, beat_mm, wide_mm, speed_mm_s, told_by):
    rows = rows_of_beats(width_mm, beat_mm, wide_mm=wide_mm)
    assert measure_beats(rows, PX_PER_MM) == pytest.approx((beat_mm, wide_mm + 0.3), abs=0.4)  # blurred
    settled = resolve_scale(PX_PER_MM, width_mm * PX_PER_MM, rows, [], ())
    assert settled.scale.speed_mm_s == speed_mm_s
    assert settled.sources["speed"] == told_by


@pytest.mark.parametrize(
    ("width_mm", "pulse_mm", "beat_mm", "n_rows", "speed_mm_s"),
    [
        (225, 2.5, 20, 3, 25.0),
        (225, 2.5, 20, 1, 12.5),
        (500, 5.0, 41, 6, 50.0),
        (500, 5.0, 41, 1, 25.0),
        (500, 5.0, 12, 6, 25.0),  # a heart would race at 50 mm/s
    ],
)
def test_of_several_rows_that_would_be_long_a_short_pulse_does_not_tell_a_slow_speed(
    width_mm, pulse_mm, beat_mm, n_rows, speed_mm_s
):
    pulse = Pulse(0, 0.0, pulse_mm * PX_PER_MM, 10.0, 0.0, (0.0, pulse_mm * PX_PER_MM))
    rows = rows_of_beats(width_mm, beat_mm, n_rows)
    settled = resolve_scale(PX_PER_MM, width_mm * PX_PER_MM, rows, [pulse], ())
    assert (settled.scale.speed_mm_s, settled.sources["speed"]) == (speed_mm_s, "pulse")


@pytest.mark.parametrize(("pulse_mm", "seconds"), [(10.0, 10.0), (13.4, 7.5), (14.3, 7.0), (10.5, 10.0)])
def test_an_unruled_page_is_as_long_as_its_pulses_say(pulse_mm, seconds):
    pulse = Pulse(0, 0.0, 40.0, pulse_mm, 0.0, (0.0, 40.0))
    settled = resolve_scale(PX_PER_MM, 250 * PX_PER_MM, rows_of_beats(250, 20), [pulse], (), has_grid=False)
    assert 250 * PX_PER_MM / settled.scale.px_per_s == pytest.approx(seconds)
    assert settled.sources["px_per_mm"] == ("width" if seconds == 10 else "pulse")


def beats(times_s, seconds=5.0):
    """Return a lead whose beats come at such times."""
    at_s = np.arange(round(seconds * FS_HZ)) / FS_HZ
    return np.exp(-0.5 * ((at_s[:, None] - times_s) / 0.012) ** 2).sum(axis=1)


@pytest.mark.parametrize(("late_ms", "told"), [(0.0, True), (30.0, False)])
def test_a_regular_heart_s_columns_show_other_seconds_where_one_beat_comes_late(late_ms, told):
    times_s = np.array([0.4, 1.42, 2.38, 3.41, 4.4])  # regular, as hearts are
    late_s = late_ms / 1000 * np.array([0, 0, 1, 0, 0])
    assert (simultaneity_score([[beats(times_s)], [beats(times_s + late_s)]], FS_HZ) > 0.4) == told


@pytest.mark.parametrize(("late_ms", "told"), [(50.0, True), (150.0, False)])
def test_where_cycles_vary_alike_columns_show_the_same_seconds_though_one_starts_late(late_ms, told):
    times_s = np.array([0.157, 0.989, 1.896, 2.812, 3.655, 4.523])
    assert (simultaneity_score([[beats(times_s)], [beats(times_s + late_ms / 1000)]], FS_HZ) > 0.4) == told


@pytest.mark.parametrize(("cycle_s", "told"), [(0.835, False), (0.79, True)])
def test_where_whole_beats_fill_a_column_it_is_open_whether_columns_coincide(cycle_s, told):
    lead = beats(np.arange(0.4, 2.45, cycle_s), 2.5)
    alike = simultaneity_score([[lead], [lead]], FS_HZ)
    assert (alike > 0.4) == told
    assert alike > 0


@pytest.mark.parametrize(("cycle_s", "told"), [(1.25, False), (1.0, True)])
def test_of_columns_of_one_beat_each_a_strip_tells_whether_they_show_the_same_seconds(cycle_s, told):
    column, strip = beats(np.array([0.6]), 1.25), beats(np.arange(0.6, 5, cycle_s), 5.0)
    assert simultaneity_score([[column]] * 4, FS_HZ) > 0.4
    assert (simultaneity_score([[column]] * 4, FS_HZ, [strip]) > 0.4) == told


@pytest.mark.parametrize("seed", range(5))
def test_noise_does_not_hide_that_columns_show_the_same_seconds(seed):
    signals_mv = simulate(HeartSpec(), np.random.default_rng(seed)).record.signals
    limb, chest = signals_mv[:6] + np.random.default_rng(seed).normal(0, 0.05, signals_mv[:6].shape), signals_mv[6:]
    middle = round(5 * FS_HZ)
    assert simultaneity_score([limb[:, :middle], chest[:, :middle]], FS_HZ) > 0.4
    assert simultaneity_score([limb[:, :middle], chest[:, middle:]], FS_HZ) < 0.4
