"""Turn light print on a dark ground, as monitors and dark themes show it, into dark print on a light one."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_SIDE_PX = 800  # of the reduced picture
_DARK, _CONTRAST = 90, 50  # luminance of a dark ground at most, and by how much print is lighter
_AREA_PX, _AREA_SHARE = 13, 0.03  # what is lighter over such squares is paper, not print


def to_dark_on_light(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture (height, width, 3) uint8 with its colours inverted where it shows light print on a dark ground.

    Paper on a dark table has large light areas, and stays as it is.
    """
    return np.asarray(255 - image, np.uint8) if is_light_on_dark(image) else image


def is_light_on_dark(image: NDArray[np.uint8]) -> bool:
    """Tell whether a picture (height, width, 3) uint8 is dark but for thin lines and letters."""
    factor = min(_SIDE_PX / max(image.shape[:2]), 1.0)
    small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    luminance = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    ground = float(np.median(luminance))
    if ground > _DARK:
        return False
    is_light = (luminance > ground + _CONTRAST).astype(np.uint8)
    areas = cv2.morphologyEx(is_light, cv2.MORPH_OPEN, np.ones((_AREA_PX, _AREA_PX), np.uint8))
    return bool(is_light.any() and areas.mean() < _AREA_SHARE)
