"""The runs of ink in each column of a flat page, which the rows' paths are made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.model import FlatPage

Floats = NDArray[np.float64]

_LETTER_SHARE = 0.5
_TALLEST_MM = 90.0
_THICK, _THICKER_PX, _FLAT_MM, _THICK_DOUBT = 1.7, 0.8, 2.0, 0.7


@dataclass(frozen=True, eq=False)
class InkRuns:
    """Runs of ink of the whole page, sorted by column.

    First run of each column; top and bottom (inclusive) of each run, and how little it looks like trace, 0-1.
    """

    first: NDArray[np.int64]
    top: NDArray[np.int64]
    bottom: NDArray[np.int64]
    doubt: Floats

    @cached_property
    def column(self) -> NDArray[np.int64]:
        """The column of each run."""
        return np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))

    @cached_property
    def middle(self) -> Floats:
        """The height at which the middle of each run lies, px."""
        return np.asarray((self.top + self.bottom) / 2, np.float64)


def column_runs(
    mask: NDArray[np.bool_],
) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return a mask's columns (width + 1, height + 1), each after a gap, and column, top and length of every run."""
    height, width = mask.shape
    down = np.zeros((width + 1, height + 1), bool)  # and a gap at the end
    down[:-1, 1:] = cv2.transpose(mask.view(np.uint8)).view(bool)
    change = np.flatnonzero(np.diff(down.ravel()))
    starts, lengths = change[::2], change[1::2] - change[::2]
    columns, top = np.divmod(starts, height + 1)
    return down, columns, top, lengths


def pixels_of_runs(down: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows and columns of all ink of a mask, run by run, by its columns as `column_runs` gives them."""
    columns, rows = np.divmod(np.flatnonzero(down), down.shape[1])
    return rows - 1, columns


def find_ink_runs(mask: NDArray[np.bool_], page: FlatPage) -> InkRuns:
    """Return the runs of a mask of the page, but for those as tall as a frame."""
    width = mask.shape[1]
    down, columns, top, lengths = column_runs(mask)
    pixels = pixels_of_runs(down)
    shade = page.darkness[pixels] * page.segmentation.trace[pixels]
    first = np.cumsum(lengths) - lengths
    mean = np.add.reduceat(shade, first, dtype=np.float64) / lengths if len(lengths) else np.zeros(0)
    half_px = cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, 3)[pixels]
    half_px = np.maximum.reduceat(half_px, first) if len(lengths) else np.zeros(0)
    plausible = lengths < _TALLEST_MM * page.px_per_mm  # no frame and no edge of the picture
    columns, top, lengths = columns[plausible], top[plausible], lengths[plausible]
    mean, half_px = mean[plausible], half_px[plausible]
    typical = float(np.percentile(mean, 75)) if len(mean) else 1.0
    doubt = np.clip(1 - mean / max(typical, 1e-6), 0, 1)
    is_thick = half_px > _THICK * (float(np.median(half_px)) if len(half_px) else 0.0) + _THICKER_PX
    is_thick &= lengths < _FLAT_MM * page.px_per_mm  # somebody's pen, and no printer's
    doubt[is_thick] = np.maximum(doubt[is_thick], _THICK_DOUBT)
    return InkRuns(np.searchsorted(columns, np.arange(width + 1)), top, top + lengths - 1, doubt)


def measure_stroke_width_px(runs: InkRuns, page: FlatPage, level: float) -> float:
    """Width of the pen: the ink in a flat run over the ink of a pixel that is covered in full."""
    heights = runs.bottom - runs.top + 1
    if not len(heights):
        return 1.0
    flat = heights <= np.percentile(heights, 40)
    ink = np.zeros(int(flat.sum()))
    for step in range(-1, int(heights[flat].max()) + 1):
        rows = np.clip(runs.top[flat] + step, 0, page.darkness.shape[0] - 1)
        ink += np.where(runs.top[flat] + step <= runs.bottom[flat] + 1, page.darkness[rows, runs.column[flat]], 0)
    return float(np.clip(np.median(ink) / level, 1.0, 12.0))


def is_label_ink(letters: NDArray[np.uint8], top: int, bottom: int, column: int) -> bool:
    """Tell whether ink of a column, from top to bottom, is that of a name."""
    return bool(letters[max(top, 0) : bottom + 1, column].mean() > 255 * _LETTER_SHARE)
