"""Separators are found, and removed from the traces."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ecgimg.digitization.interpretation.separators import detect_separators, find_separator_at, remove_separators
from ecgimg.digitization.model import FlatPage, RowTrace, Segmentation
from tests.digitization.pages import ink_of_rows
from tests.digitization.printed_rows import PX_PER_MM


def test_detect_separators_through_rows_and_in_header():
    """A separator through all rows counts in each, and a stroke of the header in none."""
    other = np.zeros((700, 900), np.uint8)
    other[150:650, 300:302] = 255  # through the rows
    other[220:240, 500:502] = 255  # beside one
    other[20:50, 700:702] = 255  # in the header
    none = np.zeros_like(other)
    page = FlatPage(other.astype(np.float32), Segmentation(none, none, none, other), none, 8.0, (0, 0), None)
    separators = detect_separators(page, [200.0, 330.0, 460.0, 590.0])
    assert separators == pytest.approx([300.5] * 4 + [500.5])


def page_with_separator(dashes):
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
    darkness = ink_of_rows(3, 0).astype(np.float32)
    for top in range(30, 740, 20) if dashes else ():
        darkness[top : top + 8, 999:1002] = 255
    trace = np.where(darkness > 0, 255, 0).astype(np.uint8)
    page = SimpleNamespace(darkness=darkness, px_per_mm=PX_PER_MM, segmentation=SimpleNamespace(trace=trace))
    return page, rows


def test_remove_dashed_separator_beside_complex():
    """A dashed separator is removed, and the complex beside it stays."""
    page, rows = page_with_separator(dashes=True)
    left, right = find_separator_at(page, rows, 1003.0, 255.0)
    assert 998 <= left < 1000 < right <= 1002
    for row in remove_separators(page, rows, [1003.0]):
        x = row.points_px[:, 0]
        assert not ((x > 999) & (x < 1001)).any()
        assert ((x > 1003) & (x < 1010)).sum() == 13


def test_find_short_separators_over_dotted_grid():
    """Short separators that stand aside of each other are found over a dotted grid."""
    page, rows = page_with_separator(dashes=False)
    page.darkness[:, :] = np.maximum(page.darkness, 0)
    page.darkness[::6, 3 :: round(PX_PER_MM)] = 255  # the grid
    for aside, row in enumerate(rows):
        top = int(row.baseline_px)
        page.darkness[top - 30 : top + 30, 1010 + aside] = 255
    left, right = find_separator_at(page, rows, 1012.0, 255.0)
    assert 1008 < left < 1011 < right < 1014
    assert find_separator_at(page, rows, 1412.0, 255.0) is None


def test_remove_separators_from_certain_trace():
    """What is certainly trace stays unless separators gave the starts of the columns."""
    page, rows = page_with_separator(dashes=True)
    sure = [replace(row, certainty=np.ones(len(row.points_px))) for row in rows]
    assert all(len(row.points_px) == 3760 for row in remove_separators(page, sure, [1003.0]))
    with_starts = [replace(row, column_starts_px=(40.0, 1003.0)) for row in sure]
    assert all(len(row.points_px) < 3760 for row in remove_separators(page, with_starts, [1003.0]))


def test_remove_separators_where_none_stands():
    """Nothing is removed where no separator stands."""
    page, rows = page_with_separator(dashes=False)
    assert find_separator_at(page, rows, 1003.0, 255.0) is None
    assert all(len(row.points_px) == 3760 for row in remove_separators(page, rows, [1003.0]))
