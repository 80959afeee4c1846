"""Rows are tracked together through the ink of a page."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ecgimg.digitization.model import FlatPage, Segmentation
from ecgimg.digitization.segmentation.ink_runs import find_ink_runs
from ecgimg.digitization.tracing.tracking.joint_tracking import (
    merge_split_row,
    remove_end_fragments,
    retrack_to_common_ends,
    retrack_to_unclaimed_ink,
)
from ecgimg.digitization.tracing.tracking.minimum_cost_path import minimum_cost_paths

PX_PER_MM = 8.0
BASELINES = np.array([200.0, 320.0, 440.0, 560.0])


def paths_of(heights, then, *more):
    """Draw rows (heights of each column, NaN for no ink) and more; track them one by one, then by `then`."""
    ink = np.zeros((760, heights.shape[1]), np.uint8)
    for row in (*heights, *more):
        drawn = np.isfinite(row)
        points = np.stack([np.flatnonzero(drawn), row[drawn]], axis=1)
        for piece in np.split(points, np.flatnonzero(np.diff(points[:, 0]) > 1) + 1):
            cv2.polylines(ink, [np.rint(piece).astype(np.int32).reshape(-1, 1, 2)], False, 255, 2)
    none = np.zeros_like(ink)
    page = FlatPage(ink.astype(np.float32), Segmentation(ink, none, none, none), none, PX_PER_MM, (0, 0), None)
    runs = find_ink_runs(ink > 0, page)
    first = minimum_cost_paths(runs, BASELINES, PX_PER_MM)
    return runs, first, then(runs, first, BASELINES, PX_PER_MM)


def off_px(runs, path, heights):
    """Return how far the middle of the taken runs is from where the row was drawn, NaN where none was taken."""
    return np.where(path >= 0, np.abs(runs.middle[path] - heights), np.nan)


@pytest.fixture
def rows():
    x = np.arange(1600)
    return BASELINES[:, None] + 4 * np.sin(x / 30)


def test_retrack_row_with_baseline_wander(rows):
    """A row whose baseline wanders across another row is tracked."""
    x = np.arange(1600)
    rows[2] -= 200 * np.exp(-0.5 * ((x - 800) / 90) ** 2)  # over the row above, and farther
    runs, before, after = paths_of(rows, retrack_to_unclaimed_ink)
    assert (before[2] < 0).sum() > 100
    assert (after[2] >= 0).sum() > (before[2] >= 0).sum() + 100
    assert np.nanmedian(off_px(runs, after[2], rows[2])[700:900]) < 2
    for row in (0, 1, 3):
        assert np.nanmax(off_px(runs, after[row], rows[row])) < 60
        assert np.nanmedian(off_px(runs, after[row], rows[row])) < 2


def test_retrack_row_with_lost_piece(rows):
    """A row that lost a piece takes no piece of another row."""
    rows[2, 600:900] = np.nan
    _, before, after = paths_of(rows, retrack_to_unclaimed_ink)
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


def test_retrack_row_that_pen_leads_off(rows):
    """A row that a pen leads off its trace is tracked to the common end."""
    x = np.arange(1600)
    rows[:, 1300:] = np.nan
    rows[3] -= 50 * np.clip(1 - np.abs(x - 1200) / 6, 0, None)  # up to the pen
    pen = np.where(x > 1190, BASELINES[3] - 45.0, np.nan)
    runs, before, after = paths_of(rows, retrack_to_common_ends, pen)
    assert before[3][1500] >= 0
    assert after[3][1500] < 0
    assert np.nanmedian(off_px(runs, after[3], rows[3])[1220:1290]) < 2


def test_retrack_longer_row(rows):
    """A row that is longer by itself stays as long."""
    rows[:3, 1300:] = np.nan
    _, before, after = paths_of(rows, retrack_to_common_ends)
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize("fragment_px", [5, 60])
def test_remove_end_fragments_of_frame(fragment_px):
    """Specks of a frame far from the ends of a row are no part of it."""
    path = np.full(1600, -1)
    path[200:1300] = np.arange(1100)
    path[500:540] = -1  # what was lost within
    path[1400 : 1400 + fragment_px] = path[100:104] = 7
    kept = remove_end_fragments(path, PX_PER_MM)
    assert kept[100:104].max() == -1
    assert kept[1400] == (7 if fragment_px == 60 else -1)
    assert np.array_equal(kept[200:1300], path[200:1300])


def test_remove_end_fragments_of_specks_alone():
    """A path of nothing but specks stays."""
    path = np.full(1600, -1)
    path[100:104] = path[900:904] = 3
    assert np.array_equal(remove_end_fragments(path, PX_PER_MM), path)


@pytest.mark.parametrize(("lower", "joined"), [((900, 1600), True), ((0, 1600), False), ((0, 1000), False)])
def test_merge_split_row_of_wandering_baseline(lower, joined):
    """Two rows that each have what the other lacks are one row that wanders."""
    paths = [np.arange(1600) + 1600 * row for row in range(4)]
    for row, (first, last) in ((1, (0, 1000)), (2, lower)):
        paths[row][:first] = paths[row][last:] = -1
    merged = merge_split_row(paths, BASELINES)
    assert (merged is not None) == joined
    if joined:
        assert merged.tolist() == [200.0, 320.0, 560.0]
