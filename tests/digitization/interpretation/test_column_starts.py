"""Where columns start, by the ends of rows and by separators."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.digitization.interpretation.column_starts import set_starts_by_row_ends, set_starts_by_separators
from tests.digitization.printed_rows import PX_PER_S, START_PX, interpretation_of, printed_rows, scale_of


def test_set_starts_of_narrow_columns(layout):
    """The row ends give the starts of columns that are a little narrower than the speed tells."""
    rows = printed_rows(layout, column_s=2.48, step_mv=0.1)
    rows = set_starts_by_row_ends(rows, interpretation_of(layout), scale_of(rows))
    expected = START_PX + 2.48 * PX_PER_S * np.arange(4)
    for row in rows[:3]:
        assert np.abs(np.array(row.column_starts_px) - expected).max() < 0.5
    assert rows[3].column_starts_px == ()


def test_set_starts_of_columns_true_to_speed(layout):
    """Columns that stand where the speed tells stay there."""
    rows = printed_rows(layout)
    assert all(
        row.column_starts_px == () for row in set_starts_by_row_ends(rows, interpretation_of(layout), scale_of(rows))
    )


def test_set_starts_by_separators(layout):
    """Separators between columns give their starts."""
    rows = printed_rows(layout)
    separators = START_PX + 2.49 * PX_PER_S * np.array([1, 1, 2, 2, 3, 3.0])
    with_starts = set_starts_by_separators(rows, interpretation_of(layout), separators, scale_of(rows))
    assert with_starts[0].column_starts_px == pytest.approx(START_PX + 2.49 * PX_PER_S * np.arange(4))
