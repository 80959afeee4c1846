"""The waves of a simulated heart as each lead shows them."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.leads import STANDARD_LEADS
from synth.heart.fiducials import locate_lead_waves
from synth.heart.waves import Wave
from tests.synth.heart.measurements import EXACT, heart, quiet

OPTIONS = [{}, {"conduction": "clbbb"}, {"conduction": "crbbb"}, {"pvc_per_min": 12.0}, {"rhythm": "af"}]


def spans(beats):
    """Onset and end of every P, QRS and T of the whole heart, those just off the canvas too."""
    timed = [(beat.qrs_onset_s, waves) for beat, waves in beats.beats]
    timed += [(event.onset_s, waves) for event, waves in beats.atria]
    for zero_s, waves in timed:
        for kind in ("P", "QRS", "T"):
            own = [wave for wave in waves if wave.part == kind]
            if own:
                yield kind, zero_s + min(wave.start_s for wave in own), zero_s + max(wave.end_s for wave in own)


@pytest.mark.parametrize("options", OPTIONS)
def test_lead_waves_lie_within_those_of_heart(options):
    """Every wave of a lead lies within one of the heart, and peaks between its onset and its end."""
    beats = quiet(2, **options)
    whole = list(spans(beats))
    for wave in beats.lead_waves:
        assert wave.onset_s < wave.peak_s < wave.end_s
        within = [
            onset_s - 0.002 <= wave.onset_s and wave.end_s <= end_s + 0.002
            for kind, onset_s, end_s in whole
            if kind == wave.kind
        ]
        assert any(within)


@pytest.mark.parametrize("options", OPTIONS)
def test_lead_waves_of_every_lead(options):
    """Each lead has one wave for each wave of the heart, visible or not, in the order of the leads."""
    beats = quiet(3, **options)
    count = len(list(spans(beats)))
    assert len(beats.lead_waves) == count * len(STANDARD_LEADS)
    for lead in STANDARD_LEADS:
        assert sum(wave.lead == lead for wave in beats.lead_waves) == count


def test_lead_waves_agree_with_fiducials():
    """Over all leads the earliest onset and the latest end are nearly those of the fiducials.

    Only the onset of T is marked later: annotators do not see how flat it begins.
    """
    beats = heart(5, rate_bpm=62, **EXACT)
    f, seen = beats.fiducials, [wave for wave in beats.lead_waves if wave.is_visible]
    marks = {
        "P": (f.p_onset_s, f.p_peak_s, f.p_offset_s),
        "QRS": (f.qrs_onset_s, f.r_peak_s, f.qrs_offset_s),
        "T": (f.t_onset_s, f.t_peak_s, f.t_offset_s),
    }
    for kind, columns in marks.items():
        for onset_s, peak_s, end_s in zip(*columns, strict=True):
            if not np.isfinite(onset_s + peak_s + end_s):
                continue
            own = [wave for wave in seen if wave.kind == kind and wave.onset_s < peak_s < wave.end_s]
            assert len(own) >= 8
            first_s = min(wave.onset_s for wave in own)
            assert onset_s < first_s < peak_s if kind == "T" else first_s == pytest.approx(onset_s, abs=0.025)
            assert max(wave.end_s for wave in own) == pytest.approx(end_s, abs=0.025)
            assert np.median([wave.peak_s for wave in own]) == pytest.approx(peak_s, abs=0.025)


def test_small_lead_waves_are_not_visible():
    """A wave that is too small to be marked in a lead is not visible there; its times are those of the heart."""
    beat = [
        Wave(part, at - 0.05, at, 0.0, at + 0.05, np.ones(1)) for part, at in (("P", 0.1), ("QRS", 0.3), ("T", 0.6))
    ]
    waves = locate_lead_waves([(2.0, beat)], np.array([[1.0], [0.05], [0.01]]), ("I", "II", "III"))
    visible = {(wave.lead, wave.kind) for wave in waves if wave.is_visible}
    assert visible == {("I", "P"), ("I", "QRS"), ("I", "T"), ("II", "P"), ("II", "T")}
    for wave in waves:
        if not wave.is_visible:
            at = {"P": 0.1, "QRS": 0.3, "T": 0.6}[wave.kind]
            assert (wave.onset_s, wave.end_s) == pytest.approx((2 + at - 0.05, 2 + at + 0.05), abs=0.002)


def test_lead_waves_begin_later_where_lower():
    """A lead that shows a wave small begins it later and ends it earlier than one that shows it tall."""
    beat = [Wave("QRS", -0.05, 0.0, 0.0, 0.05, np.ones(1))]
    tall, low = locate_lead_waves([(1.0, beat)], np.array([[1.5], [-0.2]]), ("I", "II"))
    assert tall.onset_s < low.onset_s < low.peak_s < low.end_s < tall.end_s
    assert tall.peak_s == pytest.approx(low.peak_s)


def test_lead_waves_of_no_wave():
    """A beat without a part, and a heart without beats, have no such waves."""
    assert locate_lead_waves([(1.0, [])], np.eye(2), ("I", "II")) == ()
    beats = quiet(1, rhythm="af")
    assert not any(wave.kind == "P" for wave in beats.lead_waves)
