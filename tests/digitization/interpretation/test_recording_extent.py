"""Where the first column starts and the last one ends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ecgimg.digitization.interpretation.recording_extent import find_column_extent
from ecgimg.digitization.model import LeadLabel, Pulse
from tests.digitization.printed_rows import PX_PER_S, START_PX, printed_rows, scale_of


def test_find_extent_of_narrow_columns(layout):
    """Single separators show that columns are narrower than the speed tells."""
    spacing = 2.475 * PX_PER_S
    rows = [row.select(row.points_px[:, 0] < START_PX + 4 * spacing) for row in printed_rows(layout)]
    separators = np.repeat(START_PX + spacing * np.arange(1, 4), 4)
    start, end = find_column_extent(rows, [], separators, scale_of(rows), 4000, np.zeros(len(rows), bool))
    assert start == pytest.approx(START_PX, abs=0.5)
    assert end == pytest.approx(START_PX + 4 * spacing, abs=1.0)


@pytest.mark.parametrize(("cap_px", "inked_px"), [(1.0, 1.0), (1.0, 0.0)])
def test_find_extent_whatever_stroke_caps(layout, cap_px, inked_px):
    """The start does not depend on the caps of the strokes."""
    rows = [
        replace(row, cap_px=cap_px, ink_ends_px=(row.ink_ends_px[0] - inked_px, row.ink_ends_px[1] + inked_px))
        for row in printed_rows(layout)
    ]
    trimmed = [row.select((row.points_px[:, 0] >= row.left_px) & (row.points_px[:, 0] <= row.right_px)) for row in rows]
    start, _ = find_column_extent(trimmed, [], np.zeros(0), scale_of(rows), 4000, np.zeros(len(rows), bool))
    assert start == pytest.approx(START_PX, abs=0.25)


def test_find_extent_of_two_equal_starts(layout):
    """Borders with separators decide between two starts that the row ends support alike."""
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


@pytest.mark.parametrize("labelled", [True, False])
def test_find_extent_of_evenly_spaced_beats(layout, labelled):
    """Evenly spaced beats are not taken for separators where lead labels contradict it."""
    rows = printed_rows(layout)
    beats_px = np.repeat(START_PX + 30 + 2.55 * PX_PER_S * np.arange(4), 4)
    labels = [
        LeadLabel(
            START_PX + 20 + 2.5 * PX_PER_S * column, row.baseline_px - 20, START_PX + 8 + 2.5 * PX_PER_S * column, lead
        )
        for row, leads in zip(rows, (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5")), strict=False)
        for column, lead in enumerate(leads)
    ]
    _, end = find_column_extent(
        rows, [], beats_px, scale_of(rows), 4000, np.zeros(len(rows), bool), labels=labels if labelled else ()
    )
    start = end - 10 * PX_PER_S
    assert (abs(start - START_PX) < 1.0) == labelled


@pytest.mark.parametrize("pulses_in", [(3,), (0, 1, 2, 3)])
def test_find_extent_of_short_rows_with_pulses(layout, pulses_in):
    """Where the grid was read short, rows without a pulse give the start, even beside one."""
    short_px = 0.07 * PX_PER_S
    rows = [row.select(row.points_px[:, 0] < START_PX + 10 * PX_PER_S - short_px) for row in printed_rows(layout)]
    rows = [replace(row, ink_ends_px=(row.left_px, row.right_px)) for row in rows]
    pulses = [Pulse(k, START_PX - 50, START_PX - 20, 10.0, 0.0, (START_PX - 60, START_PX)) for k in pulses_in]
    start, _ = find_column_extent(rows, pulses, np.zeros(0), scale_of(rows), 4000, np.zeros(len(rows), bool))
    assert start == pytest.approx(START_PX if len(pulses_in) == 1 else START_PX - short_px, abs=1.0)


@pytest.mark.parametrize("in_lettering", [True, False])
def test_find_extent_of_starts_under_labels(layout, in_lettering):
    """The row ends give the start where lead labels hide all starts."""
    late_px = 14
    rows = [row.select(row.points_px[:, 0] > START_PX + late_px) for row in printed_rows(layout)]
    hidden = np.full(len(rows), in_lettering)
    pulses = [Pulse(row, START_PX - 50, START_PX - 20, 10.0, 0.0, (START_PX - 60, START_PX - 10)) for row in range(4)]
    start, _ = find_column_extent(rows, pulses, np.zeros(0), scale_of(rows), 4000, hidden)
    assert start == pytest.approx(START_PX + (0 if in_lettering else late_px), abs=1.0)


@pytest.mark.parametrize("hidden", [False, True])
def test_find_extent_of_short_page_by_ends(layout, hidden):
    """On a shorter page, the row ends give the start that lead labels hide."""
    short = printed_rows(layout)
    short = [row.select(row.points_px[:, 0] < START_PX + 8 * PX_PER_S) for row in short]
    late = [row.select(row.points_px[:, 0] > START_PX + (15 if hidden else 2)) for row in short]
    start, end = find_column_extent(late, [], np.zeros(0), scale_of(late), 4000, np.full(len(late), hidden))
    assert start == pytest.approx(START_PX, abs=1.6)
    assert end == pytest.approx(START_PX + 8 * PX_PER_S, abs=1.6)


def test_find_extent_of_short_page_by_pulses(layout):
    """On a shorter page, the pulses give the start that lead labels hide."""
    short = [row.select(row.points_px[:, 0] < START_PX + 9.5 * PX_PER_S) for row in printed_rows(layout)]
    late = [row.select(row.points_px[:, 0] > START_PX + 60) for row in short]  # by more than a quarter of a second
    pulses = [Pulse(row, START_PX - 50, START_PX - 20, 10.0, 0.0, (START_PX - 60, START_PX + 1)) for row in range(4)]
    start, end = find_column_extent(late, pulses, np.zeros(0), scale_of(late), 4000, np.ones(len(late), bool))
    assert start == pytest.approx(START_PX, abs=1.6)
    assert end == pytest.approx(START_PX + 9.5 * PX_PER_S, abs=1.6)


@pytest.mark.parametrize("hidden", [(1, 2, 3), ()])
def test_find_extent_of_mostly_hidden_starts(layout, hidden):
    """Where lead labels hide most starts, the row that makes whole columns gives the start."""
    rows = [
        row.select(row.points_px[:, 0] > START_PX + (20 if number in hidden else 0))
        for number, row in enumerate(printed_rows(layout, column_s=1.75))
    ]
    rows[3] = rows[3].select(rows[3].points_px[:, 0] < START_PX + 7 * PX_PER_S)
    start, end = find_column_extent(rows, [], np.zeros(0), scale_of(rows), 4000, np.zeros(len(rows), bool))
    assert start == pytest.approx(START_PX, abs=0.6)
    assert end == pytest.approx(START_PX + 7 * PX_PER_S, abs=1.0)
