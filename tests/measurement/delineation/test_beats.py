"""The waves of simultaneous leads are joined to beats."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.measurement.delineation.beats import join_beats, p_support, shows_p, without_false_p
from ecgimg.measurement.delineation.lead_waves import find_waves
from ecgimg.measurement.delineation.model import QRS, P, T
from tests.measurement.delineation.evidence import beat, evidence_of


def joined(*leads, **options):
    evidence = evidence_of(*leads, **options)
    return join_beats(evidence, find_waves(evidence))


def test_beats_of_leads():
    """Beats of two leads, a little apart, are one beat each with the waves of both."""
    waves = joined(beat(1.0) + beat(2.0), beat(1.01) + beat(2.01))
    assert len(waves) == 2
    assert waves.onset_s[QRS - 1] == pytest.approx(np.array([[1.0, 1.01], [2.0, 2.01]]), abs=1e-3)
    assert np.isfinite(waves.onset_s).all()
    assert waves.seen.all()


def test_false_wave_of_one_lead():
    """A QRS that one of four leads shows alone is no beat."""
    assert len(joined(beat(1.0) + beat(1.6), beat(1.0), beat(1.0), beat(1.0))) == 1


def test_columns_one_after_another():
    """Of leads that are known one after another, each gives its own beats."""
    known = np.zeros((2, 500), bool)
    known[0, :250], known[1, 250:] = True, True
    waves = joined(beat(1.0), beat(3.0), known=known)
    assert len(waves) == 2
    assert waves.seen.tolist() == [[True, False], [False, True]]


def test_waves_of_neighbouring_beats():
    """P belongs to the beat after it, T to the beat before it."""
    waves = joined(beat(1.0, p=False) + beat(2.0, t=False))
    assert np.isnan(waves.onset_s[P - 1, 0, 0])
    assert waves.onset_s[P - 1, 1, 0] == pytest.approx(1.84, abs=1e-3)
    assert waves.end_s[T - 1, 0, 0] == pytest.approx(1.38, abs=1e-3)
    assert np.isnan(waves.end_s[T - 1, 1, 0])


def test_p_wave_without_beat():
    """A P wave that no QRS follows is kept by itself."""
    waves = joined([*beat(1.0), ("P", 2.0, 2.1)], [*beat(1.0), ("P", 2.0, 2.1)])
    assert waves.lone_p_s == pytest.approx(np.array([[2.0, 2.1]]), abs=0.02)


def test_p_waves_of_few_leads():
    """P waves that one of four leads shows are left out, and the record shows none."""
    waves = joined(beat(1.0) + beat(2.0), *[beat(1.0, p=False) + beat(2.0, p=False)] * 3)
    assert p_support(waves) == pytest.approx(0.95 / 4, abs=0.01)
    assert not shows_p(waves)
    assert np.isnan(without_false_p(waves).onset_s[P - 1]).all()


def test_p_waves_of_most_leads():
    """P waves that most leads show are kept."""
    waves = joined(*[beat(1.0) + beat(2.0)] * 3, beat(1.0, p=False) + beat(2.0, p=False))
    assert shows_p(waves)
    assert np.isfinite(without_false_p(waves).onset_s[P - 1, :, :3]).all()


def test_beats_within_refractory_time():
    """Of two complexes within 200 ms the one that lasts longer is the beat."""
    waves = joined([("QRS", 1.0, 1.1), ("QRS", 1.16, 1.2)])
    assert len(waves) == 1
    assert waves.qrs_s[0] == pytest.approx([1.0, 1.1], abs=1e-3)


def test_no_beats():
    """Without a QRS there is no beat."""
    assert len(joined([], [])) == 0
