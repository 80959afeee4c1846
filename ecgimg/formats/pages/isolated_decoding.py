"""Open pages in a process of their own, which the operating system ends where a file takes more than its share.

A small file can ask a decoder for minutes and gigabytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ecgimg.errors import BadRequest, UnreadablePage
from ecgimg.formats.pages.decode import count_decodable, decode_pages
from ecgimg.formats.pages.page_input import PageInput
from ecgimg.isolation import ONE_THREAD, CallFailed, Limits, Worker, WorkerPool

OPENING = Limits(cpu_s=9.0, memory_gb=1.5)
"""What opening a file may use: so much up to its first page, and a second more for each further page."""

_CPU_S_PER_PAGE = 1.0  # added to the limit for each further page
_IDLE_WORKERS = 4  # processes kept for later files: as many as threads are likely to open files at once
_REFUSALS = {
    "time": f"takes more than {OPENING.cpu_s:g} s of processor time to open; save it as a PNG or JPEG picture",
    "memory": f"needs more than {OPENING.memory_gb:g} GB of memory to open; save it smaller",
    "crash": "makes its decoder fail; save it as a PNG or JPEG picture",
}

_pool = WorkerPool(lambda: Worker(OPENING, quiet=True, environment=ONE_THREAD), _IDLE_WORKERS)


def open_pages(
    path: str | Path, *, pdf_dpi: float = 200, first: int = 1, max_pixels: int | None = None
) -> Iterator[PageInput]:
    """Yield the pages of a picture or PDF in order; only the one last yielded is held.

    Parameters
    ----------
    path : str or Path
        A file of 200 MB and 500 pages at most, with 120 megapixels a page at most. Pictures of more than 24 megapixels
        are read at a half, a third … of their size (`PageInput.reduced_by`).
    pdf_dpi : float
        Pixels an inch at which PDF pages are rasterised, 20 to 1200; less where a page would exceed 24 megapixels.
    first : int
        The page to begin with; those before it are not decoded.
    max_pixels : int, optional
        Refuse larger pages, before they are decoded.

    Yields
    ------
    PageInput

    Raises
    ------
    UnreadablePage
        When the iteration comes to a file or page that is missing, damaged, locked, too large or too small, or that
        takes more than `OPENING` to open.
    MissingExtra
        For HEIC, when the package pillow-heif is not installed.
    BadRequest
        For a `pdf_dpi` out of its range, or a `first` below 1.
    """
    _check_path(path)
    # each page adds to what the file may use, so that long files are read and endless ones are not
    steps = _pool.stream(decode_pages, path, pdf_dpi, first, max_pixels, more_cpu_s=_CPU_S_PER_PAGE)
    try:
        yield from steps
    except CallFailed as failure:
        raise _refused(path, failure) from None


def count_pages(path: str | Path) -> int:
    """Return how many pages a file has; their content is not decoded.

    Raises
    ------
    UnreadablePage, MissingExtra
        As `open_pages`, where the file's head or table of pages shows it.
    """
    _check_path(path)
    try:
        count: Any = _pool.call(count_decodable, path)
    except CallFailed as failure:
        raise _refused(path, failure) from None
    return int(count)


def _check_path(path: str | Path) -> None:
    if not isinstance(path, str | os.PathLike):
        raise BadRequest(f"a page is named by its path, got {type(path).__name__}")


def _refused(path: str | Path, failure: CallFailed) -> UnreadablePage:
    return UnreadablePage(f"{path} {_REFUSALS[failure.limit]}")
