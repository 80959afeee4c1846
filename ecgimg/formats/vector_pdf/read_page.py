"""Read an opened PDF page as paths and words, unless its paths are no traces."""

from __future__ import annotations

from typing import Any

import numpy as np
import pypdfium2.raw as pdfium

from ecgimg.formats.vector_pdf.elements import Floats, VectorPage, VectorPath
from ecgimg.formats.vector_pdf.line_shapes import chained, is_trace, runs_across
from ecgimg.formats.vector_pdf.pdf_paths import MM_PER_PT, page_objects, page_to_mm, subpaths
from ecgimg.formats.vector_pdf.pdf_words import page_words

MAX_OBJECTS = 20_000
MAX_SEGMENTS = 300_000
MAX_STROKES = 1000  # lines that run across the page
"""A page of more objects, pieces of line or lines across is no ECG, or one that is left to its picture.

Device exports have up to 600 objects of 21,000 pieces. Listing as many as are allowed takes about two seconds.
"""

MIN_TRACES_MM = 50.0
"""A page whose traces are shorter all together is a scan with a stroke or two on it."""


def read_vector_page(page: Any) -> VectorPage | None:
    """Read the paths and words of an opened `pypdfium2.PdfPage`; None where its paths are no traces.

    A scan inside a PDF is None, and so is a page whose traces run up or down it as it is shown. A line drawn as many
    short strokes, each starting where the one before ended, comes back as one path.
    """
    to_mm = page_to_mm(page)
    paths = _listed_paths(page, to_mm)
    if paths is None:
        return None
    joined = tuple(chained(paths))
    strokes = [path for path in joined if runs_across(path)]
    # a few traces decide, so that a page of very many lines costs no more than one of `MAX_STROKES`
    across_mm = sum(np.ptp(path.points_mm[:, 0]) for path in strokes[:MAX_STROKES] if is_trace(path))
    if across_mm < MIN_TRACES_MM or len(strokes) > MAX_STROKES:
        return None
    width_pt, height_pt = page.get_size()
    return VectorPage((width_pt * MM_PER_PT, height_pt * MM_PER_PT), joined, tuple(page_words(page, to_mm)))


def _listed_paths(page: Any, to_mm: Floats) -> list[VectorPath] | None:
    """Return the paths of a page in the order in which they are drawn; None where there are too many."""
    paths: list[VectorPath] = []
    segments = 0
    for count, (item, kind, item_to_mm) in enumerate(page_objects(page, to_mm), start=1):
        is_path = kind == pdfium.FPDF_PAGEOBJ_PATH
        segments += max(pdfium.FPDFPath_CountSegments(item), 0) if is_path else 0
        # counted while listing: a page that asks for minutes is left before they are spent
        if count > MAX_OBJECTS or segments > MAX_SEGMENTS:
            return None
        if is_path:
            paths += subpaths(item, item_to_mm)
    return paths
