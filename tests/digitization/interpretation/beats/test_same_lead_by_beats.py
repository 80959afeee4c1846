"""Beats of one signal are found again in another."""

from __future__ import annotations

import numpy as np

from ecgimg.digitization.interpretation.beats.same_lead_by_beats import matching_beat_share
from ecgimg.digitization.signals.lead_extraction import FS_HZ
from synth import HeartSpec, simulate


def test_matching_beat_share_of_same_and_other_lead():
    """The beats of a lead recur in itself, and hardly in another lead."""
    record = simulate(HeartSpec(), np.random.default_rng(5)).record
    first, second = (record.lead("II")[k * 1250 : (k + 1) * 1250].astype(float) for k in (0, 1))
    assert matching_beat_share(first, second, FS_HZ) > 0.8
    assert matching_beat_share(first, record.lead("aVL")[1250:2500].astype(float), FS_HZ) < 0.5
    second[300:1200] = np.nan
    assert matching_beat_share(first, second, FS_HZ) is None
