"""Give a pale or unevenly lit picture the contrast of print on paper."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

ENLARGEMENT = 1.6  # times as wide, so that the network sees fine pale strokes
_PAPER_PX, _SMOOTH_PX = 9, 25.0  # paper is the brightest within 9 px, which is wider than a stroke
_DARKEST_PERCENTILE = 99.5  # of how deep ink is; beyond it lie specks
_PAPER_LEVEL, _INK_DEPTH = 245.0, 200.0
_PALE_EXPONENT = 0.6


def restore_contrast(image: NDArray[np.uint8], exponent: float = 1.0) -> NDArray[np.uint8]:
    """Set the paper, wherever it is in the light, to nearly white and the darkest ink to nearly black.

    Parameters
    ----------
    image : (height, width, 3) uint8
        RGB.
    exponent : float
        Of the depth of the ink, relative to that of the darkest. Below 1, pale ink gains the most.

    Returns
    -------
    (height, width, 3) uint8
        RGB.
    """
    brightest = cv2.dilate(image, np.ones((_PAPER_PX, _PAPER_PX), np.uint8))
    depth = cv2.GaussianBlur(brightest, (0, 0), _SMOOTH_PX).astype(np.float32) - image
    darkest = max(float(np.percentile(depth.max(axis=2), _DARKEST_PERCENTILE)), 1.0)
    relative = np.clip(depth / darkest, 0, None) ** exponent if exponent != 1 else depth / darkest
    return np.asarray(np.clip(_PAPER_LEVEL - relative * _INK_DEPTH, 0, 255), np.uint8)


def strengthen_pale_ink(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Make pale ink nearly as dark as other ink, and the picture `ENLARGEMENT` times as wide.

    Parameters
    ----------
    image : (height, width, 3) uint8
        RGB.

    Returns
    -------
    (ENLARGEMENT * height, ENLARGEMENT * width, 3) uint8
        RGB.
    """
    strong = restore_contrast(image, _PALE_EXPONENT)
    return np.asarray(cv2.resize(strong, None, fx=ENLARGEMENT, fy=ENLARGEMENT, interpolation=cv2.INTER_CUBIC), np.uint8)
