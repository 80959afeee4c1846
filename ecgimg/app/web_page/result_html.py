"""Results of the app as HTML: pure functions from results to text that escape whatever a person entered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from ecgimg.app.process_page import Reading
from ecgimg.reasons import ReasonCode, sentence_case, texts
from ecgimg.reporting import Grade, Judgement, Report
from ecgimg.reporting.measurement_text import NOT_GIVEN, NumberRow, nothing_text, number_groups
from ecgimg.reporting.verdict_text import (
    NO_FINDING,
    Verdict,
    as_sentence,
    judgement_detail,
    lead_rows,
    probability_text,
    verdict_of,
)

_STEPS = 5  # that make a page, for the bar of the progress
_DOWNLOADS = {
    "report": ("PDF report", "verdict, page, measurements, findings, and the leads at true size"),
    "csv": ("CSV", "time and millivolts, for a spreadsheet"),
    "wfdb": ("WFDB", "header and signals in a zip file, for PhysioNet's tools"),
    "dicom": ("DICOM", "12-lead waveform, without patient data"),
    "json": ("JSON", "everything that was read, measured and found, for programs"),
}
_ALL_DOWNLOADS = {
    "report": ("One PDF", "the reports of all pages, one behind the other"),
    "zip": ("One zip", "all files of all pages"),
}

_LEAD_REASONS = (
    ReasonCode.LEADS_LEFT_OUT,
    ReasonCode.LEADS_WITHOUT_HEART,
    ReasonCode.NOISY_LEADS,
)  # told with the findings


def progress(step: str, done: int, total: int, name: str = "") -> str:
    """Return the progress as a bar, and as words that a screen reader reads out."""
    count = f"Page {min(done + 1, total)} of {total}: " if total > 1 else ""
    file = f" <span class='ecg-file'>{escape(name)}</span>" if name else ""
    doing = escape(step if count else step.capitalize())
    value = done * _STEPS + _step_number(step)
    return (
        f'<div class="ecg-working" role="status"><progress max="{max(total, 1) * _STEPS}" value="{value}" '
        f'aria-label="Progress"></progress><p>{count}{doing} …{file}</p></div>'
    )


def _step_number(step: str) -> int:
    """Return the number of the step that a page is at, of those that make it."""
    # the steps that `reading_steps` yields; the files are opened before
    steps = ("opening", "reading", "measuring", "looking", "drawing")
    return next((index for index, word in enumerate(steps) if step.startswith(word)), _STEPS - 1)


def message(text: str) -> str:
    """Return the error of a request, or nothing."""
    return f'<p class="ecg-message" role="alert">{escape(as_sentence(text))}</p>' if text else ""


def result(reading: Reading, link: str, all_link: str = "") -> str:
    """Return the cards of a reading, the most important first.

    Parameters
    ----------
    link : str
        The address below which the reading's files are served.
    all_link : str
        The address below which the files of all pages together are served; ``""`` where there is one page.
    """
    verdict = verdict_of(reading.digitization)
    parts = [_verdict(verdict, reading)]
    # a file that could not be opened has no picture
    if reading.page.failure is None:
        parts.append(_page_viewer(reading, link))
    if reading.digitization.record is not None:
        parts += [_paper_viewer(link), _leads(reading), _measurements(reading), _findings(reading, link)]
        parts.append(_downloads(reading, link))
    if all_link:
        parts.append(_all_downloads(all_link))
    return f'<div class="ecg-result" data-page="{reading.page.number}">{"".join(parts)}</div>'


def _verdict(verdict: Verdict, reading: Reading) -> str:
    limits = _list("Limits", verdict.limits)
    steps = _list("What to do", reading.advice, ordered=True)
    by_hand = _list("Corrections", verdict.corrected)
    facts = "".join(f"<li>{escape(fact)}</li>" for fact in verdict.facts)
    sentences = _conclusion_lines(reading.findings) + "".join(f"<p>{escape(line)}</p>" for line in verdict.sentences)
    return (
        f'<section class="ecg-card ecg-verdict {verdict.status}" aria-labelledby="verdict-title">'
        f'<h2 id="verdict-title" tabindex="-1">{escape(verdict.title)}</h2>{sentences}{limits}{steps}{by_hand}'
        + (f'<ul class="ecg-facts">{facts}</ul>' if facts else "")
        + "</section>"
    )


def _conclusion_lines(report: Report) -> str:
    """Return rate and intervals, and the gravest judgements, in a line each."""
    judgements = report.conclusion.of_grade(Grade.CRITICAL) or report.conclusion.of_grade(Grade.LIKELY)
    names = ", ".join(judgement.name for judgement in judgements)
    grave = bool(report.conclusion.of_grade(Grade.CRITICAL))
    numbers = f'<p class="ecg-rate-line">{escape(report.numbers)}</p>' if report.numbers else ""
    words = f"{'Critical: ' if grave else ''}{sentence_case(names)}."
    return numbers + (f'<p class="{"ecg-critical" if grave else "ecg-likely"}">{escape(words)}</p>' if names else "")


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
    toggle = '<label class="ecg-toggle"><input type="checkbox" data-toggle checked> Show what was read</label>'
    pictures = (
        f'<img class="found" src="{link}/overlay.jpg" alt="The page with the grid, lead boxes, lead labels and traces '
        f'that were read drawn over it"><img class="plain" src="{link}/original.jpg" loading="lazy" '
        'alt="The page as it was sent">'
    )
    hint = "Do the coloured lines follow the traces, and are the lead labels right? If not, correct the page below."
    return _section("The page and what was read", _viewer("page", "The page", pictures, toggle), hint)


def _paper_viewer(link: str) -> str:
    button = '<button type="button" data-zoom="true">True size</button>'
    picture = f'<img src="{link}/paper.svg" alt="The leads redrawn on ECG paper at 25 mm/s and 10 mm/mV">'
    hint = "25 mm/s and 10 mm/mV, whatever the scale of the page. Seconds that the page does not show stay empty."
    return _section("The leads on clean paper", _viewer("paper", "The leads on clean paper", picture, button), hint)


def _section(title: str, body: str, hint: str = "") -> str:
    hint_line = f'<p class="ecg-hint">{hint}</p>' if hint else ""
    return f'<section class="ecg-card"><h2>{title}</h2>{hint_line}{body}</section>'


def _bar(share: float, level: str = "") -> str:
    return f'<span class="ecg-bar {level}" aria-hidden="true"><i style="width:{share * 100:.0f}%"></i></span>'


def _leads(reading: Reading) -> str:
    """Return the confidence of the leads, which opens by a click where nothing is wrong with any of them."""
    confidences = lead_rows(reading.digitization)
    rows = "".join(
        f'<tr><th scope="row">{row.lead}</th><td>{_bar(row.confidence, row.level)}</td>'
        f'<td class="num">{probability_text(row.confidence)}</td><td class="num">{row.seconds:.1f} s</td></tr>'
        for row in confidences
    )
    table = (
        '<table class="ecg-table ecg-leads"><thead><tr><th scope="col">Lead</th>'
        '<th scope="col" colspan="2">Confidence</th>'
        f'<th scope="col" class="num">Seen</th></tr></thead><tbody>{rows}</tbody></table>'
    )
    hint = (
        "The probability that a lead's mean error is below 0.1 mV (1 mm on paper), and the seconds of it that are seen."
    )
    if all(row.level == "high" for row in confidences):
        table = _details(f"All {len(confidences)} leads were read with high confidence", table)
    return _section("Confidence of each lead", table, hint)


def _measurements(reading: Reading) -> str:
    """Return the numbers as a table, a group below the other, or why there are none."""
    groups = number_groups(reading.measurements)
    if not groups:
        return _section("Measurements", f"<p>{escape(nothing_text(reading.measurements, reading.digitization))}</p>")
    hint = (
        "Medians over the usual beats and all leads. ± is the spread from beat to beat; the error is how far off a "
        "number may be. A physician reads the ECG."
    )
    tables = "".join(_number_table(title, rows) for title, rows in groups.items())
    return _section("Measurements", f'<div class="ecg-numbers">{tables}</div>', hint)


def _number_table(title: str, rows: Sequence[NumberRow]) -> str:
    # the columns need no heading for the eye, and have one for the ear
    head = '<tr><th scope="col">Measurement</th><th scope="col">Value, spread and error</th></tr>'
    return (
        f'<table class="ecg-table"><caption>{escape(title)}</caption><thead class="ecg-unseen">{head}</thead>'
        f"<tbody>{''.join(map(_number_row, rows))}</tbody></table>"
    )


def _number_row(row: NumberRow) -> str:
    value = f"<span>{row.value}:" if row.value == NOT_GIVEN else f"<b>{escape(row.value)}</b> <span>"
    return f'<tr><th scope="row">{escape(row.name)}</th><td>{value} {escape(row.detail)}</span></td></tr>'


def _findings(reading: Reading, link: str) -> str:
    findings = reading.findings
    if not findings.findings:
        return _section("Findings", f"<p>{escape(texts(findings.reasons))}</p>")
    body = _judgements(findings) + _not_judged(findings)
    # the page's other reasons stand in the verdict already
    left_out = [reason.text for reason in findings.reasons if reason.code in _LEAD_REASONS]
    body += "".join(f'<p class="ecg-hint">{escape(text)}</p>' for text in left_out)
    hint = (
        "What is measured outside its limits, and what a network finds, with a calibrated probability. A physician "
        "reads the ECG."
    )
    return _section("Findings", body + _evidence(reading, link), hint)


def _judgements(report: Report) -> str:
    """Return the judgements by grade, the gravest first; those that are only possible open by a click."""
    tables = {grade: _judgement_rows(report.conclusion.of_grade(grade)) for grade in Grade}
    body = "".join(_captioned(grade, tables[grade]) for grade in (Grade.CRITICAL, Grade.LIKELY))
    count = len(report.conclusion.of_grade(Grade.POSSIBLE))
    possible = _details(f"Possible ({count})", _captioned(None, tables[Grade.POSSIBLE]))
    return (body or f"<p>{NO_FINDING if not count else 'Nothing is likely.'}</p>") + possible


def _captioned(grade: Grade | None, rows: str) -> str:
    if not rows:
        return ""
    caption = f"<caption>{grade.value.capitalize()}</caption>" if grade else ""
    kind = f" {grade.value}" if grade else ""
    return f'<table class="ecg-table ecg-findings{kind}">{caption}<tbody>{rows}</tbody></table>'


def _judgement_rows(judgements: Sequence[Judgement]) -> str:
    rows = []
    for judgement in judgements:
        name = escape(sentence_case(judgement.name))
        probability = judgement.probability
        share = _bar(probability) if probability is not None else ""
        value = probability_text(probability) if probability is not None else "measured"
        detail = judgement_detail(judgement)
        words = f"<small>{escape(detail)}</small>" if detail else ""
        rows.append(f'<tr><th scope="row">{name}{words}</th><td>{share}</td><td class="num">{value}</td></tr>')
    return "".join(rows)


def _not_judged(report: Report) -> str:
    lines = "".join(
        f"<p><strong>{escape(as_sentence(reason.text))}</strong> {escape(', '.join(names))}</p>"
        for reason, names in report.conclusion.not_judged.items()
    )
    return _details("Not judged on this page", lines)


def _details(title: str, body: str) -> str:
    """Return a part that opens by a click, or nothing where it would be empty."""
    return f"<details><summary>{title}</summary>{body}</details>" if body else ""


def _evidence(reading: Reading, link: str) -> str:
    """Return the pictures of the evidence, the gravest finding first and open."""
    parts = []
    for number, key in enumerate(reading.evidence, start=1):
        caption = escape(reading.findings.conclusion.named(key).title)
        picture = (
            f'<img src="{link}/evidence-{number}.jpg" loading="lazy" alt="The page with the parts of the traces marked '
            f'on which the finding rests: {caption}">'
        )
        is_open = " open" if number == 1 else ""
        parts.append(f"<details{is_open}><summary>What it rests on: {caption}</summary>{picture}</details>")
    return f'<div class="ecg-evidence">{"".join(parts)}</div>'


def _downloads(reading: Reading, link: str) -> str:
    items = {kind: words for kind, words in _DOWNLOADS.items() if kind in reading.downloads}
    hint = "The files name neither the patient nor your file. Print the report at 100 % to have it true to size."
    return _section("Downloads", _download_list(items, link), hint)


def _all_downloads(link: str) -> str:
    return _section("All pages", _download_list(_ALL_DOWNLOADS, link), "Of every page that was read.")


def _download_list(items: Mapping[str, tuple[str, str]], link: str) -> str:
    links = "".join(
        f'<li><a class="ecg-download" href="{link}/{kind}" download><strong>{name}</strong>'
        f"<span>{content}</span></a></li>"
        for kind, (name, content) in items.items()
    )
    return f'<ul class="ecg-downloads">{links}</ul>'
