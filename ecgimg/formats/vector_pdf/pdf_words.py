"""Read the words of a PDF page through PDFium: letters joined into words by their baselines and gaps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ctypes import c_double
from typing import Any

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium

from ecgimg.formats.vector_pdf.elements import Floats, VectorText

MAX_CHARS = 20_000
"""Characters that are read of a page: a limit on the time that endless text may take."""

_MIN_SIZE_MM = 0.1  # fonts without a size would have every gap be a new word


def page_words(page: Any, to_mm: Floats) -> Iterator[VectorText]:
    """Yield the page's words in the order they are written.

    Letters make a word when they follow each other on one baseline; PDF readers otherwise glue the labels of a column.
    """
    try:
        textpage = page.get_textpage()
    except pypdfium2.PdfiumError:  # a page without its words is still a page
        return
    try:
        letters: list[tuple[str, Floats]] = []
        for index in range(min(textpage.count_chars(), MAX_CHARS)):
            letter = _letter(textpage, index, to_mm)
            if letters and (letter is None or not _same_word(letters[-1][1], letter[1])):
                yield _word(letters)
                letters = []
            if letter is not None:
                letters.append(letter)
        if letters:
            yield _word(letters)
    finally:
        textpage.close()


def _letter(textpage: Any, index: int, to_mm: Floats) -> tuple[str, Floats] | None:
    """Return a letter and its [left, top, right, bottom, baseline, size] in page mm; None for a space."""
    code = pdfium.FPDFText_GetUnicode(textpage, index)
    # surrogates are half a character, which no Python text may hold
    letter = chr(code) if code < 0xD800 or 0xE000 <= code <= 0x10FFFF else "\ufffd"
    if letter.isspace() or not letter.isprintable():
        return None
    left, right, bottom, top = c_double(), c_double(), c_double(), c_double()
    x, y = c_double(), c_double()
    # the tight box measures where the print is; the loose one is as high as the font, whatever the letter
    loose = pdfium.FS_RECTF()
    pdfium.FPDFText_GetCharBox(textpage, index, left, right, bottom, top)
    pdfium.FPDFText_GetCharOrigin(textpage, index, x, y)
    pdfium.FPDFText_GetLooseCharBox(textpage, index, loose)
    corners = [[left.value, bottom.value], [right.value, top.value], [x.value, y.value]]
    corners += [[loose.left, loose.bottom], [loose.right, loose.top]]
    mm = np.array(corners, np.float64) @ to_mm[:, :2].T + to_mm[:, 2]
    size = abs(mm[4, 1] - mm[3, 1])
    return letter, np.array([*mm[:2].min(axis=0), *mm[:2].max(axis=0), mm[2, 1], size])


def _same_word(before: Floats, after: Floats) -> bool:
    size = max(before[5], after[5], _MIN_SIZE_MM)
    gap = after[0] - before[2]
    # a fifth of the size off the baseline is another line, a quarter is a space, going back starts another column
    return bool(abs(after[4] - before[4]) < 0.2 * size and gap < 0.25 * size and after[0] > before[0] - 0.1 * size)


def _word(letters: Sequence[tuple[str, Floats]]) -> VectorText:
    boxes = np.array([box[:4] for _, box in letters])
    left, top = boxes[:, :2].min(axis=0).tolist()
    right, bottom = boxes[:, 2:].max(axis=0).tolist()
    return VectorText("".join(letter for letter, _ in letters), (left, top, right, bottom))
