"""Whether columns show the same seconds, by their beats."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.digitization.interpretation.beats.simultaneous_columns import simultaneity_score
from ecgimg.digitization.signals.lead_extraction import FS_HZ
from synth import HeartSpec, simulate


def beats(times_s, seconds=5.0):
    """Return a lead whose beats come at such times."""
    at_s = np.arange(round(seconds * FS_HZ)) / FS_HZ
    return np.exp(-0.5 * ((at_s[:, None] - times_s) / 0.012) ** 2).sum(axis=1)


@pytest.mark.parametrize(("late_ms", "simultaneous"), [(0.0, True), (30.0, False)])
def test_simultaneity_of_regular_beats_with_late_one(late_ms, simultaneous):
    """Columns of a regular heart show other seconds if one beat comes late."""
    times_s = np.array([0.4, 1.42, 2.38, 3.41, 4.4])  # regular, as hearts are
    late_s = late_ms / 1000 * np.array([0, 0, 1, 0, 0])
    assert (simultaneity_score([[beats(times_s)], [beats(times_s + late_s)]], FS_HZ) > 0.4) == simultaneous


@pytest.mark.parametrize(("late_ms", "simultaneous"), [(50.0, True), (150.0, False)])
def test_simultaneity_of_varying_cycles_with_offset(late_ms, simultaneous):
    """Columns whose cycles vary alike are simultaneous though one starts late."""
    times_s = np.array([0.157, 0.989, 1.896, 2.812, 3.655, 4.523])
    assert (simultaneity_score([[beats(times_s)], [beats(times_s + late_ms / 1000)]], FS_HZ) > 0.4) == simultaneous


@pytest.mark.parametrize(("cycle_s", "simultaneous"), [(0.835, False), (0.79, True)])
def test_simultaneity_of_whole_cycles(cycle_s, simultaneous):
    """Where whole cycles fill a column, it stays open whether columns are simultaneous."""
    lead = beats(np.arange(0.4, 2.45, cycle_s), 2.5)
    score = simultaneity_score([[lead], [lead]], FS_HZ)
    assert (score > 0.4) == simultaneous
    assert score > 0


@pytest.mark.parametrize(("cycle_s", "simultaneous"), [(1.25, False), (1.0, True)])
def test_simultaneity_of_single_beats_with_strip(cycle_s, simultaneous):
    """A rhythm strip tells whether columns of one beat each are simultaneous."""
    column, strip = beats(np.array([0.6]), 1.25), beats(np.arange(0.6, 5, cycle_s), 5.0)
    assert simultaneity_score([[column]] * 4, FS_HZ) > 0.4
    assert (simultaneity_score([[column]] * 4, FS_HZ, [strip]) > 0.4) == simultaneous


@pytest.mark.parametrize("seed", range(5))
def test_simultaneity_in_noise(seed):
    """Noise does not hide that columns are simultaneous."""
    signals_mv = simulate(HeartSpec(), np.random.default_rng(seed)).record.signals
    limb, chest = signals_mv[:6] + np.random.default_rng(seed).normal(0, 0.05, signals_mv[:6].shape), signals_mv[6:]
    middle = round(5 * FS_HZ)
    assert simultaneity_score([limb[:, :middle], chest[:, :middle]], FS_HZ) > 0.4
    assert simultaneity_score([limb[:, :middle], chest[:, middle:]], FS_HZ) < 0.4
