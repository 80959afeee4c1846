"""Pacing spikes are found, and waves of the heart are not taken for them."""

from __future__ import annotations

import numpy as np
import pytest


def test_spikes_of_paced_heart(measured):
    """The spikes of a ventricular pacemaker are found just before the QRS."""
    heart, numbers = measured(20, pacing="ventricular", rhythm="af", qrs_ms=160, axis_deg=-70)
    onsets_s = heart.fiducials.qrs_onset_s
    onsets_s = onsets_s[np.isfinite(onsets_s)]
    found = [np.abs(onsets_s - 0.004 - time_s).min() < 0.015 for time_s in numbers.spikes_s]
    assert len(found) >= 0.8 * len(onsets_s)
    assert all(found)


@pytest.mark.parametrize("options", [{}, {"conduction": "clbbb"}, {"hypertrophy": "lvh", "rate_bpm": 95}])
def test_no_spikes_without_pacemaker(measured, options):
    """A heart without pacemaker has no spikes."""
    _, numbers = measured(21, muscle_mv=0.01, **options)
    assert numbers.spikes_s == ()
