"""Windows around beats lie about the level just before the QRS."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg import EcgRecord
from ecgimg.measurement.waveforms.beat_windows import cut_windows


def test_windows_about_level_before_qrs():
    """The level of the last 16 ms before the onset is zero, whatever the lead's own level."""
    record = EcgRecord(np.stack([np.full(5000, 2.5), np.arange(5000) * 1e-3]), 500.0, ("I", "II"))
    windows = cut_windows(record, np.array([2.0, 4.0]))
    assert windows.level_mv(np.array([[1.99], [3.99]])) == pytest.approx(0.0, abs=2e-3)
    assert windows.level_mv(np.array([[2.1], [4.1]]))[1] == pytest.approx(0.055, abs=2e-3)


def test_windows_at_ends_of_record():
    """Samples off the record, and in gaps, are unknown."""
    signals = np.zeros((1, 1000), np.float32)
    signals[0, 400:500] = np.nan
    windows = cut_windows(EcgRecord(signals, 500.0, ("I",)), np.array([0.1, 1.9]))
    assert np.isnan(windows.values_mv[0, 0][windows.times_s[0] < 0]).all()
    assert np.isnan(windows.values_mv[0, 1][windows.times_s[1] >= 2.0]).all()
    assert np.isnan(windows.level_mv(np.array([[0.9], [0.9]]))).all()


def test_area_of_square():
    """The area of a millivolt over 100 ms is 100 mV·ms."""
    signals = np.zeros((1, 1000), np.float32)
    signals[0, 500:550] = 1.0
    windows = cut_windows(EcgRecord(signals, 500.0, ("I",)), np.array([1.0]))
    inside = windows.within(np.array([[1.0]]), np.array([[1.098]]))
    assert windows.area_mv_ms(inside)[0, 0] == pytest.approx(100)
