"""The ST level is read after the J point."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg import EcgRecord
from ecgimg.measurement.waveforms.beat_windows import cut_windows
from ecgimg.measurement.waveforms.st_level import ST_DELAYS_MS, measure_st


def test_st_of_slope():
    """A segment that rises by 1 mV/s from J on has the levels and the slope of that line."""
    times = np.arange(1000) / 500
    signal = np.where(times > 1.1, 0.2 + (times - 1.1), 0.0)
    windows = cut_windows(EcgRecord(signal[None], 500.0, ("V2",)), np.array([1.0]))
    st = measure_st(windows, np.array([1.11]))
    assert st.mv[:, 0, 0] == pytest.approx([0.21 + delay / 1000 for delay in ST_DELAYS_MS], abs=0.003)
    assert st.slope_mv_s[0, 0] == pytest.approx(1.0, abs=0.02)
