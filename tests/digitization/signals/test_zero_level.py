"""The zero levels of rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ecgimg.digitization.signals.zero_level import fit_zero_levels
from layouts import load_layout
from tests.digitization.printed_rows import PITCH_PX, interpretation_of, printed_rows, scale_of


@pytest.mark.parametrize(("offsets_px", "near_px"), [((0, 0, 0, 0, 0, 0), 1), ((0, 8, -10, 5, 9, -6), 6)])
def test_fit_zero_levels_of_uneven_rows(offsets_px, near_px):
    """Rows that are not spaced evenly keep their zero levels."""
    layout = load_layout("6x2")
    rows = [
        replace(row, points_px=row.points_px + np.array([0, offset_px]), baseline_px=row.baseline_px + offset_px)
        for row, offset_px in zip(printed_rows(layout, column_s=5.0, shifts_ms=(0,) * 6), offsets_px, strict=True)
    ]
    zero_px = fit_zero_levels(rows, interpretation_of(layout), scale_of(rows), {0: PITCH_PX})
    assert np.abs(zero_px - PITCH_PX * np.arange(1, 7) - offsets_px).max() < near_px  # the heart's mean is not quite 0
