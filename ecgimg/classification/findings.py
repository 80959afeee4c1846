"""The findings of a classifier, and the parts of the record that they rest on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ecgimg.classification.labels import FULL_NAMES, INDIVIDUAL_LABELS
from ecgimg.digitization.result import Digitization
from ecgimg.measurement import Measurements
from ecgimg.plotting.notebook_html import bullets, card, paragraph, percentage, table
from ecgimg.plotting.paper_page import NOTICE
from ecgimg.reasons import Reason
from ecgimg.record import EcgRecord

SCHEMA_VERSION = 3

_NAMED = 3  # findings that the short representation names


@dataclass(frozen=True)
class Finding:
    """The classifier's judgement of one label.

    Parameters
    ----------
    label : str
        One of `ecgimg.classification.labels.LABELS`.
    probability : float or None
        Calibrated; None where the label is not judged.
    threshold : float or None
        Lowest probability of a present finding; None where too few records had the label to choose one.
    likely, possible : float or None
        Lowest probabilities of a likely and of a possible finding, whichever the operating point is.
    not_judged : Reason or None
        Why the label is not judged.
    """

    label: str
    probability: float | None
    threshold: float | None
    not_judged: Reason | None = None
    likely: float | None = None
    possible: float | None = None

    @property
    def name(self) -> str:
        """The label's full name."""
        return FULL_NAMES[self.label]

    @property
    def present(self) -> bool | None:
        """Whether the probability reaches the threshold; None where one of them is not known."""
        if self.probability is None or self.threshold is None:
            return None
        return self.probability >= self.threshold


@dataclass(frozen=True)
class Evidence:
    """A part of a lead that a finding rests on.

    Parameters
    ----------
    lead : str
    start_s, end_s : float
        Seconds of the record.
    weight : float or None
        By how much the finding's logit falls when the patch is hidden; None for a wave that was measured.
    """

    lead: str
    start_s: float
    end_s: float
    weight: float | None


@dataclass(frozen=True, eq=False, repr=False)
class Findings:
    """The findings of one record.

    Parameters
    ----------
    reasons : tuple of Reason
        Why nothing is judged, with no `findings`, or what limits them; the page's reasons are included.
    findings : tuple of Finding
        One for every label, in the order of `LABELS`.
    operating_point : str
        The operating point of the thresholds.
    seen_s : mapping of lead to the seconds seen
    evidence : mapping of label or statement to its patches, most important first, or its waves
    record : EcgRecord or None
    digitization : Digitization or None
        Where a page was read.
    measurements : Measurements
        Of `record`; empty, with the reason, where nothing could be measured.
    """

    reasons: tuple[Reason, ...] = ()
    findings: tuple[Finding, ...] = ()
    operating_point: str = ""
    seen_s: Mapping[str, float] = field(default_factory=dict)
    evidence: Mapping[str, tuple[Evidence, ...]] = field(default_factory=dict)
    record: EcgRecord | None = None
    digitization: Digitization | None = None
    measurements: Measurements = field(default_factory=Measurements)

    def __getitem__(self, label: str) -> Finding:
        """Return the finding of a label; `KeyError` for an unknown label."""
        for finding in self.findings:
            if finding.label == label:
                return finding
        raise KeyError(label)

    @property
    def present(self) -> tuple[Finding, ...]:
        """The findings at or above their threshold, those farthest above it (in odds) first."""
        present = [finding for finding in self.findings if finding.present]
        return tuple(sorted(present, key=_odds_ratio, reverse=True))

    @property
    def leading(self) -> tuple[Finding, ...]:
        """The findings of `present` that are no superclass of others: a person reads these first."""
        return tuple(finding for finding in self.present if finding.label in INDIVIDUAL_LABELS)

    def not_judged(self, labels: Collection[str]) -> dict[Reason, list[Finding]]:
        """Return those of some labels that are not judged, grouped by their reason."""
        by_reason: dict[Reason, list[Finding]] = {}
        for finding in self.findings:
            if finding.not_judged is not None and finding.label in labels:
                by_reason.setdefault(finding.not_judged, []).append(finding)
        return by_reason

    def summary(self) -> dict[str, Any]:
        """Return the content of ``STEM.findings.json``."""
        from ecgimg._version import __version__

        return {
            "schema": "ecgimg-findings",
            "schema_version": SCHEMA_VERSION,
            "version": __version__,
            "notice": "research use only, not a medical device",
            "reasons": [reason.summary() for reason in self.reasons],
            "operating_point": self.operating_point,
            "seen_s": {lead: round(seconds, 2) for lead, seconds in self.seen_s.items()},
            "present": [finding.label for finding in self.present],
            "findings": {finding.label: _finding_summary(finding) for finding in self.findings},
            "evidence": {
                label: [
                    [
                        item.lead,
                        round(item.start_s, 2),
                        round(item.end_s, 2),
                        None if item.weight is None else round(item.weight, 4),
                    ]
                    for item in items
                ]
                for label, items in self.evidence.items()
            },
        }

    def __repr__(self) -> str:
        present = [f"{finding.label} {percentage(finding.probability or 0.0)}" for finding in self.leading[:_NAMED]]
        named = ", ".join(present) + (", …" if len(self.leading) > _NAMED else "")
        codes = ", ".join(dict.fromkeys(reason.code.value for reason in self.reasons))
        return f"Findings({'; '.join(filter(None, [named, self._count(), codes]))})"

    def _count(self) -> str:
        """Return how many findings are present and how many labels are judged."""
        judged = sum(finding.probability is not None for finding in self.findings)
        if not judged:
            return "nothing judged"
        return f"{len(self.present)} present, {judged} of {len(self.findings)} labels judged"

    def _repr_html_(self) -> str:
        rows = [
            (finding.label, finding.name, percentage(finding.probability or 0.0), percentage(finding.threshold or 0.0))
            for finding in self.leading
        ]
        page_reasons = self.digitization.reasons if self.digitization else ()
        # a reason of the page, or of many labels, is said once
        reasons = dict.fromkeys([*self.reasons, *page_reasons, *self.not_judged(INDIVIDUAL_LABELS)])
        return card(
            f"Findings({self._count()})",
            table([("label", "finding", "probability", "threshold"), *rows]) if rows else "",
            bullets([reason.text_without_quotes for reason in reasons]),
            paragraph(f"{NOTICE}. Groups of labels are left out." if rows else f"{NOTICE}."),
        )


def _odds_ratio(finding: Finding) -> float:
    """Return the odds of a finding over those of its threshold; zero probabilities and thresholds are allowed."""
    probability, threshold = finding.probability or 0.0, finding.threshold or 0.0
    # odds, as a probability of 0.3 over a threshold of 0.02 is more remarkable than 0.6 over 0.5
    return probability * (1 - threshold) / max((1 - probability) * threshold, 1e-12)


def _finding_summary(finding: Finding) -> dict[str, Any]:
    summary: dict[str, Any] = {"name": finding.name, "present": finding.present}
    summary["probability"] = None if finding.probability is None else round(finding.probability, 4)
    summary["threshold"] = None if finding.threshold is None else round(finding.threshold, 4)
    return summary | ({"not_judged": finding.not_judged.summary()} if finding.not_judged else {})
