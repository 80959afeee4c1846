"""Records and pages are measured, or it is said why not."""

from __future__ import annotations

import numpy as np
import pytest

import ecgimg
from ecgimg import BadRecord, EcgRecord
from ecgimg.digitization import Digitization
from ecgimg.measurement import measure_record
from ecgimg.measurement.results import GLOBAL_NAMES, LEAD_NAMES
from ecgimg.reasons import ReasonCode
from ecgimg.resample import resample
from tests.conftest import ROOT
from tests.measurement.measured import in_columns

TWELVE = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


def code_of(measured, name):
    reason = measured[name].reason
    return reason.code if reason else None


@pytest.mark.parametrize("rate", [40, 72, 110])
def test_measure_rate(measured, rate):
    """The heart rate is that of the heart."""
    heart, numbers = measured(1, rate_bpm=rate, breath_rr=0.0, beat_variation=0.0)
    onsets_s = heart.fiducials.qrs_onset_s
    assert numbers["rate_bpm"].value == pytest.approx(60 / np.nanmean(np.diff(onsets_s)), abs=1)
    assert numbers["rate_min_bpm"].value <= numbers["rate_bpm"].value <= numbers["rate_max_bpm"].value


@pytest.mark.parametrize(
    ("options", "name", "truth_ms", "within_ms"),
    [
        ({"pr_ms": 150}, "pr_ms", 150, 25),
        ({"pr_ms": 260, "av_block": "first"}, "pr_ms", 260, 25),
        ({"qrs_ms": 90}, "qrs_ms", 90, 20),
        ({"conduction": "crbbb", "qrs_ms": 150}, "qrs_ms", 150, 30),
        ({"qt_ms": 400}, "qt_ms", 400, 40),
        ({"qt_ms": 500, "rate_bpm": 60}, "qt_ms", 500, 40),
    ],
)
def test_measure_intervals(measured, options, name, truth_ms, within_ms):
    """Intervals are those of the heart, as far as the ends of simulated waves are those that people mark."""
    _, numbers = measured(2, **options)
    assert numbers[name].value == pytest.approx(truth_ms, abs=within_ms)
    assert numbers[name].n >= 3
    assert numbers[name].expected_error > 0


@pytest.mark.parametrize("axis", [-60, 0, 60, 110])
def test_measure_axis(measured, axis):
    """The axis of the QRS is that of the heart."""
    options = {"conduction": "lafb"} if axis == -60 else {"conduction": "lpfb"} if axis == 110 else {}
    _, numbers = measured(3, axis_deg=axis, **options)
    assert numbers["qrs_axis_deg"].value == pytest.approx(axis, abs=12)


def test_measure_atrial_fibrillation(measured):
    """No P wave and no PR interval is given in atrial fibrillation, and its RR intervals are irregular."""
    _, numbers = measured(4, rhythm="af", rate_bpm=85)
    assert numbers["pr_ms"].value is None
    assert code_of(numbers, "pr_ms") == code_of(numbers, "p_duration_ms") == ReasonCode.NO_P_WAVE
    assert numbers.median_over_leads["pr_ms"] is None
    assert all(lead["p_mv"].value is None for lead in numbers.leads.values())
    _, regular = measured(4, rate_bpm=85)
    assert numbers["rr_irregularity"].value > 5 * regular["rr_irregularity"].value


def test_measure_unrelated_p_waves(measured):
    """No PR interval is given where P waves and QRS complexes go their own ways."""
    _, numbers = measured(5, av_block="third", rate_bpm=80)
    assert numbers["pr_ms"].value is None


@pytest.mark.parametrize("mv", [0.1, 0.3])
def test_measure_st_elevation(measured, mv):
    """The ST level is that of the heart, in mV and in millimetres."""
    _, raised = measured(6, st_mv={"anterior": mv}, rate_bpm=65)
    _, usual = measured(6, rate_bpm=65)
    change = raised.leads["V3"]["st_j60_mv"].value - usual.leads["V3"]["st_j60_mv"].value
    assert change == pytest.approx(mv, abs=0.04 + 0.1 * mv)
    summary = raised.leads["V3"].summary()["st_j60_mv"]
    assert summary["mm"] == pytest.approx(10 * summary["value"], abs=0.01)


def test_measure_every_number(measured):
    """Every number of a record and of a lead has a value or a reason, never both."""
    _, numbers = measured(7)
    assert set(numbers.values) == set(GLOBAL_NAMES)
    for lead in numbers.leads.values():
        assert set(lead.values) == set(LEAD_NAMES)
    for number in (*numbers.values.values(), *(x for lead in numbers.leads.values() for x in lead.values.values())):
        assert (number.value is None) == (number.reason is not None)


@pytest.mark.parametrize("fs_hz", [100.0, 250.0, 1000.0, 8000.0])
def test_measure_at_other_rates(measured, fs_hz):
    """Records of any rate from 100 Hz measure alike."""
    heart, numbers = measured(8)
    other = measure_record(resample(heart.record, fs_hz))
    for name, within in (("rate_bpm", 0.5), ("pr_ms", 10), ("qrs_ms", 12), ("qt_ms", 12)):
        assert other[name].value == pytest.approx(numbers[name].value, abs=within)


def test_measure_below_least_rate(heart_record):
    """A record below 100 Hz is refused in one sentence."""
    with pytest.raises(BadRecord, match="at least 100 Hz"):
        measure_record(resample(heart_record, 50))


@pytest.mark.parametrize("fill", [0.0, np.nan, 1.5])
def test_measure_without_heart(fill):
    """A record that is flat or unknown gives no number, and says so."""
    numbers = measure_record(EcgRecord(np.full((12, 5000), fill, np.float32), 500.0, TWELVE))
    assert not any(number.value is not None for number in numbers.values.values())
    assert numbers.beats == ()
    assert ReasonCode.NO_BEAT_FOUND in [reason.code for reason in numbers.reasons]


def test_measure_single_beat(measured):
    """Of a single beat neither a rate nor an interval of the record is given."""
    heart, _ = measured(9, rate_bpm=60)
    onset = int(heart.fiducials.qrs_onset_s[3] * 500)
    numbers = measure_record(EcgRecord(heart.record.signals[:, onset - 250 : onset + 300], 500.0, TWELVE))
    assert len(numbers.beats) <= 1
    assert all(
        numbers.values[name].value is None for name in ("rate_bpm", "pr_ms", "qrs_ms", "qt_ms") if numbers.values
    )


def test_measure_one_short_lead(measured):
    """A strip of one lead and 2.5 s gives a rate, and only what three beats can tell."""
    heart, _ = measured(10, rate_bpm=100)
    numbers = measure_record(EcgRecord(heart.record.signals[1:2, :1250], 500.0, ("II",)))
    assert numbers["rate_bpm"].value == pytest.approx(100, abs=4)
    assert code_of(numbers, "qrs_axis_deg") is ReasonCode.LEADS_NEEDED
    assert code_of(numbers, "sokolow_lyon_mv") is ReasonCode.LEADS_NEEDED


@pytest.mark.parametrize("rate", [30, 250])
def test_measure_extreme_rates(measured, rate):
    """Very slow and very fast hearts are counted right."""
    options = {"rhythm": "svt"} if rate == 250 else {}
    _, numbers = measured(11, rate_bpm=rate, breath_rr=0.0, **options)
    assert numbers["rate_bpm"].value == pytest.approx(rate, rel=0.04)


def test_measure_huge_voltage(measured):
    """A record in the wrong unit is measured as it is: times hold, voltages are large."""
    heart, numbers = measured(12)
    huge = measure_record(EcgRecord(heart.record.signals * 1000, 500.0, TWELVE))
    assert huge["qt_ms"].value == pytest.approx(numbers["qt_ms"].value, abs=1)
    assert huge.leads["V2"]["s_mv"].value == pytest.approx(1000 * numbers.leads["V2"]["s_mv"].value, rel=0.01)


def test_measure_columns_of_page(measured):
    """Of columns that follow each other in time, each lead is measured where it is shown, the rest over all."""
    heart, numbers = measured(13, rate_bpm=80)
    page = measure_record(in_columns(heart.record))
    for name, within in (("rate_bpm", 1), ("pr_ms", 8), ("qrs_ms", 8), ("qt_ms", 12), ("qrs_axis_deg", 10)):
        assert page[name].value == pytest.approx(numbers[name].value, abs=within)
    assert page.leads["V6"].seen_s == pytest.approx(2.5)
    assert 1 <= page.leads["V6"]["qrs_ms"].n <= 4


def test_measure_refused_page():
    """A page that was not read gives the page's reasons."""
    page = Digitization("refused", (ReasonCode.NO_TRACE_FOUND.reason(),))
    numbers = ecgimg.measure(page)
    assert numbers.values == {}
    assert numbers.reasons[0].code is ReasonCode.PAGE_NOT_READ


def test_measure_beats_cut_off(measured):
    """Beats whose P wave or QRS is cut off at an end do not count against the others."""
    heart, numbers = measured(15, rate_bpm=50)
    first = int(heart.fiducials.qrs_onset_s[1] * 500) + 20
    cut = measure_record(EcgRecord(heart.record.signals[:, first : first + 2000], 500.0, TWELVE))
    assert cut["pr_ms"].value == pytest.approx(numbers["pr_ms"].value, abs=10)


def test_measure_assumed_gain(heart_record):
    """Voltages are not summed where the page's gain is assumed; times are."""
    page = Digitization("limited", record=heart_record.select(TWELVE), sources={"gain": "assumed"})
    numbers = ecgimg.measure(page)
    assert code_of(numbers, "sokolow_lyon_mv") is ReasonCode.VOLTAGES_UNCERTAIN
    assert numbers["qt_ms"].value is not None


def test_measure_page_file():
    """A picture is digitized and measured."""
    numbers = ecgimg.measure(ROOT / "ecgimg" / "samples" / "scan.jpg")
    assert 70 < numbers["rate_bpm"].value < 86
    assert numbers["pr_ms"].value is not None


def test_measure_long_record(measured):
    """A record of several windows is measured as one."""
    heart, numbers = measured(14, duration_s=70.0, rate_bpm=75)
    assert len(numbers.beats) == pytest.approx(np.isfinite(heart.fiducials.r_peak_s).sum(), abs=1)
    assert numbers["sdnn_ms"].value is not None
