"""What the app shows, as HTML: pure functions from results to text, everything of a person's escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ecgimg.app.page.messages import (
    LEAST_SHOWN,
    NO_FINDING,
    Verdict,
    chance_words,
    findings_not_judged,
    lead_rows,
    leading_findings,
    sentence,
    verdict_of,
)
from ecgimg.app.process_page import Reading
from ecgimg.classification import Finding
from ecgimg.reasons import ReasonCode, texts

_LIKELY = 0.5
_DOWNLOADS = {
    "report": ("PDF report", "verdict, page, findings, and the leads at true size"),
    "csv": ("CSV", "time and millivolts, for a spreadsheet"),
    "wfdb": ("WFDB", "header and signals in a zip file, for PhysioNet's tools"),
    "dicom": ("DICOM", "12-lead waveform, without patient data"),
    "json": ("JSON", "all that was read and found, for programs"),
}


def progress(step: str, done: int, total: int, name: str = "") -> str:
    """Return what is going on, as a bar and in words that a screen reader tells."""
    of = f"Page {min(done + 1, total)} of {total}: " if total > 1 else ""
    shown = f" <span class='ecg-file'>{escape(name)}</span>" if name else ""
    return (
        f'<div class="ecg-working" role="status"><progress max="{max(total, 1) * 4}" value="{done * 4 + _share(step)}" '
        f'aria-label="Progress"></progress><p>{of}{escape(step if of else step.capitalize())} …{shown}</p></div>'
    )


def _share(step: str) -> int:
    steps = ("opening", "reading", "looking", "drawing")
    return next((index for index, word in enumerate(steps) if step.startswith(word)), 3)


def message(text: str) -> str:
    """Return what went wrong with a request, or nothing."""
    return f'<p class="ecg-message" role="alert">{escape(sentence(text))}</p>' if text else ""


def result(reading: Reading, link: str) -> str:
    """Return everything that is shown of a reading, in the order in which it is wanted.

    Parameters
    ----------
    link : str
        The address below which the reading's files are served.
    """
    verdict = verdict_of(reading.digitization)
    parts = [_verdict(verdict, reading)]
    if reading.page.failure is None:
        parts.append(_page_viewer(reading, link))
    if reading.digitization.record is not None:
        parts += [_paper_viewer(link), _leads(reading), _findings(reading, link), _downloads(reading, link)]
    return f'<div class="ecg-result">{"".join(parts)}</div>'


def _verdict(verdict: Verdict, reading: Reading) -> str:
    limits = _list("What limits it", verdict.limits)
    steps = _list("What to do", reading.advice, ordered=True)
    hand = _list("Corrected by hand", verdict.corrected)
    facts = "".join(f"<li>{escape(fact)}</li>" for fact in verdict.facts)
    told = "".join(f"<p>{escape(line)}</p>" for line in verdict.sentences)
    return (
        f'<section class="ecg-card ecg-verdict {verdict.status}" aria-labelledby="verdict-title">'
        f'<h2 id="verdict-title" tabindex="-1">{escape(verdict.title)}</h2>{told}{limits}{steps}{hand}'
        + (f'<ul class="ecg-facts">{facts}</ul>' if facts else "")
        + "</section>"
    )


def _list(title: str, lines: Sequence[str], ordered: bool = False) -> str:
    if not lines:
        return ""
    kind = "ol" if ordered else "ul"
    return f"<h3>{title}</h3><{kind}>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</{kind}>"


def _viewer(name: str, label: str, pictures: str, tools: str = "") -> str:
    """Return pictures in a frame that can be scrolled and zoomed by mouse, touch and keyboard."""
    return (
        f'<div class="ecg-viewer" data-viewer="{name}"><div class="ecg-tools">{tools}'
        f'<span class="ecg-zoom" role="group" aria-label="Zoom">'
        f'<button type="button" data-zoom="out" aria-label="Smaller">−</button>'
        f'<button type="button" data-zoom="fit">Fit</button>'
        f'<button type="button" data-zoom="in" aria-label="Larger">+</button></span></div>'
        f'<div class="ecg-stage" tabindex="0" role="group" aria-label="{label}; scroll with the arrow keys">'
        f"{pictures}</div></div>"
    )


def _page_viewer(reading: Reading, link: str) -> str:
    if reading.digitization.record is None:
        picture = f'<img src="{link}/original.jpg" alt="The page as it was sent">'
        return _section("The page", _viewer("page", "The page", picture))
    tool = '<label class="ecg-toggle"><input type="checkbox" data-toggle checked> Show what was found</label>'
    pictures = (
        f'<img class="found" src="{link}/overlay.jpg" alt="The page with the ruling, lead boxes, lead names and traces '
        f'that were found drawn over it"><img class="plain" src="{link}/original.jpg" loading="lazy" '
        'alt="The page as it was sent">'
    )
    hint = "Do the coloured lines follow the traces, and are the lead names right? If not, correct the page below."
    return _section("The page and what was found on it", _viewer("page", "The page", pictures, tool), hint)


def _paper_viewer(link: str) -> str:
    tool = '<button type="button" data-zoom="true">True size</button>'
    picture = f'<img src="{link}/paper.svg" alt="The leads redrawn on ECG paper at 25 mm/s and 10 mm/mV">'
    hint = "25 mm/s and 10 mm/mV, whatever the page was printed at. What the page does not show is left free."
    return _section("The leads on clean paper", _viewer("paper", "The leads on clean paper", picture, tool), hint)


def _section(title: str, body: str, hint: str = "") -> str:
    told = f'<p class="ecg-hint">{hint}</p>' if hint else ""
    return f'<section class="ecg-card"><h2>{title}</h2>{told}{body}</section>'


def _bar(share: float, level: str = "") -> str:
    return f'<span class="ecg-bar {level}" aria-hidden="true"><i style="width:{share * 100:.0f}%"></i></span>'


def _leads(reading: Reading) -> str:
    rows = "".join(
        f'<tr><th scope="row">{row.lead}</th><td>{_bar(row.confidence, row.level)}</td>'
        f'<td class="num">{chance_words(row.confidence)}</td><td class="num">{row.seconds:.1f} s</td></tr>'
        for row in lead_rows(reading.digitization)
    )
    table = (
        '<table class="ecg-table ecg-leads"><thead><tr><th scope="col">Lead</th>'
        '<th scope="col" colspan="2">Confidence</th>'
        f'<th scope="col" class="num">Seen</th></tr></thead><tbody>{rows}</tbody></table>'
    )
    hint = "The chance that a lead's mean error is below 0.1 mV (1 mm on paper), and how many seconds of it are seen."
    return _section("How sure each lead is", table, hint)


def _findings(reading: Reading, link: str) -> str:
    found = reading.findings
    if not found.findings:
        return _section("Findings", f"<p>{escape(texts(found.reasons))}</p>")
    leading = leading_findings(found)
    likely = [item for item in leading if (item.probability or 0) >= _LIKELY]
    possible = [item for item in leading if LEAST_SHOWN <= (item.probability or 0) < _LIKELY]
    rest = [item for item in leading if (item.probability or 0) < LEAST_SHOWN]
    body = _finding_rows("Likely", likely) + _finding_rows("Possible", possible)
    if not (likely or possible):
        body = f"<p>{NO_FINDING}</p>"
    body += _details(
        f"Below 10 %, though above their screening thresholds ({len(rest)})", _finding_rows("", rest), rest
    )
    silent = "".join(
        f"<p><strong>{escape(sentence(why))}</strong> {escape(', '.join(names))}</p>"
        for why, names in findings_not_judged(found).items()
    )
    body += _details("Not judged on this page", silent, silent)
    left_out = [reason.text for reason in found.reasons if reason.code is ReasonCode.LEADS_LEFT_OUT]
    body += "".join(f'<p class="ecg-hint">{escape(text)}</p>' for text in left_out)
    hint = "Calibrated probabilities of a network that saw the leads above and nothing else. A physician reads the ECG."
    return _section("Findings", body + _evidence(reading, link), hint)


def _details(title: str, body: str, wanted: object) -> str:
    return f"<details><summary>{title}</summary>{body}</details>" if wanted else ""


def _finding_rows(title: str, items: Sequence[Finding]) -> str:
    if not items:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{escape(item.name[:1].upper() + item.name[1:])}</th>'
        f'<td>{_bar(item.probability or 0.0)}</td><td class="num">{chance_words(item.probability)}</td></tr>'
        for item in items
    )
    caption = f"<caption>{title}</caption>" if title else ""
    return f'<table class="ecg-table ecg-findings">{caption}<tbody>{rows}</tbody></table>'


def _evidence(reading: Reading, link: str) -> str:
    shown = [(number, reading.findings[label]) for number, label in enumerate(reading.evidence, start=1)]
    shown = [item for item in shown if (item[1].probability or 0.0) >= LEAST_SHOWN] or shown[:1]
    shown.sort(key=lambda item: item[1].probability or 0.0, reverse=True)
    parts = []
    for place, (number, finding) in enumerate(shown):
        words = f"{escape(finding.name)}, {chance_words(finding.probability)}"
        picture = (
            f'<img src="{link}/evidence-{number}.jpg" loading="lazy" alt="The page with the parts of the traces marked '
            f'on which the finding rests: {words}">'
        )
        opened = " open" if place == 0 else ""
        parts.append(f"<details{opened}><summary>What it rests on: {words}</summary>{picture}</details>")
    return f'<div class="ecg-evidence">{"".join(parts)}</div>'


def _downloads(reading: Reading, link: str) -> str:
    items = "".join(
        f'<li><a class="ecg-download" href="{link}/{kind}" download><strong>{_DOWNLOADS[kind][0]}</strong>'
        f"<span>{_DOWNLOADS[kind][1]}</span></a></li>"
        for kind in _DOWNLOADS
        if kind in reading.downloads
    )
    hint = "The files name neither the patient nor your file. The report is to be printed at 100 %."
    return _section("Downloads", f'<ul class="ecg-downloads">{items}</ul>', hint)
