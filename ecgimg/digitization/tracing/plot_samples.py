"""Find the samples again that a plot joined by straight lines, and lay a curve through them.

A record of 125 samples a second turns corners every 8 ms when it is plotted, and what lies between is cut: peaks lose
some hundredths of their height. The corners come at one rate all over the page, which tells such a plot from a pen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft, rfftfreq
from scipy.interpolate import CubicSpline
from scipy.linalg import solveh_banded

from ecgimg.digitization.model import RowTrace
from ecgimg.digitization.tracing.centerline import SUB_COLUMNS

Floats = NDArray[np.float64]

_PLACES = len(SUB_COLUMNS)
_TRANSFORM = 1 << 17
_SEARCHED, _COMPARED = (0.25, 0.8), 0.12  # a px: corners nearer than that cannot be told, the ruling's lines lie below
_BESIDE = 0.1
_LEAST_BEND_PX, _MOST_BEND_PX = 0.1, 6.0
_CERTAIN, _ALONE, _STRAIGHT = 1.7, 1.5, 0.6
_LEAST_ERROR_PX, _UNSEEN = 0.1, 1e-6


@dataclass(frozen=True, eq=False)
class _Plot:
    """The curve through the samples of a column (points,), and how far off straight lines lie beside how far it lies.

    Where samples were joined by straight lines, these explain the trace far better than the curve does.
    """

    curve_px: Floats
    straightness: float


def through_samples(rows: Sequence[RowTrace], borders_px: Sequence[float]) -> tuple[RowTrace, ...]:
    """Return the rows with the curve through their samples; as they are where no plot's corners are found.

    Each column between `borders_px`, or each stroke where they are drawn apart, starts with a sample of its own.
    """
    columns = [
        row.stroke_index if len(row.stroke_index) else np.searchsorted(borders_px, row.points_px[:, 0]) for row in rows
    ]
    bends = [_bends(row, column) for row, column in zip(rows, columns, strict=True)]
    rate = _corner_rate([part for parts in bends for part in parts.values()])
    if rate is None:
        return tuple(rows)
    plots = [
        {each: _plot(row, column == each, bend, rate) for each, bend in parts.items()}
        for row, column, parts in zip(rows, columns, bends, strict=True)
    ]
    if np.median([plot.straightness for parts in plots for plot in parts.values()]) > _STRAIGHT:
        return tuple(rows)
    return tuple(_curved(row, column, parts) for row, column, parts in zip(rows, columns, plots, strict=True))


def _bends(row: RowTrace, column: NDArray[np.int64]) -> dict[int, Floats]:
    """Return how far (px) the trace bends at each quarter of a pixel from the first point of each column on."""
    found = {}
    for each in np.unique(column).tolist():
        x, y = row.points_px[column == each].T
        place = np.rint((x - x[0]) * _PLACES).astype(np.int64)
        bend = np.minimum(np.abs(np.diff(y, 2)), _MOST_BEND_PX)
        gapless = (np.diff(place)[1:] == 1) & (np.diff(place)[:-1] == 1)
        bends = np.zeros(place[-1] + 1)
        bends[place[1:-1]] = np.where(gapless & (bend > _LEAST_BEND_PX), bend, 0.0)
        if bends.any():
            found[each] = bends
    return found


def _corner_rate(bends: Sequence[Floats]) -> float | None:
    """Return the rate, a px, at which all rows turn corners; None where no one rate stands out."""
    if not bends:
        return None
    powers = [np.abs(rfft(each.astype(np.float32), _TRANSFORM)) ** 2 / (each**2).sum() for each in bends]
    strength = np.sqrt(np.mean(powers, axis=0))  # about 1 where corners come as they like
    rates = rfftfreq(_TRANSFORM, 1 / _PLACES)
    searched = np.flatnonzero((rates > _SEARCHED[0]) & (rates < _SEARCHED[1]))
    found = int(searched[strength[searched].argmax()])
    apart = np.abs(rates / rates[found] - 1) > _BESIDE  # beats repeat, and leave their rate on both sides
    others = strength[apart & (rates > _COMPARED) & (rates < _SEARCHED[1])].max()
    return float(rates[found]) if strength[found] > max(_CERTAIN, _ALONE * others) else None


def _plot(row: RowTrace, inside: NDArray[np.bool_], bends: Floats, rate: float) -> _Plot:
    """Fit samples at `rate` a px to the points of a row that are `inside` a column."""
    x, y = row.points_px[inside].T
    phase = np.angle((bends * np.exp(2j * np.pi * rate * (x[0] + np.arange(len(bends)) / _PLACES))).sum())
    at = x * rate - phase / (2 * np.pi)  # in samples
    at -= np.floor(at[0])
    samples = _samples(at, y, row.error_px[inside])
    straight = np.interp(at, np.arange(len(samples)), samples)
    curve = CubicSpline(np.arange(len(samples)), samples)(at)
    return _Plot(curve, float(np.sqrt(((y - straight) ** 2).sum() / max(((y - curve) ** 2).sum(), 1e-9))))


def _curved(row: RowTrace, column: NDArray[np.int64], plots: Mapping[int, _Plot]) -> RowTrace:
    """Return a row with the curve in place of the straight lines, in the columns that show these."""
    heights = row.points_px[:, 1].copy()
    for each, plot in plots.items():
        if plot.straightness < _STRAIGHT:
            heights[column == each] = plot.curve_px
    return replace(row, points_px=np.stack([row.points_px[:, 0], heights], axis=1))


def _samples(at: Floats, y: Floats, error_px: Floats) -> Floats:
    """Return the heights (px) of the samples between which straight lines lie nearest to points.

    `at` is where among the samples each point lies. Samples in a gap lie on the straight line across it.
    """
    before = np.floor(at).astype(np.int64)
    share, n = at - before, int(before[-1]) + 2
    weight = 1 / np.maximum(error_px, _LEAST_ERROR_PX) ** 2
    own = np.bincount(before, weight * (1 - share) ** 2, n) + np.bincount(before + 1, weight * share**2, n)
    bands = np.stack([np.zeros(n), own + _UNSEEN])
    bands[0, 1:] = np.bincount(before, weight * share * (1 - share), n)[:-1]
    pull = np.bincount(before, weight * (1 - share) * y, n) + np.bincount(before + 1, weight * share * y, n)
    heights = np.asarray(solveh_banded(bands, pull), np.float64)
    seen = own > _UNSEEN
    return np.interp(np.arange(n), np.flatnonzero(seen), heights[seen])
