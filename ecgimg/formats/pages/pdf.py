"""Decode PDFs: their pages rasterised, and with them the vector paths of those that carry their traces so."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2 as pdfium
from numpy.typing import NDArray

from ecgimg.errors import PasswordProtected, UnreadablePage
from ecgimg.formats.pages.limits import MAX_PAGES, MAX_RENDERED_PIXELS, check_size, reading
from ecgimg.formats.pages.page_input import PageInput, make_page, page_name
from ecgimg.formats.vector_pdf import read_vector_page

_ROUNDING_PX = 1e-3  # of sides of up to 24 000 pixels in 32-bit numbers


@contextmanager
def open_pdf(path: Path) -> Iterator[Any]:
    """Give the opened document of 1 to `MAX_PAGES` pages."""
    with reading(path, "PDF"):
        try:
            document = pdfium.PdfDocument(path)
        except pdfium.PdfiumError as error:
            # PDFium may report the reason of an earlier failure, so the file must bear it out
            is_locked = any(word in str(error).lower() for word in ("password", "security"))
            if not is_locked or b"/Encrypt" not in path.read_bytes():
                raise UnreadablePage(
                    f"{path} is damaged or not a valid PDF, or has no pages; export it again"
                ) from error
            raise PasswordProtected(f"{path} is locked by a password; save a copy without one") from error
    with closing(document):
        if len(document) == 0:
            raise UnreadablePage(f"{path} is a PDF without pages; export it again")
        if len(document) > MAX_PAGES:
            raise UnreadablePage(f"{path} has {len(document)} pages, more than the {MAX_PAGES} that are read; split it")
        yield document


def pdf_pages(path: Path, pdf_dpi: float, first: int, max_pixels: int) -> Iterator[PageInput]:
    """Yield the pages of a PDF from page `first` on, rasterised at `pdf_dpi` or what `MAX_RENDERED_PIXELS` allows."""
    with open_pdf(path) as document:
        n_pages = len(document)
        for index in range(first - 1, n_pages):
            name = page_name(path, index + 1, n_pages)
            with reading(name, "PDF"), closing(document[index]) as page:
                pixels, px_per_mm = _rasterised(page, name, pdf_dpi, max_pixels)
                vector = read_vector_page(page)
            yield make_page(pixels, path, index + 1, n_pages, px_per_mm, vector)


def _rasterised(page: Any, name: str, pdf_dpi: float, max_pixels: int) -> tuple[NDArray[np.uint8], float]:
    """Return (height, width, 3) pixels of a PDF page, and the pixels a millimetre they have."""
    width, height = page.get_size()
    if not (width > 0 and height > 0 and math.isfinite(width * height)):
        raise UnreadablePage(f"{name} has no area; export it again")
    fitting = math.sqrt(0.999 * MAX_RENDERED_PIXELS / (width * height))  # rounding up adds a pixel a side
    scale = min(pdf_dpi / 72, fitting)
    check_size(name, _whole(width * scale), _whole(height * scale), max_pixels)
    _extend_to_whole_pixels(page, scale)
    with closing(page.render(scale=scale)) as bitmap:
        return np.array(bitmap.to_pil().convert("RGB")), scale * 72 / 25.4


def _whole(pixels: float) -> int:
    """Return pixels rounded up; not by the rounding of PDFium's 32-bit sizes alone."""
    return math.ceil(pixels - _ROUNDING_PX)


def _extend_to_whole_pixels(page: Any, scale: float) -> None:
    """Extend a page to the right and down, as it is shown, by less than a pixel to a whole number of pixels.

    The renderer stretches a page to its bitmap, across and down by what each was rounded up: by 0.3 % where a page is
    300 pixels high. Paths that are read afterwards are those of the extended page.
    """
    left, bottom, right, top = page.get_bbox()
    width, height = (_extended(side, scale) for side in (right - left, top - bottom))
    # the box is that of the page before it is turned
    turn = page.get_rotation()
    left, right = (right - width, right) if turn in (180, 270) else (left, left + width)
    bottom, top = (top - height, top) if turn in (0, 270) else (bottom, bottom + height)
    for set_box in (page.set_mediabox, page.set_cropbox):
        set_box(left, bottom, right, top)


def _extended(side: float, scale: float) -> float:
    pixels = side * scale
    # just below whole pixels, or the renderer would round up to the next
    return side if math.ceil(pixels) == pixels else (_whole(pixels) - _ROUNDING_PX) / scale
