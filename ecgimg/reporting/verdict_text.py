"""The verdict, the advice and the numbers of a page in words that a person without the documentation understands."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization import Digitization
from ecgimg.leads import KNOWN_LEADS
from ecgimg.reasons import ReasonCode, Severity, sentence_case
from ecgimg.reporting.conclusion import Judgement
from layouts import layout_names, load_layout

NO_FINDING = "Nothing is likely or possible of what is judged."

_TITLES = {
    "ok": ("The page was read", "#1d6b43"),
    "limited": ("The page was read, with limits", "#8a5300"),
    "refused": ("The page could not be read", "#a3211c"),
}
_SOURCE_TEXTS = {
    "given": "set by hand",
    "print": "as printed on the page",
    "text": "as written in the PDF",
    "pulse": "from the calibration pulse",
    "grid": "from the grid",
    "width": "assuming that the page shows ten seconds",
    "assumed": "assumed, as the page does not show it",
}
_FILE_NAME = re.compile(r"\S+\.[A-Za-z0-9]")
_SMALL_PX = 1000  # a picture with a shorter longer side is a preview, or shows a page far away
_DARK_GREY, _BRIGHT_GREY = 90.0, 251.0  # medians of a picture taken without light, and of one washed out by glare
_MAX_ADVICE = 3  # lines for a page that was read with limits; the gravest limits come first


@dataclass(frozen=True)
class Verdict:
    """What a person should know first about a page.

    Parameters
    ----------
    status : str
        ``ok``, ``limited`` or ``refused``.
    title, colour : str
    sentences : tuple of str
        The leads and seconds that were read, or why the page was refused.
    limits : tuple of str
        What limits the result.
    facts : tuple of str
        Layout and scale, with their sources.
    corrected : tuple of str
        What was set by hand.
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
    """One lead of the table of confidence; `level` is ``high``, ``fair`` or ``low``."""

    lead: str
    confidence: float
    level: str
    seconds: float


def verdict_of(digitization: Digitization) -> Verdict:
    """Put a page's verdict into words."""
    title, colour = _TITLES[digitization.status]
    lines: dict[Severity, list[str]] = {severity: [] for severity in Severity}
    for reason in digitization.reasons:
        lines[reason.severity].append(as_sentence(reason.text))
    corrected = tuple(lines[Severity.INFO])
    if digitization.status == "refused":
        return Verdict("refused", title, colour, tuple(lines[Severity.ERROR]), corrected=corrected)
    limits = tuple(lines[Severity.WARNING])
    sentences = (_seen_leads(digitization),)
    return Verdict(digitization.status, title, colour, sentences, limits, _facts(digitization), corrected)


def as_sentence(text: str) -> str:
    """Return a text, which may be that of an error, as a sentence with a capital and a full stop."""
    text = text.strip()
    if not text:
        return ""
    # the name of a file keeps its case
    begin = text if _FILE_NAME.match(text) else sentence_case(text)
    return begin + ("" if text.endswith((".", "!", "?")) else ".")


def advice(digitization: Digitization, image: NDArray[np.uint8] | None = None) -> tuple[str, ...]:
    """Return the advice of a page's reasons, and for a refused page advice on its picture as well."""
    lines = dict.fromkeys(line for reason in digitization.reasons for line in reason.advice)
    # a limited page can be used, and a long list would hide what matters
    if digitization.status != "refused":
        return tuple(lines)[:_MAX_ADVICE]
    codes = {reason.code for reason in digitization.reasons}
    return (*_picture_advice(image, codes), *lines) if image is not None else tuple(lines)


def _picture_advice(image: NDArray[np.uint8], codes: Collection[ReasonCode]) -> Iterator[str]:
    """Yield advice on a picture that is small, dark or washed out."""
    height, width = image.shape[:2]
    grey = float(np.median(image[::8, ::8]))  # every eighth pixel tells as much, in a fraction of the time
    if max(height, width) < _SMALL_PX:
        yield (
            f"The picture is only {width} × {height} pixels. Send the original photo, not a preview, or scan the page "
            "at 200 dpi or more."
        )
    if grey < _DARK_GREY:
        yield "The picture is dark. Bring more light onto the page."
    elif grey > _BRIGHT_GREY and ReasonCode.NO_PAGE_FOUND in codes:
        yield "The picture is almost white. Avoid glare, and turn off the flash."


def lead_rows(digitization: Digitization) -> tuple[LeadRow, ...]:
    """Return the leads of a page in their usual order, each with its confidence and the seconds seen."""
    rows = []
    confidences, seconds = digitization.lead_confidence or {}, digitization.lead_seconds or {}
    for lead in KNOWN_LEADS:
        if lead in confidences:
            confidence = confidences[lead]
            level = "high" if confidence >= 0.8 else "fair" if confidence >= 0.5 else "low"
            rows.append(LeadRow(lead, confidence, level, seconds.get(lead, 0.0)))
    return tuple(rows)


def judgement_detail(judgement: Judgement) -> str:
    """Return what a judgement rests on, in words: the numbers, the meaning, and a disagreement."""
    numbers = judgement.statement.text[len(judgement.statement.name) + 2 :] if judgement.statement else ""
    finding = judgement.finding
    # the probability beside the name is of another one
    other = as_sentence(f"{finding.name} {probability_text(finding.probability)}") if finding and numbers else ""
    other = other if finding is not None and finding.name != judgement.name else ""
    return " ".join(filter(None, [numbers, other, judgement.meaning, as_sentence(judgement.differs)]))


def probability_text(probability: float | None) -> str:
    """Return a probability as a percentage, which never reads 0 % or 100 %."""
    if probability is None:
        return "not judged"
    if probability < 0.01:
        return "below 1\N{NO-BREAK SPACE}%"
    return "above 99\N{NO-BREAK SPACE}%" if probability > 0.99 else f"{probability * 100:.0f}\N{NO-BREAK SPACE}%"


def _seen_leads(digitization: Digitization) -> str:
    """Return how many leads the page shows, and how many seconds of which."""
    leads_by_seconds: dict[float, list[str]] = {}
    for row in lead_rows(digitization):
        if seconds := round(row.seconds, 1):  # leads of one column may differ by a few samples
            leads_by_seconds.setdefault(seconds, []).append(row.lead)
    parts = [f"{seconds:g} s of {_list_leads(leads)}" for seconds, leads in sorted(leads_by_seconds.items())]
    count = sum(map(len, leads_by_seconds.values()))
    return f"{count} lead{'s' if count != 1 else ''} can be seen: {', '.join(parts)}."


def _list_leads(leads: Sequence[str]) -> str:
    return f"{len(leads)} leads" if len(leads) > 6 else " ".join(leads)


def _facts(digitization: Digitization) -> tuple[str, ...]:
    """Return layout, paper speed and gain in words, each with its source."""
    sources = digitization.sources or {}
    facts = []
    if digitization.layout:
        is_own = digitization.layout not in layout_names()
        description = "a layout of your own" if is_own else load_layout(digitization.layout).description.rstrip(".")
        by_hand = ", set by hand" if "layout" in digitization.corrections else ""
        facts.append(f"Layout {digitization.layout}: {description}{by_hand}.")
    speed_source = _SOURCE_TEXTS[sources.get("speed", "assumed")]
    facts.append(f"Paper speed: {digitization.speed_mm_s:g} mm/s, {speed_source}.")
    gain = f"{digitization.gain_mm_mv:.3g} mm/mV"
    if digitization.chest_gain_mm_mv not in (None, digitization.gain_mm_mv):
        gain += f", chest leads {digitization.chest_gain_mm_mv:.3g} mm/mV"
    facts.append(f"Gain: {gain}, {_SOURCE_TEXTS[sources.get('gain', 'assumed')]}.")
    return tuple(facts)
