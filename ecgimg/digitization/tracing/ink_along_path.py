"""Measure the ink that the path of a row took, column by column: its edges, its centre, and how full it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.model import FlatPage
from ecgimg.digitization.numerics import Floats, Ints, Mask

_TRACE_PROBABILITY = 160  # of 255; surer pixels tell how dark full ink is
_FULL_PERCENT = 75  # of such pixels: those at the edges of strokes are paler
_MOST_SHARE = 1.2  # darker pixels count as dark as that
_EDGE_PX = 3  # an edge is blurred over no more
_CUT_SHARE = 0.85  # where a pixel beyond a run is darker, the run was parted there and has no edge
_TALLEST_CENTRED_PX = 24  # the centre of higher runs is their middle, whatever their ink
_MOST_COVER = 1.5


@dataclass(frozen=True, eq=False)
class InkMap:
    """The ink of a flat page.

    Parameters
    ----------
    full_darkness : float
        Darkness of a pixel that ink covers in full.
    share : (height, width) float32
        Darkness as a share of full ink, 0-1.2.
    sums, trace_sums : (height + 1, width) float64
        Cumulative sums down each column, of `share` and of the trace probability.
    """

    full_darkness: float
    share: NDArray[np.float32]
    sums: Floats
    trace_sums: Floats


@dataclass(frozen=True, eq=False)
class PathRuns:
    """The runs of ink that a path took.

    Parameters
    ----------
    columns : (n,) int
        Rising.
    top, bottom : (n,) float64
        First and last row of pixels of its part of each run.
    run_top, run_bottom : (n,) float64
        Of the whole run, where other rows took parts of it.
    is_shared : (n,) bool
        Whether another row took the same part.
    """

    columns: Ints
    top: Floats
    bottom: Floats
    run_top: Floats
    run_bottom: Floats
    is_shared: Mask


@dataclass(frozen=True, eq=False)
class RowInk:
    """The ink that a row's path took, one entry a column from its first to its last.

    Parameters
    ----------
    first_column : int
    upper, lower : (n,) float64
        Edges of the ink in px of the flat page, to a fraction of a pixel; interpolated where nothing was taken.
    run_upper, run_lower : (n,) float64
        Edges of the whole run of ink, before it was parted between rows.
    centre : (n,) float64
        Centre of mass of the ink between them, px.
    fill : (n,) float64
        Mean darkness of the ink between the edges, 1 for a column that is covered in full.
    above, below : (n,) float64
        Mean darkness next to a taller neighbour's ink, beyond this column's own: how much of the column it covers.
    certainty : (n,) float64
        Mean trace probability of the ink, 0-1.
    has_ink, is_shared : (n,) bool
        Whether ink was taken at all, and whether another row took the same.
    end_cover : (before, after)
        Darkness of the pixels next to the first and the last column's ink, 0-1: how much of them the ink's ends cover.
    stroke_width_px, px_per_mm : float
        Width of a stroke, and scale of the flat page.
    """

    first_column: int
    upper: Floats
    lower: Floats
    run_upper: Floats
    run_lower: Floats
    centre: Floats
    fill: Floats
    above: Floats
    below: Floats
    certainty: Floats
    has_ink: Mask
    is_shared: Mask
    end_cover: tuple[float, float]
    stroke_width_px: float
    px_per_mm: float

    @property
    def ends_px(self) -> tuple[float, float]:
        """Where the ink of the trace starts and ends, the caps of the stroke included."""
        last = self.first_column + len(self.upper) - 1
        left = self.first_column + 0.5 - min(self.fill[0], 1) - self.end_cover[0]
        return float(left), float(last - 0.5 + min(self.fill[-1], 1) + self.end_cover[1])


def map_ink(page: FlatPage) -> InkMap:
    """Map the ink of a flat page for `measure_row_ink`."""
    full_darkness = full_ink_darkness(page) or 1.0
    share = np.clip(page.darkness / np.float32(full_darkness), 0, _MOST_SHARE)
    return InkMap(full_darkness, share, _sums_down(share), _sums_down(page.segmentation.trace / np.float32(255)))


def full_ink_darkness(page: FlatPage, probability: int = _TRACE_PROBABILITY) -> float | None:
    """Return the darkness of full ink by the pixels above a trace probability (0-255), or None if there are none."""
    darkness = page.darkness[page.segmentation.trace > probability]
    return float(np.percentile(darkness, _FULL_PERCENT)) if len(darkness) else None


def _sums_down(values: NDArray[np.floating]) -> Floats:
    """Return the cumulative sums (height + 1, width) down each column."""
    sums = np.zeros((values.shape[0] + 1, values.shape[1]))
    for row, line in enumerate(values):  # several times as fast as a cumulative sum down the columns
        np.add(sums[row], line, out=sums[row + 1])
    return sums


def measure_row_ink(ink: InkMap, path_runs: PathRuns, stroke_width_px: float, px_per_mm: float) -> RowInk:
    """Measure the ink of the runs that a path took.

    Parameters
    ----------
    stroke_width_px, px_per_mm : float
        Width of a stroke, and scale of the flat page.
    """
    columns, top, bottom = path_runs.columns, path_runs.top, path_runs.bottom
    first, last = int(columns[0]), int(columns[-1])
    every_column = np.arange(first, last + 1)

    def spread(values: Floats) -> Floats:
        return np.asarray(np.interp(every_column, columns, values), np.float64)

    has_ink, is_shared = np.zeros((2, len(every_column)), bool)
    has_ink[columns - first], is_shared[columns - first] = True, path_runs.is_shared
    upper, lower = (spread(edge) for edge in _edges(ink, columns, top, bottom))
    start = top.astype(int)
    stop = np.maximum(bottom.astype(int), start) + 1
    fill, certainty = (
        (sums[stop, columns] - sums[start, columns]) / (stop - start) for sums in (ink.sums, ink.trace_sums)
    )
    above, below = _cover_beyond_edges(ink, every_column, upper, lower)
    end_cover = _end_cover(ink, first - 1, start[0], stop[0]), _end_cover(ink, last + 1, start[-1], stop[-1])
    return RowInk(
        first, upper, lower, spread(path_runs.run_top), spread(path_runs.run_bottom),
        spread(_centres(ink, columns, top, bottom)), spread(fill), above, below,
        spread(certainty), has_ink, is_shared, end_cover, stroke_width_px, px_per_mm,
    )  # fmt: skip


def _end_cover(ink: InkMap, column: int, start: int, stop: int) -> float:
    """Return the darkness, 0-1, of a column beside the end of a path, about the rows of the path's last run."""
    if not 0 <= column < ink.share.shape[1]:
        return 0.0
    return float(min(ink.share[max(start - 1, 0) : stop + 1, column].max(), 1))


def _edges(ink: InkMap, columns: Ints, top: Floats, bottom: Floats) -> tuple[Floats, Floats]:
    """Return the edges of the ink of each run, to a fraction of a pixel: a pale pixel beyond is partly covered.

    Where ink goes on beyond a run that was parted, its edge is where it was parted.
    """
    last = ink.share.shape[0] - 1

    def cover(rows: Floats) -> Floats:
        return np.asarray(np.minimum(ink.share[np.clip(rows, 0, last).astype(int), columns], 1), np.float64)

    steps = range(_EDGE_PX)
    above, below = (np.stack([cover(edge + sign * step) for step in steps]) for edge, sign in ((top, -1), (bottom, 1)))
    upper = np.where(above[1] < _CUT_SHARE, top + 0.5 - above.sum(axis=0), top)
    lower = np.where(below[1] < _CUT_SHARE, bottom - 0.5 + below.sum(axis=0), bottom)
    return upper, lower


def _centres(ink: InkMap, columns: Ints, top: Floats, bottom: Floats) -> Floats:
    """Return the centre of mass of the ink of each run; of a high one its middle."""
    sums, moments = np.zeros(len(columns)), np.zeros(len(columns))
    is_low = bottom - top < _TALLEST_CENTRED_PX
    for step in range(_TALLEST_CENTRED_PX):
        row = np.minimum(top + step, bottom).astype(int)
        weight = np.where(is_low & (top + step <= bottom), ink.share[row, columns], 0)
        sums += weight
        moments += weight * row
    return np.where(is_low & (sums > 1e-6), moments / np.maximum(sums, 1e-6), (top + bottom) / 2)


def _cover_beyond_edges(ink: InkMap, columns: Ints, upper: Floats, lower: Floats) -> tuple[Floats, Floats]:
    """Return the mean darkness above and below each column's ink, as far as the ink of a neighbour goes."""
    height = ink.share.shape[0]
    own_top = np.clip(np.floor(upper).astype(int) - 1, 0, height)
    own_bottom = np.clip(np.ceil(lower).astype(int) + 2, 0, height)
    reach_up = np.clip(np.ceil(_of_neighbours(upper, np.minimum)).astype(int), 0, own_top)
    reach_down = np.clip(np.floor(_of_neighbours(lower, np.maximum)).astype(int), own_bottom, height)
    above = (ink.sums[own_top, columns] - ink.sums[reach_up, columns]) / np.maximum(own_top - reach_up, 1)
    below = (ink.sums[reach_down, columns] - ink.sums[own_bottom, columns]) / np.maximum(reach_down - own_bottom, 1)
    return np.minimum(above, _MOST_COVER), np.minimum(below, _MOST_COVER)


def _of_neighbours(values: Floats, extreme: np.ufunc) -> Floats:
    """Return the extreme of the values before and after each; the end values count beyond the ends."""
    padded = np.pad(values, 1, mode="edge")
    return np.asarray(extreme(padded[:-2], padded[2:]))
