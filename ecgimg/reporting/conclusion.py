"""What is told of an ECG: the classifier's findings and the measured statements as one list, the gravest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ecgimg.classification.findings import Finding, Findings
from ecgimg.classification.labels import CINC2024, INDIVIDUAL_LABELS, PARTS_OF_SUPERCLASS
from ecgimg.measurement import Measurements
from ecgimg.reasons import Reason, sentence_case
from ecgimg.reporting.contradictions import is_contradicted
from ecgimg.reporting.rules.contiguous_leads import usable_leads
from ecgimg.reporting.statement import Grade, Patient, Statement, StatementCode
from ecgimg.reporting.statements import find_statements

CRITICAL_LABELS = ("STE", "cinc_Acute MI")
"""Labels of which an ECG that is called normal may show no sign."""

_NO_SIGN = 0.05  # probability of a critical label up to which it shows none
_NORMAL = "NORM"
USUAL_LABELS = ("NORM", "super_NORM", "SR")
"""Labels that are no abnormal finding."""

_NOT_TOLD = (*CINC2024, _NORMAL, "super_NORM")  # by themselves: they repeat others, or are told last
# Statements that one label says in the same words: of others, as a left axis, a block is but one cause.
_SAME_AS_LABEL = frozenset(
    {
        StatementCode.LONG_PR, StatementCode.RIGHT_BUNDLE_BRANCH_BLOCK, StatementCode.LEFT_BUNDLE_BRANCH_BLOCK,
        StatementCode.IRREGULAR_WITHOUT_P, StatementCode.PREMATURE_VENTRICULAR, StatementCode.PREMATURE_NARROW,
        StatementCode.PACED_RHYTHM,
    }
)  # fmt: skip
_MEASURED_LABELS = ("STE", "LVOLT", "HVOLT")  # that statements say in the same words
_LEAST_LEADS = 6  # that are clean, for these to be measured
_INFARCTIONS = ("super_MI", *PARTS_OF_SUPERCLASS["super_MI"])
_WALLS_OF_LABEL = {
    "AMI": ("anterior", "lateral"), "LMI": ("lateral",), "IMI": ("inferior",), "ISCA": ("anterior", "lateral"),
    "ISCI": ("inferior",),
}  # fmt: skip
_RHYTHMS = ("SR", "SARRH", "STACH", "SBRAD", "AFIB", "AFLT", "SVARR", "SVTAC", "PSVT", "PACE")
_ORDER = tuple(Grade)


@dataclass(frozen=True)
class Judgement:
    """One thing that is told, with all that it rests on.

    Parameters
    ----------
    name : str
        In plain words.
    grade : Grade
    meaning : str
        One sentence.
    finding : Finding or None
        What the classifier says of it.
    statement : Statement or None
        What was measured of it.
    differs : str
        Where classifier and measurement disagree: in which way; empty where they agree or only one can tell.
    """

    name: str
    grade: Grade
    meaning: str = ""
    finding: Finding | None = None
    statement: Statement | None = None
    differs: str = ""

    @property
    def code(self) -> str:
        """The label of the finding or the code of the statement, whichever it is named after."""
        if self.statement is not None and not self._is_named_after_finding:
            return str(self.statement.code.value)
        return self.finding.label if self.finding is not None else ""

    @property
    def key(self) -> str:
        """The code, with the leads of a statement: no two judgements of an ECG have the same."""
        leads = self.statement.leads if self.statement is not None and not self._is_named_after_finding else ()
        return "-".join((self.code, *leads))

    @property
    def probability(self) -> float | None:
        """The probability of the finding that it is named after; None where it is named after a statement."""
        return self.finding.probability if self.finding and self._is_named_after_finding else None

    @property
    def title(self) -> str:
        """The name, and the probability where it is that of a finding."""
        share = f", {100 * self.probability:.0f} %" if self.probability is not None else ""
        return f"{sentence_case(self.name)}{share}"

    @property
    def _is_named_after_finding(self) -> bool:
        return self.finding is not None and self.name == self.finding.name

    def without_finding(self) -> Judgement:
        """Return the statement alone."""
        assert self.statement is not None
        return replace(self, name=self.statement.name, finding=None, grade=self.statement.grade, differs="")

    @property
    def text(self) -> str:
        """One sentence: the name, its probability, what was measured, and a disagreement."""
        finding = self.finding
        said = (
            f"{finding.name} {100 * finding.probability:.0f} %" if finding and finding.probability is not None else ""
        )
        measured = self.statement.text.rstrip(".") if self.statement else ""
        if said and measured and self._is_named_after_finding:
            said, measured = f"{said}, {measured[:1].lower()}{measured[1:]}", ""
        sentence = "; ".join(filter(None, [measured, said, self.differs]))
        return f"{sentence_case(sentence)}."

    def summary(self) -> dict[str, Any]:
        """Return the judgement as the JSON holds it."""
        return {
            "name": self.name, "grade": self.grade.value, "text": self.text, "meaning": self.meaning,
            "label": self.finding.label if self.finding else None,
            "probability": round(self.finding.probability, 4) if self.finding and self.finding.probability else None,
            "statement": self.statement.summary() if self.statement else None, "differs": self.differs or None,
        }  # fmt: skip


@dataclass(frozen=True)
class Conclusion:
    """All that is told of an ECG. Research use only, not a medical device.

    Parameters
    ----------
    judgements : tuple of Judgement
        The gravest first.
    not_judged : mapping of Reason to names
        What is not told, and why.
    """

    judgements: tuple[Judgement, ...] = ()
    not_judged: Mapping[Reason, tuple[str, ...]] = field(default_factory=dict)

    def named(self, key: str) -> Judgement:
        """Return the judgement of a `key`; `KeyError` where nothing is said of it."""
        for judgement in self.judgements:
            if judgement.key == key:
                return judgement
        raise KeyError(key)

    def of_grade(self, grade: Grade) -> tuple[Judgement, ...]:
        """Return the judgements of one grade."""
        return tuple(judgement for judgement in self.judgements if judgement.grade is grade)

    def summary(self) -> dict[str, Any]:
        """Return the conclusion as the JSON holds it."""
        grades = {grade.value: [judgement.summary() for judgement in self.of_grade(grade)] for grade in Grade}
        silent = [{**reason.summary(), "names": list(names)} for reason, names in self.not_judged.items()]
        return grades | {"not_judged": silent}


def conclude(findings: Findings, measured: Measurements, patient: Patient | None = None) -> Conclusion:
    """Join what the classifier finds with what is measured.

    Each statement takes up the finding that says the same. A finding that the measurements contradict is possible at
    most, and both are told. Of rhythms that exclude each other the likeliest is told, a superclass before its parts,
    and a normal ECG only where nothing is outside its limits.

    Parameters
    ----------
    findings : Findings
        Of the operating point ``policy``.
    measured : Measurements
        Of the same record.
    patient : Patient, optional

    Returns
    -------
    Conclusion
    """
    statements = find_statements(measured, patient)
    told = {finding.label: grade for finding in findings.findings if (grade := grade_of(finding)) is not None}
    joined = [_join(statement, findings, told, measured) for statement in statements]
    taken = {judgement.finding.label for judgement in joined if judgement.finding}
    alone = [
        _of_finding(findings[label], grade, measured)
        for label, grade in told.items()
        if label not in taken and label not in _NOT_TOLD
    ]
    judgements = _superclasses_first(list(_exclusive_rhythms([*joined, *alone])))
    judgements += _normal(findings, told, judgements, measured)
    by_grade = sorted(judgements, key=lambda judgement: (_ORDER.index(judgement.grade), not _is_rhythm(judgement)))
    return Conclusion(tuple(by_grade), _not_judged(findings, measured))


def _is_rhythm(judgement: Judgement) -> bool:
    return judgement.finding is not None and judgement.finding.label in _RHYTHMS


def grade_of(finding: Finding) -> Grade | None:
    """Return `LIKELY` or `POSSIBLE` by the thresholds of a finding, None below both."""
    if finding.probability is None:
        return None
    if finding.likely is not None and finding.probability >= finding.likely:
        return Grade.LIKELY
    is_possible = finding.possible is not None and finding.probability >= finding.possible
    return Grade.POSSIBLE if is_possible else None


def _join(statement: Statement, findings: Findings, told: Mapping[str, Grade], measured: Measurements) -> Judgement:
    """Return a statement with the finding that says the same, or with the note that none does.

    A finding that is graver than the statement raises it where both say the same, and else is told by itself.
    """
    judged = {finding.label: finding for finding in findings.findings if finding.probability is not None}
    # labels of the challenge repeat others
    labels = [label for label in statement.code.labels if label not in CINC2024 and _is_of_wall(label, statement)]
    same = [judged[label] for label in labels if label in judged]
    is_same = statement.code in _SAME_AS_LABEL
    agreeing = [
        finding
        for finding in same
        if finding.label in told
        and not is_contradicted(finding.label, measured)
        and (is_same or _ORDER.index(told[finding.label]) >= _ORDER.index(statement.grade))
    ]
    # a superclass is likelier than its parts, and says less
    agreeing.sort(key=lambda item: (item.label in PARTS_OF_SUPERCLASS, -(item.probability or 0.0)))
    finding = agreeing[0] if agreeing else None
    grade = min(statement.grade, told[finding.label] if finding else statement.grade, key=_ORDER.index)
    differs = "the classifier does not see it" if same and finding is None and is_same else ""
    # what is only possible by the classifier is not told as likely in its words
    is_named_after = is_same and finding is not None and _ORDER.index(told[finding.label]) <= _ORDER.index(grade)
    name = finding.name if finding is not None and is_named_after else statement.name
    return Judgement(name, grade, statement.code.meaning, finding, statement, differs)


def _is_of_wall(label: str, statement: Statement) -> bool:
    """Return whether a label is of a wall that a statement names; true where one of them names none."""
    walls = _WALLS_OF_LABEL.get(label, ())
    return not walls or not statement.where or any(wall in statement.where for wall in walls)


def _of_finding(finding: Finding, grade: Grade, measured: Measurements) -> Judgement:
    if is_contradicted(finding.label, measured):
        return Judgement(finding.name, Grade.POSSIBLE, finding=finding, differs="what is measured does not agree")
    return Judgement(finding.name, grade, finding=finding)


def _exclusive_rhythms(judgements: Sequence[Judgement]) -> Iterator[Judgement]:
    """Yield the judgements with the likeliest rhythm alone; a statement beside another one is told by itself."""
    rhythms = [judgement for judgement in judgements if _is_rhythm(judgement)]
    agreeing = [judgement for judgement in rhythms if not judgement.differs] or rhythms
    best = max(agreeing, key=lambda item: (item.finding and item.finding.probability) or 0.0, default=None)
    for judgement in judgements:
        if not _is_rhythm(judgement) or judgement is best:
            yield judgement
        elif judgement.statement is not None:
            yield judgement.without_finding()


def _superclasses_first(judgements: Sequence[Judgement]) -> list[Judgement]:
    """Return the judgements, each superclass before its parts, and without one whose part is told as gravely."""
    by_label = {judgement.finding.label: judgement for judgement in judgements if judgement.finding}
    kept: list[Judgement] = []
    for judgement in sorted(
        judgements, key=lambda item: item.finding is None or item.finding.label in INDIVIDUAL_LABELS
    ):
        label = judgement.finding.label if judgement.finding else ""
        parts = [by_label[part] for part in PARTS_OF_SUPERCLASS.get(label, ()) if part in by_label]
        is_told = any(_ORDER.index(part.grade) <= _ORDER.index(judgement.grade) for part in parts)
        if not (label in PARTS_OF_SUPERCLASS and is_told):
            kept.append(judgement)
        elif judgement.statement is not None:
            kept.append(judgement.without_finding())
    return kept


def _normal(
    findings: Findings, told: Mapping[str, Grade], judgements: Sequence[Judgement], measured: Measurements
) -> list[Judgement]:
    """Return "normal ECG" where no statement, no likely finding and no sign of anything grave speaks against it.

    Of a record that could not be measured it is never told.
    """
    if told.get(_NORMAL) is not Grade.LIKELY or not measured.values:
        return []
    speaks_against = any(
        judgement.statement is not None
        or (judgement.grade is Grade.LIKELY and judgement.finding is not None and judgement.finding.label != "SR")
        or (judgement.finding is not None and judgement.finding.label in _INFARCTIONS)
        for judgement in judgements
    )
    signs = [finding.probability or 0.0 for finding in findings.findings if finding.label in CRITICAL_LABELS]
    if speaks_against or max(signs, default=0.0) > _NO_SIGN:
        return []
    return [Judgement(findings[_NORMAL].name, Grade.LIKELY, finding=findings[_NORMAL])]


def _not_judged(findings: Findings, measured: Measurements) -> dict[Reason, tuple[str, ...]]:
    # what the classifier cannot judge is judged all the same where it is measured
    is_measured = len(usable_leads(measured)) >= _LEAST_LEADS
    labels = [label for label in INDIVIDUAL_LABELS if not (is_measured and label in _MEASURED_LABELS)]
    by_reason = findings.not_judged(labels)
    return {reason: tuple(finding.name for finding in group) for reason, group in by_reason.items()}
