"""The usual beat is that of all leads, whenever they were seen."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.measurement.delineation.beats import join_beats
from ecgimg.measurement.delineation.lead_waves import find_waves
from ecgimg.measurement.delineation.model import QRS, P, T
from ecgimg.measurement.delineation.usual_beat import _weighted_quantile, qrs_moments, usual_beat
from tests.measurement.delineation.evidence import STEP_S, beat, evidence_of


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


def test_qrs_moments_of_columns():
    """A beat's moment does not depend on which leads show it, though the QRS lies apart in the leads."""
    known = np.zeros((5, round(8 / STEP_S)), bool)
    known[0] = True  # the rhythm lead
    half = known.shape[1] // 2
    known[1:3, :half], known[3:, half:] = True, True
    early = [("QRS", time_s - 0.03, time_s + 0.05) for time_s in (1.0, 3.0)]
    late = [("QRS", time_s + 0.02, time_s + 0.10) for time_s in (5.0, 7.0)]
    rhythm = [("QRS", time_s, time_s + 0.08) for time_s in (1.0, 3.0, 5.0, 7.0)]
    evidence = evidence_of(rhythm, early, early, late, late, known=known, seconds=8.0)
    middle_s, _ = qrs_moments(join_beats(evidence, find_waves(evidence)))
    assert np.diff(middle_s) == pytest.approx([2.0, 2.0, 2.0], abs=0.002)


def test_weighted_quantile():
    """Equal weights give the usual quantile; a value of nearly no weight pulls less."""
    values = np.array([3.0, 1.0, 2.0, 9.0])
    assert _weighted_quantile(values, np.ones(4), 0.85) == pytest.approx(np.quantile(values, 0.85))
    assert _weighted_quantile(values, np.array([1.0, 1.0, 1.0, 1e-6]), 0.85) < np.quantile(values, 0.85)
    assert _weighted_quantile(values[:1], np.ones(1), 0.85) == 3.0


def test_usual_beat_of_shifted_column():
    """A column that is shown 60 ms late changes no interval: its QRS cannot come so late."""
    known = np.zeros((5, round(8 / STEP_S)), bool)
    half = known.shape[1] // 2
    known[0] = True
    known[1:3, :half], known[3:, half:] = True, True
    rhythm = beat(1.0) + beat(3.0) + beat(5.0) + beat(7.0)
    late = beat(5.06) + beat(7.06)
    onset, end = usual(rhythm, beat(1.0) + beat(3.0), beat(1.0) + beat(3.0), late, late, known=known, seconds=8.0)
    assert end[QRS - 1] - onset[QRS - 1] == pytest.approx(0.09, abs=0.003)
    assert onset[QRS - 1] - onset[P - 1] == pytest.approx(0.16, abs=0.003)
