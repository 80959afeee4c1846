"""Beats are told apart by shape, prematurity and pacing."""

from __future__ import annotations

import pytest

from ecgimg import EcgRecord
from ecgimg.measurement import measure_record
from ecgimg.measurement.rhythm.beat_classes import BeatClass
from tests.measurement.measured import in_columns


def classes(numbers):
    return [beat.kind for beat in numbers.beats]


def test_dominant_beats(measured):
    """A regular rhythm has dominant beats only."""
    _, numbers = measured(30)
    assert set(classes(numbers)) == {BeatClass.DOMINANT}


@pytest.mark.parametrize("pattern", ["isolated", "bigeminy"])
def test_premature_ventricular_beats(measured, pattern):
    """Early wide beats are named so, and the intervals are those of the dominant ones."""
    heart, numbers = measured(31, pvc_pattern=pattern, pvc_per_min=12, rate_bpm=70)
    kinds = list(heart.fiducials.kind)
    assert abs(classes(numbers).count(BeatClass.PREMATURE_WIDE) - kinds.count("pvc")) <= 1
    assert kinds.count("pvc") >= 1
    assert numbers["qrs_ms"].value < 120


def test_bigeminy_with_more_premature_beats(measured):
    """Where a page shows more of the premature beats than of the others, these are the usual ones all the same."""
    heart, _ = measured(31, pvc_pattern="bigeminy", pvc_per_min=12, rate_bpm=70)
    marks, fs_hz = heart.fiducials, heart.record.fs_hz
    early = [beat for beat, kind in enumerate(marks.kind) if kind == "pvc"]
    first, last = early[0], early[-1]
    start, end = round((marks.qrs_onset_s[first] - 0.3) * fs_hz), round((marks.qrs_offset_s[last] + 0.4) * fs_hz)
    numbers = measure_record(EcgRecord(heart.record.signals[:, max(start, 0) : end], fs_hz, heart.record.leads))
    assert 2 * len(early) > len(numbers.beats)
    # nothing tells whether the first beat is early
    assert classes(numbers).count(BeatClass.PREMATURE_WIDE) >= len(early) - 2
    assert numbers["qrs_ms"].value < 120


def test_premature_atrial_beats(measured):
    """Early beats of the dominant shape are narrow ones."""
    heart, numbers = measured(32, pac_per_min=12, duration_s=20.0)
    count = classes(numbers).count(BeatClass.PREMATURE_NARROW)
    assert heart.fiducials.kind.count("pac") >= 1
    assert abs(count - heart.fiducials.kind.count("pac")) <= 1
    assert BeatClass.PREMATURE_WIDE not in classes(numbers)


def test_paced_beats(measured):
    """Beats after a spike are paced, and stand for the record where they are most."""
    _, numbers = measured(20, pacing="ventricular", rhythm="af", qrs_ms=160, axis_deg=-70)
    assert classes(numbers).count(BeatClass.PACED) > 0.7 * len(numbers.beats)
    assert numbers["qrs_ms"].value > 120


def test_irregular_beats_are_not_premature(measured):
    """In atrial fibrillation no beat of the dominant shape is early."""
    _, numbers = measured(33, rhythm="af")
    assert BeatClass.PREMATURE_NARROW not in classes(numbers)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"pacing": "ventricular", "rhythm": "af", "qrs_ms": 160, "axis_deg": -70}, BeatClass.PACED),
        ({"conduction": "clbbb", "qrs_ms": 150}, BeatClass.DOMINANT),
        ({"muscle_mv": 0.03, "gain": 0.6}, BeatClass.DOMINANT),
    ],
)
def test_classes_of_a_page(measured, options, kind):
    """Beats of one shape are of one class, though each column of a page shows other leads."""
    heart, whole = measured(21, **options)
    page = measure_record(in_columns(heart.record))
    assert classes(whole).count(kind) >= len(whole.beats) - 1
    assert classes(page).count(kind) >= len(page.beats) - 1
    assert page["qrs_ms"].value == pytest.approx(whole["qrs_ms"].value, abs=2 * page["qrs_ms"].expected_error)
