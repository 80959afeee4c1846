"""Remove the streaks of a scanner from a picture: straight lines from edge to edge, where dust lay on the glass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from ecgimg.digitization.numerics import Floats

_N_BANDS, _ROWS_PER_BAND = 16, 24  # the median of a band's rows passes over a trace that crosses them
_AROUND_PX = 15
_STREAK_RATIO = 0.9  # of a column to its surroundings; below it, the column is darkened
_MIN_DARK_BANDS = 15
_MAX_SPREAD = 0.12  # between bands, quartile to quartile: a streak darkens all of its length alike
_OPAQUE_RATIO = 0.25  # a darker streak hides what lies below it
_MIN_PAPER_LEVEL = 40.0  # on darker ground, ratios are noise
_MAX_WIDTH_PX = 6
_MAX_STREAKS = 8  # more lines from edge to edge are the page's own grid


def remove_scanner_streaks(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the picture without upright and level streaks, or the picture itself where it has none.

    A streak darkens its columns by as much from edge to edge, so what lies below it can be brightened again. Where it
    hides everything, what lies beside it is drawn across.

    Parameters
    ----------
    image : (height, width, 3) uint8
        RGB.

    Returns
    -------
    (height, width, 3) uint8
        RGB.
    """
    cleared = _without_upright_streaks(image)
    turned = _without_upright_streaks(np.swapaxes(cleared, 0, 1))
    return cleared if np.shares_memory(turned, cleared) else np.ascontiguousarray(np.swapaxes(turned, 0, 1))


def _without_upright_streaks(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    ratios = _brightness_ratios(image)
    low, middle, high = np.percentile(ratios, (25, 50, 75), axis=0)
    is_streak = ((ratios < _STREAK_RATIO).sum(axis=0) >= _MIN_DARK_BANDS) & (high - low < _MAX_SPREAD)
    columns = np.flatnonzero(is_streak)
    streaks = np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1)
    if not len(columns) or len(streaks) > _MAX_STREAKS or max(len(streak) for streak in streaks) > _MAX_WIDTH_PX:
        return image
    cleared = image.copy()
    for streak in streaks:
        _clear_streak(cleared, image, streak, middle)
    return cleared


def _clear_streak(
    cleared: NDArray[np.uint8], image: NDArray[np.uint8], streak: NDArray[np.int64], ratio: Floats
) -> None:
    """Write the columns of a streak anew: brightened, or as those beside it where they are dark."""
    left, right = int(streak[0]) - 1, int(streak[-1]) + 1
    if left < 0 or right >= image.shape[1]:
        return
    for column in streak.tolist():
        if ratio[column] > _OPAQUE_RATIO:
            cleared[:, column] = np.minimum(image[:, column] / ratio[column], 255).astype(np.uint8)
        else:
            share = (column - left) / (right - left)
            cleared[:, column] = np.rint((1 - share) * image[:, left] + share * image[:, right]).astype(np.uint8)


def _brightness_ratios(image: NDArray[np.uint8]) -> Floats:
    """Return how bright each column is against those around it, in every band (bands, width); 1 in the dark."""
    rows = np.linspace(0, image.shape[0] - 1, _N_BANDS * _ROWS_PER_BAND).astype(int)
    bands = image[rows].mean(axis=2).reshape(_N_BANDS, _ROWS_PER_BAND, -1)
    levels = np.median(bands, axis=1)
    around = median_filter(levels, size=(1, _AROUND_PX), mode="nearest")
    return np.where(around > _MIN_PAPER_LEVEL, levels / np.maximum(around, 1.0), 1.0)
