"""Waves over leads begin about where the first lead does and end about where the last one does."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.measurement.delineation.beats import join_beats
from ecgimg.measurement.delineation.global_waves import over_leads
from ecgimg.measurement.delineation.lead_waves import find_waves
from ecgimg.measurement.delineation.model import QRS, P
from tests.measurement.delineation.evidence import beat, evidence_of


def bounds_of(*leads):
    evidence = evidence_of(*leads)
    return over_leads(join_beats(evidence, find_waves(evidence)))


def test_bounds_between_first_and_second_lead():
    """The onset lies between those of the first and the second lead, the end between the last two."""
    bounds = bounds_of(*[beat(1.0 + 0.004 * k) for k in range(6)])
    assert 1.0 <= bounds.onset_s[QRS - 1, 0] < 1.004
    assert 1.106 < bounds.end_s[QRS - 1, 0] <= 1.11


def test_bounds_of_one_lead():
    """A single lead's wave is that of the beat."""
    bounds = bounds_of(beat(1.0))
    assert bounds.onset_s[QRS - 1, 0] == pytest.approx(1.0, abs=1e-3)


def test_bounds_without_wave():
    """A beat that no lead shows a P wave of has none."""
    assert np.isnan(bounds_of(beat(1.0, p=False)).onset_s[P - 1, 0])
