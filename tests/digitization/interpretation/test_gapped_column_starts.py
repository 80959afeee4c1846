"""Columns with gaps between them start where the gaps and the speed tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ecgimg.digitization.interpretation.column_gaps import find_column_gaps
from ecgimg.digitization.interpretation.gapped_column_starts import (
    complete_column_starts,
    gapped_extent,
    refine_gapped_starts,
)
from ecgimg.digitization.model import RowTrace, Scale
from ecgimg.digitization.signals.lead_extraction import FS_HZ
from layouts import load_layout
from tests.digitization.printed_rows import gapped_rows


def test_complete_starts_of_row_without_gaps():
    """A row that shows no gap starts its columns where the others do."""
    gapped, _ = find_column_gaps(gapped_rows(slant=0.03), 5.0)
    written_over = (gapped[0], gapped[1], replace(gapped[2], column_starts_px=()), gapped[3])
    completed = complete_column_starts(written_over, load_layout("3x4+II"))
    for index, row in enumerate(completed[:3]):
        assert row.column_starts_px == pytest.approx(100 + 215 * np.arange(4) + 3 * index, abs=1.5)
    assert completed[3].column_starts_px == ()


@pytest.mark.parametrize("beyond_px", [0.0, 2.0])
def test_refine_gapped_starts_whatever_stroke_caps(beyond_px):
    """Gapped columns start where the speed tells, whatever the caps of the strokes."""
    rows = []
    for row in gapped_rows():
        x = np.arange(100.0, 945.0)
        inside = np.remainder(x - 100, 215)
        # the ink of a round pen goes on, that of a flat one does not
        inked = (inside <= 199 + beyond_px) | (inside >= 215 - beyond_px)
        points = np.stack([x, np.full(len(x), row.baseline_px)], axis=1)[inked]
        n, no = len(points), np.zeros(len(points), bool)
        rows.append(RowTrace(row.baseline_px, points, np.ones(n), np.ones(n), no, no, cap_px=2.0))
    gapped, _ = find_column_gaps(rows, 5.0)
    layout = load_layout("3x4+II").with_seconds(199 / 125 + 1 / FS_HZ)
    refined = refine_gapped_starts(gapped, layout, Scale(5.0, 25.0, 10.0, 10.0, (0.0,) * 4))
    assert refined[0].column_starts_px == pytest.approx(100 + 215 * np.arange(4), abs=0.4)


@pytest.mark.parametrize("shown_px", [200, 120])
def test_gapped_extent_of_short_last_column(shown_px):
    """The last of gapped columns is as wide as the others."""
    rows = [row.select(row.points_px[:, 0] < 745 + shown_px) for row in gapped_rows(strip=False)]
    gapped, gaps_px = find_column_gaps(rows, 5.0)
    start, end = gapped_extent(gapped, gaps_px, 5.0)
    assert (start, end) == (pytest.approx(100, abs=1.5), pytest.approx(900, abs=5))
