"""Lead labels tell how long columns are."""

from __future__ import annotations

import pytest

from ecgimg.digitization.model import LeadLabel
from ecgimg.digitization.text.label_matching import column_seconds_by_labels
from tests.digitization.printed_rows import PX_PER_S, START_PX, printed_rows, scale_of


@pytest.mark.parametrize(("column_s", "expected_s"), [(2.5, 2.5), (1.25, 1.25), (1.13, None)])
def test_column_seconds_by_labels_of_row(layout, column_s, expected_s):
    """The lead labels in a row tell how long its columns are."""
    rows = printed_rows(layout)
    labels = [
        LeadLabel(0.0, row.baseline_px - 20, START_PX + 8 + column_s * PX_PER_S * column, lead)
        for row, leads in zip(rows, (("I", "aVR", "V1"), ("II", "V2", "V5")), strict=False)
        for column, lead in zip((0, 1, 2) if "I" in leads else (0, 2, 3), leads, strict=True)
    ]
    assert column_seconds_by_labels(layout, rows, labels, scale_of(rows)) == expected_s
    assert column_seconds_by_labels(layout, rows, labels[:3], scale_of(rows)) is None  # two steps only
