"""The usual beat is that of all leads, whenever they were seen."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.measurement.delineation.beats import join_beats
from ecgimg.measurement.delineation.lead_waves import find_waves
from ecgimg.measurement.delineation.model import QRS, P, T
from ecgimg.measurement.delineation.usual_beat import usual_beat
from tests.measurement.delineation.evidence import beat, evidence_of


def usual(*leads, **options):
    evidence = evidence_of(*leads, **options)
    waves = join_beats(evidence, find_waves(evidence))
    return usual_beat(waves, np.ones(len(waves), bool))


def test_intervals_of_usual_beat():
    """A beat that all leads show alike has its own intervals."""
    onset, end = usual(*[beat(1.0) + beat(2.0)] * 3)
    assert end[QRS - 1] - onset[QRS - 1] == pytest.approx(0.09, abs=0.001)
    assert onset[QRS - 1] - onset[P - 1] == pytest.approx(0.16, abs=0.001)
    assert end[T - 1] - onset[QRS - 1] == pytest.approx(0.38, abs=0.001)


def test_usual_beat_of_columns():
    """A lead whose T ends late counts, though another column shows it."""
    late = [("QRS", 3.0, 3.09), ("T", 3.2, 3.46)]
    known = np.zeros((3, 500), bool)
    known[0] = True
    known[1, :250], known[2, 250:] = True, True
    onset, end = usual(beat(1.0) + beat(3.0), beat(1.0), late, known=known)
    assert 0.42 < end[T - 1] - onset[QRS - 1] < 0.46


def test_usual_beat_without_p():
    """Without P waves the usual beat has none."""
    assert np.isnan(usual(beat(1.0, p=False))[0][P - 1])
