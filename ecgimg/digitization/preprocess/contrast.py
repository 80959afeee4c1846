"""Give a pale or unevenly lit picture the contrast of print on paper."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_PAPER_PX, _SMOOTH_PX = 9, 25.0
_INK_PERCENT = 99.5
_WHITE, _INK = 245.0, 200.0
_PALER = 0.6
ENLARGEMENT = 1.6
"""How many times as wide a picture is whose pale ink is strengthened."""


def restore_contrast(image: NDArray[np.uint8], paler: float = 1.0) -> NDArray[np.uint8]:
    """Set the paper, wherever it is in the light, to nearly white and the darkest ink to nearly black.

    Parameters
    ----------
    image : (height, width, 3) uint8 RGB
    paler : float
        Exponent of how deep the ink is, of that of the darkest: below 1, pale ink gains the most.

    Returns
    -------
    (height, width, 3) uint8 RGB
    """
    paper = cv2.GaussianBlur(cv2.dilate(image, np.ones((_PAPER_PX, _PAPER_PX), np.uint8)), (0, 0), _SMOOTH_PX)
    depth = paper.astype(np.float32) - image
    deepest = max(float(np.percentile(depth.max(axis=2), _INK_PERCENT)), 1.0)
    share = np.clip(depth / deepest, 0, None) ** paler if paler != 1 else depth / deepest
    return np.asarray(np.clip(_WHITE - share * _INK, 0, 255), np.uint8)


def strengthen_pale_ink(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Make pale ink nearly as dark as other ink, and the picture `ENLARGEMENT` times as wide, which shows fine strokes.

    Parameters
    ----------
    image : (height, width, 3) uint8 RGB

    Returns
    -------
    (ENLARGEMENT * height, ENLARGEMENT * width, 3) uint8 RGB
    """
    strong = restore_contrast(image, _PALER)
    return np.asarray(cv2.resize(strong, None, fx=ENLARGEMENT, fy=ENLARGEMENT, interpolation=cv2.INTER_CUBIC), np.uint8)
