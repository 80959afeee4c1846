"""The grid signal: the grid lines of a picture, without its ink, its shadows and the edges of the paper."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]

_IS_INK = 127  # of 255
_INK_MARGIN_PX = (5, 5)  # ink has soft edges, which would look like lines
_MEAN_PX = (61, 61)  # the surroundings that a pixel is compared with: narrower than shadows
_SPREAD_PX = (121, 121)
_LEAST_WEIGHT = 1e-3  # keeps a mean of no pixels finite
_NOISE_LEVELS = 1.5  # added to the spread, so that blank paper is not raised to that of lines
_MAX_SPREADS = 3.0
_STEP_PX, _STEP_LEVELS = 31, 60.0  # brightness changes for good where means on both sides differ by so many levels
_STEP_MARGIN_PX = (9, 9)


def measure_grid_signal(image: NDArray[np.uint8], ink: NDArray[np.uint8]) -> Field:
    """Return how much darker than its surroundings each pixel is, scaled to a local standard deviation near 1.

    Parameters
    ----------
    image : (height, width, 3) uint8
        RGB.
    ink : (height, width) uint8
        What is neither grid nor paper (above 127); the signal is 0 there.

    Returns
    -------
    (height, width) float32
    """
    red, green, blue = cv2.split(image)
    darkness = np.float32(255) - cv2.min(cv2.min(red, green), blue)  # the channel in which a coloured grid is darkest
    hidden = cv2.dilate((ink > _IS_INK).astype(np.uint8), np.ones(_INK_MARGIN_PX, np.uint8)) | _edges(darkness)
    visible = (1 - hidden).astype(np.float32)
    signal = (darkness - _visible_mean(darkness * visible, visible, _MEAN_PX)) * visible
    spread = np.sqrt(np.maximum(_visible_mean(signal**2, visible, _SPREAD_PX), 0)) + _NOISE_LEVELS
    return np.asarray(np.clip(signal / spread, -_MAX_SPREADS, _MAX_SPREADS), np.float32)


def _visible_mean(values: Field, visible: Field, size_px: tuple[int, int]) -> Field:
    """Return the mean around each pixel (height, width) of the visible ones; the values of others are 0."""
    return np.asarray(cv2.blur(values, size_px) / (cv2.blur(visible, size_px) + _LEAST_WEIGHT), np.float32)


def _edges(darkness: Field) -> NDArray[np.uint8]:
    """Return 1 where brightness changes for good: at the paper's edge on the desk, at a shadow, at a glare."""
    mean = cv2.blur(darkness, (_STEP_PX, _STEP_PX))
    half = _STEP_PX // 2 + 1
    is_step = np.zeros(darkness.shape, np.uint8)
    is_step[:, half:-half] = cv2.absdiff(mean[:, : -2 * half], mean[:, 2 * half :]) > _STEP_LEVELS
    is_step[half:-half] |= cv2.absdiff(mean[: -2 * half], mean[2 * half :]) > _STEP_LEVELS
    return np.asarray(cv2.dilate(is_step, np.ones(_STEP_MARGIN_PX, np.uint8)), np.uint8)
