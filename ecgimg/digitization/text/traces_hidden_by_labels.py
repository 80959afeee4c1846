"""Where lead labels stand on the traces: they hide the starts of traces, and look like gaps or QRS complexes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from ecgimg.digitization.model import FlatPage, RowTrace
from ecgimg.digitization.numerics import Floats, Mask
from ecgimg.digitization.segmentation.ink_runs import InkRuns, is_label_ink
from ecgimg.digitization.text.label_detection import LABEL_THRESHOLD
from ecgimg.digitization.tracing.tracking.minimum_cost_path import FLAT_MM

_START_REACH_MM = 0.5  # a label this near to the first point hides what comes before; twice as far along x
_ROW_REACH_MM = 1.0  # letters this near to a height of a row count as on it
_LETTER_GAP_MM = 0.6  # paper between letters counts as label
_MIN_FILLED = 0.7  # of a stretch
_MAX_LABEL_MM = 9.0  # no label is wider, so no trace is followed farther through one
_MIN_FLAT_COLUMNS = 3  # fewer columns of flat ink beyond a label may be a part of a letter


def starts_on_label(page: FlatPage, rows: Sequence[RowTrace]) -> Mask:
    """Return which traces (rows,) start where a label stands on them: they may begin earlier, below it."""
    reach_px = round(_START_REACH_MM * page.px_per_mm)
    is_label = page.segmentation.label > LABEL_THRESHOLD
    is_hidden = []
    for row in rows:
        x, y = np.rint(row.points_px[0]).astype(int)
        around = is_label[max(y - reach_px, 0) : y + reach_px + 1, max(x - 2 * reach_px, 0) : x + 1]
        is_hidden.append(around.any())
    return np.array(is_hidden, bool)


def label_stretch_test(page: FlatPage) -> Callable[[tuple[float, float], float], bool]:
    """Return a function that tells whether a label fills most of a stretch (middle, width) px at a height px."""
    reach_px, gap_px = (round(mm * page.px_per_mm) for mm in (_ROW_REACH_MM, _LETTER_GAP_MM))
    is_label = page.segmentation.label > LABEL_THRESHOLD

    def is_labelled(stretch_px: tuple[float, float], height_px: float) -> bool:
        left, right = (max(round(stretch_px[0] + side * stretch_px[1] / 2), 0) for side in (-1, 1))
        top, bottom = max(round(height_px) - reach_px, 0), round(height_px) + reach_px
        has_letter = is_label[top : bottom + 1, left : right + 1].any(axis=0)
        return bool(has_letter.any() and maximum_filter1d(has_letter, 2 * gap_px + 1).mean() > _MIN_FILLED)

    return is_labelled


def extend_through_label(runs: InkRuns, path: NDArray[np.int64], page: FlatPage) -> NDArray[np.int64]:
    """Extend a path to the left through the label that may stand on the start of its trace.

    Parameters
    ----------
    runs : InkRuns
        The run-lengths of ink of the page.
    path : (columns,) int64
        Index of the run of each column, negative where the path has none.
    page : FlatPage

    Returns
    -------
    (columns,) int64
        The path itself where no trace is beyond the label.
    """
    columns = np.flatnonzero(path >= 0)
    if not len(columns):
        return path
    height_mm = (runs.bottom - runs.top + 1) / page.px_per_mm
    extension = _runs_to_the_left(runs, height_mm, int(columns[0]), int(path[columns[0]]), page)
    while extension and height_mm[extension[-1][1]] >= FLAT_MM:  # letters beyond which there is no trace
        extension.pop()
    if sum(height_mm[run] < FLAT_MM for _, run in extension) < _MIN_FLAT_COLUMNS:
        return path
    extended = path.copy()
    for column, run in extension:
        extended[column] = run
    return extended


def _runs_to_the_left(
    runs: InkRuns, height_mm: Floats, first_column: int, run: int, page: FlatPage
) -> list[tuple[int, int]]:
    """Return the runs (column, index) that connect to a run leftwards, by flat ink first, else by that of labels."""
    connected: list[tuple[int, int]] = []
    stop = max(first_column - round(_MAX_LABEL_MM * page.px_per_mm), 0)
    for column in range(first_column - 1, stop - 1, -1):
        touching = _touching_runs(runs, column, run)
        if not touching:
            break
        flat = [index for index in touching if height_mm[index] < FLAT_MM]
        run = max(flat or touching, key=lambda index: height_mm[index])
        if not flat and not is_label_ink(page.segmentation.label, int(runs.top[run]), int(runs.bottom[run]), column):
            break
        connected.append((column, run))
    return connected


def _touching_runs(runs: InkRuns, column: int, run: int) -> list[int]:
    """Return the runs of a column that touch a run of the next one."""
    return [
        index
        for index in range(runs.first[column], runs.first[column + 1])
        if runs.top[index] <= runs.bottom[run] + 1 and runs.bottom[index] >= runs.top[run] - 1
    ]
