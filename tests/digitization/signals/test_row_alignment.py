"""Rows that start at other times are aligned."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.digitization.signals.row_alignment import align_rows
from tests.digitization.printed_rows import PX_PER_S, interpretation_of, printed_rows, scale_of


def test_align_rows_of_other_starts(layout):
    """Rows that start at other times are aligned by the limb-lead laws."""
    shifts = (0, 10, 0, -8)
    rows = printed_rows(layout, shifts_ms=shifts)
    aligned = align_rows(rows, interpretation_of(layout), scale_of(rows))
    aligned_ms = np.array([1000 * row.shift_px / PX_PER_S for row in aligned])
    assert aligned_ms - aligned_ms[0] == pytest.approx(np.array(shifts) - shifts[0], abs=2.0)


def test_align_rows_that_agree(layout):
    """Rows that agree are left where they are."""
    rows = printed_rows(layout)
    assert all(row.shift_px == 0 for row in align_rows(rows, interpretation_of(layout), scale_of(rows)))
