"""The PDF report of one page: the verdict with the original, and the leads redrawn at true size on A4."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg._atomic_files import atomic_path
from ecgimg.app.web_page.measurement_text import (
    AXES,
    INTERVALS,
    NOISE,
    NOT_GIVEN,
    RHYTHM,
    ST,
    VOLTAGES,
    NumberRow,
    in_one_line,
    nothing_text,
    number_groups,
)
from ecgimg.app.web_page.verdict_text import (
    NO_FINDING,
    Verdict,
    lead_rows,
    probability_text,
    verdict_of,
)
from ecgimg.digitization import Digitization
from ecgimg.errors import MissingExtra
from ecgimg.measurement import Measurements
from ecgimg.plotting.paper_layout import lay_out
from ecgimg.plotting.paper_page import NOTICE
from ecgimg.plotting.svg import INK, MAJOR, MAJOR_MM, MINOR, MINOR_MM, PEN_MM, QUIET, ruling_mm
from ecgimg.reasons import sentence_case, texts
from ecgimg.record import EcgRecord
from ecgimg.reporting import Judgement, Report

Image8 = NDArray[np.uint8]

_A4_MM = (297.0, 210.0)
_MM_PER_INCH = 25.4
_PT_PER_MM = 72 / _MM_PER_INCH
_LONGEST_SIDE_PX = 1600  # of the overlay: sharp in print, and the file can be mailed
_SECONDS_PER_PAGE = 10.0
_MAX_PAGES = 12  # of leads: two minutes; a longer recording would make a book
_MARGIN_MM = 12.0
_TABLE_LEFT_MM = 178.0
_MAX_FINDINGS = 16
_PICTURE_END_MM = 198.0  # where picture and measurements end
_NUMBERS_TITLE_MM = 12.0  # between the picture and the first line of the measurements
_NUMBER_LINE_MM = 4.3
_NAME_CHARACTERS = 18  # that fit between the beginnings of name and value
_MAX_NUMBER_LINES = 18  # so that half of the page is left for verdict and picture
_NUMBER_COLUMNS_MM = ((12.0, 39.0, 54.0, 95.0), (99.0, 126.5, 141.0, 166.0))  # name, value, detail and end of a column
_NUMBERS_HINT = "±: spread from beat to beat; error: how far off a number may be"
_ONE_LINE = {"ST, J + 60 ms": ST, "Noise": NOISE}
_SIDES = {"start": "left", "middle": "center", "end": "right"}  # anchors of lettering as matplotlib calls them
_matplotlib_lock = threading.Lock()  # matplotlib is not safe in threads, and the app reads pages in several


def write_report(
    path: Path, overlay: Image8, digitization: Digitization, measurements: Measurements, findings: Report
) -> None:
    """Write the report: verdict, measurements and findings, then a page for each ten seconds of the leads at true size.

    Parameters
    ----------
    overlay : (height, width, 3) uint8 RGB
        The original with the reading drawn over it.

    Raises
    ------
    MissingExtra
        Without matplotlib.
    """
    try:
        from matplotlib.backends.backend_pdf import PdfPages
    except ImportError as error:
        raise MissingExtra("matplotlib", "app", "writing the PDF report") from error
    metadata = {"Title": "ECG page, digitized", "Creator": "ecgimg", "Subject": NOTICE}
    with _matplotlib_lock, atomic_path(path) as temporary, PdfPages(temporary, metadata=metadata) as pdf:
        pdf.savefig(_verdict_page(overlay, digitization, measurements, findings))
        if digitization.record is not None:
            for start_s in _starts_s(digitization.record):
                pdf.savefig(_paper_page(digitization.record, start_s))


def _starts_s(record: EcgRecord) -> list[float]:
    """Return where each page of leads begins; half a second at the end is worth no page."""
    starts = np.arange(0.0, max(record.duration_s - 0.5, 0.1), _SECONDS_PER_PAGE)
    return [float(start_s) for start_s in starts[:_MAX_PAGES]]


def _empty_page() -> tuple[Any, Any]:
    """Return a figure of A4 in landscape, and axes over all of it whose units are mm from the top left."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_A4_MM[0] / _MM_PER_INCH, _A4_MM[1] / _MM_PER_INCH), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, _A4_MM[0]), ylim=(_A4_MM[1], 0))
    axes.axis("off")
    return figure, axes


def _write(axes: Any, x_mm: float, y_mm: float, text: str, height_mm: float = 3.0, **style: Any) -> None:
    """Write text whose baseline begins at a point; `height_mm` is the size of the font."""
    axes.text(x_mm, y_mm, text.replace("$", r"\$"), fontsize=height_mm * _PT_PER_MM, va="baseline", **style)


# ---- what was read ---------------------------------------------------------------------------------------------------


def _verdict_page(overlay: Image8, digitization: Digitization, measurements: Measurements, findings: Report) -> Any:
    """Return the first page: verdict, overlay and measurements, and the tables of findings and leads."""
    figure, axes = _empty_page()
    verdict = verdict_of(digitization)
    _write(axes, _MARGIN_MM, 15, verdict.title, 6.0, weight="bold", color=verdict.colour)
    y_mm = _write_paragraphs(axes, verdict, 21.5)
    columns = _number_columns(measurements, digitization)
    numbers_mm = _NUMBERS_TITLE_MM + _NUMBER_LINE_MM * max(map(len, columns))
    room_mm = (_TABLE_LEFT_MM - 2 * _MARGIN_MM, _PICTURE_END_MM - numbers_mm - y_mm)
    y_mm = _place_picture(figure, overlay, (_MARGIN_MM, y_mm, *room_mm))
    _write_numbers(axes, columns, y_mm + _NUMBERS_TITLE_MM)
    _write_tables(axes, digitization, findings)
    _write(axes, _MARGIN_MM, 203, NOTICE, 3.2, weight="bold")
    _write(axes, _A4_MM[0] - _MARGIN_MM, 203, "ecgimg", 2.8, ha="right", color=QUIET)
    return figure


def _write_paragraphs(axes: Any, verdict: Verdict, y_mm: float) -> float:
    """Write the sentences of a verdict; returns where the next line would stand."""
    from textwrap import wrap

    for sentence in (*verdict.sentences, *verdict.limits, *verdict.facts, *verdict.corrected):
        for line in wrap(sentence, 92):
            _write(axes, _MARGIN_MM, y_mm, line, 3.1)
            y_mm += 4.3
    return y_mm + 1.5


@dataclass(frozen=True)
class _Line:
    """A line of the measurements; the detail stands beside the value, or in its place where the row has none."""

    name: str
    value: str
    detail: str
    begins_row: bool
    is_beside: bool


def _number_columns(measurements: Measurements, digitization: Digitization) -> tuple[list[_Line], list[_Line]]:
    """Return the lines of the measurements in two columns."""
    groups = number_groups(measurements)
    if not groups:
        return list(_lines_of(NumberRow("", NOT_GIVEN, nothing_text(measurements, digitization)), (0, 42))), []
    left = [*groups.get(RHYTHM, ()), *groups.get(INTERVALS, ())]
    right = [*groups.get(AXES, ()), *groups.get(VOLTAGES, ())]
    # a lead a line would take the room of the picture
    right += [NumberRow(name, NOT_GIVEN, in_one_line(groups[key])) for name, key in _ONE_LINE.items() if key in groups]
    columns = ((left, (30, 42)), (right, (18, 27)))
    lines, more = ([line for row in rows for line in _lines_of(row, widths)] for rows, widths in columns)
    return _cut(lines), _cut(more)


def _cut(lines: list[_Line]) -> list[_Line]:
    """Return no more lines than the page has room for beside a picture."""
    rest = _Line("", "", "… the rest is in the JSON file", begins_row=False, is_beside=False)
    return lines if len(lines) <= _MAX_NUMBER_LINES else [*lines[: _MAX_NUMBER_LINES - 1], rest]


def _lines_of(row: NumberRow, widths: tuple[int, int]) -> Iterator[_Line]:
    """Yield the lines of a row, whose detail has so many characters beside a value, and so many in place of one."""
    from textwrap import wrap

    has_value = row.value != NOT_GIVEN
    names, details = wrap(row.name, _NAME_CHARACTERS), wrap(row.detail, widths[0] if has_value else widths[1])
    for place, (name, detail) in enumerate(zip_longest(names, details, fillvalue="")):
        value = row.value if has_value and place == 0 else ""
        yield _Line(name, value, detail, place == 0, has_value)


def _write_numbers(axes: Any, columns: Sequence[Sequence[_Line]], y_mm: float) -> None:
    """Write the measurements below the picture, their first line at `y_mm`."""
    _write(axes, _MARGIN_MM, y_mm - 5.5, "Measurements", 3.6, weight="bold")
    _write(axes, _NUMBER_COLUMNS_MM[1][-1], y_mm - 5.5, _NUMBERS_HINT, 2.5, ha="right", color=QUIET)
    for lines, (left_mm, value_mm, detail_mm, end_mm) in zip(columns, _NUMBER_COLUMNS_MM, strict=True):
        for place, line in enumerate(lines):
            line_mm = y_mm + place * _NUMBER_LINE_MM
            if line.begins_row:
                axes.plot((left_mm, end_mm), (line_mm - 3.1,) * 2, color=MINOR, linewidth=0.4)
            _write(axes, left_mm, line_mm, line.name, 2.8)
            _write(axes, value_mm, line_mm, line.value, 2.8, weight="bold")
            _write(axes, detail_mm if line.is_beside else value_mm, line_mm, line.detail, 2.5, color=QUIET)


def _place_picture(figure: Any, overlay: Image8, box_mm: tuple[float, float, float, float]) -> float:
    """Place the overlay, as large as it fits, into a box of (left, top, width, height) mm; returns where it ends."""
    shrink = min(_LONGEST_SIDE_PX / max(overlay.shape[:2]), 1.0)
    small = cv2.resize(overlay, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    left_mm, top_mm, width_mm, height_mm = box_mm
    mm_per_px = min(width_mm / small.shape[1], height_mm / small.shape[0])
    width_mm, height_mm = small.shape[1] * mm_per_px, small.shape[0] * mm_per_px
    # matplotlib measures from the bottom left, as shares of the page
    bottom = 1 - (top_mm + height_mm) / _A4_MM[1]
    axes = figure.add_axes((left_mm / _A4_MM[0], bottom, width_mm / _A4_MM[0], height_mm / _A4_MM[1]))
    axes.imshow(small, aspect="auto", interpolation="none")
    axes.axis("off")
    return float(top_mm + height_mm)


def _write_tables(axes: Any, digitization: Digitization, findings: Report) -> None:
    """Write the table of findings and that of the leads, one below the other."""
    x_mm, y_mm = _TABLE_LEFT_MM, 15.0
    _write(axes, x_mm, y_mm, "Findings: measured, and of the classifier", 3.6, weight="bold")
    rows = [
        (sentence_case(judgement.name), judgement.grade.value, _probability(judgement))
        for judgement in findings.conclusion.judgements[:_MAX_FINDINGS]
    ]
    no_rows_text = NO_FINDING if findings.findings else texts(findings.reasons[:1])
    y_mm = _write_rows(axes, rows or [(no_rows_text, "", "")], y_mm + 6)
    _write(axes, x_mm, y_mm + 6, "Leads", 3.6, weight="bold")
    header = "mean error below 0.1 mV        seen"
    _write(axes, _A4_MM[0] - _MARGIN_MM, y_mm + 6, header, 2.8, ha="right", color=QUIET)
    leads = [(row.lead, probability_text(row.confidence), f"{row.seconds:.1f} s") for row in lead_rows(digitization)]
    _write_rows(axes, leads, y_mm + 12)


def _probability(judgement: Judgement) -> str:
    return "measured" if judgement.probability is None else probability_text(judgement.probability)


def _write_rows(axes: Any, rows: Sequence[tuple[str, str, str]], y_mm: float) -> float:
    """Write rows of a name and two values, underlined; returns where the next row would stand."""
    for name, middle, value in rows:
        short = name if len(name) <= 58 else f"{name[:57]}…"
        _write(axes, _TABLE_LEFT_MM, y_mm, short, 3.0)
        _write(axes, _A4_MM[0] - _MARGIN_MM - 16, y_mm, middle, 3.0, ha="right")
        _write(axes, _A4_MM[0] - _MARGIN_MM, y_mm, value, 3.0, ha="right")
        axes.plot((_TABLE_LEFT_MM, _A4_MM[0] - _MARGIN_MM), (y_mm + 1.3,) * 2, color=MINOR, linewidth=0.4)
        y_mm += 4.9
    return y_mm


# ---- the leads redrawn -----------------------------------------------------------------------------------------------


def _paper_page(record: EcgRecord, start_s: float) -> Any:
    """Return a page of ECG paper with the leads from `start_s` on, at 25 mm/s and 10 mm/mV."""
    from matplotlib.collections import LineCollection

    figure, axes = _empty_page()
    page = lay_out(record.signals, record.fs_hz, record.leads, start_s=start_s, seconds=_SECONDS_PER_PAGE, on_a4=True)
    for step_mm, colour, pen_mm in (
        (1.0, MINOR, MINOR_MM),
        (5.0, MAJOR, MAJOR_MM),
    ):
        lines = [((x0, y0), (x1, y1)) for x0, y0, x1, y1 in ruling_mm(page.size_mm, step_mm)]
        axes.add_collection(LineCollection(lines, colors=colour, linewidths=pen_mm * _PT_PER_MM))
    axes.add_collection(LineCollection(page.lines_mm, colors=INK, linewidths=PEN_MM * _PT_PER_MM))
    for words in page.lettering:
        colour = QUIET if words.quiet else INK
        _write(axes, words.x_mm, words.y_mm, words.text, words.height_mm, color=colour, ha=_SIDES[words.anchor])
    return figure
