"""What is said of measurements, and what is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ecgimg.measurement import Measurements, measure_record
from ecgimg.measurement.rhythm.beat_classes import BeatClass
from ecgimg.reasons import ReasonCode
from ecgimg.reporting import Grade, Patient, StatementCode, find_statements
from synth import HeartSpec, simulate
from tests.reporting.measured import measured_heart


def said(measured, patient=None):
    return {statement.code: statement.grade for statement in find_statements(measured, patient)}


def test_healthy_heart():
    """Nothing is said of a heart whose numbers are all within their limits."""
    assert said(measured_heart()) == {}


def test_nothing_measured():
    """Nothing is said where nothing was measured."""
    assert find_statements(Measurements()) == ()


@pytest.mark.parametrize(
    ("values", "code", "grade"),
    [
        ({"rate_bpm": 104}, StatementCode.FAST, Grade.LIKELY),
        ({"rate_bpm": 101}, StatementCode.FAST, Grade.POSSIBLE),
        ({"rate_bpm": 160}, StatementCode.VERY_FAST, Grade.CRITICAL),
        ({"rate_bpm": 45}, StatementCode.SLOW, Grade.LIKELY),
        ({"rate_bpm": 35}, StatementCode.VERY_SLOW, Grade.CRITICAL),
        ({"pr_ms": 230}, StatementCode.LONG_PR, Grade.LIKELY),
        ({"pr_ms": 204}, StatementCode.LONG_PR, Grade.POSSIBLE),
        ({"pr_ms": 90}, StatementCode.SHORT_PR, Grade.LIKELY),
        ({"qtc_fridericia_ms": 500}, StatementCode.LONG_QTC, Grade.LIKELY),
        ({"qtc_fridericia_ms": 310}, StatementCode.SHORT_QTC, Grade.LIKELY),
        ({"qrs_axis_deg": -60}, StatementCode.LEFT_AXIS, Grade.LIKELY),
        ({"qrs_axis_deg": 130}, StatementCode.RIGHT_AXIS, Grade.LIKELY),
        ({"qrs_axis_deg": -170}, StatementCode.EXTREME_AXIS, Grade.LIKELY),
        ({"qrs_axis_deg": -33}, StatementCode.LEFT_AXIS, Grade.POSSIBLE),
        ({"sokolow_lyon_mv": 4.2}, StatementCode.HIGH_VOLTAGE, Grade.LIKELY),
        ({"limb_voltage_mv": 0.3, "chest_voltage_mv": 0.7}, StatementCode.LOW_VOLTAGE, Grade.LIKELY),
        ({"pr_ms": 215}, StatementCode.LONG_PR, Grade.POSSIBLE),
        ({"qtc_fridericia_ms": 470}, StatementCode.LONG_QTC, Grade.POSSIBLE),
        ({"qrs_axis_deg": 96}, StatementCode.RIGHT_AXIS, Grade.POSSIBLE),
        ({"limb_voltage_mv": 0.3}, StatementCode.LOW_VOLTAGE, Grade.POSSIBLE),
        ({"chest_voltage_mv": 0.7}, StatementCode.LOW_VOLTAGE, Grade.POSSIBLE),
        ({"qrs_ms": 150}, StatementCode.LEFT_BUNDLE_BRANCH_BLOCK, Grade.LIKELY),
    ],
)
def test_statement_of_a_number(values, code, grade):
    """A number beyond its limit is stated, likely where it is so by more than its error."""
    alone = {"s_mv": -0.02}
    leads = {"V1": {"qrs_area_mv_ms": -20.0}, "I": alone, "V6": alone} if "qrs_ms" in values else {}
    assert said(measured_heart(leads, **values)) == {code: grade}


def test_limits_by_sex():
    """QTc and Cornell voltage have other limits for men and women."""
    assert said(measured_heart(qtc_fridericia_ms=470), Patient(male=True)) == {StatementCode.LONG_QTC: Grade.LIKELY}
    assert said(measured_heart(qtc_fridericia_ms=455), Patient(male=False)) == {}
    assert said(measured_heart(cornell_mv=2.4), Patient(male=False)) == {StatementCode.HIGH_VOLTAGE: Grade.LIKELY}
    assert said(measured_heart(cornell_mv=2.4)) == {}


def test_shapes_of_wide_qrs():
    """A wide QRS that is upright in V1 is that of right bundle branch block; without V1 or paced it has no name."""
    right = measured_heart({"V1": {"qrs_area_mv_ms": 30.0}}, qrs_ms=150)
    assert StatementCode.RIGHT_BUNDLE_BRANCH_BLOCK in said(right)
    leads = {lead: numbers for lead, numbers in right.leads.items() if lead != "V1"}
    assert StatementCode.WIDE_QRS in said(replace(right, leads=leads))
    # an ordinary QRS is not upright in V1 either, and has S waves at the side
    assert StatementCode.WIDE_QRS in said(measured_heart({"V1": {"qrs_area_mv_ms": -20.0}}, qrs_ms=150))
    paced = measured_heart({"V1": {"qrs_area_mv_ms": 30.0}}, (BeatClass.PACED,) * 9, qrs_ms=150, qrs_axis_deg=-80)
    assert set(said(paced)) == {StatementCode.WIDE_QRS, StatementCode.PACED_RHYTHM}


@pytest.mark.parametrize(
    ("level_mv", "patient", "grade"),
    [
        (0.20, Patient(), Grade.CRITICAL),
        (0.16, Patient(), Grade.POSSIBLE),
        (0.20, Patient(male=False), Grade.CRITICAL),
        (0.19, Patient(male=True, age_years=60.0), None),
        (0.24, Patient(male=True, age_years=60.0), Grade.CRITICAL),
        (0.24, Patient(male=True, age_years=25.0), None),
    ],
)
def test_st_elevation_in_v2_and_v3(level_mv, patient, grade):
    """The limit in V2 and V3 is by sex and age, the lowest where they are not known."""
    raised = measured_heart({lead: {"st_j_mv": level_mv, "st_j60_mv": level_mv} for lead in ("V2", "V3")})
    assert said(raised, patient).get(StatementCode.ST_ELEVATION) == grade


def test_st_elevation_of_one_lead():
    """A single lead tells of no injury, nor do two that face other walls."""
    assert said(measured_heart({"V4": {"st_j_mv": 0.4}})) == {}
    assert said(measured_heart({"V4": {"st_j_mv": 0.4}, "aVF": {"st_j_mv": 0.4}})) == {}


def test_st_elevation_names_its_wall():
    """A statement names wall, leads, values, limits, meaning and source."""
    levels = {"II": 0.2, "aVF": 0.25, "III": 0.3}
    (statement,) = find_statements(measured_heart({lead: {"st_j_mv": level} for lead, level in levels.items()}))
    assert statement.name == "ST elevation, inferior leads"
    assert statement.leads == ("II", "aVF", "III")
    assert statement.text == (
        "ST elevation, inferior leads: II 0.2 mV (limit 0.1), aVF 0.25 mV (limit 0.1), III 0.3 mV (limit 0.1)."
    )
    summary = statement.summary()
    assert summary["grade"] == "critical"
    assert summary["basis"][0] == {"name": "ST at J", "lead": "II", "value": 0.2, "limit": 0.1, "unit": "mV"}
    assert "Circulation" in summary["source"]


def test_st_elevation_of_noisy_leads():
    """What a noisy lead shows is not stated."""
    raised = measured_heart({lead: {"st_j_mv": 0.4} for lead in ("V4", "V5")})
    noisy = replace(raised.leads["V5"], noise=replace(raised.leads["V5"].noise, wander_uv=300.0))
    assert said(replace(raised, leads={**raised.leads, "V5": noisy})) == {}


def test_st_elevation_across_a_noisy_lead():
    """Leads on both sides of one that cannot be judged are neighbours; of one that shows no elevation they are not."""
    raised = measured_heart({lead: {"st_j_mv": 0.4} for lead in ("V2", "V4")})
    assert StatementCode.ST_ELEVATION not in said(raised)
    noisy = replace(raised.leads["V3"], noise=replace(raised.leads["V3"].noise, wander_uv=300.0))
    across = replace(raised, leads={**raised.leads, "V3": noisy})
    assert said(across) == {StatementCode.ST_ELEVATION: Grade.CRITICAL}


def test_st_elevation_of_assumed_gain():
    """Where the gain of a page is assumed, elevation is critical all the same; depression likely from twice."""
    missing = {"limb_voltage_mv": ReasonCode.VOLTAGES_UNCERTAIN}
    up = {key: {"st_j_mv": 0.18} for key in ("II", "III", "aVF")}
    assert said(measured_heart(up, missing=missing)) == {StatementCode.ST_ELEVATION: Grade.CRITICAL}
    low, inverted = {"st_j_mv": -0.07, "st_j60_mv": -0.07}, {"t_mv": -0.15}
    assert said(measured_heart(dict.fromkeys(("V5", "V6"), low | inverted), missing=missing)) == {
        StatementCode.ST_DEPRESSION: Grade.POSSIBLE,
        StatementCode.INVERTED_T: Grade.POSSIBLE,
    }


def test_st_elevation_with_high_voltage():
    """In V1 to V3 beside high voltage it is possible only up to a quarter of the S wave, which hypertrophy explains."""
    for s_mv, grade in ((-3.0, Grade.POSSIBLE), (-0.8, Grade.CRITICAL)):
        leads = {lead: {"st_j_mv": 0.3, "s_mv": s_mv} for lead in ("V2", "V3")}
        assert said(measured_heart(leads, sokolow_lyon_mv=5.0))[StatementCode.ST_ELEVATION] is grade


def test_st_elevation_of_wide_qrs():
    """Of a wide QRS, only ST elevation in the direction of the QRS is stated."""
    up = {lead: {"st_j_mv": 0.3, "qrs_area_mv_ms": -30.0} for lead in ("V1", "V2", "V3")}
    assert StatementCode.ST_ELEVATION not in said(measured_heart(up, qrs_ms=150))
    code, same = StatementCode.ST_ELEVATION_WIDE_QRS, {"st_j_mv": 0.3, "qrs_area_mv_ms": 30.0}
    assert said(measured_heart(up | {"V5": same}, qrs_ms=150))[code] is Grade.POSSIBLE
    assert said(measured_heart(up | {"V5": same, "V6": same}, qrs_ms=150))[code] is Grade.CRITICAL
    right = dict.fromkeys(("V1", "V2", "V3"), same)
    assert said(measured_heart(right, qrs_ms=150))[StatementCode.ST_ELEVATION] is Grade.CRITICAL


def test_st_depression():
    """ST depression lasts beyond J; an upsloping one is not stated, a widespread one with raised aVR is critical."""
    lasting, upsloping = ({"st_j_mv": -0.1, "st_j60_mv": level} for level in (-0.09, 0.0))
    assert said(measured_heart(dict.fromkeys(("V5", "V6"), lasting))) == {StatementCode.ST_DEPRESSION: Grade.LIKELY}
    assert said(measured_heart(dict.fromkeys(("V5", "V6"), upsloping))) == {}
    leads, raised = ("I", "II", "V3", "V4", "V5", "V6"), {"aVR": {"st_j_mv": 0.1}}
    deep = {key: {"st_j_mv": -0.15, "st_j60_mv": -0.12} for key in leads}
    assert said(measured_heart(deep | raised)) == {StatementCode.ST_DEPRESSION_WIDESPREAD: Grade.CRITICAL}
    shallow = dict.fromkeys(leads, lasting)
    assert said(measured_heart(shallow | raised)) == {StatementCode.ST_DEPRESSION: Grade.LIKELY}


def test_posterior_pattern():
    """ST depression of V1 to V4 alone with upright T waves is ST elevation at the back."""
    low = {"st_j_mv": -0.1, "st_j60_mv": -0.09}
    posterior = StatementCode.ST_DEPRESSION_POSTERIOR
    assert said(measured_heart(dict.fromkeys(("V1", "V2", "V3"), low))) == {posterior: Grade.CRITICAL}
    assert posterior not in said(measured_heart(dict.fromkeys(("V2", "V3"), low | {"t_mv": -0.2})))
    assert said(measured_heart(dict.fromkeys(("V3", "V4", "V5"), low))) == {StatementCode.ST_DEPRESSION: Grade.LIKELY}


def test_inverted_t():
    """Inverted T waves of two contiguous leads are stated, but not those of V1, III and aVR."""
    down = {"t_mv": -0.2}
    assert said(measured_heart(dict.fromkeys(("V3", "V4"), down))) == {StatementCode.INVERTED_T: Grade.LIKELY}
    assert said(measured_heart(dict.fromkeys(("V1", "III", "aVR"), down))) == {}


def test_pathological_q():
    """Long Q waves of two contiguous leads are stated, likely from 40 ms, and none of a wide QRS or of V1 and V2."""
    short, long = ({"q_mv": -0.3, "q_duration_ms": duration} for duration in (32.0, 45.0))
    code = StatementCode.PATHOLOGICAL_Q
    assert said(measured_heart(dict.fromkeys(("III", "aVF"), short))) == {code: Grade.POSSIBLE}
    assert said(measured_heart(dict.fromkeys(("III", "aVF"), long))) == {code: Grade.LIKELY}
    assert said(measured_heart(dict.fromkeys(("V1", "V2"), long))) == {}
    assert code not in said(measured_heart(dict.fromkeys(("III", "aVF"), long), qrs_ms=150))


def test_irregular_without_p():
    """Irregular beats without P waves are as in fibrillation; with P waves or many other beats they are not."""
    no_p = {"p_duration_ms": ReasonCode.NO_P_WAVE, "pr_ms": ReasonCode.NO_P_WAVE}
    code = StatementCode.IRREGULAR_WITHOUT_P
    assert said(measured_heart(missing=no_p, rr_irregularity=0.2)) == {code: Grade.LIKELY}
    assert said(measured_heart(rr_irregularity=0.2)) == {}
    bigeminy = (BeatClass.DOMINANT, BeatClass.PREMATURE_WIDE) * 6
    assert code not in said(measured_heart(beats=bigeminy, missing=no_p, rr_irregularity=0.2))


@pytest.mark.parametrize("names", [("p_duration_ms", "pr_ms"), ("pr_ms",)])
def test_complete_av_block(names):
    """P waves beside slow regular beats that they do not lead to are critical, beside usual beats they are not."""
    missing = dict.fromkeys(names, ReasonCode.P_NOT_CONDUCTED)
    lone_p_s = ((1.0, 1.1), (3.0, 3.1))

    def codes(**values):
        return said(replace(measured_heart(missing=missing, **values), lone_p_s=lone_p_s))

    code = StatementCode.COMPLETE_AV_BLOCK
    assert codes(rate_bpm=42) == {code: Grade.CRITICAL, StatementCode.SLOW: Grade.LIKELY}
    assert code not in codes(rate_bpm=75)
    assert code not in codes(rate_bpm=42, rr_irregularity=0.2)
    assert code not in said(measured_heart(missing=missing, rate_bpm=42))  # PR changes, but each P leads to a beat


def test_blocked_p_waves_and_pause():
    """P waves that no beat follows are possible second degree block, and a pause of three seconds is stated."""
    blocked = replace(measured_heart(), lone_p_s=((1.0, 1.1), (3.0, 3.1)))
    assert said(blocked) == {StatementCode.BLOCKED_P: Grade.POSSIBLE}
    assert said(measured_heart(rate_min_bpm=18)) == {StatementCode.PAUSE: Grade.LIKELY}


def test_single_beats():
    """A rate of one RR interval is never critical, and what one beat shows is possible at most."""
    fast = measured_heart(rate_bpm=200)
    assert said(replace(fast, values={**fast.values, "rate_bpm": replace(fast.values["rate_bpm"], n=1)})) == {}
    raised = measured_heart({lead: {"st_j_mv": 0.4, "q_mv": -0.3, "q_duration_ms": 50.0} for lead in ("V4", "V5")})
    once = {
        lead: replace(numbers, values={name: replace(value, n=1) for name, value in numbers.values.items()})
        for lead, numbers in raised.leads.items()
    }
    assert set(said(replace(raised, leads=once)).values()) == {Grade.POSSIBLE}


def test_st_without_baseline():
    """Where T runs into the next beat, and without P waves, ST depression is possible only."""
    lasting = {key: {"st_j_mv": -0.13, "st_j60_mv": -0.12} for key in ("I", "II", "V3", "V4", "V5", "V6")}
    leads = lasting | {"aVR": {"st_j_mv": 0.1}}
    code = StatementCode.ST_DEPRESSION_WIDESPREAD
    assert said(measured_heart(leads, missing={"qt_ms": ReasonCode.T_RUNS_INTO_P}))[code] is Grade.POSSIBLE
    assert said(measured_heart(leads, missing={"p_duration_ms": ReasonCode.NO_P_WAVE}))[code] is Grade.POSSIBLE


def test_low_voltage_of_disconnected_leads():
    """Leads that show no heart have no low voltage."""
    low = measured_heart(limb_voltage_mv=0.01)
    flat = replace(low.leads["II"], noise=replace(low.leads["II"].noise, state="flat"))
    assert said(replace(low, leads={**low.leads, "II": flat})) == {}


def test_premature_beats_of_fibrillation():
    """In atrial fibrillation no narrow beat is premature."""
    no_p = {"p_duration_ms": ReasonCode.NO_P_WAVE, "pr_ms": ReasonCode.NO_P_WAVE}
    beats = (BeatClass.DOMINANT,) * 9 + (BeatClass.PREMATURE_NARROW,) * 2
    assert set(said(measured_heart(beats=beats, missing=no_p, rr_irregularity=0.2))) == {
        StatementCode.IRREGULAR_WITHOUT_P
    }


def test_texts_of_counts_and_near_limits():
    """Counts read as counts, and a number just beyond its limit does not read as if it were the limit."""
    (beats,) = find_statements(measured_heart(beats=(BeatClass.DOMINANT,) * 9 + (BeatClass.PREMATURE_WIDE,) * 3))
    assert beats.text == "Premature wide beats: 3 of 12 beats."
    (slow,) = find_statements(measured_heart(rate_bpm=49.97))
    assert slow.text == "Slow heart rate: rate 49.97 bpm (limit 50)."
    (axis,) = find_statements(measured_heart(qrs_axis_deg=-53.2))
    assert axis.text == "Left axis deviation: QRS axis -53.2° (limit -30)."


def test_wide_tachycardia():
    """A fast rhythm of wide beats without P waves is critical."""
    no_p = {"p_duration_ms": ReasonCode.NO_P_WAVE, "pr_ms": ReasonCode.NO_P_WAVE}
    assert (
        said(measured_heart(missing=no_p, rate_bpm=170, qrs_ms=160))[StatementCode.WIDE_TACHYCARDIA] is Grade.CRITICAL
    )
    assert StatementCode.WIDE_TACHYCARDIA not in said(measured_heart(rate_bpm=130, qrs_ms=160))


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (BeatClass.PREMATURE_WIDE, StatementCode.PREMATURE_VENTRICULAR),
        (BeatClass.PREMATURE_NARROW, StatementCode.PREMATURE_NARROW),
    ],
)
def test_premature_beats(kind, code):
    """One premature beat is possible, several wide ones are likely; narrow ones are sinus arrhythmia as often."""
    usual = (BeatClass.DOMINANT,) * 9
    assert said(measured_heart(beats=(*usual, kind))) == {code: Grade.POSSIBLE}
    several = Grade.LIKELY if kind is BeatClass.PREMATURE_WIDE else Grade.POSSIBLE
    assert said(measured_heart(beats=(*usual, kind, kind))) == {code: several}


def test_gravest_first():
    """Statements are ordered by grade."""
    mixed = measured_heart({lead: {"st_j_mv": 0.3} for lead in ("V3", "V4")}, pr_ms=204, qrs_axis_deg=-60)
    grades = [statement.grade for statement in find_statements(mixed)]
    assert grades == [Grade.CRITICAL, Grade.LIKELY, Grade.POSSIBLE]


@pytest.mark.parametrize("territory", ["anterior", "inferior", "lateral"])
def test_simulated_infarction(territory):
    """A simulated infarction of 0.25 mV is critical, and names its wall; the same heart without it is not."""
    for level_mv, grades in ((0.25, {Grade.CRITICAL}), (0.0, set())):
        heart = simulate(HeartSpec(st_mv={territory: level_mv} if level_mv else {}), np.random.default_rng(4), 10.0)
        critical = [each for each in find_statements(measure_record(heart.record)) if each.grade is Grade.CRITICAL]
        assert {each.grade for each in critical} == grades
        assert all(territory in each.where for each in critical)
