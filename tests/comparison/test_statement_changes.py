"""What is new, gone or unchanged, and what one ECG cannot tell."""

from __future__ import annotations

from dataclasses import replace

from ecgimg.classification.findings import Finding
from ecgimg.comparison import compare_reports
from ecgimg.reasons import ReasonCode
from ecgimg.reporting import Basis, Grade, Judgement, Statement, StatementCode
from tests.comparison.reports import beating_record, report_of
from tests.reporting.measured import measured_heart


def st_elevation(*leads: str, grade: Grade = Grade.CRITICAL) -> Judgement:
    statement = Statement(StatementCode.ST_ELEVATION, grade, tuple(Basis("ST", 0.3, 0.1, "mV", x) for x in leads))
    return Judgement(statement.name, grade, statement=statement)


def long_pr(grade: Grade = Grade.LIKELY) -> Judgement:
    statement = Statement(StatementCode.LONG_PR, grade, (Basis("PR interval", 230.0, 200.0, "ms"),))
    return Judgement(statement.name, grade, statement=statement)


def fibrillation(probability: float = 0.9) -> Judgement:
    finding = Finding("AFIB", probability, 0.5)
    return Judgement(finding.name, Grade.LIKELY, finding=finding)


def fates(comparison) -> list[tuple[str, str]]:
    return [(change.fate, (change.new or change.old).code) for change in comparison.statements]


def test_new_gone_and_unchanged():
    """What one ECG tells is new or gone, what both tell is unchanged, and the gravest comes first."""
    healthy = (Finding("AFIB", 0.01, 0.5),)
    old = report_of(measured_heart(), long_pr(), fibrillation(), findings=healthy)
    new = report_of(measured_heart(), long_pr(), st_elevation("V2", "V3"), findings=healthy)
    comparison = compare_reports(old, new)
    assert fates(comparison) == [("new", "st_elevation"), ("gone", "AFIB"), ("unchanged", "long_pr")]
    assert [change.fate for change in compare_reports(new, old).statements] == ["new", "gone", "unchanged"]


def test_finding_that_is_told_beside_a_statement():
    """A finding that the other ECG tells beside something measured is neither new nor gone."""
    infarction = Judgement("x", Grade.POSSIBLE, finding=Finding("IMI", 0.1, 0.5))
    raised = replace(st_elevation("II", "aVF"), finding=Finding("IMI", 0.88, 0.5))
    old, new = report_of(measured_heart(), infarction), report_of(measured_heart(), raised)
    first, second = compare_reports(old, new).statements
    assert (first.fate, first.new.code, second.fate) == ("new", "st_elevation", "unchanged")
    assert second.text == "Inferior myocardial infarction 88 %; it was 10 %."
    assert [change.fate for change in compare_reports(new, old).statements] == ["gone", "unchanged"]


def test_walls_and_grades():
    """Statements of walls that share a lead are the same, others are not; another grade is said."""
    old, new = (report_of(measured_heart(), told) for told in (st_elevation("V2", "V3"), st_elevation("V3", "V4")))
    assert fates(compare_reports(old, new)) == [("unchanged", "st_elevation")]
    other = report_of(measured_heart(), st_elevation("II", "aVF"))
    assert fates(compare_reports(old, other)) == [("new", "st_elevation"), ("gone", "st_elevation")]
    worse = compare_reports(
        report_of(measured_heart(), long_pr(Grade.POSSIBLE)), report_of(measured_heart(), long_pr())
    )
    assert worse.statements[0].fate == "unchanged"
    assert "It was possible, and is likely." in worse.statements[0].text


def test_what_the_other_ecg_cannot_tell():
    """Nothing is new where the old ECG could not show it: a lead, a number or a label is lacking."""
    limb = report_of(measured_heart(), record=beating_record(leads=("I", "II", "III")))
    (change,) = compare_reports(limb, report_of(measured_heart(), st_elevation("V2", "V3"))).statements
    assert change.fate == "not comparable"
    assert change.text.endswith("The old ECG cannot tell: it does not show V2, V3.")
    no_pr = report_of(measured_heart(missing={"pr_ms": ReasonCode.NO_P_WAVE}))
    (change,) = compare_reports(report_of(measured_heart(), long_pr()), no_pr).statements
    assert change.fate == "not comparable"
    assert change.text.endswith("The new ECG cannot tell: it does not give PR interval.")
    not_judged = (Finding("AFIB", None, None, ReasonCode.LEADS_NEEDED.reason(leads="II")),)
    old = report_of(measured_heart(), findings=not_judged)
    (change,) = compare_reports(old, report_of(measured_heart(), fibrillation())).statements
    assert (change.fate, change.lacking) == ("not comparable", "atrial fibrillation is not judged")
