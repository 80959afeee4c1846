"""Gaps between columns are found, whatever hides or widens them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ecgimg.digitization.interpretation.column_gaps import find_column_gaps
from ecgimg.digitization.model import RowTrace
from tests.digitization.printed_rows import gapped_rows


@pytest.mark.parametrize("slant", [0.0, 0.03, -0.05])
def test_find_gaps_on_slant(slant):
    """Gaps between columns are found on a slant."""
    rows, gaps_px = find_column_gaps(gapped_rows(slant=slant), 5.0)
    for index, row in enumerate(rows[:3]):
        assert row.column_starts_px == pytest.approx(100 + 215 * np.arange(4) + slant * 100 * index, abs=1.5)
    assert rows[3].column_starts_px == ()
    assert gaps_px == pytest.approx(45, abs=4)


def test_find_gaps_on_slant_with_grid():
    """A slanted gap is none on a page that its grid dewarped."""
    assert find_column_gaps(gapped_rows(slant=0.07), 5.0)[1] > 0
    assert find_column_gaps(gapped_rows(slant=0.07), 5.0, has_grid=True)[1] == 0


def test_find_gaps_with_pen_across_one():
    """A pen stroke across the gap of one row does not join its columns."""
    rows = gapped_rows()
    x = np.arange(290.0, 330.0)
    pen = RowTrace(200.0, np.stack([x, np.full(len(x), 200.0)], axis=1), *np.ones((2, 40)), *np.zeros((2, 40), bool))
    points = np.concatenate([rows[1].points_px[rows[1].points_px[:, 0] < 290], pen.points_px])
    points = np.concatenate([points, rows[1].points_px[rows[1].points_px[:, 0] >= 330]])
    rows[1] = RowTrace(200.0, points, *np.ones((2, len(points))), *np.zeros((2, len(points)), bool))
    gapped, _ = find_column_gaps(rows, 5.0)
    assert gapped[1].column_starts_px == pytest.approx(100 + 215 * np.arange(4), abs=1.5)


def test_find_gaps_whose_ends_labels_hide():
    """Gaps are found where they begin if lead labels hide where they end."""
    hidden = [(0, 300, 350), (1, 319, 345), (2, 325, 360)]  # of what follows the first gap, in each row
    lost = [(row, first + 215 * k, last + 215 * k) for k in range(3) for row, first, last in hidden]
    rows, gaps_px = find_column_gaps(gapped_rows(lost=lost), 5.0, has_grid=True)
    assert all(row.column_starts_px == pytest.approx(100 + 215 * np.arange(4), abs=1.5) for row in rows[:3])
    assert gaps_px == pytest.approx(45, abs=4)


def test_find_gap_that_labels_widen():
    """A gap that lead labels widen is placed like the others."""
    lost = [(row, 731, 750) for row in range(3)]
    rows, _ = find_column_gaps(gapped_rows(lost=lost), 5.0)
    assert all(row.column_starts_px == pytest.approx(100 + 215 * np.arange(4), abs=4) for row in rows[:3])


def test_find_gap_of_lost_ink():
    """The other gaps tell where a gap is that lost ink widened, or that no row reaches."""
    lost = [(0, 520, 560), (1, 690, 999), (2, 690, 999)]
    rows, _ = find_column_gaps(gapped_rows(lost=lost), 5.0)
    assert all(row.column_starts_px == pytest.approx(100 + 215 * np.arange(4), abs=1.5) for row in rows[:3])


def test_find_single_gap_under_labels():
    """A single gap in which lead labels stand separates no columns."""
    strip = gapped_rows()[3]
    kept = np.abs(strip.points_px[:, 0] - 500) > 6
    rows = [
        replace(row, points_px=row.points_px + np.array([0, 100.0 * k]))
        for k, row in enumerate([strip.select(kept)] * 3)
    ]
    assert find_column_gaps(rows, 5.0)[1] > 0
    assert find_column_gaps(rows, 5.0, lambda blank, y_px: abs(blank[0] - 500) < 5 and y_px >= 400)[1] == 0


def test_find_gaps_of_row_with_pulse_beyond_end():
    """A row that includes a pulse beyond its end has gaps all the same."""
    rows = gapped_rows()
    x = np.concatenate([rows[0].points_px[:, 0], np.arange(990.0, 1010.0)])
    points = np.stack([x, np.full(len(x), 100.0)], axis=1)
    rows[0] = RowTrace(100.0, points, *np.ones((2, len(x))), *np.zeros((2, len(x)), bool))
    gapped, _ = find_column_gaps(rows, 5.0)
    assert all(row.column_starts_px == pytest.approx(100 + 215 * np.arange(4), abs=1.5) for row in gapped[:3])


def test_find_gap_of_row_without_columns():
    """A gap that only a row without columns shows is placed where that row shows it."""
    strip = gapped_rows()[3]
    strip = strip.select(strip.points_px[:, 0] < 730)
    x = strip.points_px[:, 0]
    holes = [[(300, 315), (420, 720)], [(515, 530)], [(300, 315), (500, 999)]]
    rows = []
    for index, own in enumerate(holes):
        kept = np.all([(x < start) | (x > end) for start, end in own], axis=0)
        row = strip.select(kept)
        rows.append(replace(row, points_px=row.points_px + np.array([0, 100.0 * index])))
    gapped, _ = find_column_gaps(rows, 5.0)
    assert gapped[0].column_starts_px == pytest.approx(100 + 215 * np.arange(3), abs=2)
    assert gapped[1].column_starts_px == ()


def test_find_gaps_of_cropped_first_column():
    """A first column that the picture crops starts outside it."""
    cut = [row.select(row.points_px[:, 0] > 150) for row in gapped_rows()]
    shifted = [replace(row, points_px=row.points_px - np.array([150.0, 0])) for row in cut]
    rows, _ = find_column_gaps(shifted, 5.0)
    assert rows[0].column_starts_px == pytest.approx(-50 + 215 * np.arange(4), abs=1.5)


def test_find_gaps_of_first_column_without_start():
    """A first column whose start is lost starts one spacing before the second."""
    lost = [(row, 0, 112) for row in range(3)]
    rows, _ = find_column_gaps(gapped_rows(lost=lost), 5.0)
    assert rows[0].column_starts_px == pytest.approx(100 + 215 * np.arange(4), abs=1.5)


def test_find_gaps_of_scattered_blanks():
    """Blanks at other places in each row separate no columns."""
    strip = gapped_rows()[3]
    x = strip.points_px[:, 0]
    holes = [(200, 215), (420, 440), (700, 715), (500, 520)]
    rows = [strip.select((x < start) | (x > end)) for start, end in holes]
    rows = [replace(row, points_px=row.points_px + np.array([0, 100.0 * k])) for k, row in enumerate(rows)]
    gapped, gaps_px = find_column_gaps(rows, 5.0)
    assert gaps_px == 0
    assert all(row.column_starts_px == () for row in gapped)
