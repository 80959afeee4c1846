"""What is said of a page, in words for people who were not there when the code was written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgimg.classification import Finding, Findings
from ecgimg.digitization import Digitization
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
_WHOLE_PAGE = (
    "Step back until all four edges of the page are in the picture, the left edge with the lead names above all.",
    "Lay the page flat and hold the phone level above its middle.",
)
_LIGHT = "Use even light without flash, and no shadow of the phone on the page."
_BY_HAND = "If the page itself is complete, open “Correct this page”, choose its layout and read it again."
_ADVICE: dict[str, tuple[str, ...]] = {
    "neither ECG ruling": (
        "Check that the picture shows the ECG page, in focus, and large enough to fill the picture.",
        _WHOLE_PAGE[1],
        _LIGHT,
    ),
    "no ECG trace": ("Come closer so that the page fills the picture, and tap on it to focus.", _LIGHT),
    "no known layout": (*_WHOLE_PAGE, _BY_HAND),
    "single strip": (
        _WHOLE_PAGE[0],
        "If the page is one rhythm strip, open “Correct this page”, choose the layout 1x1 and read it again.",
    ),
    "s long": (*_WHOLE_PAGE, "If the traces are as short as that, check the paper speed under “Correct this page”."),
    "no lead name": (*_WHOLE_PAGE, _BY_HAND),
    "neither lead names": (
        *_WHOLE_PAGE,
        "Keep the line with mm/s and mm/mV in the picture, or set layout, speed and gain under “Correct this page”.",
    ),
    "locked by a password": ("Save a copy of the PDF without a password and drop that.",),
    "low confidence": (_WHOLE_PAGE[1], _LIGHT, "Come closer so that the page fills the picture."),
}
_HINT = re.compile(r"(; name the layout.*| \(--layout \w+\)|: take the whole page.*|; a sharper or closer.*)$")
_SMALL_PX, _DARK, _BRIGHT = 1000, 90.0, 251.0


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


def verdict_of(found: Digitization) -> Verdict:
    """Put a page's verdict into words."""
    title, colour = _TITLES[found.status]
    by_hand = tuple(sentence(line) for line in found.warnings if " by hand" in line)
    if found.status == "refused":
        return Verdict("refused", title, colour, (sentence(plain(found.reason)),), corrected=by_hand)
    limits = tuple(sentence(line) for line in found.warnings if " by hand" not in line)
    return Verdict(found.status, title, colour, (_seen(found),), limits, _facts(found), by_hand)


def plain(reason: str) -> str:
    """Return a reason without its hints for the command line: the app gives its own."""
    return _HINT.sub("", reason)


def sentence(text: str) -> str:
    """Return a reason as a sentence: a capital first, a full stop last."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".") if text else ""


def advice(reason: str, image: NDArray[np.uint8] | None = None) -> tuple[str, ...]:
    """Return what would mend a page that could not be read: by the reason, and by what the picture shows."""
    told: list[str] = []
    if image is not None:
        height, width = image.shape[:2]
        middle = float(np.median(image[::8, ::8]))
        if max(height, width) < _SMALL_PX:
            told.append(
                f"The picture is only {width} × {height} pixels: send the original photo, not a preview, or scan the "
                "page at 200 dpi or more."
            )
        if middle < _DARK:
            told.append("The picture is dark: bring more light onto the page.")
        elif middle > _BRIGHT and "ruling" in reason:
            told.append("The picture is almost white: avoid glare, and turn off the flash.")
    for key, lines in _ADVICE.items():
        if key in reason:
            return (*told, *lines)
    return tuple(told)


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


def silent_findings(findings: Findings) -> dict[str, tuple[str, ...]]:
    """Return the names of what is not judged, by the reason why."""
    from ecgimg.classification.labels import INDIVIDUAL_LABELS

    silent: dict[str, tuple[str, ...]] = {}
    for finding in findings.findings:
        if finding.silence and finding.label in INDIVIDUAL_LABELS:
            silent[finding.silence] = (*silent.get(finding.silence, ()), finding.name)
    return silent


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
