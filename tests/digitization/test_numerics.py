"""Computations that several stages share."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.digitization.numerics import huber_loss, huber_weight, open_vertically, row_pitch_px


def test_open_vertically_keeps_long_runs_whole():
    mask = np.zeros((20, 3), bool)
    mask[2:6, 0] = mask[2:7, 1] = mask[15:20, 2] = True
    opened = open_vertically(mask, 5)
    assert not opened[:, 0].any()
    assert np.array_equal(opened[:, 1:], mask[:, 1:])


def test_huber_weight_is_slope_of_huber_loss_over_deviation():
    deviations = np.array([-7.0, -2.6, -1.0, 0.5, 2.4, 40.0])
    slope = (huber_loss(deviations + 1e-6, 2.5) - huber_loss(deviations - 1e-6, 2.5)) / 2e-6
    assert huber_weight(deviations, 2.5) * deviations == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize(("baselines", "pitch_px"), [((100.0, 200.0, 310.0, 400.0), 100.0), ((250.0,), 320.0)])
def test_row_pitch_is_median_distance_or_that_of_a_single_row(baselines, pitch_px):
    assert row_pitch_px(np.array(baselines), 8.0) == pitch_px
