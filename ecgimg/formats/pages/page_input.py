"""One opened page: its pixels, where it came from, and what its file tells of its scale."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgimg.formats.vector_pdf import VectorPage


@dataclass(frozen=True, eq=False)
class PageInput:
    """One page as it came from its file, upright and with square pixels as the file says.

    Parameters
    ----------
    image : (height, width, 3) uint8
        RGB; what was transparent is white.
    source : Path
        The file.
    number : int
        Which page of the file, from 1.
    n_pages : int
        How many the file has.
    stem : str
        ``STEM`` of the file for its first page, ``STEM-p2`` for its second.
    px_per_mm_hint : float or None
        Pixels a millimetre of the page: exact where a PDF was rasterised here, from the dpi tag where a scanner may
        have written it, else None. The paper may have been printed or copied at another size.
    vector : VectorPage or None
        The page's own paths and text, where a PDF carries the traces so.
    reduced_by : int
        How many pixels of the file, across and down, make one of `image`.
    unequal_resolution : (across, down) or None
        Pixels an inch, or their ratio, where the file says that its pixels are not square, as those of faxes; the
        coarser direction of `image` was stretched to the finer one.
    """

    image: NDArray[np.uint8]
    source: Path
    number: int
    n_pages: int
    stem: str
    px_per_mm_hint: float | None
    vector: VectorPage | None
    reduced_by: int = 1
    unequal_resolution: tuple[float, float] | None = None


def page_name(path: Path, number: int, n_pages: int) -> str:
    """Return what messages call a page: its file, and its number where the file has several."""
    return f"page {number} of {path}" if n_pages > 1 else str(path)


def make_page(
    pixels: NDArray[np.uint8],
    path: Path,
    number: int,
    n_pages: int,
    px_per_mm: float | None,
    vector: VectorPage | None = None,
    reduced_by: int = 1,
    unequal_resolution: tuple[float, float] | None = None,
) -> PageInput:
    """Return a decoded page; `px_per_mm` is that of the file, before it was reduced by a whole factor."""
    # files made of the first page keep the file's own name: most files have one page
    stem = path.stem if number == 1 else f"{path.stem}-p{number}"
    # a picture of half the pixels has half the pixels a millimetre
    hint = px_per_mm / reduced_by if px_per_mm else None
    return PageInput(pixels, path, number, n_pages, stem, hint, vector, reduced_by, unequal_resolution)
