"""Read the paths of a PDF page through PDFium: each drawn line or outline in page mm, curves flattened."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from ctypes import c_float, c_int, c_uint
from itertools import pairwise
from typing import Any

import numpy as np
import pypdfium2.raw as pdfium
from numpy.typing import NDArray

from ecgimg.formats.vector_pdf.elements import Floats, VectorPath

MM_PER_PT = 25.4 / 72  # a PDF point is 1/72 inch
MAX_NESTING = 8
"""Forms within forms that are opened: a file may nest them without end."""

_CURVE_PIECE_MM = 0.2  # straight pieces of a flattened curve: finer than a pixel of a 100 dpi scan


def page_to_mm(page: Any) -> Floats:
    """Return the (2, 3) map from a page's own points, y up, to mm of the page as it is shown."""
    box = pdfium.FS_RECTF()
    pdfium.FPDF_GetPageBoundingBox(page, box)
    left, bottom, right, top = box.left, box.bottom, box.right, box.top
    # PDFium gives points of the unrotated page: each rotation has another corner as its top left.
    shown = {
        0: [[1, 0, -left], [0, -1, top]],
        90: [[0, 1, -bottom], [1, 0, -left]],
        180: [[-1, 0, right], [0, 1, -bottom]],
        270: [[0, -1, top], [-1, 0, right]],
    }
    return MM_PER_PT * np.array(shown[page.get_rotation()], np.float64)


def page_objects(page: Any, to_mm: Floats) -> Iterator[tuple[Any, int, Floats]]:
    """Yield every object on the page and in its forms: (object, kind, (2, 3) map from its own coordinates to mm)."""

    def walk(count: int, get: Callable[[int], Any], outer: Floats, depth: int) -> Iterator[tuple[Any, int, Floats]]:
        for index in range(count):
            item = get(index)
            kind = pdfium.FPDFPageObj_GetType(item)
            inner = _then(_matrix(item), outer)
            yield item, kind, inner
            # a form is a drawing within the drawing: its objects have its coordinates
            if kind == pdfium.FPDF_PAGEOBJ_FORM and depth < MAX_NESTING:
                get_inner = _getter(pdfium.FPDFFormObj_GetObject, item)
                yield from walk(pdfium.FPDFFormObj_CountObjects(item), get_inner, inner, depth + 1)

    yield from walk(pdfium.FPDFPage_CountObjects(page), _getter(pdfium.FPDFPage_GetObject, page), to_mm, 0)


def _getter(function: Callable[[Any, int], Any], holder: Any) -> Callable[[int], Any]:
    return lambda index: function(holder, index)


def _matrix(item: Any) -> Floats:
    """Return an object's own (2, 3) map."""
    matrix = pdfium.FS_MATRIX(1, 0, 0, 1, 0, 0)
    pdfium.FPDFPageObj_GetMatrix(item, matrix)
    return np.array([[matrix.a, matrix.c, matrix.e], [matrix.b, matrix.d, matrix.f]], np.float64)


def _then(first: Floats, second: Floats) -> Floats:
    """Return the (2, 3) map that applies `first` and then `second`."""
    return second[:, :2] @ first + np.column_stack([np.zeros((2, 2)), second[:, 2]])


def subpaths(item: Any, to_mm: Floats) -> Iterator[VectorPath]:
    """Yield what a path object draws, one path for each time the pen is put down."""
    fill, stroke = c_int(), c_int()
    pdfium.FPDFPath_GetDrawMode(item, fill, stroke)
    colour = _colour(item, stroked=bool(stroke.value)) if fill.value or stroke.value else None
    if colour is None:
        return
    width = c_float()
    pdfium.FPDFPageObj_GetStrokeWidth(item, width)
    # a stroke is as wide as the map makes it: the square root of the determinant is its mean scale
    width_mm = width.value * math.sqrt(abs(np.linalg.det(to_mm[:, :2]))) if stroke.value else 0.0
    for points_mm in _outlines(item, to_mm):
        if len(points_mm) > 1 and np.isfinite(points_mm).all():
            yield VectorPath(points_mm, colour, width_mm, bool(fill.value))


def _colour(item: Any, stroked: bool) -> tuple[int, int, int] | None:
    """Return the colour an object is drawn with; None where it is transparent."""
    red, green, blue, alpha = c_uint(), c_uint(), c_uint(), c_uint(255)
    get = pdfium.FPDFPageObj_GetStrokeColor if stroked else pdfium.FPDFPageObj_GetFillColor
    get(item, red, green, blue, alpha)
    return (red.value, green.value, blue.value) if alpha.value else None


def _outlines(item: Any, to_mm: Floats) -> Iterator[Floats]:
    """Yield the points of a path object's subpaths as (n, 2) page mm."""
    kinds, closes, points_mm = _segments(item, to_mm)
    starts = [*np.flatnonzero(kinds == pdfium.FPDF_SEGMENT_MOVETO).tolist(), len(kinds)]
    for start, stop in pairwise(starts):
        own = points_mm[start:stop]
        if (kinds[start:stop] == pdfium.FPDF_SEGMENT_BEZIERTO).any():
            own = _flattened(kinds[start:stop], own)
        if closes[start:stop].any():
            own = np.vstack([own, own[:1]])
        yield own


def _segments(item: Any, to_mm: Floats) -> tuple[NDArray[np.int64], NDArray[np.bool_], Floats]:
    """Return the kind of each of a path's n segments, whether it closes the outline, and its end as (n, 2) page mm."""
    x, y = c_float(), c_float()
    rows = []
    for index in range(pdfium.FPDFPath_CountSegments(item)):
        segment = pdfium.FPDFPath_GetPathSegment(item, index)
        kind, close = pdfium.FPDFPathSegment_GetType(segment), pdfium.FPDFPathSegment_GetClose(segment)
        pdfium.FPDFPathSegment_GetPoint(segment, x, y)
        rows.append((kind, close, x.value, y.value))
    table = np.array(rows, np.float64).reshape(-1, 4)
    with np.errstate(all="ignore"):  # damaged files have endless numbers; such outlines are dropped by `subpaths`
        points_mm = table[:, 2:] @ to_mm[:, :2].T + to_mm[:, 2]
    return table[:, 0].astype(np.int64), table[:, 1] != 0, points_mm


def _flattened(kinds: NDArray[np.int64], points_mm: Floats) -> Floats:
    """Replace the Bézier curves of one subpath, three points each, by straight pieces of about 0.2 mm."""
    line: list[Floats] = []
    index = 0
    while index < len(kinds):
        if kinds[index] != pdfium.FPDF_SEGMENT_BEZIERTO or index + 3 > len(kinds) or not line:
            line.append(points_mm[index : index + 1])
            index += 1
            continue
        a, b, c, d = line[-1][-1], *points_mm[index : index + 3]
        # the way along the control points is an upper bound of the curve's length
        length = float(np.abs(np.diff([a, b, c, d], axis=0)).sum())
        t = np.linspace(0, 1, 1 + int(np.clip(length / _CURVE_PIECE_MM if math.isfinite(length) else 4, 4, 64)))[
            1:, None
        ]
        line.append((1 - t) ** 3 * a + 3 * t * (1 - t) ** 2 * b + 3 * t**2 * (1 - t) * c + t**3 * d)
        index += 3
    return np.vstack(line)
