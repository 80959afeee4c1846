"""Where lettering stands on the traces: their starts are hidden there, and what looks like a gap is a name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from ecgimg.digitization.model import FlatPage, RowTrace
from ecgimg.digitization.segmentation.ink_runs import InkRuns, is_label_ink
from ecgimg.digitization.tracing.tracking import FLAT_MM

Mask = NDArray[np.bool_]

_LETTER, _AMID_MM, _BESIDE_MM = 110, 0.5, 1.0
_BETWEEN_LETTERS_MM, _FILLED = 0.6, 0.7
_NAME_MM, _FEW_FLAT = 9.0, 3


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


def beyond_lettering(runs: InkRuns, path: NDArray[np.int64], page: FlatPage) -> NDArray[np.int64]:
    """Follow a path that starts on lettering to the left, through it: a name may stand on the start of its trace."""
    columns = np.flatnonzero(path >= 0)
    if not len(columns):
        return path
    height_mm = (runs.bottom - runs.top + 1) / page.px_per_mm
    column, run = int(columns[0]), int(path[columns[0]])
    taken: list[tuple[int, int]] = []
    last = max(column - round(_NAME_MM * page.px_per_mm), 0)
    while column > last:
        column -= 1
        beside = [
            k
            for k in range(runs.first[column], runs.first[column + 1])
            if runs.top[k] <= runs.bottom[run] + 1 and runs.bottom[k] >= runs.top[run] - 1
        ]
        if not beside:
            break
        flat = [k for k in beside if height_mm[k] < FLAT_MM]
        run = max(flat or beside, key=lambda k: height_mm[k])
        if not flat and not is_label_ink(page.segmentation.label, int(runs.top[run]), int(runs.bottom[run]), column):
            break
        taken.append((column, run))
    while taken and height_mm[taken[-1][1]] >= FLAT_MM:  # lettering beyond which there is no trace
        taken.pop()
    if sum(height_mm[k] < FLAT_MM for _, k in taken) < _FEW_FLAT:
        return path
    path = path.copy()
    for column, run in taken:
        path[column] = run
    return path
