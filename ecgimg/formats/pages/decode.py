"""Decode pages in this process, without limits of time and memory, which `isolated_decoding` sets around it.

PNG, JPEG, BMP, WebP, GIF and HEIC hold one page (of a moving picture the first frame), TIFF and PDF any number. A PDF
page that carries its traces as vector paths comes with those paths (`ecgimg.formats.vector_pdf`) beside its picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ecgimg.errors import BadRequest
from ecgimg.formats.pages.file_kind import file_kind
from ecgimg.formats.pages.limits import MAX_PIXELS
from ecgimg.formats.pages.page_input import PageInput
from ecgimg.formats.pages.pdf import open_pdf, pdf_pages
from ecgimg.formats.pages.pictures import frame_numbers, heic_page, import_pillow_heif, open_picture, picture_pages


def decode_pages(
    path: str | Path, pdf_dpi: float = 200, first: int = 1, max_pixels: int | None = None
) -> Iterator[PageInput]:
    """Do what `ecgimg.formats.pages.open_pages` does, in this process."""
    if not 20 <= pdf_dpi <= 1200:
        raise BadRequest(f"pages cannot be rasterised at pdf_dpi {pdf_dpi:g}; give 20 to 1200")
    if first < 1:
        raise BadRequest(f"pages are counted from 1, got first = {first}")
    path = Path(path)
    max_pixels = MAX_PIXELS if max_pixels is None else min(max_pixels, MAX_PIXELS)
    kind = file_kind(path)
    if kind == "PDF":
        yield from pdf_pages(path, pdf_dpi, first, max_pixels)
    elif kind == "picture":
        yield from picture_pages(path, first, max_pixels)
    # a HEIC file holds one page: from the second on there is nothing
    elif first == 1:
        yield heic_page(path, max_pixels)


def count_decodable(path: str | Path) -> int:
    """Do what `ecgimg.formats.pages.count_pages` does, in this process."""
    path = Path(path)
    kind = file_kind(path)
    if kind == "PDF":
        with open_pdf(path) as document:
            return len(document)
    if kind == "HEIC":
        import_pillow_heif(path)
        return 1
    with open_picture(path) as image:
        return len(frame_numbers(path, image))
