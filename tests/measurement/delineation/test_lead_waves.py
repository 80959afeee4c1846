"""Waves are found in what the network says of a lead."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.measurement.delineation.lead_waves import find_waves
from ecgimg.measurement.delineation.model import QRS, P, T
from tests.measurement.delineation.evidence import beat, evidence_of


def test_waves_of_beat():
    """A beat has its P, QRS and T, where the network says they begin and end."""
    table = find_waves(evidence_of(beat(1.0), beat(1.01, p=False)))
    assert table.kind.tolist() == [P, QRS, T, QRS, T]
    assert table.lead.tolist() == [0, 0, 0, 1, 1]
    assert table.onset_s == pytest.approx([0.84, 1.0, 1.2, 1.01, 1.21], abs=1e-3)
    assert table.end_s == pytest.approx([0.94, 1.09, 1.38, 1.1, 1.39], abs=1e-3)
    assert table.probability == pytest.approx(0.95, abs=1e-3)


def test_wave_with_notch():
    """A run that breaks off for a moment is one wave."""
    table = find_waves(evidence_of([("QRS", 1.0, 1.04), ("QRS", 1.06, 1.1)]))
    assert table.kind.tolist() == [QRS]


def test_doubtful_step():
    """A run of a step or two is no wave."""
    assert not len(find_waves(evidence_of([("T", 1.0, 1.01)])))


def test_waves_in_gap():
    """Where a lead is not known there is no wave."""
    known = np.ones((1, 500), bool)
    known[0, 100:180] = False
    assert not len(find_waves(evidence_of([("QRS", 1.0, 1.1)], known=known)))


def test_no_waves():
    """Evidence of nothing gives an empty table."""
    assert len(find_waves(evidence_of([], []))) == 0


def test_wave_with_absurd_distances():
    """A wave begins and ends near the steps that belong to it, whatever distances the network gives."""
    evidence = evidence_of(beat(1.0))
    evidence.onset_s[:] -= 9.0
    evidence.end_s[:] += 9.0
    table = find_waves(evidence)
    assert (table.onset_s > np.array([0.7, 0.85, 1.05])).all()
    assert (table.end_s < np.array([1.1, 1.25, 1.55])).all()
