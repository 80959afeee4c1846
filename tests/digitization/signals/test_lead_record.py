"""The record of a page: what counts where it shows a lead twice, and how far the record agrees with itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ecgimg.digitization.signals.lead_record import make_record
from layouts import load_layout
from tests.digitization.printed_rows import PX_PER_S, START_PX, interpretation_of, printed_rows, scale_of


@pytest.mark.parametrize("misread", ["cell", "strip"])
def test_record_of_the_better_read(misread):
    """A strip that disagrees with the cell of its lead counts only where it is the better read one."""
    layout = load_layout("3x4+V1")
    rows = list(printed_rows(layout))
    clean = make_record(rows, interpretation_of(layout), scale_of(rows)).record.lead("V1")
    where = 3 if misread == "strip" else 0  # V1 stands in the first row
    x = rows[where].points_px[:, 0]
    is_v1 = (x >= START_PX + 5 * PX_PER_S) & (x < START_PX + 7.5 * PX_PER_S)
    points = rows[where].points_px.copy()
    points[is_v1, 1] += 80 * np.sin(x[is_v1] / 15)
    rows[where] = replace(rows[where], points_px=points, error_px=np.where(is_v1, 8.0, rows[where].error_px))
    made = make_record(rows, interpretation_of(layout), scale_of(rows))
    np.testing.assert_allclose(made.record.lead("V1")[2550:3700], clean[2550:3700], atol=0.02)


def test_consistency_of_record():
    """The record's own agreement is told beside that of the page as it was read."""
    layout = load_layout("3x4")
    rows = list(printed_rows(layout))
    points = rows[0].points_px + np.random.default_rng(0).normal(0, [0, 1.5], rows[0].points_px.shape)
    rows[0] = replace(rows[0], points_px=points, error_px=np.full(len(points), 1.5))
    made = make_record(rows, interpretation_of(layout), scale_of(rows))
    assert made.consistency_db["einthoven"] < 30
    assert made.record_consistency_db["einthoven"] > 40  # lead I was moved onto III and II
