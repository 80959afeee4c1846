"""Recover the samples that a plot joined by straight lines, and lay a curve through them.

A record of 125 samples a second turns corners every 8 ms when it is plotted, and what lies between is cut: peaks lose
some hundredths of their height. The corners come at one rate all over the page, which tells such a plot from a pen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.fft import rfft, rfftfreq
from scipy.interpolate import CubicSpline
from scipy.linalg import solveh_banded

from ecgimg.digitization.model import RowTrace
from ecgimg.digitization.numerics import Floats, Ints, Mask
from ecgimg.digitization.tracing.centre_line import SUB_COLUMNS

_PLACES = len(SUB_COLUMNS)  # points a pixel
_TRANSFORM = 1 << 17  # points of the Fourier transform: enough for the columns of a page
_LEAST_PER_PX, _MOST_PER_PX = 0.25, 0.8  # corners: nearer ones cannot be told
_COMPARED_PER_PX = 0.12  # below it grid lines leave their rate
_BESIDE_SHARE = 0.1  # beats repeat, and leave their rate on both sides
_LEAST_BEND_PX, _MOST_BEND_PX = 0.1, 6.0  # smaller bends are noise, and larger ones count as that
_LEAST_STRENGTH, _LEAST_RATIO = 1.7, 1.5  # of the corners' rate against chance, and against all other rates
_STRAIGHT = 0.6  # below it straight lines between samples explain the trace, and not the curve
_LEAST_ERROR_PX = 0.1
_LEAST_WEIGHT = 1e-6  # of a sample; those with less lie in a gap
_LEAST_SQUARES = 1e-9  # against division by zero, where the curve explains all


@dataclass(frozen=True, eq=False)
class _PlotFit:
    """Samples fitted to the trace of a column.

    Parameters
    ----------
    curve_px : (points,) float64
        Heights of the curve through the samples.
    straightness : float
        How far off straight lines between the samples lie, as a share of how far off the curve lies.
    """

    curve_px: Floats
    straightness: float


def interpolate_plot_samples(rows: Sequence[RowTrace], borders_px: Sequence[float]) -> tuple[RowTrace, ...]:
    """Return the rows with the curve through their samples; as they are where no plot's corners are found.

    Parameters
    ----------
    borders_px : sequence of float
        Where every column but the first starts. Each column, or each stroke where they are drawn apart, starts with a
        sample of its own.
    """
    columns = [_columns_of_points(row, borders_px) for row in rows]
    bends = [_bends_by_column(row, column) for row, column in zip(rows, columns, strict=True)]
    rate = _corner_rate([column_bends for row_bends in bends for column_bends in row_bends.values()])
    if rate is None:
        return tuple(rows)
    fits = [
        {number: _fit_plot(row, column == number, column_bends, rate) for number, column_bends in row_bends.items()}
        for row, column, row_bends in zip(rows, columns, bends, strict=True)
    ]
    if np.median([fit.straightness for row_fits in fits for fit in row_fits.values()]) > _STRAIGHT:
        return tuple(rows)
    return tuple(_with_curve(row, column, row_fits) for row, column, row_fits in zip(rows, columns, fits, strict=True))


def _columns_of_points(row: RowTrace, borders_px: Sequence[float]) -> Ints:
    """Return the number of the column, or of the stroke where strokes are drawn apart, of each point (n,) of a row."""
    return row.stroke_index if len(row.stroke_index) else np.searchsorted(borders_px, row.points_px[:, 0])


def _bends_by_column(row: RowTrace, column: Ints) -> dict[int, Floats]:
    """Return how far (px) the trace bends at each quarter of a pixel from the first point of each column on."""
    bends_by_column = {}
    for number in np.unique(column).tolist():
        x, y = row.points_px[column == number].T
        place = np.rint((x - x[0]) * _PLACES).astype(np.int64)
        bend = np.minimum(np.abs(np.diff(y, 2)), _MOST_BEND_PX)
        is_gapless = (np.diff(place)[1:] == 1) & (np.diff(place)[:-1] == 1)
        bends = np.zeros(place[-1] + 1)
        bends[place[1:-1]] = np.where(is_gapless & (bend > _LEAST_BEND_PX), bend, 0.0)
        if bends.any():
            bends_by_column[number] = bends
    return bends_by_column


def _corner_rate(bends: Sequence[Floats]) -> float | None:
    """Return the rate, a px, at which all rows turn corners; None where no one rate stands out."""
    if not bends:
        return None
    powers = [np.abs(rfft(bend.astype(np.float32), _TRANSFORM)) ** 2 / (bend**2).sum() for bend in bends]
    strength = np.sqrt(np.mean(powers, axis=0))  # about 1 where corners come as they like
    rates = rfftfreq(_TRANSFORM, 1 / _PLACES)
    candidates = np.flatnonzero((rates > _LEAST_PER_PX) & (rates < _MOST_PER_PX))
    strongest = int(candidates[strength[candidates].argmax()])
    is_apart = np.abs(rates / rates[strongest] - 1) > _BESIDE_SHARE
    others = strength[is_apart & (rates > _COMPARED_PER_PX) & (rates < _MOST_PER_PX)].max()
    return float(rates[strongest]) if strength[strongest] > max(_LEAST_STRENGTH, _LEAST_RATIO * others) else None


def _fit_plot(row: RowTrace, is_inside: Mask, bends: Floats, rate: float) -> _PlotFit:
    """Fit samples at `rate` a px to the points of a row that are inside a column."""
    x, y = row.points_px[is_inside].T
    phase = np.angle((bends * np.exp(2j * np.pi * rate * (x[0] + np.arange(len(bends)) / _PLACES))).sum())
    at = x * rate - phase / (2 * np.pi)  # in samples
    at -= np.floor(at[0])
    samples = _fit_samples(at, y, row.error_px[is_inside])
    straight = np.interp(at, np.arange(len(samples)), samples)
    curve = CubicSpline(np.arange(len(samples)), samples)(at)
    ratio = ((y - straight) ** 2).sum() / max(((y - curve) ** 2).sum(), _LEAST_SQUARES)
    return _PlotFit(curve, float(np.sqrt(ratio)))


def _fit_samples(at: Floats, y: Floats, error_px: Floats) -> Floats:
    """Return the heights (px) of the samples between which straight lines lie nearest to points.

    `at` is where among the samples each point lies. Samples in a gap lie on the straight line across it.
    """
    before = np.floor(at).astype(np.int64)
    share, n = at - before, int(before[-1]) + 2
    weight = 1 / np.maximum(error_px, _LEAST_ERROR_PX) ** 2
    own = np.bincount(before, weight * (1 - share) ** 2, n) + np.bincount(before + 1, weight * share**2, n)
    bands = np.stack([np.zeros(n), own + _LEAST_WEIGHT])
    bands[0, 1:] = np.bincount(before, weight * share * (1 - share), n)[:-1]
    pull = np.bincount(before, weight * (1 - share) * y, n) + np.bincount(before + 1, weight * share * y, n)
    heights = np.asarray(solveh_banded(bands, pull), np.float64)
    is_read = own > _LEAST_WEIGHT
    return np.interp(np.arange(n), np.flatnonzero(is_read), heights[is_read])


def _with_curve(row: RowTrace, column: Ints, fits: Mapping[int, _PlotFit]) -> RowTrace:
    """Return a row with the curve in place of the straight lines, in the columns that show these."""
    heights = row.points_px[:, 1].copy()
    for number, fit in fits.items():
        if fit.straightness < _STRAIGHT:
            heights[column == number] = fit.curve_px
    return replace(row, points_px=np.stack([row.points_px[:, 0], heights], axis=1))
