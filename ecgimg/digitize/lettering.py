"""Where lettering stands on the traces: their starts are hidden there, and what looks like a gap is a name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from ecgimg.digitize.flatten import FlatPage
from ecgimg.digitize.row_trace import RowTrace

Mask = NDArray[np.bool_]

_LETTER, _AMID_MM, _BESIDE_MM = 110, 0.5, 1.0
_BETWEEN_LETTERS_MM, _FILLED = 0.6, 0.7


def starts_in_lettering(page: FlatPage, rows: Sequence[RowTrace]) -> Mask:
    """Return which rows' traces start (rows,) where lettering stands on them, and may go on below it."""
    reach = round(_AMID_MM * page.px_per_mm)
    letters = page.segmentation.label > _LETTER
    found = []
    for row in rows:
        x, y = np.rint(row.points_px[0]).astype(int)
        found.append(letters[max(y - reach, 0) : y + reach + 1, max(x - 2 * reach, 0) : x + 1].any())
    return np.array(found, bool)


def lettering_finder(page: FlatPage) -> Callable[[tuple[float, float], float], bool]:
    """Return what tells whether lettering fills most of a stretch (middle, width) of a row, at a height, px."""
    reach, between = (round(mm * page.px_per_mm) for mm in (_BESIDE_MM, _BETWEEN_LETTERS_MM))
    letters = page.segmentation.label > _LETTER

    def is_lettered(stretch: tuple[float, float], height: float) -> bool:
        left, right = (max(round(stretch[0] + side * stretch[1] / 2), 0) for side in (-1, 1))
        found = letters[max(round(height) - reach, 0) : round(height) + reach + 1, left : right + 1].any(axis=0)
        return bool(found.any() and maximum_filter1d(found, 2 * between + 1).mean() > _FILLED)

    return is_lettered
