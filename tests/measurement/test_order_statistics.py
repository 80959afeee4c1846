"""Medians and quantiles of what is known are those of numpy."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.measurement.order_statistics import known_median, known_quantile


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 1.0])
def test_known_quantile(axis, share):
    """The quantile is numpy's of the values that are known."""
    values = np.random.default_rng(0).normal(size=(4, 5, 6))
    values[values < -0.8] = np.nan
    assert known_quantile(values, share, axis) == pytest.approx(np.nanquantile(values, share, axis=axis), nan_ok=True)


def test_known_median_of_nothing():
    """Where nothing is known, or there is nothing at all, the median is NaN."""
    assert np.isnan(known_median(np.full((2, 3), np.nan), axis=1)).all()
    assert known_median(np.empty((0, 3)), axis=0).tolist() == pytest.approx([np.nan] * 3, nan_ok=True)
    assert known_median(np.empty((0, 3)), axis=1).shape == (0,)
