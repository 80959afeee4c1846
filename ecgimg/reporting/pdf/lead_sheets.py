"""The sheets of ECG paper of the report, at 25 mm/s and 10 mm/mV."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ecgimg.plotting.paper_layout import A4_MM, lay_out_on_a4
from ecgimg.plotting.paper_page import PaperPage
from ecgimg.plotting.svg import INK, MAJOR, MAJOR_MM, MINOR, MINOR_MM, PEN_MM, QUIET, ruling_mm
from ecgimg.record import EcgRecord
from ecgimg.reporting.pdf.sheets import PT_PER_MM, empty_sheet, write

_SECONDS_PER_SHEET = 10.0
_MAX_PARTS = 12  # two minutes; a longer recording would make a book
_SIDES = {"start": "left", "middle": "center", "end": "right"}  # anchors of lettering as matplotlib calls them


def lead_pages(record: EcgRecord) -> tuple[PaperPage, ...]:
    """Return what is on the sheets: ten seconds each, of as many leads as keep apart."""
    return tuple(
        page
        for start_s in _starts_s(record)
        for page in lay_out_on_a4(
            record.signals, record.fs_hz, record.leads, start_s=start_s, seconds=_SECONDS_PER_SHEET
        )
    )


def _starts_s(record: EcgRecord) -> Iterator[float]:
    """Yield where each part begins; half a second at the end is worth no sheet."""
    starts = np.arange(0.0, max(record.duration_s - 0.5, 0.1), _SECONDS_PER_SHEET)
    yield from starts[:_MAX_PARTS].tolist()


def draw_lead_sheet(page: PaperPage, footer: str) -> Any:
    """Draw a sheet of ECG paper; `footer` stands in the middle below the leads."""
    from matplotlib.collections import LineCollection

    figure, axes = empty_sheet()
    for step_mm, colour, pen_mm in ((1.0, MINOR, MINOR_MM), (5.0, MAJOR, MAJOR_MM)):
        lines = [((x0, y0), (x1, y1)) for x0, y0, x1, y1 in ruling_mm(page.size_mm, step_mm)]
        axes.add_collection(LineCollection(lines, colors=colour, linewidths=pen_mm * PT_PER_MM))
    axes.add_collection(LineCollection(page.lines_mm, colors=INK, linewidths=PEN_MM * PT_PER_MM))
    for words in page.lettering:
        colour = QUIET if words.quiet else INK
        write(axes, words.x_mm, words.y_mm, words.text, words.height_mm, color=colour, ha=_SIDES[words.anchor])
    write(axes, A4_MM[0] / 2, A4_MM[1] - 6, footer, 2.6, color=QUIET, ha="center")
    return figure
