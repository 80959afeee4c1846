"""The PDF report of one page: the verdict with the original, and the leads redrawn at true size on A4."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg import paper
from ecgimg._atomic_files import atomic_path
from ecgimg.app.page.messages import (
    LEAST_SHOWN,
    NO_FINDING,
    Verdict,
    chance_words,
    lead_rows,
    leading_findings,
    verdict_of,
)
from ecgimg.classification import Findings
from ecgimg.digitization import Digitization
from ecgimg.errors import MissingExtra
from ecgimg.reasons import texts
from ecgimg.record import EcgRecord

Image8 = NDArray[np.uint8]

_A4_MM = (297.0, 210.0)
_MM_PER_INCH = 25.4
_PT_PER_MM = 72 / _MM_PER_INCH
_LONGEST_SIDE_PX = 1600
_SECONDS_A_PAGE = 10.0
_MOST_PAGES = 12
_MARGIN_MM = 12.0
_TABLE_MM = 178.0
_MOST_FINDINGS = 16
_one_at_a_time = threading.Lock()


def write_report(path: Path, overlay: Image8, found: Digitization, findings: Findings) -> None:
    """Write the report: what was read and found, then each ten seconds at 25 mm/s and 10 mm/mV, true to size.

    Parameters
    ----------
    overlay : (height, width, 3) uint8 RGB
        The original with what was found drawn over it.

    Raises
    ------
    MissingExtra
        Without matplotlib.
    """
    try:
        from matplotlib.backends.backend_pdf import PdfPages
    except ImportError as error:
        raise MissingExtra("matplotlib", "app", "writing the PDF report") from error
    about = {"Title": "ECG page, digitized", "Creator": "ecgimg", "Subject": paper.NOTICE}
    with _one_at_a_time, atomic_path(path) as temporary, PdfPages(temporary, metadata=about) as pdf:
        pdf.savefig(_verdict_page(overlay, found, findings))
        if found.record is not None:
            for start_s in _starts_s(found.record):
                pdf.savefig(_paper_page(found.record, start_s))


def _starts_s(record: EcgRecord) -> list[float]:
    starts = np.arange(0.0, max(record.duration_s - 0.5, 0.1), _SECONDS_A_PAGE)
    return [float(start_s) for start_s in starts[:_MOST_PAGES]]


def _empty_page() -> tuple[Any, Any]:
    """Return a figure of A4 in landscape, and axes over all of it whose units are mm from the top left."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_A4_MM[0] / _MM_PER_INCH, _A4_MM[1] / _MM_PER_INCH), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, _A4_MM[0]), ylim=(_A4_MM[1], 0))
    axes.axis("off")
    return figure, axes


def _say(axes: Any, x_mm: float, y_mm: float, text: str, height_mm: float = 3.0, **style: Any) -> None:
    """Write words whose base line begins at a point; `height_mm` is that of the letters' em."""
    axes.text(x_mm, y_mm, text.replace("$", r"\$"), fontsize=height_mm * _PT_PER_MM, va="baseline", **style)


# ---- what was read ---------------------------------------------------------------------------------------------------


def _verdict_page(overlay: Image8, found: Digitization, findings: Findings) -> Any:
    figure, axes = _empty_page()
    verdict = verdict_of(found)
    _say(axes, _MARGIN_MM, 15, verdict.title, 6.0, weight="bold", color=verdict.colour)
    y_mm = _paragraphs(axes, verdict, 21.5)
    _picture(figure, overlay, (_MARGIN_MM, y_mm, _TABLE_MM - 2 * _MARGIN_MM, 196 - y_mm))
    _tables(axes, found, findings)
    _say(axes, _MARGIN_MM, 203, paper.NOTICE, 3.2, weight="bold")
    _say(axes, _A4_MM[0] - _MARGIN_MM, 203, "ecgimg", 2.8, ha="right", color=paper.QUIET)
    return figure


def _paragraphs(axes: Any, verdict: Verdict, y_mm: float) -> float:
    from textwrap import wrap

    for sentence in (*verdict.sentences, *verdict.limits, *verdict.facts, *verdict.corrected):
        for line in wrap(sentence, 92):
            _say(axes, _MARGIN_MM, y_mm, line, 3.1)
            y_mm += 4.3
    return y_mm + 1.5


def _picture(figure: Any, overlay: Image8, box_mm: tuple[float, float, float, float]) -> None:
    """Place the overlay as large as it fits into (left, top, width, height) mm."""
    shrink = min(_LONGEST_SIDE_PX / max(overlay.shape[:2]), 1.0)
    small = cv2.resize(overlay, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    left, top, width, height = box_mm
    fit = min(width / small.shape[1], height / small.shape[0])
    shown = small.shape[1] * fit, small.shape[0] * fit
    axes = figure.add_axes(
        (left / _A4_MM[0], 1 - (top + shown[1]) / _A4_MM[1], shown[0] / _A4_MM[0], shown[1] / _A4_MM[1])
    )
    axes.imshow(small, aspect="auto", interpolation="none")
    axes.axis("off")


def _tables(axes: Any, found: Digitization, findings: Findings) -> None:
    x_mm, y_mm = _TABLE_MM, 15.0
    _say(axes, x_mm, y_mm, "Findings of the classifier", 3.6, weight="bold")
    told = [finding for finding in leading_findings(findings) if (finding.probability or 0) >= LEAST_SHOWN]
    rows = [(finding.name, "", chance_words(finding.probability)) for finding in told[:_MOST_FINDINGS]]
    nothing = NO_FINDING if findings.findings else texts(findings.reasons[:1])
    y_mm = _rows(axes, rows or [(nothing, "", "")], y_mm + 6)
    _say(axes, x_mm, y_mm + 6, "Leads", 3.6, weight="bold")
    _say(
        axes,
        _A4_MM[0] - _MARGIN_MM,
        y_mm + 6,
        "mean error below 0.1 mV        seen",
        2.8,
        ha="right",
        color=paper.QUIET,
    )
    leads = [(row.lead, chance_words(row.confidence), f"{row.seconds:.1f} s") for row in lead_rows(found)]
    _rows(axes, leads, y_mm + 12)


def _rows(axes: Any, rows: Sequence[tuple[str, str, str]], y_mm: float) -> float:
    """Write rows of a name and two values at the right, a line below each; returns where the next would stand."""
    for name, middle, value in rows:
        short = name if len(name) <= 58 else f"{name[:57]}…"
        _say(axes, _TABLE_MM, y_mm, short, 3.0)
        _say(axes, _A4_MM[0] - _MARGIN_MM - 16, y_mm, middle, 3.0, ha="right")
        _say(axes, _A4_MM[0] - _MARGIN_MM, y_mm, value, 3.0, ha="right")
        axes.plot((_TABLE_MM, _A4_MM[0] - _MARGIN_MM), (y_mm + 1.3,) * 2, color=paper.MINOR, linewidth=0.4)
        y_mm += 4.9
    return y_mm


# ---- the leads redrawn -----------------------------------------------------------------------------------------------


def _paper_page(record: EcgRecord, start_s: float) -> Any:
    from matplotlib.collections import LineCollection

    figure, axes = _empty_page()
    page = paper.lay_out(record, start_s, min(_SECONDS_A_PAGE, record.duration_s - start_s))
    for step_mm, colour, pen_mm in ((1.0, paper.MINOR, paper.MINOR_MM), (5.0, paper.MAJOR, paper.MAJOR_MM)):
        lines = [((x0, y0), (x1, y1)) for x0, y0, x1, y1 in paper.ruling_mm(page.size_mm, step_mm)]
        axes.add_collection(LineCollection(lines, colors=colour, linewidths=pen_mm * _PT_PER_MM))
    axes.add_collection(LineCollection(page.lines_mm, colors=paper.INK, linewidths=paper.PEN_MM * _PT_PER_MM))
    for words in page.lettering:
        colour, side = paper.QUIET if words.quiet else paper.INK, "right" if words.to_left else "left"
        _say(axes, words.x_mm, words.y_mm, words.text, words.height_mm, color=colour, ha=side)
    if start_s:
        _say(axes, 4.0, 8.0, f"from {start_s:g} s", 3.2)
    return figure
