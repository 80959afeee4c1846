"""The averaging of samples by a vector plot is undone."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.digitization.model import RowTrace, Scale
from ecgimg.digitization.tracing.undo_vector_plot_averaging import undo_sample_averaging
from ecgimg.resample import resample
from tests.digitization.pages import simulated_record


@pytest.mark.parametrize(("averaged", "whole_uv", "undone"), [(5, True, True), (1, True, False), (5, False, False)])
def test_undo_sample_averaging_of_vector_plot(averaged, whole_uv, undone):
    """The means of samples that a vector plot draws are undone."""
    signals_uv = 1000 * resample(resample(simulated_record(), 100.0), 500.0).signals  # no faster than a plot can show
    signals_uv = np.rint(signals_uv) if whole_uv else signals_uv
    at = np.arange(2, signals_uv.shape[1] - 2, 4)
    rows, true_mm = [], []
    for lead_uv in signals_uv:
        drawn_uv = np.mean([lead_uv[at + step] for step in range(-(averaged // 2), averaged // 2 + 1)], axis=0)
        points = np.stack([np.arange(len(at)) * 0.2, -drawn_uv / 100], axis=1)  # 25 mm/s, 10 mm/mV
        no = np.zeros(len(at), bool)
        rows.append(RowTrace(0.0, points, np.ones(len(at)), np.zeros(len(at)), no, no))
        true_mm.append(-lead_uv[at] / 100)
    scale = Scale(1.0, 25.0, 10.0, 10.0, (0.0,) * len(rows))
    restored = undo_sample_averaging(rows, scale)
    off_mm = [
        np.array([(row.points_px[:, 1] - true).std() for row, true in zip(candidates, true_mm, strict=True)])
        for candidates in (restored, rows)
    ]
    if undone:
        assert (off_mm[0] < 0.2 * off_mm[1]).all()
    else:
        assert all(np.array_equal(one.points_px, other.points_px) for one, other in zip(restored, rows, strict=True))
