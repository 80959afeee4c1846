"""Digitize one page of a file, or one picture in memory."""

from __future__ import annotations

from dataclasses import replace

from ecgimg.digitization.interpretation.given_scale import check_scale
from ecgimg.digitization.pipeline import digitize_image
from ecgimg.digitization.result import Digitization
from ecgimg.formats.pages import PageInput, Picture, open_page
from ecgimg.reasons import ReasonCode


def digitize(
    picture: Picture,
    layout: str = "auto",
    *,
    page: int | None = None,
    speed_mm_s: float | None = None,
    gain_mm_mv: float | None = None,
) -> Digitization:
    """Digitize one page; see `ecgimg.digitize`."""
    check_scale(speed_mm_s, gain_mm_mv)
    opened = open_page(picture, page)
    read = digitize_page(opened, layout, speed_mm_s, gain_mm_mv)
    if page is not None or opened is picture or opened.n_pages == 1:
        return read
    reason = ReasonCode.OTHER_PAGES_NOT_READ.reason(pages=opened.n_pages)
    return replace(read, reasons=(*read.reasons, reason))


def digitize_page(
    page: PageInput, layout: str = "auto", speed_mm_s: float | None = None, gain_mm_mv: float | None = None
) -> Digitization:
    """Digitize an opened page; a reason says where its picture was stretched to square pixels.

    Parameters
    ----------
    page : PageInput
    layout, speed_mm_s, gain_mm_mv
        As `ecgimg.digitize` takes them.

    Returns
    -------
    Digitization
    """
    read = digitize_image(page.image, layout=layout, speed_mm_s=speed_mm_s, gain_mm_mv=gain_mm_mv, vector=page.vector)
    if page.unequal_resolution is None:
        return read
    across, down = page.unequal_resolution
    return replace(read, reasons=(*read.reasons, ReasonCode.PIXELS_MADE_SQUARE.reason(across=across, down=down)))
