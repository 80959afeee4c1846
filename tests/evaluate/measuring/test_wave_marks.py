"""Marks of waves: tables of intervals, and which marks are found, missed and false."""

from __future__ import annotations

import math

import pytest

from ecgimg.evaluate.measuring.wave_marks import (
    MarkCounts,
    MarkedWave,
    annotated_marks,
    count_marks,
    half_marked,
    measured_marks,
    median_over_leads,
    over_all_leads,
    rate_bpm,
    usual_over_leads,
)
from ecgimg.formats.wave_annotations import AnnotatedWave
from tests.annotated_hearts import annotated_heart, measured_as


def beat(at_s: float, qrs_s: float = 0.09, pr_s: float = 0.16) -> list[MarkedWave]:
    """A beat whose QRS begins at `at_s`: P of 0.1 s, QT of 0.4 s."""
    p = MarkedWave("P", at_s - pr_s, at_s - pr_s + 0.1)
    return [p, MarkedWave("QRS", at_s, at_s + qrs_s), MarkedWave("T", at_s + 0.25, at_s + 0.4)]


def test_annotated_marks_leave_out_half_marked_waves():
    """A wave without onset or end is no mark; its peak is kept by lead and kind."""
    waves = [
        AnnotatedWave("II", "QRS", 1.0, 1.04, 1.09),
        AnnotatedWave("II", "P", 0.84, 0.9, 0.95),
        AnnotatedWave("II", "T", 1.2, 1.3, None),
        AnnotatedWave("V1", "T", None, 1.31, 1.4),
    ]
    assert annotated_marks(waves) == {"II": [MarkedWave("P", 0.84, 0.95), MarkedWave("QRS", 1.0, 1.09)]}
    assert half_marked(waves) == {("II", "T"): [1.3], ("V1", "T"): [1.31]}


def test_measured_marks_of_measurements():
    """The marks of measurements are the waves of their beats, lead by lead, in order of time."""
    _, record, waves = annotated_heart(1, leads=("II", "V1"))
    assert measured_marks(measured_as(record, waves)) == annotated_marks(waves)


def test_median_over_leads_of_two_leads():
    """Each interval is the median over beats of each lead, then over leads."""
    marks = {"II": [*beat(1.0), *beat(2.0), *beat(3.0)], "V1": [*beat(1.0, 0.11), *beat(2.0, 0.11), *beat(3.0, 0.3)]}
    assert median_over_leads(marks) == pytest.approx({"p_duration_ms": 100, "pr_ms": 160, "qrs_ms": 100, "qt_ms": 400})


def test_median_over_leads_without_p_and_t():
    """An interval whose wave no lead has is NaN; a P wave long before a QRS belongs to none."""
    told = median_over_leads({"II": [MarkedWave("P", 0.2, 0.3), MarkedWave("QRS", 1.0, 1.1)]})
    assert told["p_duration_ms"] == pytest.approx(100)
    assert math.isnan(told["pr_ms"])
    assert math.isnan(told["qt_ms"])
    assert math.isnan(median_over_leads({})["qrs_ms"])


def test_over_all_leads_from_earliest_to_latest():
    """An interval goes from the earliest mark of all leads to the latest one."""
    late = [MarkedWave(row.kind, row.onset_s + 0.02, row.end_s + 0.02) for row in beat(1.0)]
    told = over_all_leads({"II": beat(1.0), "V1": late})
    assert told == pytest.approx({"p_duration_ms": 120, "pr_ms": 160, "qrs_ms": 110, "qt_ms": 420})


def test_usual_over_leads():
    """The usual beat of leads that are marked alike has their intervals; one late lead of four counts in part."""
    alike = {lead: [*beat(1.0), *beat(2.0)] for lead in ("I", "II", "III", "V1")}
    told = usual_over_leads(alike)
    assert told == pytest.approx({"p_duration_ms": 100, "pr_ms": 160, "qrs_ms": 90, "qt_ms": 400, "jt_ms": 310})
    wide = usual_over_leads(alike | {"V1": [*beat(1.0, 0.13), *beat(2.0, 0.13)]})
    assert 90 < wide["qrs_ms"] < 130


def test_over_all_leads_leaves_out_beats_of_few_leads():
    """A beat that fewer than half of the leads show does not count."""
    lone = [MarkedWave("QRS", 5.0, 5.9)]
    told = over_all_leads({"I": [*beat(1.0), *lone], "II": beat(1.0), "III": beat(1.0)})
    assert told["qrs_ms"] == pytest.approx(90)


def test_rate_bpm_over_annotated_span():
    """The rate is that of the mean RR interval, and the span goes from first to last QRS; NaN of a single beat."""
    marks = {"II": [*beat(1.0), *beat(1.9), *beat(3.0)], "V1": [*beat(1.0), *beat(1.9)]}
    assert rate_bpm(marks) == pytest.approx((60, 1.0, 3.0))
    assert all(math.isnan(value) for value in rate_bpm({"II": beat(1.0)}))


def counts_of(waves: list[AnnotatedWave], measured: list[MarkedWave]) -> dict[tuple[str, str], MarkCounts]:
    counts: dict[tuple[str, str], MarkCounts] = {}
    count_marks(waves, {"II": measured}, counts)
    return counts


TWO_BEATS = [
    AnnotatedWave("II", row.kind, row.onset_s, row.onset_s + 0.03, row.end_s) for row in (*beat(1.0), *beat(2.0))
]


def test_count_marks_found_missed_and_false():
    """A mark within the tolerance is found, one that nobody annotated is false, and one without a mark is missed."""
    false = MarkedWave("P", 1.55, 1.6)
    measured = [MarkedWave("QRS", 1.01, 1.08), false, MarkedWave("QRS", 2.2, 2.3)]
    counts = counts_of(TWO_BEATS, measured)
    onset = counts["QRS", "onset"]
    assert (onset.found, onset.missed, onset.false) == (1, 1, 1)
    assert onset.errors_s == pytest.approx([0.01])
    assert counts["QRS", "end"].errors_s == pytest.approx([-0.01])
    assert (counts["P", "onset"].false, counts["P", "onset"].missed) == (1, 2)
    assert (onset.sensitivity, onset.precision) == (0.5, 0.5)


def test_count_marks_beyond_annotated_part():
    """A mark before the first or after the last annotated wave of a lead is not judged."""
    counts = counts_of(TWO_BEATS, [*beat(0.3), *beat(1.0), *beat(2.0), *beat(3.0)])
    assert all((count.found, count.missed, count.false) == (2, 0, 0) for count in counts.values())


def test_count_marks_near_half_marked_wave():
    """A mark near a wave that was annotated by half is neither found nor false."""
    waves = [*TWO_BEATS, AnnotatedWave("II", "T", None, 1.6, None)]
    counts = counts_of(waves, [*beat(1.0), MarkedWave("T", 1.5, 1.7), *beat(2.0)])
    assert (counts["T", "onset"].found, counts["T", "onset"].false) == (2, 0)


def test_count_marks_of_several_records():
    """The counts of records add up; a lead without marks has all of its waves missed."""
    counts = counts_of(TWO_BEATS, [])
    count_marks(TWO_BEATS, {"II": [*beat(1.0), *beat(2.0)]}, counts)
    assert {(count.found, count.missed) for count in counts.values()} == {(2, 2)}
    assert MarkCounts(0, 0, 0, []).sensitivity == 0
