"""Write the PDF report of a record or a page."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgimg._atomic_files import atomic_path
from ecgimg.errors import BadOutput, BadRequest, MissingExtra
from ecgimg.plotting.paper_page import NOTICE, PaperPage
from ecgimg.reporting.pdf.first_sheet import draw_first_sheet
from ecgimg.reporting.pdf.lead_sheets import draw_lead_sheet, lead_pages
from ecgimg.reporting.report import Report

Image8 = NDArray[np.uint8]

_MAX_IDENTITY = 60  # characters that a line has room for
_matplotlib_lock = threading.Lock()  # matplotlib is not safe in threads, and the app reads pages in several


def write_pdf(
    report: Report,
    path: str | Path,
    picture: Image8 | None = None,
    *,
    identity: str = "",
    printed_on: date | None = None,
) -> Path:
    """Write a report as PDF: what is told and measured on the first sheet, then the leads at true size.

    Print it at 100 %: a millimetre of its ECG paper is a millimetre.

    Parameters
    ----------
    report : Report
        What `ecgimg.classify` gives.
    path : str or Path
        Ends in ``.pdf``; the file is written whole or not at all.
    picture : (height, width, 3) uint8 RGB, optional
        The page that was read. It is shown with what was read drawn over it, and without what is printed around the
        leads, which may name the patient.
    identity : str
        Whose ECG it is, in a line of up to 60 characters that stands on every sheet. Without it nobody is named.
    printed_on : date, optional
        By default today.

    Returns
    -------
    Path

    Raises
    ------
    BadRequest
        For a longer identity, and for a page that could not be read.
    BadOutput
        For another suffix, or a place that cannot be written to.
    MissingExtra
        Without matplotlib.
    """
    path, identity = Path(path), identity_line(identity)
    if path.suffix.lower() != ".pdf":
        raise BadOutput(f"a report cannot be written as {path.name}; name a file that ends in .pdf")
    record = report.digitization.record if report.digitization is not None else report.record
    if record is None:
        raise BadRequest("nothing was read, so that there is no report to write; see the report's reasons")
    with _matplotlib_lock, atomic_path(path) as draft:
        _draw(draft, report, lead_pages(record), picture, identity, printed_on or date.today())
    return path


def _draw(
    path: Path, report: Report, pages: Sequence[PaperPage], picture: Image8 | None, identity: str, day: date
) -> None:
    try:
        from matplotlib.backends.backend_pdf import PdfPages
    except ImportError as error:
        raise MissingExtra("matplotlib", "app", "writing the PDF report") from error
    ends = [f"page {number} of {len(pages) + 1} · printed on {day}" for number in range(1, len(pages) + 2)]
    metadata = {"Title": "ECG report", "Creator": "ecgimg", "Subject": NOTICE}
    with PdfPages(path, metadata=metadata) as pdf:
        pdf.savefig(draw_first_sheet(report, picture, identity, ends[0]))
        for page, end in zip(pages, ends[1:], strict=True):
            pdf.savefig(draw_lead_sheet(page, " · ".join(filter(None, [identity, end]))))


def identity_line(identity: str) -> str:
    """Return an identity as one line; `BadRequest` where it is too long for one, or cannot be printed."""
    line = " ".join(identity.split())
    if len(line) > _MAX_IDENTITY:
        raise BadRequest(f"an identity has at most {_MAX_IDENTITY} characters, not {len(line)}; shorten it")
    if not line.isascii() and (unprintable := _unprintable(line)):
        raise BadRequest(f"the report's font lacks {' '.join(unprintable)} of the identity; write it in Latin letters")
    return line


def _unprintable(text: str) -> list[str]:
    """Return the characters of a text that the font of the report lacks."""
    try:
        from matplotlib.font_manager import FontProperties, findfont, get_font
    except ImportError:
        return []  # writing the report says what is missing
    font = get_font(findfont(FontProperties()))
    return [letter for letter in dict.fromkeys(text) if not font.get_char_index(ord(letter))]
