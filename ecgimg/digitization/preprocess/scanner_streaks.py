"""Take the streaks of a scanner off a picture: straight lines from edge to edge, where dust lay on the glass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

Floats = NDArray[np.float64]

_BANDS, _ROWS_A_BAND = 16, 24
_AROUND_PX = 15
_DARKER, _CERTAIN, _EVEN, _OPAQUE = 0.9, 15, 0.12, 0.25
_DARK_PAPER = 40.0
_WIDEST_PX, _MOST = 6, 8


def remove_scanner_streaks(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture (height, width, 3) uint8 RGB without upright and level streaks; itself where it has none.

    A streak darkens its columns from edge to edge by as much, so what lies below it is still there; where it hides
    everything, what lies beside it is drawn across. More than a few such lines are the page's own ruling.
    """
    cleared = _without_upright(image)
    turned = _without_upright(np.swapaxes(cleared, 0, 1))
    return cleared if np.shares_memory(turned, cleared) else np.ascontiguousarray(np.swapaxes(turned, 0, 1))


def _without_upright(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    shares = _brightness(image)
    low, middle, high = np.percentile(shares, (25, 50, 75), axis=0)
    columns = np.flatnonzero(((shares < _DARKER).sum(axis=0) >= _CERTAIN) & (high - low < _EVEN))
    groups = np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1)
    if not len(columns) or len(groups) > _MOST or max(len(group) for group in groups) > _WIDEST_PX:
        return image
    cleared = image.copy()
    for group in groups:
        left, right = int(group[0]) - 1, int(group[-1]) + 1
        if left < 0 or right >= image.shape[1]:
            continue
        for column in group.tolist():
            if middle[column] > _OPAQUE:
                cleared[:, column] = np.minimum(image[:, column] / middle[column], 255).astype(np.uint8)
            else:
                way = (column - left) / (right - left)
                cleared[:, column] = np.rint((1 - way) * image[:, left] + way * image[:, right]).astype(np.uint8)
    return cleared


def _brightness(image: NDArray[np.uint8]) -> Floats:
    """Return how bright each column is against those around it, in every band (bands, width); 1 in the dark."""
    rows = np.linspace(0, image.shape[0] - 1, _BANDS * _ROWS_A_BAND).astype(int)
    bands = image[rows].mean(axis=2).reshape(_BANDS, _ROWS_A_BAND, -1)
    levels = np.median(bands, axis=1)
    around = median_filter(levels, size=(1, _AROUND_PX), mode="nearest")
    return np.where(around > _DARK_PAPER, levels / np.maximum(around, 1.0), 1.0)
