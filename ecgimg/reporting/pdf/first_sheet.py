"""The first sheet of the report: verdict, numbers, picture, measurements, findings and leads."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization import Digitization
from ecgimg.plotting.paper_layout import A4_MM
from ecgimg.plotting.paper_page import NOTICE
from ecgimg.plotting.svg import INK, QUIET
from ecgimg.reporting.pdf.findings_column import LEFT_MM, draw_findings, draw_leads, leads_height_mm
from ecgimg.reporting.pdf.number_columns import LINE_MM, TITLE_MM, draw_numbers, number_columns
from ecgimg.reporting.pdf.page_picture import leads_of_page
from ecgimg.reporting.pdf.sheets import MARGIN_MM, empty_sheet, write
from ecgimg.reporting.report import Report
from ecgimg.reporting.verdict_text import Verdict, lead_rows, probability_text, verdict_of

Image8 = NDArray[np.uint8]

_TITLE_MM, _END_MM, _FOOTER_MM = 15.0, 196.0, 204.0  # base lines of the title and the footer, and where content ends
_MAX_SENTENCES = 9  # lines above the picture
_SENTENCE_CHARACTERS = 92


def draw_first_sheet(report: Report, picture: Image8 | None, identity: str, footer: str) -> Any:
    """Draw the first sheet; `picture` is the page that was read."""
    figure, axes = empty_sheet()
    page = report.digitization
    verdict = verdict_of(page) if page is not None else _verdict_of_record(report)
    y_mm = _draw_head(axes, verdict, report.numbers, identity)
    columns = number_columns(report.measurements, page or Digitization("ok"))
    numbers_mm = TITLE_MM + LINE_MM * (max(map(len, columns)) - 1)
    if picture is not None and page is not None and page.readings:
        room_mm = (LEFT_MM - 2 * MARGIN_MM, _END_MM - numbers_mm - y_mm)
        y_mm = _place_picture(figure, leads_of_page(picture, page), (MARGIN_MM, y_mm, *room_mm))
    draw_numbers(axes, columns, y_mm + TITLE_MM)
    leads = _leads(report)
    leads_top_mm = _END_MM - leads_height_mm(leads) + 3
    draw_findings(axes, report, _TITLE_MM if not identity else _TITLE_MM + 7, leads_top_mm - 6)
    draw_leads(axes, leads, leads_top_mm)
    write(axes, MARGIN_MM, _FOOTER_MM, NOTICE, 3.2, weight="bold")
    write(axes, A4_MM[0] - MARGIN_MM, _FOOTER_MM, f"{footer} · ecgimg", 2.6, ha="right", color=QUIET)
    return figure


def _verdict_of_record(report: Report) -> Verdict:
    record = report.record
    title = "Record" if record is None else f"Record of {record.duration_s:.1f} s at {record.fs_hz:g} Hz"
    return Verdict("ok", title, INK, (), tuple(reason.text for reason in report.reasons))


def _leads(report: Report) -> list[tuple[str, str, str]]:
    """Return name, confidence and seconds of each lead; a record has no confidence."""
    if report.digitization is not None:
        rows = lead_rows(report.digitization)
        return [(row.lead, probability_text(row.confidence), f"{row.seconds:.1f} s") for row in rows]
    return [(lead, "", f"{seconds:.1f} s") for lead, seconds in report.seen_s.items()]


def _draw_head(axes: Any, verdict: Verdict, numbers: str, identity: str) -> float:
    """Write the title, whose ECG it is, rate and intervals, and the sentences; returns where the next line stands."""
    write(axes, MARGIN_MM, _TITLE_MM, verdict.title, 6.0, weight="bold", color=verdict.colour)
    write(axes, LEFT_MM, _TITLE_MM, identity, 4.0, weight="bold")
    y_mm = _TITLE_MM + 7.5
    if numbers:
        write(axes, MARGIN_MM, y_mm, numbers, 4.2, weight="bold")
        y_mm += 6.0
    sentences = (*verdict.sentences, *verdict.limits, *verdict.facts, *verdict.corrected)
    lines = [line for sentence in sentences for line in wrap(sentence, _SENTENCE_CHARACTERS)]
    if len(lines) > _MAX_SENTENCES:
        lines = [*lines[: _MAX_SENTENCES - 1], "… the rest is in the JSON file"]
    for line in lines:
        write(axes, MARGIN_MM, y_mm, line, 3.1)
        y_mm += 4.3
    return y_mm


def _place_picture(figure: Any, picture: Image8, box_mm: tuple[float, float, float, float]) -> float:
    """Place a picture, as large as it fits, into a box of (left, top, width, height) mm; returns where it ends."""
    left_mm, top_mm, width_mm, height_mm = box_mm
    mm_per_px = min(width_mm / picture.shape[1], height_mm / picture.shape[0])
    width_mm, height_mm = picture.shape[1] * mm_per_px, picture.shape[0] * mm_per_px
    # matplotlib measures from the bottom left, as shares of the page
    bottom = 1 - (top_mm + height_mm) / A4_MM[1]
    axes = figure.add_axes((left_mm / A4_MM[0], bottom, width_mm / A4_MM[0], height_mm / A4_MM[1]))
    axes.imshow(picture, aspect="auto", interpolation="none")
    axes.axis("off")
    return float(top_mm + height_mm)
