"""Laws between the leads, and leads beyond the twelve."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.leads import STANDARD_LEADS
from synth.heart import HeartSpec, simulate
from tests.synth.heart.measurements import QUIET, heart

NOISY = {"baseline_wander_mv": 0.2, "muscle_mv": 0.05, "mains_mv": 0.05, "motion_steps_per_min": 20.0}


@pytest.mark.parametrize("options", [QUIET, NOISY, NOISY | {"rhythm": "af"}, NOISY | {"pacing": "dual"}])
def test_limb_lead_laws(options):
    """The limb leads obey Einthoven and Goldberger, whatever the noise."""
    beats = heart(3, **options)
    one, two, three, avr, avl, avf = (beats.record.lead(name).astype(float) for name in STANDARD_LEADS[:6])
    rounding = 4e-7 * max(1.0, np.abs(beats.record.signals).max())
    for law in (one + three - two, avr + avl + avf, avr + (one + two) / 2, avl - (one - three) / 2):
        assert np.abs(law).max() < rounding


def test_leads_of_any_choice_rate_and_length():
    """Leads may be any, in any order, at any rate and length."""
    leads = ("aVL", "I", "aVR", "II", "aVF", "III", "V4R", "V8", "V9", "V7", "V3R", "V6R", "V1")
    beats = simulate(HeartSpec(**QUIET), np.random.default_rng(0), 3.3, 257.0, leads)
    assert beats.record.leads == leads
    assert beats.record.n_samples == round(3.3 * 257)
    assert np.abs(beats.record.lead("V8")).max() < np.abs(beats.record.lead("V7")).max()
    assert np.abs(beats.record.lead("V4R")).max() < np.abs(beats.record.lead("V1")).max()
    alone = simulate(HeartSpec(**QUIET), np.random.default_rng(0), 3.3, 257.0, ("V1",))
    assert alone.record.signals.tobytes() == beats.record.lead("V1").tobytes()
