"""Resampling."""

from __future__ import annotations

import numpy as np

from ecgimg import EcgRecord
from ecgimg.resample import resample


def test_resample_with_gap():
    """Resampling keeps time, amplitude and gaps."""
    t = np.arange(1000) / 100
    signals = np.tile(np.sin(2 * np.pi * 5 * t), (2, 1))
    signals[1, 300:400] = np.nan
    finer = resample(EcgRecord(signals, 100.0, ("I", "II")), 500.0)
    assert finer.fs_hz == 500
    assert finer.n_samples == 5000
    truth = np.sin(2 * np.pi * 5 * np.arange(5000) / 500)
    assert np.abs(finer.signals[0] - truth)[100:-100].max() < 0.01
    gap = np.flatnonzero(np.isnan(finer.signals[1]))
    assert (gap[0], gap[-1]) == (1500, 1999)
