"""The findings and the leads on the first sheet of the report, on its right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from ecgimg.plotting.paper_layout import A4_MM
from ecgimg.plotting.svg import INK, QUIET
from ecgimg.reasons import sentence_case, texts
from ecgimg.reporting.conclusion import Judgement
from ecgimg.reporting.pdf.sheets import MARGIN_MM, underline, write
from ecgimg.reporting.report import Report
from ecgimg.reporting.statement import Grade
from ecgimg.reporting.verdict_text import NO_FINDING, as_sentence, probability_text

LEFT_MM = 178.0
"""Where the column begins."""

_RIGHT_MM = A4_MM[0] - MARGIN_MM
_LINE_MM, _ROW_GAP_MM = 3.9, 1.2  # between two lines, and more between two rows
_NAME_CHARACTERS, _DETAIL_CHARACTERS = 46, 68  # that fit into a line
_DETAIL_LINES = 2  # of the numbers of a finding
_GRADE_COLOURS = {Grade.CRITICAL: "#a3211c", Grade.LIKELY: INK, Grade.POSSIBLE: QUIET}
_LEAD_COLUMNS = 2
_LEAD_ROW_MM = 4.5


@dataclass(frozen=True)
class _Line:
    """A line of the column; `is_detail` lines are small, and a title stands above the rows of a grade."""

    text: str
    value: str = ""
    colour: str = INK
    is_title: bool = False
    is_detail: bool = False
    ends_row: bool = False

    @property
    def height_mm(self) -> float:
        return _LINE_MM + (_ROW_GAP_MM if self.ends_row or self.is_title else 0.0)


def draw_findings(axes: Any, report: Report, top_mm: float, bottom_mm: float) -> None:
    """Write what is critical, likely and possible, and what is not judged; what has no room is said to be left out."""
    write(axes, LEFT_MM, top_mm, "Findings", 3.6, weight="bold")
    hint = "measured, or found by a network with this probability"
    write(axes, _RIGHT_MM, top_mm, hint, 2.5, ha="right", color=QUIET)
    y_mm = top_mm + 6.5
    for line in _fitting(list(_lines(report)), bottom_mm - y_mm):
        size_mm = 2.5 if line.is_detail else 3.0
        write(axes, LEFT_MM, y_mm, line.text, size_mm, color=line.colour, weight="bold" if line.is_title else "normal")
        write(axes, _RIGHT_MM, y_mm, line.value, size_mm, color=line.colour, ha="right")
        if line.ends_row:
            underline(axes, LEFT_MM, _RIGHT_MM, y_mm + 1.3)
        y_mm += line.height_mm


def _fitting(lines: Sequence[_Line], room_mm: float) -> list[_Line]:
    """Return the lines that have room, the last of them said to be not all."""
    kept: list[_Line] = []
    used_mm = 0.0
    for line in lines:
        used_mm += line.height_mm
        if used_mm > room_mm:
            return [*kept[:-1], _Line("… the rest is in the JSON file", colour=QUIET, is_detail=True)]
        kept.append(line)
    return kept


def _lines(report: Report) -> Iterator[_Line]:
    conclusion = report.conclusion
    if not conclusion.judgements:
        text = NO_FINDING if report.findings else texts(report.reasons[:1])
        yield from _wrapped(text, _NAME_CHARACTERS, INK)
    for grade in Grade:
        if judgements := conclusion.of_grade(grade):
            yield _Line(grade.value.capitalize(), colour=_GRADE_COLOURS[grade], is_title=True)
        for judgement in judgements:
            yield from _judgement_lines(judgement)
    if conclusion.not_judged:
        yield _Line("Not judged", colour=QUIET, is_title=True)
    for reason, names in conclusion.not_judged.items():
        text = f"{sentence_case(', '.join(names))}: {as_sentence(reason.text)}"
        yield from _wrapped(text, _DETAIL_CHARACTERS, QUIET, is_detail=True)


def _judgement_lines(judgement: Judgement) -> Iterator[_Line]:
    """Yield the name with its probability, and below it the numbers that it was measured by."""
    statement, is_possible = judgement.statement, judgement.grade is Grade.POSSIBLE
    numbers = statement.text[len(statement.name) + 2 :] if statement and not is_possible else ""
    details = wrap(numbers, _DETAIL_CHARACTERS, max_lines=_DETAIL_LINES, placeholder=" …")
    probability = judgement.probability
    value = "measured" if probability is None else probability_text(probability)
    names = wrap(sentence_case(judgement.name), _NAME_CHARACTERS)
    for place, name in enumerate(names):
        yield _Line(name, value if place == 0 else "", ends_row=not details and place == len(names) - 1)
    for place, detail in enumerate(details):
        yield _Line(detail, colour=QUIET, is_detail=True, ends_row=place == len(details) - 1)


def _wrapped(text: str, width: int, colour: str, *, is_detail: bool = False) -> Iterator[_Line]:
    lines = wrap(text, width)
    for place, line in enumerate(lines):
        yield _Line(line, colour=colour, is_detail=is_detail, ends_row=place == len(lines) - 1)


def leads_height_mm(leads: Sequence[tuple[str, str, str]]) -> float:
    """Return how high the table of the leads is, its title included."""
    return 7.0 + _LEAD_ROW_MM * -(-len(leads) // _LEAD_COLUMNS)


def draw_leads(axes: Any, leads: Sequence[tuple[str, str, str]], top_mm: float) -> None:
    """Write name, confidence and seconds of the leads in two columns."""
    write(axes, LEFT_MM, top_mm, "Leads", 3.6, weight="bold")
    has_confidence = any(confidence for _, confidence, _ in leads)
    hint = "seconds seen" + (", and chance that the mean error is below 0.1 mV" if has_confidence else "")
    write(axes, _RIGHT_MM, top_mm, hint, 2.5, ha="right", color=QUIET)
    rows, gap_mm = -(-len(leads) // _LEAD_COLUMNS), 6.0
    width_mm = (_RIGHT_MM - LEFT_MM - gap_mm * (_LEAD_COLUMNS - 1)) / _LEAD_COLUMNS
    for number, (lead, confidence, seconds) in enumerate(leads):
        left_mm, y_mm = LEFT_MM + number // rows * (width_mm + gap_mm), top_mm + 6 + number % rows * _LEAD_ROW_MM
        write(axes, left_mm, y_mm, lead, 2.8)
        write(axes, left_mm + width_mm - (20 if has_confidence else 0), y_mm, seconds, 2.8, ha="right")
        write(axes, left_mm + width_mm, y_mm, confidence, 2.8, ha="right")
        underline(axes, left_mm, left_mm + width_mm, y_mm + 1.3)
