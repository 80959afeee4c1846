"""Numbers that several stages compute alike, and short names for arrays."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

_SINGLE_ROW_MM = 40.0  # stands in for the distance to the next row where a page has only one
_LEAST_POWER = 1e-12  # keeps the ratio finite where signals are all zero, or agree exactly


def row_pitch_px(baselines_px: Floats, px_per_mm: float) -> float:
    """Return the distance between neighbouring rows, px: the median of all, 40 mm for a single row.

    Parameters
    ----------
    baselines_px : (rows,) float64
        Height of each row, from the top.
    """
    if len(baselines_px) < 2:
        return _SINGLE_ROW_MM * px_per_mm
    return float(np.median(np.diff(baselines_px)))


def power_ratio_db(power: float, residual: float) -> float:
    """Return the ratio of two powers in dB, of signals and of what is left of them."""
    return 10 * float(np.log10(max(power, _LEAST_POWER) / max(residual, _LEAST_POWER)))


def bin_concentration(bins: NDArray[np.int64]) -> float:
    """Return the sum of squares of how often each bin (n,) occurs. It is highest where points share few bins."""
    return float((np.bincount(bins - bins.min()) ** 2.0).sum())


def huber_loss(deviations: Floats, knee: float) -> Floats:
    """Return half the square of deviations below the knee; the loss of larger ones grows linearly."""
    size = np.abs(deviations)
    return np.where(size < knee, size**2 / 2, knee * (size - knee / 2))


def huber_weight(deviations: Floats, knee: float) -> Floats:
    """Return the weight with which a squared deviation counts as in `huber_loss`."""
    return 1 / np.maximum(np.abs(deviations) / knee, 1)


def open_vertically(mask: Mask, length_px: int) -> Mask:
    """Return the vertical runs of a mask (height, width) that are at least `length_px` long."""
    kernel = np.ones((length_px, 1), np.uint8)
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0, bool)


def densest_cluster(values: Floats, within: float) -> Floats:
    """Return the values that lie near the one that has most of the others around it.

    Parameters
    ----------
    values : (n,) float64
    within : float
        Distance below which two values are neighbours.

    Returns
    -------
    (k,) float64
        In the order given; empty where no values are.
    """
    if not len(values):
        return values
    is_near = np.abs(values[:, None] - values[None, :]) < within
    return np.asarray(values[is_near[int(is_near.sum(axis=1).argmax())]], np.float64)


def gaussian_mode(values: Floats, bandwidth: float) -> float:
    """Return the mean around the densest of the values (n,), weighted by a Gaussian of the given bandwidth."""
    weights = np.exp(-0.5 * ((values[:, None] - values[None, :]) / bandwidth) ** 2)
    densest = weights[int(weights.sum(axis=1).argmax())]
    return float((densest * values).sum() / densest.sum())
