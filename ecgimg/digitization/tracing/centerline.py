"""Read the pen's movement out of the ink it left: what a row's path saw in each column, and the height of the trace.

A pen is wide: it widens narrow waves, fills the inside of steep ones, and stands beyond every tip by half its width.
How the ink of neighbouring columns lies tells where the pen's middle went. A small convolutional network, trained on
drawn pages whose trace is known, says so at four places a column, with the error that it expects.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.model import FlatPage
from ecgimg.digitization.segmentation.runtime import load_network

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_SURELY_TRACE = 160
SUB_COLUMNS = (-0.375, -0.125, 0.125, 0.375)
"""Where in a column (px from its middle) the network says how high the trace is."""

_REACH = 8
_NEAR = 2
_HALO_CLIP = 1.5
N_FEATURES = 2 * (2 * _REACH + 1) + 6 * (2 * _NEAR + 1) + 5
_DARKER_PX = 3
_LOW_PX = 24
_CUT_SHARE = 0.85


@dataclass(frozen=True, eq=False)
class Strokes:
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
    trace : (n,) float64
        Mean trace probability of the ink, 0-1.
    seen, shared : (n,) bool
        Whether ink was taken at all, and whether another row took the same.
    beyond : (before, after)
        Darkness of the pixels next to the first and the last column's ink, 0-1: how much of them the ink's ends cover.
    pen_px, px_per_mm : float
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
    trace: Floats
    seen: Bools
    shared: Bools
    beyond: tuple[float, float]
    pen_px: float
    px_per_mm: float

    @property
    def ends_px(self) -> tuple[float, float]:
        """Where the ink of the trace starts and ends, the caps of the pen included."""
        last = self.first_column + len(self.upper) - 1
        left = self.first_column + 0.5 - min(self.fill[0], 1) - self.beyond[0]
        return float(left), float(last - 0.5 + min(self.fill[-1], 1) + self.beyond[1])


@dataclass(frozen=True, eq=False)
class Ink:
    """Darkness of a flat page as a share of full ink, its sums down each column (height + 1, width), and full ink's."""

    level: float
    share: NDArray[np.float32]
    sums: Floats
    trace_sums: Floats


def measure_ink(page: FlatPage) -> Ink:
    """Prepare a page for `look`; full ink is what the darkest of the pixels surely on the trace reach."""
    level = ink_level(page) or 1.0
    share = np.clip(page.darkness / np.float32(level), 0, 1.2)
    return Ink(level, share, _down(share), _down(page.segmentation.trace / np.float32(255)))


def ink_level(page: FlatPage, surely: int = _SURELY_TRACE) -> float | None:
    """Return the darkness of full ink, by pixels of at least that trace probability (0-255), or None without any."""
    sure = page.darkness[page.segmentation.trace > surely]
    return float(np.percentile(sure, 75)) if len(sure) else None


def _down(values: NDArray[np.floating]) -> Floats:
    sums = np.zeros((values.shape[0] + 1, values.shape[1]))
    for row, line in enumerate(values):  # several times as fast as a cumulative sum down the columns
        np.add(sums[row], line, out=sums[row + 1])
    return sums


@dataclass(frozen=True, eq=False)
class TakenRuns:
    """The runs of ink that a path took.

    Parameters
    ----------
    columns : (n,) int
        Rising.
    top, bottom : (n,) float64
        First and last row of pixels of its part of each run.
    run_top, run_bottom : (n,) float64
        Of the whole run, where other rows took parts of it.
    shared : (n,) bool
        Whether another row took the same part.
    """

    columns: NDArray[np.int64]
    top: Floats
    bottom: Floats
    run_top: Floats
    run_bottom: Floats
    shared: Bools


def look(ink: Ink, taken: TakenRuns, pen_px: float, px_per_mm: float) -> Strokes:
    """Measure the ink of the runs that a path took."""
    columns, top, bottom = taken.columns, taken.top, taken.bottom
    first, last = int(columns[0]), int(columns[-1])
    everywhere = np.arange(first, last + 1)
    seen = np.zeros(len(everywhere), bool)
    seen[columns - first] = True
    upper, lower = _edges(ink, columns, top, bottom)
    start = top.astype(int)
    stop = np.maximum(bottom.astype(int), start) + 1
    mass = ink.sums[stop, columns] - ink.sums[start, columns]
    trace = (ink.trace_sums[stop, columns] - ink.trace_sums[start, columns]) / (stop - start)

    def spread(values: Floats) -> Floats:
        return np.asarray(np.interp(everywhere, columns, values), np.float64)

    upper, lower = spread(upper), spread(lower)
    above, below = _halos(ink, everywhere, upper, lower)
    shared = np.zeros(len(everywhere), bool)
    shared[columns - first] = taken.shared
    beyond = tuple(
        float(min(ink.share[rows, column].max(), 1)) if 0 <= column < ink.share.shape[1] else 0.0
        for rows, column in (
            (slice(max(start[0] - 1, 0), stop[0] + 1), first - 1),
            (slice(max(start[-1] - 1, 0), stop[-1] + 1), last + 1),
        )
    )
    return Strokes(
        first, upper, lower, spread(taken.run_top), spread(taken.run_bottom),
        spread(_centres(ink, columns, top, bottom)), spread(mass / (stop - start)), above, below,
        spread(trace), seen, shared, (beyond[0], beyond[1]), pen_px, px_per_mm,
    )  # fmt: skip


def _edges(ink: Ink, columns: NDArray[np.int64], top: Floats, bottom: Floats) -> tuple[Floats, Floats]:
    """Upper and lower edge of the ink of each run, to a fraction of a pixel: a pale pixel beyond is partly covered.

    Where ink goes on beyond a run that was parted, its edge is where it was parted.
    """
    last = ink.share.shape[0] - 1

    def cover(rows: Floats) -> Floats:
        return np.asarray(np.minimum(ink.share[np.clip(rows, 0, last).astype(int), columns], 1), np.float64)

    steps = range(_DARKER_PX)
    above, below = (np.stack([cover(edge + sign * step) for step in steps]) for edge, sign in ((top, -1), (bottom, 1)))
    upper = np.where(above[1] < _CUT_SHARE, top + 0.5 - above.sum(axis=0), top)
    lower = np.where(below[1] < _CUT_SHARE, bottom - 0.5 + below.sum(axis=0), bottom)
    return upper, lower


def _centres(ink: Ink, columns: NDArray[np.int64], top: Floats, bottom: Floats) -> Floats:
    """Centre of mass of the ink of each run; of a tall one its middle."""
    sums, moments = np.zeros(len(columns)), np.zeros(len(columns))
    low = bottom - top < _LOW_PX
    for step in range(_LOW_PX):
        row = np.minimum(top + step, bottom).astype(int)
        weight = np.where(low & (top + step <= bottom), ink.share[row, columns], 0)
        sums += weight
        moments += weight * row
    return np.where(low & (sums > 1e-6), moments / np.maximum(sums, 1e-6), (top + bottom) / 2)


def _halos(ink: Ink, columns: NDArray[np.int64], upper: Floats, lower: Floats) -> tuple[Floats, Floats]:
    """Return the mean darkness above and below each column's ink, as far as the ink of a neighbour goes."""
    height = ink.share.shape[0]
    own_top = np.clip(np.floor(upper).astype(int) - 1, 0, height)
    own_bottom = np.clip(np.ceil(lower).astype(int) + 2, 0, height)
    reach_up = np.clip(np.ceil(_neighbours(upper, np.minimum)).astype(int), 0, own_top)
    reach_down = np.clip(np.floor(_neighbours(lower, np.maximum)).astype(int), own_bottom, height)
    above = (ink.sums[own_top, columns] - ink.sums[reach_up, columns]) / np.maximum(own_top - reach_up, 1)
    below = (ink.sums[reach_down, columns] - ink.sums[own_bottom, columns]) / np.maximum(reach_down - own_bottom, 1)
    return np.minimum(above, _HALO_CLIP), np.minimum(below, _HALO_CLIP)


def _neighbours(values: Floats, better: np.ufunc) -> Floats:
    padded = np.pad(values, 1, mode="edge")
    return np.asarray(better(padded[:-2], padded[2:]))


def features(strokes: Strokes) -> NDArray[np.float32]:
    """Return (features, n) float32: the ink around each column, in widths of the pen about its own middle."""
    middle = (strokes.upper + strokes.lower) / 2
    pen = strokes.pen_px
    rows = [
        np.arcsinh((_shifted(edge, k) - middle) / pen)
        for edge in (strokes.upper, strokes.lower)
        for k in range(-_REACH, _REACH + 1)
    ]
    rows += [
        np.arcsinh((_shifted(edge, k) - middle) / pen)
        for edge in (strokes.run_upper, strokes.run_lower)
        for k in range(-_NEAR, _NEAR + 1)
    ]
    for values in (strokes.fill, strokes.above, strokes.below, strokes.seen.astype(np.float64)):
        rows += [_shifted(values, k) for k in range(-_NEAR, _NEAR + 1)]
    ones = np.ones(len(middle))
    rows += [
        np.clip((strokes.centre - middle) / pen, -3, 3), strokes.shared.astype(np.float64), strokes.trace,
        ones * np.log(pen), ones * np.log(strokes.px_per_mm / 8),
    ]  # fmt: skip
    return np.stack(rows).astype(np.float32)


def _shifted(values: Floats, by: int) -> Floats:
    """Return ``values[c + by]``, the last one repeated beyond the ends."""
    return values[np.clip(np.arange(len(values)) + by, 0, len(values) - 1)]


def heights(strokes: Strokes, answers: NDArray[np.float32]) -> Floats:
    """Turn the network's answers (2 × places + 1, n) into heights (n, places) px.

    At each place: a share of the way from the upper to the lower edge, and an offset in widths of the pen.
    """
    places = len(SUB_COLUMNS)
    share = answers[:places].T.astype(np.float64)
    offset = answers[places : 2 * places].T.astype(np.float64)
    span = (strokes.lower - strokes.upper)[:, None]
    return strokes.upper[:, None] + share * span + offset * strokes.pen_px


def read_strokes(strokes: Strokes) -> tuple[Floats, Floats]:
    """Return the heights (n, places) px of the trace, and the error (n,) px that is to be expected of them."""
    session = load_network("stroke_reader.onnx")
    answers = session.run(["answers"], {"features": features(strokes)[None]})[0][0]
    return heights(strokes, answers), np.exp(answers[-1].astype(np.float64)) * strokes.px_per_mm
