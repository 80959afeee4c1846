"""Usual beats lie on their QRS onset, and show no more than one beat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ecgimg.comparison.usual_beats import TIMES_S, usual_beats
from ecgimg.measurement import Measured, Measurements
from ecgimg.measurement.rhythm.beat_classes import BeatClass
from tests.comparison.reports import ONSETS_S, beating_record, beats_of


def measured(record, beats, rr_ms: float = 800.0) -> Measurements:
    return Measurements(values={"rr_ms": Measured(rr_ms)}, record=record, beats=beats)


def test_usual_beat_begins_at_zero():
    """The QRS begins at 0 s and peaks where the record's does, with its height."""
    record = beating_record(1.5)
    beats = usual_beats(measured(record, beats_of(record)))
    assert set(beats) == set(record.leads)
    beat = beats["V3"]
    assert beat.n == len(ONSETS_S)
    assert TIMES_S[np.nanargmax(beat.mv)] == pytest.approx(0.04, abs=0.0021)
    assert np.nanmax(beat.mv) == pytest.approx(1.5, abs=0.03)
    assert np.abs(beat.mv[TIMES_S < -0.002]).max() == pytest.approx(0.0, abs=0.01)


def test_usual_beat_leaves_out_other_beats():
    """Premature beats do not stand for the record; paced ones do where they are more."""
    record = beating_record(onsets_s=ONSETS_S[:6])
    flat = beats_of(record, ONSETS_S[6:], BeatClass.PREMATURE_WIDE)
    beats = usual_beats(measured(record, (*beats_of(record, ONSETS_S[:6]), *flat)))
    assert beats["II"].n == 6
    assert np.nanmax(beats["II"].mv) == pytest.approx(1.0, abs=0.02)
    paced = beats_of(record, ONSETS_S[:6], BeatClass.PACED)
    assert usual_beats(measured(record, (*paced, *beats_of(record, ONSETS_S[6:7]))))["II"].n == 6


def test_usual_beat_ends_before_the_next():
    """Of a fast heart the next beat is not shown."""
    onsets_s = np.arange(0.6, 9.0, 0.4)
    record = beating_record(onsets_s=onsets_s)
    mv = usual_beats(measured(record, beats_of(record, onsets_s), 400.0))["II"].mv
    assert np.isfinite(mv[TIMES_S < 0.319]).all()
    assert np.isnan(mv[TIMES_S > 0.321]).all()


def test_lead_that_is_not_shown_has_no_beat():
    """A lead whose beats are not seen has no usual beat, and nothing is put in its place."""
    record = beating_record()
    seen = tuple(
        replace(beat, leads={"II": beat.leads["II"]} if place else dict(beat.leads))
        for place, beat in enumerate(beats_of(record))
    )
    beats = usual_beats(measured(record, seen))
    assert (beats["II"].n, beats["V1"].n) == (len(ONSETS_S), 1)
    assert usual_beats(Measurements()) == {}
