"""Medians and quantiles of arrays with NaN for what is not known, without numpy's slow way for each row of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecgimg.measurement.delineation.model import Floats


def known_median(values: NDArray[np.floating], axis: int) -> Floats:
    """Return the medians of the known values along an axis, NaN where there is none."""
    return known_quantile(values, 0.5, axis)


def known_quantile(values: NDArray[np.floating], share: float, axis: int) -> Floats:
    """Return the quantiles of the known values along an axis, between two of them by their distance."""
    if not values.shape[axis]:
        return np.full(np.delete(values.shape, axis), np.nan)
    ordered = np.sort(np.moveaxis(values, axis, -1), axis=-1)  # NaN last
    last = np.maximum(np.isfinite(ordered).sum(axis=-1, keepdims=True) - 1, 0)
    place = share * last
    low = place.astype(int)
    low_value, high_value = (
        np.take_along_axis(ordered, at, axis=-1)[..., 0] for at in (low, np.minimum(low + 1, last))
    )
    part = (place - low)[..., 0]
    return np.asarray((1 - part) * low_value + part * high_value)
