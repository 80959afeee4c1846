"""What is said of a page, in words for people who were not there when the code was written."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgimg.classification import Finding, Findings
from ecgimg.digitization import Digitization
from ecgimg.reasons import ReasonCode, Severity
from ecgimg.record import KNOWN_LEADS
from layouts import load_layout

LEAST_SHOWN = 0.1
"""Probability below which a finding is told apart from the rest, even where it reaches its threshold."""

NO_FINDING = "No finding of 10 % or more reaches its threshold."

_TITLES = {
    "ok": ("The page was read", "#1d6b43"),
    "limited": ("The page was read, with limits", "#8a5300"),
    "refused": ("The page could not be read", "#a3211c"),
}
_SOURCES = {
    "given": "set by hand",
    "print": "as printed on the page",
    "text": "as written in the PDF",
    "pulse": "from the calibration pulse",
    "grid": "from the ruling",
    "width": "the page is taken to show ten seconds",
    "assumed": "assumed, the page does not tell",
}
_SMALL_PX = 1000  # a longer side below this is a preview, or a page far away
_DARK, _BRIGHT = 90.0, 251.0  # median grey of a picture taken without light, and of one that glare has washed out
_MOST_ADVICE = 3  # of a page that was read with limits, what mends the gravest of them


@dataclass(frozen=True)
class Verdict:
    """What a person should know first of a page.

    Parameters
    ----------
    status : str
        ``ok``, ``limited`` or ``refused``.
    title, colour : str
    sentences : tuple of str
        What was read, or why nothing was.
    limits, facts, corrected : tuple of str
        What limits it, layout and scale with where they are from, and what was set by hand.
    """

    status: str
    title: str
    colour: str
    sentences: tuple[str, ...]
    limits: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    corrected: tuple[str, ...] = ()


@dataclass(frozen=True)
class LeadRow:
    """One lead of the table of confidence."""

    lead: str
    confidence: float
    level: str
    seconds: float


def verdict_of(digitization: Digitization) -> Verdict:
    """Put a page's verdict into words."""
    title, colour = _TITLES[digitization.status]
    lines: dict[Severity, list[str]] = {severity: [] for severity in Severity}
    for reason in digitization.reasons:
        lines[reason.severity].append(sentence(reason.text))
    by_hand = tuple(lines[Severity.INFO])
    if digitization.status == "refused":
        return Verdict("refused", title, colour, tuple(lines[Severity.ERROR]), corrected=by_hand)
    limits = tuple(lines[Severity.WARNING])
    return Verdict(digitization.status, title, colour, (_seen(digitization),), limits, _facts(digitization), by_hand)


def sentence(text: str) -> str:
    """Return a reason as a sentence: a capital first, a full stop last."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".") if text else ""


def advice(digitization: Digitization, image: NDArray[np.uint8] | None = None) -> tuple[str, ...]:
    """Return what would mend a page: by the codes of its reasons and, if it was refused, by what the picture shows."""
    lines = dict.fromkeys(line for reason in digitization.reasons for line in reason.advice)
    if digitization.status != "refused":
        return tuple(lines)[:_MOST_ADVICE]
    codes = {reason.code for reason in digitization.reasons}
    return (*_picture_advice(image, codes), *lines) if image is not None else tuple(lines)


def _picture_advice(image: NDArray[np.uint8], codes: Collection[ReasonCode]) -> Iterator[str]:
    height, width = image.shape[:2]
    grey = float(np.median(image[::8, ::8]))
    if max(height, width) < _SMALL_PX:
        yield (
            f"The picture is only {width} × {height} pixels: send the original photo, not a preview, or scan the page "
            "at 200 dpi or more."
        )
    if grey < _DARK:
        yield "The picture is dark: bring more light onto the page."
    elif grey > _BRIGHT and ReasonCode.NO_PAGE_FOUND in codes:
        yield "The picture is almost white: avoid glare, and turn off the flash."


def lead_rows(found: Digitization) -> tuple[LeadRow, ...]:
    """Return the leads of a page in their usual order, with the chance that each is right to 0.1 mV."""
    rows = []
    for lead in KNOWN_LEADS:
        if lead in (found.lead_confidence or {}):
            chance = (found.lead_confidence or {})[lead]
            level = "high" if chance >= 0.8 else "fair" if chance >= 0.5 else "low"
            rows.append(LeadRow(lead, chance, level, (found.lead_seconds or {}).get(lead, 0.0)))
    return tuple(rows)


def leading_findings(findings: Findings) -> tuple[Finding, ...]:
    """Return the single findings that reach their thresholds, the most probable first."""
    return tuple(sorted(findings.leading, key=lambda finding: finding.probability or 0.0, reverse=True))


def findings_not_judged(findings: Findings) -> dict[str, tuple[str, ...]]:
    """Return the names of what is not judged, by the text of the reason why."""
    from ecgimg.classification.labels import INDIVIDUAL_LABELS

    by_reason = findings.not_judged(INDIVIDUAL_LABELS)
    return {reason.text: tuple(finding.name for finding in group) for reason, group in by_reason.items()}


def chance_words(probability: float | None) -> str:
    """Return a probability as a percentage that claims no more than it knows."""
    if probability is None:
        return "not judged"
    if probability < 0.01:
        return "below 1\N{NO-BREAK SPACE}%"
    return "above 99\N{NO-BREAK SPACE}%" if probability > 0.99 else f"{probability * 100:.0f}\N{NO-BREAK SPACE}%"


def _seen(found: Digitization) -> str:
    by_seconds: dict[float, list[str]] = {}
    for row in lead_rows(found):
        by_seconds.setdefault(round(row.seconds, 1), []).append(row.lead)
    parts = [f"{seconds:g} s of {_listed(leads)}" for seconds, leads in sorted(by_seconds.items()) if seconds]
    count = sum(len(leads) for seconds, leads in by_seconds.items() if seconds)
    return f"{count} lead{'s' if count != 1 else ''} can be seen: {', '.join(parts)}."


def _listed(leads: Sequence[str]) -> str:
    return f"{len(leads)} leads" if len(leads) > 6 else " ".join(leads)


def _facts(found: Digitization) -> tuple[str, ...]:
    sources = found.sources or {}
    by_hand = found.corrections
    facts = []
    if found.layout:
        about = load_layout(found.layout).description
        facts.append(f"Layout {found.layout}: {about.rstrip('.')}" + (", set by hand." if "layout" in by_hand else "."))
    facts.append(f"Paper speed: {found.speed_mm_s:g} mm/s, {_SOURCES[sources.get('speed', 'assumed')]}.")
    gain = f"{found.gain_mm_mv:.3g} mm/mV"
    if found.chest_gain_mm_mv not in (None, found.gain_mm_mv):
        gain += f", chest leads {found.chest_gain_mm_mv:.3g} mm/mV"
    facts.append(f"Gain: {gain}, {_SOURCES[sources.get('gain', 'assumed')]}.")
    return tuple(facts)
