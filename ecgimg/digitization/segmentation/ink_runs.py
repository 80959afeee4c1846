"""Run-lengths of ink: the runs in each column of a flat page, which the rows' paths are made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.model import FlatPage
from ecgimg.digitization.numerics import Floats, Mask

Indices = NDArray[np.int64]

_LABEL_SHARE = 0.5  # of full label probability, from which ink is that of a lead label
_TALLEST_MM = 90.0  # complexes that run into each other; taller runs are a frame or the picture's edge
_TYPICAL_PERCENTILE = 75  # of how much runs look like trace; weaker ones are doubted
_THICK_RATIO, _THICK_PX = 1.7, 0.8  # against the usual half width: somebody's pen, and no printer's
_FLAT_MM = 2.0  # a taller run may be an apex, which is thick as well
_THICK_DOUBT = 0.7
_FLAT_PERCENTILE = 40  # of heights; flat runs are one stroke high
_MIN_STROKE_PX, _MAX_STROKE_PX = 1.0, 12.0


@dataclass(frozen=True, eq=False)
class InkRuns:
    """Runs of ink of the whole page, sorted by column.

    Parameters
    ----------
    first : (width + 1,) int64
        Index of the first run of each column.
    top, bottom : (n,) int64
        First and last row of each run.
    doubt : (n,) float64
        How little a run looks like trace, 0-1.
    """

    first: Indices
    top: Indices
    bottom: Indices
    doubt: Floats

    @cached_property
    def column(self) -> Indices:
        """The column of each run."""
        return np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))

    @cached_property
    def middle(self) -> Floats:
        """The height at which the middle of each run lies, px."""
        return np.asarray((self.top + self.bottom) / 2, np.float64)


class ColumnRuns(NamedTuple):
    """Run-lengths of a mask.

    Parameters
    ----------
    by_column : (width + 1, height + 1) bool
        The mask's columns, each after a gap.
    column, top, length : (n,) int64
        Of every run, sorted by column and top.
    """

    by_column: Mask
    column: Indices
    top: Indices
    length: Indices


def column_runs(mask: Mask) -> ColumnRuns:
    """Return the run-lengths of each column of a mask (height, width)."""
    height, width = mask.shape
    by_column = np.zeros((width + 1, height + 1), bool)  # the gaps keep runs of neighbouring columns apart
    by_column[:-1, 1:] = cv2.transpose(mask.view(np.uint8)).view(bool)
    changes = np.flatnonzero(np.diff(by_column.ravel()))
    starts, lengths = changes[::2], changes[1::2] - changes[::2]
    columns, tops = np.divmod(starts, height + 1)
    return ColumnRuns(by_column, columns, tops, lengths)


def pixels_of_runs(by_column: Mask) -> tuple[Indices, Indices]:
    """Return rows and columns of all pixels of a mask, run by run, from `ColumnRuns.by_column`."""
    columns, rows = np.divmod(np.flatnonzero(by_column), by_column.shape[1])
    return rows - 1, columns


def find_ink_runs(mask: Mask, page: FlatPage) -> InkRuns:
    """Return the runs of a mask of the page, without those that are as tall as a frame."""
    runs = column_runs(mask)
    if not len(runs.length):
        return InkRuns(np.zeros(mask.shape[1] + 1, np.int64), runs.top, runs.top, np.zeros(0))
    pixels = pixels_of_runs(runs.by_column)
    first_pixel = np.cumsum(runs.length) - runs.length
    shade = page.darkness[pixels] * page.segmentation.trace[pixels]
    mean_shade = np.add.reduceat(shade, first_pixel, dtype=np.float64) / runs.length
    half_widths = cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, 3)[pixels]
    half_width = np.maximum.reduceat(half_widths, first_pixel)
    is_no_frame = runs.length < _TALLEST_MM * page.px_per_mm
    columns, top, length = (values[is_no_frame] for values in (runs.column, runs.top, runs.length))
    doubt = _doubt(mean_shade[is_no_frame], half_width[is_no_frame], length < _FLAT_MM * page.px_per_mm)
    return InkRuns(np.searchsorted(columns, np.arange(mask.shape[1] + 1)), top, top + length - 1, doubt)


def _doubt(mean_shade: Floats, half_width: NDArray[np.float32], is_flat: Mask) -> Floats:
    """Return how little each run (n,) looks like trace, 0-1: pale ones do, and thick flat ones."""
    if not len(mean_shade):
        return np.zeros(0)
    typical = float(np.percentile(mean_shade, _TYPICAL_PERCENTILE))
    doubt = np.clip(1 - mean_shade / max(typical, 1e-6), 0, 1)
    is_thick = is_flat & (half_width > _THICK_RATIO * float(np.median(half_width)) + _THICK_PX)
    doubt[is_thick] = np.maximum(doubt[is_thick], _THICK_DOUBT)
    return np.asarray(doubt)


def measure_stroke_width_px(runs: InkRuns, page: FlatPage, full_darkness: float) -> float:
    """Return the width of a stroke: the ink of a flat run over that of a pixel that is covered in full."""
    heights = runs.bottom - runs.top + 1
    if not len(heights):
        return _MIN_STROKE_PX
    is_flat = heights <= np.percentile(heights, _FLAT_PERCENTILE)
    top, bottom, columns = runs.top[is_flat], runs.bottom[is_flat], runs.column[is_flat]
    ink = np.zeros(len(top))
    for step in range(-1, int(heights[is_flat].max()) + 1):  # the soft edges above and below are ink as well
        rows = np.clip(top + step, 0, page.darkness.shape[0] - 1)
        ink += np.where(top + step <= bottom + 1, page.darkness[rows, columns], 0)
    return float(np.clip(np.median(ink) / full_darkness, _MIN_STROKE_PX, _MAX_STROKE_PX))


def is_label_ink(labels: NDArray[np.uint8], top: int, bottom: int, column: int) -> bool:
    """Tell whether the ink of a column from top to bottom is that of a lead label (label probability, 0-255)."""
    return bool(labels[max(top, 0) : bottom + 1, column].mean() > 255 * _LABEL_SHARE)
