"""Where rows end together, and how far they go beyond the edge of the picture."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ecgimg.digitization.interpretation.shared_row_ends import shared_end_px, uncropped_extents
from tests.digitization.printed_rows import PX_PER_MM, PX_PER_S, START_PX, printed_rows


def test_shared_end_of_nearly_equal_ends():
    """Where no two ends are equal, those that nearly are give the shared end."""
    assert shared_end_px(np.array([381.0, 310.0, 315.0, 360.0]), 5.2) == pytest.approx(312.5)
    assert shared_end_px(np.array([381.0, 310.0, 311.0, 382.0, 382.5]), 5.2) == pytest.approx(382.0)


@pytest.mark.parametrize("to_edge", [True, False])
def test_uncropped_extents_beyond_edge(layout, to_edge):
    """Columns that the picture crops go on beyond its edge."""
    left_px = 300.0
    rows = [row.select(row.points_px[:, 0] > left_px) for row in printed_rows(layout)]
    cut = left_px - (0 if to_edge else 50)  # of the picture, flat as it is
    page = SimpleNamespace(
        flat_to_image=lambda points: points - (cut, 0.0),
        page_map=SimpleNamespace(size_px=(4000, 3000), px_per_mm=PX_PER_MM),
    )
    right = START_PX + 10 * PX_PER_S
    extents = uncropped_extents(page, rows, (left_px, right), 10 * PX_PER_S)
    assert extents == ([(pytest.approx(START_PX), right)] if to_edge else [])
    assert uncropped_extents(page, rows, (left_px, right), right - left_px) == []
