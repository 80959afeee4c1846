"""P and T waves have a height, an area and a polarity."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg import EcgRecord
from ecgimg.measurement.delineation.model import BeatWaves, P, T
from ecgimg.measurement.waveforms.beat_windows import cut_windows
from ecgimg.measurement.waveforms.wave_amplitudes import SHAPES, p_amplitudes, t_amplitudes

QRS_S = 1.0


def waves_of(kind, onset_s, end_s):
    onset, end = np.full((3, 1, 1), np.nan), np.full((3, 1, 1), np.nan)
    onset[kind - 1], end[kind - 1] = onset_s, end_s
    nothing = np.full((3, 1, 1), np.nan)
    qrs, seen = np.array([[QRS_S, QRS_S + 0.1]]), np.ones((1, 1), bool)
    return BeatWaves(qrs, onset, end, nothing, nothing, nothing, seen, seen, np.empty((0, 2)))


def record_of(onset_s, values, slope_mv_s=0.0):
    times = np.arange(1000) / 500
    signal = slope_mv_s * times
    first = round(onset_s * 500)
    signal[first : first + len(values)] += values
    return EcgRecord(signal[None], 500.0, ("II",))


@pytest.mark.parametrize("slope", [0.0, 0.5, -0.5])
def test_p_amplitude_over_wander(slope):
    """The height of a P wave is that over the line between its ends, so that wander does not count."""
    p = 0.15 * np.sin(np.linspace(0, np.pi, 50))
    record = record_of(0.8, p, slope)
    found = p_amplitudes(cut_windows(record, np.array([QRS_S])), waves_of(P, 0.8, 0.9))
    assert found.mv[0, 0] == pytest.approx(0.15, abs=0.02)
    assert found.peak_s[0, 0] == pytest.approx(0.85, abs=0.01)


@pytest.mark.parametrize(
    ("values", "shape"),
    [
        (0.4 * np.sin(np.linspace(0, np.pi, 80)), "positive"),
        (-0.4 * np.sin(np.linspace(0, np.pi, 80)), "negative"),
        (0.3 * np.sin(np.linspace(0, 2 * np.pi, 80)), "positive-negative"),
        (-0.3 * np.sin(np.linspace(0, 2 * np.pi, 80)), "negative-positive"),
    ],
)
def test_t_shape(values, shape):
    """A T wave is positive, negative, or has both parts in their order."""
    found = t_amplitudes(cut_windows(record_of(1.2, values), np.array([QRS_S])), waves_of(T, 1.2, 1.36))
    assert SHAPES[found.shape[0, 0]] == shape


def test_amplitude_without_wave():
    """A beat without the wave has neither height nor shape."""
    found = t_amplitudes(cut_windows(record_of(1.2, np.ones(10)), np.array([QRS_S])), waves_of(P, 0.8, 0.9))
    assert np.isnan(found.mv[0, 0])
    assert found.shape[0, 0] == -1
