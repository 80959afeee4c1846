"""How large files and pages may be, and one way to refuse those that are too large, too small or damaged."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from ecgimg._optional_packages import without_warnings
from ecgimg.errors import EcgImgError, UnreadablePage

MAX_BYTES = 200_000_000  # of a file
MAX_PIXELS = 120_000_000  # of a page: A4 at 1200 dpi has 139 million, at 1000 dpi 97 million
MAX_PAGES = 500  # of a file

PAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".heic", ".heif", ".pdf")
"""Suffixes by which files of a folder are taken for pages."""

MAX_READ_PIXELS = 24_000_000
"""Larger pictures are reduced by a whole factor: 14 pixels a millimetre of A4 are left at least.

The largest of which a page that cannot be read is still refused within 30 s and 2 GB (35 megapixels: 34 s, 2.6 GB).
"""

MAX_RENDERED_PIXELS = MAX_READ_PIXELS
"""A PDF page is rasterised at a lower dpi than asked for where it would have more."""

MIN_SIDES_PX = (150, 200)
"""The shorter and the longer side below which no page can be read."""


def reduction_factor(width: int, height: int) -> int:
    """Return the whole factor by which a picture is reduced before it is read: 1 up to 24 megapixels."""
    return max(math.ceil(math.sqrt(width * height / MAX_READ_PIXELS)), 1)


def check_size(name: str, width: int, height: int, max_pixels: int) -> None:
    """Raise `UnreadablePage` for a page of too many or too few pixels, by its head, before any is decoded."""
    if width * height > max_pixels:
        raise UnreadablePage(_too_large(name, max_pixels))
    if min(width, height) < MIN_SIDES_PX[0] or max(width, height) < MIN_SIDES_PX[1]:
        raise UnreadablePage(
            f"{name} is {width} × {height} px, too small to hold an ECG page; "
            f"scan or export it larger than {MIN_SIDES_PX[1]} × {MIN_SIDES_PX[0]} px"
        )


def _too_large(name: str | Path, max_pixels: int) -> str:
    return f"{name} has more than {max_pixels / 1e6:g} megapixels; scan it at 200 to 600 dpi or save it smaller"


@contextmanager
def reading(name: str | Path, kind: str) -> Iterator[None]:
    """Turn whatever a library raises on a file or page into one `UnreadablePage`, and keep its warnings in."""
    try:
        with without_warnings():
            yield
    except (EcgImgError, MemoryError):  # the worker's limit is told apart from damage
        raise
    except Image.DecompressionBombError as error:
        raise UnreadablePage(_too_large(name, MAX_PIXELS)) from error
    except Exception as error:
        reason = "" if isinstance(error, UnidentifiedImageError) else _reason(error)
        raise UnreadablePage(f"{name} is damaged or not a valid {kind}{reason}; copy or export it again") from error


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return f" ({' '.join(str(text).split())[:120].rstrip('.') or type(error).__name__})"
