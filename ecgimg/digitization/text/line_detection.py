"""Find lines of printed text on a flat page."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.model import FlatPage
from ecgimg.digitization.numerics import Mask, open_vertically

_TEXT_THRESHOLD = 140  # of 255, in the planes of labels and other print
_MIN_LETTER_MM, _MAX_LETTER_MM = 1.1, 4.6  # height of the letters of a line
_MAX_BLOB_MM = 11.0  # height of a line that slopes
_MIN_LINE_MM = 5.0  # width: "25 mm/s" takes more
_WORD_GAP_MM, _LINE_GAP_MM = 3.2, 0.3  # gaps that are closed: words of a line join, lines below each other do not
_MAX_STROKE_MM = 6.0  # longer strokes are frames, separators or the page's edge
_MIN_ASPECT = 3.0  # the slope of shorter lines is that of their letters
_MAX_SLOPE = 0.14
_MIN_LETTER_PX = 3
_MIN_ROW_INK = 0.2  # of a well-filled row of letters; less is a stroke or a stain that reaches in
_FILLED_PERCENTILE = 90
_MAX_LINES = 64  # more would take long and are no header or footer


@dataclass(frozen=True, eq=False)
class TextLine:
    """A line of text on a flat page.

    Parameters
    ----------
    left_px, right_px : float
        Its ends along x.
    middles_px : (left, right)
        Height of its middle at both ends.
    height_px : float
        Height of its letters.
    """

    left_px: float
    right_px: float
    middles_px: tuple[float, float]
    height_px: float


def find_text_lines(page: FlatPage, px_per_mm: float | None = None) -> list[TextLine]:
    """Find lines of text in what the segmenter took for print, the lowest on the page first.

    Parameters
    ----------
    page : FlatPage
    px_per_mm : float, optional
        By which the size of letters and gaps is measured, that of the page by default.
    """
    mm = page.px_per_mm if px_per_mm is None else px_per_mm
    planes = page.segmentation
    mask = np.maximum(planes.other, planes.label) > _TEXT_THRESHOLD
    _, components, stats, _ = cv2.connectedComponentsWithStats(_joined_words(mask, mm))
    lines = []
    for index, (left, top, width, height) in enumerate(stats[1:, :4].tolist(), start=1):
        if 2 * width < _MIN_LINE_MM * mm or not _MIN_LETTER_MM * mm < 2 * height < _MAX_BLOB_MM * mm:
            continue
        is_component = components[top : top + height, left : left + width] == index
        line = _measure_line(_component_ink(mask, is_component, (left, top)), (2 * left, 2 * top))
        if line is not None and _MIN_LETTER_MM * mm < line.height_px < _MAX_LETTER_MM * mm:
            lines.append(line)
    return sorted(lines, key=lambda line: -line.middles_px[0])[:_MAX_LINES]


def _joined_words(mask: Mask, px_per_mm: float) -> NDArray[np.uint8]:
    """Return a text mask at half its size, for speed, without long strokes and with the gaps between words closed."""
    half_mm = px_per_mm / 2
    half = cv2.dilate(mask.astype(np.uint8), np.ones((2, 2), np.uint8), anchor=(0, 0))[::2, ::2] > 0
    kernel = np.ones((max(round(_LINE_GAP_MM * half_mm), 1), round(_WORD_GAP_MM * half_mm)), np.uint8)
    short = _without_long_strokes(half, half_mm).astype(np.uint8)
    return np.asarray(cv2.morphologyEx(short, cv2.MORPH_CLOSE, kernel), np.uint8)


def _without_long_strokes(mask: Mask, px_per_mm: float) -> Mask:
    """Remove strokes longer than letters are high or wide: frames, separators, the page's edge."""
    length_px = round(_MAX_STROKE_MM * px_per_mm)
    upright, level = open_vertically(mask, length_px), open_vertically(mask.T, length_px).T
    return mask & ~(upright | level)


def _component_ink(mask: Mask, is_component: Mask, corner: tuple[int, int]) -> Mask:
    """Return the ink of a text mask below a component that was found at half its size, with its corner (x, y) there."""
    height, width = is_component.shape
    left, top = corner
    own = np.repeat(np.repeat(is_component, 2, axis=0), 2, axis=1)
    ink = mask[2 * top : 2 * (top + height), 2 * left : 2 * (left + width)]
    return ink & own[: ink.shape[0], : ink.shape[1]]


def _measure_line(ink: Mask, corner: tuple[int, int]) -> TextLine | None:
    """Measure the line of text in a blob (h, w): its slope first, then the rows that its letters fill."""
    height, width = ink.shape
    rows, columns = np.nonzero(ink)
    slope = float(np.polyfit(columns, rows, 1)[0]) if width > _MIN_ASPECT * height else 0.0
    if abs(slope) > _MAX_SLOPE:
        return None
    top, bottom = letter_band(rows - slope * columns)
    if bottom - top < _MIN_LETTER_PX:
        return None
    left, right, middle = columns.min(), columns.max(), (top + bottom) / 2
    left_middle, right_middle = (float(corner[1] + middle + slope * x) for x in (left, right))
    return TextLine(float(corner[0] + left), float(corner[0] + right), (left_middle, right_middle), bottom - top)


def letter_band(heights: NDArray[np.number]) -> tuple[float, float]:
    """Return the top and the bottom of the letters of a level line from the heights of its ink (n,), in px.

    Rows with little ink, which a stroke or a stain reaches, do not count.
    """
    lowest = float(np.floor(heights.min()))
    counts = np.bincount((heights - lowest).astype(np.intp))
    filled = np.flatnonzero(counts > _MIN_ROW_INK * np.percentile(counts, _FILLED_PERCENTILE))
    return lowest + float(filled[0]) - 0.5, lowest + float(filled[-1]) + 0.5
