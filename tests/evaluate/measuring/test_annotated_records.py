"""Scores of measured records against annotated waves."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from ecgimg import EcgRecord
from ecgimg.evaluate.measuring import annotated_records as scoring
from ecgimg.evaluate.measuring.annotated_records import (
    AnnotatedScore,
    DelineationScores,
    annotated_axis_deg,
    bias_and_sd,
    left_out,
    score_annotated,
)
from ecgimg.evaluate.measuring.wave_marks import annotated_marks, median_over_leads, over_all_leads, usual_over_leads
from tests.annotated_hearts import annotated_heart, measured_as

NAMES = ("p_duration_ms", "pr_ms", "qrs_ms", "qt_ms")


@pytest.fixture
def scored(monkeypatch):
    """A heart whose measurements are its own marks, QRS too long by 4 ms, and without a PR."""
    name, record, waves = annotated_heart(2, leads=("I", "II", "V1"))
    truth = median_over_leads(annotated_marks(waves))
    values = {**truth, "qrs_ms": truth["qrs_ms"] + 4, "pr_ms": None, "qrs_axis_deg": 50.0}
    monkeypatch.setattr(scoring, "measure_record", lambda record, session: measured_as(record, waves, values))
    return score_annotated([(name, record, waves)]), waves


def test_score_annotated_pairs(scored):
    """Every number is paired with the annotated one, and the rate is that of the annotated beats."""
    scores, waves = scored
    (score,) = scores.records
    truth, over = median_over_leads(annotated_marks(waves)), over_all_leads(annotated_marks(waves))
    assert score.medians["qrs_ms"] == pytest.approx((truth["qrs_ms"] + 4, truth["qrs_ms"]))
    assert score.over_leads["qt_ms"][1] == over["qt_ms"]
    assert score.usual["qt_ms"][1] == usual_over_leads(annotated_marks(waves))["qt_ms"]
    assert math.isnan(score.medians["pr_ms"][0])
    own_bpm, annotated_bpm = score.rate_bpm
    assert own_bpm == pytest.approx(annotated_bpm, abs=1)
    assert score.axis_deg[0] == 50
    assert (score.has_p, score.says_p, score.is_regular) == (True, True, True)
    assert all((count.missed, count.false) == (0, 0) for count in scores.counts.values())


def test_score_annotated_goes_on(scored):
    """Scores can be continued, as over the parts of a cross-validation."""
    scores, waves = scored
    _, record, _ = annotated_heart(2, leads=("I", "II", "V1"))
    found = scores.counts["QRS", "onset"].found
    assert score_annotated([("again", record, waves)], scores=scores) is scores
    assert [score.name for score in scores.records] == ["heart2", "again"]
    assert scores.counts["QRS", "onset"].found == 2 * found


def test_left_out(scored):
    """A record is left out of an interval that is annotated and not given, unless it has too few annotated beats."""
    (score,) = scored[0].records
    short = replace(score, name="short", beats=3)
    scores = DelineationScores([score, short])
    assert left_out(scores, "pr_ms") == ["heart2"]
    assert left_out(scores, "qrs_ms") == []


def test_score_annotated_irregular_record(monkeypatch):
    """A record whose RR changes is not regular, and one that is said to have no P does not say P."""
    name, record, waves = annotated_heart(3, leads=("II",))
    late = [
        replace(wave, onset_s=wave.onset_s + 0.2, peak_s=wave.peak_s + 0.2, end_s=wave.end_s + 0.2)
        if wave.onset_s > 3
        else wave
        for wave in waves
    ]
    monkeypatch.setattr(scoring, "measure_record", lambda record, session: measured_as(record, late))
    (score,) = score_annotated([(name, record, late)]).records
    assert not score.is_regular
    assert score.has_p
    assert not score.says_p


@pytest.mark.parametrize("axis_deg", [-60, 0, 45, 100])
def test_annotated_axis(axis_deg):
    """The axis of annotated marks is that of the vector that the limb leads show."""
    _, _, waves = annotated_heart(4, leads=("I", "aVF"))
    marks = annotated_marks([replace(wave, lead=lead) for wave in waves if wave.lead == "I" for lead in ("I", "aVF")])
    t_s = np.arange(3000) / 500
    course = sum(np.exp(-(((t_s - (row.onset_s + row.end_s) / 2) / 0.015) ** 2)) for row in marks["I"])
    sizes = np.cos(np.radians(axis_deg)), np.sqrt(3) / 2 * np.sin(np.radians(axis_deg))
    record = EcgRecord(np.outer(sizes, course), 500.0, ("I", "aVF"))
    assert annotated_axis_deg(record, marks) == pytest.approx(axis_deg, abs=0.5)


def test_annotated_axis_of_chest_leads():
    """Without limb leads there is no axis."""
    _, record, waves = annotated_heart(4, leads=("V1", "V2"))
    assert math.isnan(annotated_axis_deg(record, annotated_marks(waves)))


def test_bias_and_sd():
    """Bias and SD are over the records that have both numbers."""
    pairs = [(102, 100), (98, 100), (106, 100), (math.nan, 100)]
    assert bias_and_sd(pairs) == pytest.approx((2, np.std([2, -2, 6]), 3))
    bias, sd, n = bias_and_sd([(math.nan, 1.0)])
    assert math.isnan(bias)
    assert math.isnan(sd)
    assert n == 0


def test_score_annotated_with_shipped_delineator(delineator):
    """The shipped delineator finds the beats of simulated hearts, and its intervals are near theirs."""
    scores = score_annotated([annotated_heart(seed, duration_s=10.0) for seed in (5, 6)], delineator)
    for score in scores.records:
        assert isinstance(score, AnnotatedScore)
        assert score.rate_bpm[0] == pytest.approx(score.rate_bpm[1], abs=1)
        for name in NAMES:
            assert abs(score.medians[name][0] - score.medians[name][1]) < 40
    assert scores.counts["QRS", "onset"].sensitivity > 0.95
    assert scores.counts["QRS", "onset"].precision > 0.95
