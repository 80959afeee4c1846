"""Classify and measure a record or a page, and tell both as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ecgimg.classification.findings import Findings
from ecgimg.classification.predict import classify, classify_page
from ecgimg.classification.trained_classifier import Classifier, check_operating_point, shipped_classifier
from ecgimg.digitization import Digitization
from ecgimg.errors import BadRecord, BadRequest, UnreadablePage
from ecgimg.open_ecg import Ecg, open_ecg
from ecgimg.plotting.notebook_html import bullets, card, paragraph, table
from ecgimg.plotting.paper_page import NOTICE
from ecgimg.reasons import ReasonCode
from ecgimg.reporting.conclusion import Conclusion, conclude
from ecgimg.reporting.evidence import find_evidence
from ecgimg.reporting.rules.contiguous_leads import noisy_leads
from ecgimg.reporting.statement import Patient

_NAMED = 3  # judgements that the short representation names
_NUMBERS = {
    "rate_bpm": ("", " bpm"),
    "pr_ms": ("PR ", " ms"),
    "qrs_ms": ("QRS ", " ms"),
    "qtc_fridericia_ms": ("QTc ", " ms"),
}


@dataclass(frozen=True, eq=False, repr=False)
class Report(Findings):
    """The findings of one record, what was measured of it, and what both tell together.

    Parameters
    ----------
    reasons, findings, operating_point, seen_s, evidence, record, digitization, measurements
        As in `Findings`.
    conclusion : Conclusion
        What a person reads: `critical`, `likely` and `possible` judgements, and what is not judged.
    """

    conclusion: Conclusion = field(default_factory=Conclusion)

    @property
    def numbers(self) -> str:
        """Rate and intervals in one line, as far as they are given."""
        values = self.measurements.values
        given = {name: values[name].value for name in _NUMBERS if name in values}
        parts = [
            f"{_NUMBERS[name][0]}{value:.0f}{_NUMBERS[name][1]}" for name, value in given.items() if value is not None
        ]
        return ", ".join(parts)

    def summary(self) -> dict[str, Any]:
        """Return the content of ``STEM.findings.json``."""
        numbers = {name: number.value for name, number in self.measurements.values.items() if name in _NUMBERS}
        return {
            **Findings.summary(self), "numbers": numbers,
            "conclusion": self.conclusion.summary(),
        }  # fmt: skip

    def __repr__(self) -> str:
        names = [judgement.name for judgement in self.conclusion.judgements[:_NAMED]]
        more = ", …" if len(self.conclusion.judgements) > _NAMED else ""
        codes = ", ".join(dict.fromkeys(reason.code.value for reason in self.reasons))
        return f"Report({'; '.join(filter(None, [self.numbers, ', '.join(names) + more, codes]))})"

    def _repr_html_(self) -> str:
        rows = [(judgement.grade.value, judgement.text, judgement.meaning) for judgement in self.conclusion.judgements]
        reasons = dict.fromkeys([*self.reasons, *self.conclusion.not_judged])
        return card(
            f"Report({self.numbers})", table([("grade", "what", "meaning"), *rows]) if rows else "",
            bullets([reason.text_without_quotes for reason in reasons]), paragraph(f"{NOTICE}."),
        )  # fmt: skip


def report(
    ecg: Ecg,
    *,
    page: int | None = None,
    fs_hz: float | None = None,
    leads: Sequence[str] | None = None,
    operating_point: str = "likely",
    explain: bool = False,
    classifier: Classifier | None = None,
    patient: Patient | None = None,
) -> Report:
    """Classify and measure a record or a page; see `ecgimg.classify`."""
    check_operating_point(operating_point)
    opened = open_ecg(ecg, page=page, fs_hz=fs_hz, leads=leads)
    findings = classify(opened, operating_point=operating_point, classifier=classifier)
    return add_conclusion(findings, patient, explain=explain, classifier=classifier)


def report_each(ecgs: Sequence[Ecg], **options: Any) -> list[Report]:
    """Report on several records or pages, with the options of `report`.

    One that cannot be read, or that holds no ECG, has a report without findings that gives the reason.
    """
    check_operating_point(options.get("operating_point", "likely"))
    return [_report_or_reason(ecg, options) for ecg in ecgs]


def _report_or_reason(ecg: Ecg, options: Mapping[str, Any]) -> Report:
    try:
        return report(ecg, **options)
    except (BadRecord, UnreadablePage, BadRequest) as error:
        reason = ReasonCode.NO_ECG.reason(error=error)
        return Report((reason,), operating_point=options.get("operating_point", "likely"))


def report_page(page: Digitization, *, explain: bool = False) -> Report:
    """Report on a digitized page; where it holds no ECG, or cannot be measured, it gives the reason and no error."""
    return add_conclusion(classify_page(page), explain=explain)


def add_conclusion(
    findings: Findings,
    patient: Patient | None = None,
    *,
    explain: bool = False,
    classifier: Classifier | None = None,
) -> Report:
    """Conclude from findings and from what was measured of the same leads.

    The classifier reads noisy leads, too: without them it is no better, even where all are noisy. Statements on ST
    segments do not rest on them.

    Parameters
    ----------
    findings : Findings
        Their `record` and `measurements` are of the leads that were judged.
    patient : Patient, optional
    explain : bool
        Whether the parts of the record are found that the likely findings rest on.
    classifier : Classifier, optional
        That of the findings; by default the shipped one.

    Returns
    -------
    Report
    """
    measured = findings.measurements
    if noisy := noisy_leads(measured):
        reason = ReasonCode.NOISY_LEADS.reason(leads=", ".join(noisy))
        findings = replace(findings, reasons=(*findings.reasons, reason))
    conclusion = conclude(findings, measured, patient) if findings.findings else Conclusion()
    if explain and conclusion.judgements:
        evidence = find_evidence(conclusion, findings, measured, classifier or shipped_classifier())
        findings = replace(findings, evidence=evidence)
    return Report(**vars(findings), conclusion=conclusion)
