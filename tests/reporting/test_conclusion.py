"""Findings and statements are told as one list."""

from __future__ import annotations

import pytest

from ecgimg.classification.findings import Finding, Findings
from ecgimg.classification.labels import LABELS
from ecgimg.measurement import Measurements
from ecgimg.measurement.rhythm.beat_classes import BeatClass
from ecgimg.reasons import ReasonCode
from ecgimg.reporting import Grade, conclude
from ecgimg.reporting.contradictions import is_contradicted
from tests.reporting.measured import measured_heart


def findings_of(**probabilities: float) -> Findings:
    """Findings of which some labels are probable; likely from 0.5 on, possible from 0.2."""
    named = {name.replace("_or_", "/"): value for name, value in probabilities.items()}
    return Findings(findings=tuple(Finding(label, named.get(label, 0.01), 0.5, None, 0.5, 0.2) for label in LABELS))


def told(findings, measured=None):
    conclusion = conclude(findings, measured or measured_heart())
    return {judgement.name: judgement.grade for judgement in conclusion.judgements}


def test_findings_by_grade():
    """A finding is likely or possible by its thresholds, and told without a probability below both."""
    assert told(findings_of(LVH=0.7, IRBBB=0.3, WPW=0.1)) == {
        "left ventricular hypertrophy": Grade.LIKELY,
        "incomplete right bundle branch block": Grade.POSSIBLE,
    }


def test_statement_joins_its_finding():
    """A statement and the finding that says the same are told once, with numbers and probability."""
    (judgement,) = conclude(findings_of(AVB=0.8), measured_heart(pr_ms=240)).judgements
    assert judgement.finding.label == "AVB"
    assert judgement.text == "Atrioventricular block 80 %, long PR interval: PR interval 240 ms (limit 200)."
    assert not judgement.differs


def test_statement_that_the_classifier_does_not_see():
    """What is measured is told though no finding says it, and that is said."""
    (judgement,) = conclude(findings_of(), measured_heart(pr_ms=240)).judgements
    assert judgement.grade is Grade.LIKELY
    assert judgement.differs == "the classifier does not see it"
    assert judgement.summary()["probability"] is None


def test_graver_finding():
    """A graver finding raises the statement that says the same, and is told beside one that only goes with it."""
    measured = measured_heart(missing=NO_P, rr_irregularity=0.09)
    probable = findings_of(**{"AFIB": 0.8, "cinc_AFIB/AFL": 0.9})
    assert told(probable, measured) == {"atrial fibrillation": Grade.LIKELY}
    assert told(findings_of(**{"LAFB/LPFB": 0.8}), measured_heart(qrs_axis_deg=-33)) == {
        "left anterior or posterior fascicular block": Grade.LIKELY,
        "left axis deviation": Grade.POSSIBLE,
    }


def test_contradicted_finding():
    """A finding that the measurements contradict is possible at most."""
    (judgement,) = conclude(findings_of(AFIB=0.9), measured_heart()).judgements
    assert (judgement.name, judgement.grade) == ("atrial fibrillation", Grade.POSSIBLE)
    assert judgement.differs == "what is measured does not agree"


def test_exclusive_rhythms():
    """Of rhythms, the likeliest that is not contradicted is told."""
    assert told(findings_of(SR=0.9, SARRH=0.6, AFIB=0.95)) == {"sinus rhythm": Grade.LIKELY}


def test_superclass_and_its_parts():
    """A superclass stands before its parts, and is left out where a part is told as gravely."""
    names = list(told(findings_of(super_MI=0.7, AMI=0.4, IMI=0.45)))
    assert names == [
        "myocardial infarction of any wall", "anterior myocardial infarction", "inferior myocardial infarction"
    ]  # fmt: skip
    assert list(told(findings_of(super_MI=0.7, AMI=0.6))) == ["anterior myocardial infarction"]


@pytest.mark.parametrize(
    ("probabilities", "measured", "is_normal"),
    [
        ({"NORM": 0.9, "SR": 0.9}, {}, True),
        ({"NORM": 0.9, "LVH": 0.6}, {}, False),
        ({"NORM": 0.9, "LVH": 0.3}, {}, True),
        ({"NORM": 0.9}, {"pr_ms": 204}, False),
        ({"NORM": 0.9, "STE": 0.08}, {}, False),
        ({"NORM": 0.4}, {}, False),
    ],
)
def test_normal_ecg(probabilities, measured, is_normal):
    """An ECG is normal where nothing is outside its limits, likely, or a sign of what is critical."""
    names = told(findings_of(**probabilities), measured_heart(**measured))
    assert ("normal ECG" in names) == is_normal


def test_challenge_labels_are_not_told_twice():
    """The labels of the challenge repeat others, and are not told."""
    assert told(findings_of(**{"cinc_HYP": 0.9, "LVH": 0.9})) == {"left ventricular hypertrophy": Grade.LIKELY}


def test_what_is_not_judged():
    """Labels that are not judged are named with their reason."""
    reason = ReasonCode.TOO_FEW_TO_LEARN.reason()
    findings = Findings(findings=(Finding("PMI", None, None, reason), Finding("LVH", 0.9, 0.5, None, 0.5, 0.2)))
    conclusion = conclude(findings, measured_heart())
    assert conclusion.not_judged == {reason: ("posterior myocardial infarction",)}
    assert conclusion.summary()["not_judged"][0]["names"] == ["posterior myocardial infarction"]


def test_conclusion_without_measurements():
    """Findings are told where nothing could be measured."""
    assert told(findings_of(AFIB=0.9), Measurements()) == {"atrial fibrillation": Grade.LIKELY}


def test_gravest_first():
    """Critical statements stand before likely findings."""
    raised = measured_heart({lead: {"st_j_mv": 0.3, "st_j60_mv": 0.3} for lead in ("V3", "V4")})
    grades = list(told(findings_of(LVH=0.9, IRBBB=0.3), raised).values())
    assert grades == [Grade.CRITICAL, Grade.LIKELY, Grade.POSSIBLE]


NO_P = {"p_duration_ms": ReasonCode.NO_P_WAVE, "pr_ms": ReasonCode.NO_P_WAVE}


@pytest.mark.parametrize(
    ("label", "against", "for_it"),
    [
        ("STACH", {"rate_bpm": 70}, {"rate_bpm": 110}),
        ("SBRAD", {"rate_bpm": 75}, {"rate_bpm": 48}),
        ("AFIB", {}, {"missing": NO_P, "rr_irregularity": 0.2}),
        ("SR", {"missing": NO_P, "rr_irregularity": 0.2}, {}),
        ("AVB", {"pr_ms": 150}, {"pr_ms": 230}),
        ("CRBBB", {"qrs_ms": 90}, {"qrs_ms": 140}),
        ("PACE", {"qrs_ms": 90}, {"qrs_ms": 160}),
        ("PVC", {}, {"beats": (BeatClass.DOMINANT,) * 8 + (BeatClass.PREMATURE_WIDE,)}),
        ("PAC", {}, {"beats": (BeatClass.DOMINANT,) * 8 + (BeatClass.PREMATURE_NARROW,)}),
        ("LVOLT", {}, {"limb_voltage_mv": 0.4}),
        ("STD", {}, {"leads": {"V5": {"st_j60_mv": -0.1}}}),
    ],
)
def test_contradictions(label, against, for_it):
    """A label is contradicted by numbers that exclude it, and by no others; nothing measured contradicts nothing."""
    assert is_contradicted(label, measured_heart(**against))
    assert not is_contradicted(label, measured_heart(**for_it))
    assert not is_contradicted(label, Measurements())


def test_statement_beside_superclass():
    """A superclass that is told by its part takes no statement with it."""
    probable = findings_of(super_CD=0.9, IRBBB=0.7)
    told_of = told(probable, measured_heart({"V1": {"qrs_area_mv_ms": 20.0}}, qrs_ms=128))
    assert "wide QRS of the shape of right bundle branch block" in told_of
    assert "conduction disturbance of any kind" not in told_of


def test_label_of_another_wall():
    """A statement of one wall takes no label of another, which is told by itself."""
    up = {lead: {"st_j_mv": 0.3} for lead in ("II", "III", "aVF")}
    judgements = conclude(findings_of(AMI=0.9), measured_heart(up)).judgements
    elevation = next(item for item in judgements if item.statement)
    assert elevation.finding is None
    assert "anterior myocardial infarction" in {item.name for item in judgements}
    both = conclude(findings_of(AMI=0.9, IMI=0.8), measured_heart(up)).judgements
    assert next(item for item in both if item.statement).finding.label == "IMI"


def test_exclusive_rhythms_of_statements():
    """A rhythm that a statement took up is left out beside a likelier one, and the statement stays."""
    told_of = told(findings_of(AFIB=0.9, STACH=0.6), measured_heart(rate_bpm=130, rr_irregularity=0.1, missing=NO_P))
    assert told_of["fast heart rate"] is Grade.LIKELY
    assert "sinus tachycardia" not in told_of
    assert "atrial fibrillation" in told_of


def test_name_of_a_doubtful_finding():
    """What is likely by measurement and only possible by the classifier keeps the words of the measurement."""
    (judgement,) = conclude(findings_of(AVB=0.3), measured_heart(pr_ms=240)).judgements
    assert judgement.name == "long PR interval"
    assert judgement.grade is Grade.LIKELY
    assert judgement.probability is None
    assert judgement.title == "Long PR interval"
    assert "atrioventricular block 30 %" in judgement.text


def test_keys_are_unique():
    """Two walls of one kind have keys of their own, by which evidence is kept and found."""
    low = {"st_j_mv": -0.1, "st_j60_mv": -0.1}
    conclusion = conclude(findings_of(ISC=0.9), measured_heart(dict.fromkeys(("V5", "V6", "I", "aVL"), low)))
    keys = [judgement.key for judgement in conclusion.judgements]
    assert len(set(keys)) == len(keys) >= 2
    assert {judgement.code for judgement in conclusion.judgements} == {"st_depression"}
    assert conclusion.named("st_depression-I-aVL").statement.leads == ("I", "aVL")


def test_normal_beside_possible_infarction():
    """An ECG on which an infarction is possible, or that was not measured, is not called normal."""
    assert "normal ECG" in told(findings_of(NORM=0.9))
    assert "normal ECG" not in told(findings_of(NORM=0.9, IMI=0.3))
    assert "normal ECG" not in told(findings_of(NORM=0.9), Measurements((ReasonCode.NOT_MEASURED.reason(error="x"),)))
