"""Which statements are new, gone or unchanged, and which the other ECG could not show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ecgimg.comparison.results import Fate, StatementChange
from ecgimg.reporting import Grade, Judgement, Report, StatementCode
from ecgimg.reporting.measurement_text import TITLES

_FATES: tuple[Fate, ...] = ("new", "gone", "unchanged", "not comparable")
_GRADES = tuple(Grade)

_RESTS_ON = {
    StatementCode.VERY_FAST: ("rate_bpm",), StatementCode.VERY_SLOW: ("rate_bpm",), StatementCode.FAST: ("rate_bpm",),
    StatementCode.SLOW: ("rate_bpm",), StatementCode.WIDE_TACHYCARDIA: ("rate_bpm", "qrs_ms"),
    StatementCode.COMPLETE_AV_BLOCK: ("rate_bpm",), StatementCode.IRREGULAR_WITHOUT_P: ("rr_irregularity",),
    StatementCode.PAUSE: ("rate_min_bpm",), StatementCode.LONG_PR: ("pr_ms",), StatementCode.SHORT_PR: ("pr_ms",),
    StatementCode.RIGHT_BUNDLE_BRANCH_BLOCK: ("qrs_ms",), StatementCode.LEFT_BUNDLE_BRANCH_BLOCK: ("qrs_ms",),
    StatementCode.WIDE_QRS: ("qrs_ms",), StatementCode.LONG_QTC: ("qtc_fridericia_ms",),
    StatementCode.SHORT_QTC: ("qtc_fridericia_ms",), StatementCode.LEFT_AXIS: ("qrs_axis_deg",),
    StatementCode.RIGHT_AXIS: ("qrs_axis_deg",), StatementCode.EXTREME_AXIS: ("qrs_axis_deg",),
}  # fmt: skip
"""The numbers of the whole record that an ECG must have to tell of a statement."""

_EITHER = {
    StatementCode.HIGH_VOLTAGE: ("sokolow_lyon_mv", "cornell_mv"),
    StatementCode.LOW_VOLTAGE: ("limb_voltage_mv", "chest_voltage_mv"),
}
"""Numbers of which one is enough."""


def statement_changes(old: Report, new: Report) -> tuple[StatementChange, ...]:
    """Return what became of everything that either ECG tells, the gravest first of each fate."""
    changes = list(_match(old, new))
    return tuple(sorted(changes, key=lambda change: (_FATES.index(change.fate), _GRADES.index(_grade(change)))))


def _grade(change: StatementChange) -> Grade:
    return min((told.grade for told in (change.old, change.new) if told is not None), key=_GRADES.index)


def _match(old: Report, new: Report) -> Iterator[StatementChange]:
    before, now = old.conclusion.judgements, new.conclusion.judgements
    left = list(before)
    for judgement in now:
        same = next((other for other in left if _is_same(judgement, other)), None)
        if same is not None:
            left.remove(same)
            yield StatementChange("unchanged", same, judgement)
        elif beside := _same_finding(judgement, before):
            yield StatementChange("unchanged", beside, judgement)
        else:
            lacking = _lacking(judgement, old)
            yield StatementChange("not comparable" if lacking else "new", None, judgement, lacking)
    for judgement in left:
        lacking = _lacking(judgement, new)
        if beside := _same_finding(judgement, now):
            yield StatementChange("unchanged", judgement, beside)
        else:
            yield StatementChange("not comparable" if lacking else "gone", judgement, None, lacking)


def _same_finding(judgement: Judgement, others: Sequence[Judgement]) -> Judgement | None:
    """Return the judgement that tells the same finding beside what is measured, of one that was not measured."""
    finding = judgement.finding
    if finding is None or judgement.statement is not None:
        return None
    return next((other for other in others if other.finding and other.finding.label == finding.label), None)


def _is_same(one: Judgement, other: Judgement) -> bool:
    """Return whether two judgements say the same, of walls that share a lead where they name any."""
    # the same statement may be told in the words of the classifier
    code, other_code = (item.statement.code if item.statement else None for item in (one, other))
    if one.code != other.code and (code is None or code is not other_code):
        return False
    leads, others = (set(item.statement.leads) if item.statement else set() for item in (one, other))
    return not leads or not others or bool(leads & others)


def _lacking(judgement: Judgement, other: Report) -> str:
    """Return what another ECG lacks to tell the same; empty where it could tell, and does not."""
    measured, statement, finding = other.measurements, judgement.statement, judgement.finding
    if statement is not None:
        shown = {lead for beat in measured.beats for lead in beat.leads}
        if statement.leads and not set(statement.leads) <= shown:
            return f"it does not show {', '.join(lead for lead in statement.leads if lead not in shown)}"
        numbers = _RESTS_ON.get(statement.code, ())
        missing = [name for name in numbers if not measured.values or measured[name].value is None]
        either = _EITHER.get(statement.code, ())
        if either and all(not measured.values or measured[name].value is None for name in either):
            missing = list(either)
        if missing:
            return f"it does not give {' and '.join(TITLES.get(name, 'RR') for name in missing)}"
        return "" if measured.values else "nothing was measured"
    if finding is not None:
        same = [item for item in other.findings if item.label == finding.label]
        return "" if same and same[0].probability is not None else f"{finding.name} is not judged"
    return ""
