"""The rhythm of a record tells of its P waves."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="the train extra is not installed")

from ecgimg.train.delineator.weak_labels import fibrillating, in_sinus_rhythm  # needs torch
from synth import HeartSpec, simulate


@pytest.mark.usefixtures("delineator")
def test_windows_of_sinus_rhythm():
    """Each window ends at a QRS and holds the P wave before it."""
    heart = simulate(HeartSpec(rate_bpm=75), np.random.default_rng(3))
    record = in_sinus_rhythm("a", heart.record)
    assert len(record.p_windows_s) >= 8
    peaks_s = heart.fiducials.p_peak_s
    for start_s, end_s in record.p_windows_s:
        assert ((peaks_s > start_s) & (peaks_s < end_s)).sum() == 1
    assert not record.shows_no_p


def test_record_of_fibrillation():
    """A record of atrial fibrillation has no windows, and shows no P wave."""
    record = fibrillating("a", simulate(HeartSpec(rhythm="af"), np.random.default_rng(3)).record)
    assert record.shows_no_p
    assert not len(record.p_windows_s)
    assert record.signals_mv.shape == (12, 2500)
