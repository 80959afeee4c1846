"""Folds and curl, by the frequencies of windows."""

from __future__ import annotations

import numpy as np

from ecgimg.digitization.dewarp.grid_frequency import GridFrequency, WindowFrequencies
from ecgimg.digitization.dewarp.local_bend_fit import fit_bend


def test_fit_bend_of_fold():
    """A fold is followed where the windows show it."""
    centres = np.stack(np.meshgrid(np.arange(100.0, 1600, 200), np.arange(100.0, 1100, 200)), axis=-1).reshape(-1, 2)
    slopes = np.stack([np.where(centres[:, 0] > 800, 0.02, 0.0), np.zeros(len(centres))], axis=1)
    slopes[7] = 0.5, -0.5  # a window that contradicts its neighbours
    none = np.zeros((len(centres), 2))
    frequency = GridFrequency(
        np.array([0.03, 0.0]), np.array([0.0, 0.03]), has_1mm_lines=True, has_5mm_lines=True, search_harmonic=5
    )
    windows = WindowFrequencies(centres, none, none, np.full(len(centres), 30.0), frequency)
    surface = fit_bend(windows, slopes, (75, 106), (1700, 1200))
    step = np.diff(surface, axis=1) / (1700 / 106)
    assert np.abs(step[:, 5:30]).max() < 0.004  # a window and a half away from the fold
    assert np.abs(step[:, 72:95] - 0.02).max() < 0.004
