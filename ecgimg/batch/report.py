"""The report of a run: one HTML file that loads no script, font or picture from elsewhere."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import numpy as np
from PIL import Image

from ecgimg._pictures import as_data_url
from ecgimg.batch.output_store import OutputStore
from ecgimg.classification.labels import FULL_NAMES, INDIVIDUAL_LABELS
from ecgimg.reasons import ReasonCode
from ecgimg.reporting.statement import StatementCode

_MAX_PICTURES = 48  # keeps the file of a large archive small enough to be opened and sent
_THUMB_PX = 320
_STATUSES = ("ok", "limited", "refused", "failed", "pending")
_WORST_FIRST = {"failed": 0, "refused": 1, "limited": 2, "ok": 3}
_LOW_CONFIDENCE = 0.5  # of the median lead; a page below it is looked at even where its status is ok
_MAX_FINDINGS = 12
_NUMBERS = {
    "rate_bpm": "Rate, bpm",
    "pr_ms": "PR, ms",
    "qrs_ms": "QRS, ms",
    "qtc_fridericia_ms": "QTc (Fridericia), ms",
}


def draw_report(rows: Sequence[Mapping[str, Any]], summary: Mapping[str, Any], store: OutputStore) -> str:
    """Return the report as one HTML page.

    Parameters
    ----------
    rows : sequence of mapping
        The table of pages.
    summary : mapping
        The values of `Summary`.
    store : OutputStore
        Holds the overlays, of which the report shows small copies.
    """
    firsts = [row for row in rows if not row["duplicate_of"]]
    done = [row for row in firsts if row["status"] != "pending"]
    read = [row for row in done if row["status"] in ("ok", "limited")]
    parts = [
        _cards(summary["pages"], len(rows)),
        _critical_pages(read, store),
        _reason_table("Why pages were refused or failed", count_reasons(done, ("refused", "failed"))),
        _reason_table("What limits pages", count_reasons(done, ("limited",))),
        '<div class="columns">',
        _table("Layouts", Counter(row["layout"] for row in read if row["layout"]).most_common()),
        _table("Median confidence of the leads", _histogram([row["lead_confidence"] for row in read])),
        _number_table(read),
        _finding_table(read),
        "</div>",
        _throughput(summary, [row["seconds"] for row in done if row.get("seconds")]),
        _gallery(done, store),
    ]
    head = f"<h1>Archive of {len(rows)} ECG pages</h1><p>{escape(summary['source'])}</p>"
    style = (files("ecgimg") / "batch" / "report.css").read_text(encoding="utf-8")
    notice = "Research use only, not a medical device. Look at a page before you use its numbers."
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">"
        f"<title>ecgimg: {len(rows)} pages</title><style>{style}</style></head><body><main>{head}"
        f'<p class="notice">{notice}</p>{"".join(parts)}'
        f'<p class="faint">ecgimg {escape(summary["version"])}</p></main></body></html>'
    )


def _cards(counts: Mapping[str, int], total: int) -> str:
    cards = [f'<div class="card"><b>{total}</b>pages</div>']
    for status in _STATUSES:
        if counts.get(status):  # a status without pages needs no card
            share = f'<span class="faint"> {counts[status] / max(total, 1):.0%}</span>'
            cards.append(f'<div class="card {status}"><b>{counts[status]}</b>{status}{share}</div>')
    if counts.get("duplicate"):
        cards.append(f'<div class="card"><b>{counts["duplicate"]}</b>duplicates, read once</div>')
    return f'<div class="cards">{"".join(cards)}</div>'


def count_reasons(rows: Iterable[Mapping[str, Any]], statuses: Sequence[str]) -> dict[ReasonCode, int]:
    """Count the pages of some statuses by the codes of their reasons, the most frequent first.

    A page counts once for each of its codes.
    """
    pages = (set(row["reason_codes"]) for row in rows if row["status"] in statuses)
    counts = Counter(code for codes in pages for code in sorted(codes))
    return {ReasonCode.named(code): count for code, count in counts.most_common()}


def expected_counts(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[float, float, float, int]]:
    """Return, for each label, how many pages have it: the sum of its probabilities, the most frequent first.

    Counting the pages on which a finding is likely would miss the many that are only possible, and count the false.

    Parameters
    ----------
    rows : sequence of mapping
        Of the table of pages, with ``probability`` from label to probability.

    Returns
    -------
    dict of label to (count, low, high, pages)
        Low and high hold the true count in 95 of 100 archives, if probabilities are right and pages are of different
        people; pages is the number on which the label was judged.
    """
    values: dict[str, list[float]] = {}
    for row in rows:
        for label, probability in (row.get("probability") or {}).items():
            values.setdefault(label, []).append(probability)
    counts = {}
    for label, chances in values.items():
        chance = np.array(chances)
        count, spread = float(chance.sum()), 1.96 * float(np.sqrt((chance * (1 - chance)).sum()))
        counts[label] = (count, max(count - spread, 0.0), min(count + spread, float(len(chance))), len(chance))
    return dict(sorted(counts.items(), key=lambda item: -item[1][0]))


def _finding_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return how often each finding is to be expected, and on how many pages it is likely."""
    likely = Counter(key for row in rows for grade in ("critical", "likely") for key in row.get(grade) or ())
    counts = {label: count for label, count in expected_counts(rows).items() if label in INDIVIDUAL_LABELS}
    lines = []
    for label, (count, low, high, pages) in list(counts.items())[:_MAX_FINDINGS]:
        cells = (f"{count:.0f}", f"{low:.0f} to {high:.0f}", str(likely[label]), str(pages))
        columns = "".join(f'<td class="n">{cell}</td>' for cell in cells)
        lines.append(f'<tr><th scope="row">{escape(FULL_NAMES[label])}</th>{columns}</tr>')
    if not lines:
        return ""
    words = ("Finding", "Expected", "95 %", "Likely on", "Judged")
    head = "".join(f'<th scope="col">{word}</th>' for word in words)
    return (
        f'<section><h2>Findings</h2><table class="numbers"><tr>{head}</tr>{"".join(lines)}</table>'
        '<p class="faint">Expected: the sum of the probabilities of all pages.</p></section>'
    )


def _critical_pages(rows: Sequence[Mapping[str, Any]], store: OutputStore) -> str:
    """Return the pages with critical findings, which somebody should look at first."""
    critical = [row for row in rows if row.get("critical")]
    if not critical:
        return ""
    figures = "".join(_figure(row, store, _names(row["critical"])) for row in critical[:_MAX_PICTURES])
    more = f", {_MAX_PICTURES} of {len(critical)}" if len(critical) > _MAX_PICTURES else ""
    return f'<h2>Pages with critical findings{more}</h2><div class="gallery">{figures}</div>'


def _names(keys: Iterable[str]) -> str:
    titles = {code.value: code.title for code in StatementCode}
    return ", ".join(FULL_NAMES.get(key) or titles[key] for key in keys)


def _histogram(values: Sequence[float | None]) -> list[tuple[str, int]]:
    confidences = [value for value in values if value is not None]
    edges = np.linspace(0, 1, 11)
    counts, _ = np.histogram(confidences, edges)
    bars = list(zip(edges[:-1], edges[1:], counts.tolist(), strict=True)) if confidences else []
    return [(f"{low:.1f} to {high:.1f}", count) for low, high, count in reversed(bars)]


def _reason_table(title: str, counts: Mapping[ReasonCode, int]) -> str:
    return _table(title, [(code.title, count) for code, count in counts.items()], {c.title: c.advice for c in counts})


def _table(title: str, counts: Sequence[tuple[str, int]], advice: Mapping[str, Sequence[str]] | None = None) -> str:
    """Return counts as a table with a bar in each row, and the advice below each name."""
    if not counts:
        return ""
    largest = max(max(count for _, count in counts), 1)
    hints = {
        name: f'<br><span class="faint">{escape(" ".join(lines))}</span>' for name, lines in (advice or {}).items()
    }
    table_rows = "".join(
        f'<tr><td>{escape(name)}{hints.get(name, "")}</td><td class="n">{count}</td>'
        f'<td class="bar"><i style="width:{100 * count / largest:.1f}%"></i></td></tr>'
        for name, count in counts
    )
    return f"<section><h2>{title}</h2><table>{table_rows}</table></section>"


def _number_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return how the main numbers are distributed over the pages that have them."""
    lines = []
    for name, title in _NUMBERS.items():
        values = [row[name] for row in rows if row.get(name) is not None]
        if values:
            low, median, high = np.percentile(values, [5, 50, 95])
            cells = (f"{median:.0f}", f"{low:.0f} to {high:.0f}", str(len(values)))
            columns = "".join(f'<td class="n">{cell}</td>' for cell in cells)
            lines.append(f'<tr><th scope="row">{title}</th>{columns}</tr>')
    if not lines:
        return ""
    head = "".join(f'<th scope="col">{word}</th>' for word in ("Number", "Median", "5 to 95 %", "Pages"))
    return f'<section><h2>Measurements</h2><table class="numbers"><tr>{head}</tr>{"".join(lines)}</table></section>'


def _throughput(summary: Mapping[str, Any], seconds: Sequence[float]) -> str:
    if not seconds:
        return ""
    low, median, high = np.percentile(seconds, [10, 50, 90])
    lines = [f"A page takes {median:.2f} s of one core (median; 10 % below {low:.2f} s, 10 % above {high:.2f} s)."]
    if summary["read_now"]:
        lines.append(
            f"The last run read {summary['read_now']} pages in {_duration_text(summary['seconds'])}: "
            f"{summary['pages_per_s'] * 3600:,.0f} pages an hour."
        )
    return "<h2>Throughput</h2>" + "".join(f"<p>{line}</p>" for line in lines)


def _duration_text(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    if hours:
        return f"{hours} h {rest // 60} min"
    return f"{rest // 60} min {rest % 60} s" if rest >= 60 else f"{rest} s"


def _gallery(rows: Iterable[Mapping[str, Any]], store: OutputStore) -> str:
    """Return the pictures of pages that are not ok or have a low confidence, the worst first."""
    doubtful = [row for row in rows if row["status"] != "ok" or (row["lead_confidence"] or 0) < _LOW_CONFIDENCE]
    # the page id makes the order the same in every run
    doubtful.sort(key=lambda row: (_WORST_FIRST[row["status"]], row.get("lead_confidence") or 0, row["page_id"]))
    if not doubtful:
        return ""
    more = (
        f", {_MAX_PICTURES} of {len(doubtful)}; the others are in pages.parquet"
        if len(doubtful) > _MAX_PICTURES
        else ""
    )
    figures = "".join(_figure(row, store) for row in doubtful[:_MAX_PICTURES])
    return f'<h2>Pages to look at{more}</h2><div class="gallery">{figures}</div>'


def _figure(row: Mapping[str, Any], store: OutputStore, words: str = "") -> str:
    """Return the picture of a page, with its reasons or some other words below."""
    overlay = row.get("overlay") or ""
    content = store.read(overlay) if overlay else None
    if content is None:
        picture = '<div class="none">no picture</div>'
    else:
        alt = f"{row['page_id']} with the reading drawn over it"
        picture = f'<a href="{quote(overlay)}"><img alt="{escape(alt)}" src="{_thumbnail(content)}"></a>'
    confidence = row.get("lead_confidence")
    confidence_text = f", confidence {confidence:.2f}" if confidence is not None else ""
    # an error names the file by its full path, which would fill the caption
    why = words or " ".join(row["reasons"]).replace(str(row["source"]), "the file") or "low confidence"
    return (
        f'<figure class="{row["status"]}">{picture}<figcaption><b>{escape(row["page_id"])}</b>'
        f"{row['status']}{confidence_text}<br>{escape(why)}</figcaption></figure>"
    )


def _thumbnail(content: bytes) -> str:
    with Image.open(io.BytesIO(content)) as image:
        image.draft("RGB", (2 * _THUMB_PX, 2 * _THUMB_PX))  # decodes a JPEG at a fraction of its size: much faster
        image.thumbnail((_THUMB_PX, _THUMB_PX))
        return as_data_url(image)
