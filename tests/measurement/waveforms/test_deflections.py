"""The deflections of a QRS are named as readers name them."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.measurement.waveforms.beat_windows import BeatWindows
from ecgimg.measurement.waveforms.deflections import measure_deflections


def complex_of(*parts):
    """A QRS of half sine waves (height mV, duration ms) one after the other, from 0 s on."""
    values = [0.0]
    for height_mv, duration_ms in parts:
        n = duration_ms // 2
        values += list(height_mv * np.sin(np.pi * np.arange(1, n + 1) / (n + 1)))
    values = np.array([*values, 0.0])
    times = np.arange(len(values)) / 500
    windows = BeatWindows(values[None, None], times[None])
    return measure_deflections(windows, np.array([0.0]), np.array([times[-1]]))


@pytest.mark.parametrize(
    ("parts", "named"),
    [
        ([(1.0, 40)], {"r": 1.0}),
        ([(-0.2, 20), (1.0, 40), (-0.4, 30)], {"q": -0.2, "r": 1.0, "s": -0.4}),
        ([(0.3, 30), (-1.2, 50)], {"r": 0.3, "s": -1.2}),
        ([(0.3, 30), (-0.8, 40), (0.6, 40)], {"r": 0.3, "s": -0.8, "r_prime": 0.6}),
        ([(-1.0, 80)], {"q": -1.0}),
    ],
)
def test_deflections_of_shape(parts, named):
    """Each deflection has its name and height; those that a shape lacks are not given."""
    found = complex_of(*parts)
    for name in ("q", "r", "s", "r_prime"):
        value = float(getattr(found, f"{name}_mv")[0, 0])
        assert value == pytest.approx(named[name], abs=0.02) if name in named else np.isnan(value)


def test_deflection_below_least_size():
    """A deflection of less than 4 % of the QRS, or of less than 6 ms, is none."""
    assert np.isnan(complex_of((-0.015, 20), (1.0, 40)).q_mv[0, 0])
    assert np.isnan(complex_of((-0.3, 4), (1.0, 40)).q_mv[0, 0])


def test_q_duration():
    """A Q wave's duration runs from the onset of the QRS to where R begins."""
    assert complex_of((-0.4, 40), (1.0, 40)).q_duration_ms[0, 0] == pytest.approx(40, abs=4)


def test_deflections_of_unknown_lead():
    """A lead that is not known throughout the QRS has none."""
    windows = BeatWindows(np.full((1, 1, 50), np.nan), np.arange(50)[None] / 500)
    found = measure_deflections(windows, np.array([0.0]), np.array([0.09]))
    assert np.isnan(found.r_mv).all()
    assert np.isnan(found.area_mv_ms).all()
