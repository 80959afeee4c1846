"""Give a pale or unevenly lit picture the contrast of print on paper."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_PAPER_PX, _SMOOTH_PX = 9, 25.0
_INK_PERCENT = 99.5
_WHITE, _INK = 245.0, 200.0


def restore_contrast(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Set the paper, wherever it is in the light, to nearly white and the darkest ink to nearly black.

    Parameters
    ----------
    image : (height, width, 3) uint8 RGB

    Returns
    -------
    (height, width, 3) uint8 RGB
    """
    paper = cv2.GaussianBlur(cv2.dilate(image, np.ones((_PAPER_PX, _PAPER_PX), np.uint8)), (0, 0), _SMOOTH_PX)
    depth = paper.astype(np.float32) - image
    deepest = max(float(np.percentile(depth.max(axis=2), _INK_PERCENT)), 1.0)
    return np.asarray(np.clip(_WHITE - depth * (_INK / deepest), 0, 255), np.uint8)
