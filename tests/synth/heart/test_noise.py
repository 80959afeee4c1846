"""Noise."""

from __future__ import annotations

import numpy as np
from scipy.signal import welch

from tests.synth.heart.measurements import FS, QUIET, heart


def test_noise_sizes():
    """Wander, muscle noise and hum have the size and frequency asked for."""
    clean = heart(5, **QUIET).record.signals
    wander = heart(5, **(QUIET | {"baseline_wander_mv": 0.1})).record.signals - clean
    muscle = heart(5, **(QUIET | {"muscle_mv": 0.02})).record.signals - clean
    hum = heart(5, **(QUIET | {"mains_mv": 0.05, "mains_hz": 60.0})).record.signals - clean
    assert 0.03 < np.median(wander.std(axis=1)) < 0.25
    assert 0.008 < np.median(muscle.std(axis=1)) < 0.04
    f, power = welch(hum[7], FS, nperseg=1024)
    assert abs(f[np.argmax(power)] - 60) < 1
    f, power = welch(wander[1], FS, nperseg=4096)
    assert power[f < 1].sum() > 0.98 * power.sum()
