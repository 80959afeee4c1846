"""Reduce pictures that are larger than the digitizer needs."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.formats.pages.limits import reduction_factor

Image8 = NDArray[np.uint8]


def reduce_image(image: Image8) -> tuple[Image8, int]:
    """Return a picture (height, width, 3) at a size that is read, and how many times it was reduced.

    Each pixel is the mean of `factor` by `factor` pixels, so that thin traces stay; a rest at the edges is cut.
    """
    factor = reduction_factor(image.shape[1], image.shape[0])
    if factor == 1:
        return image, 1
    height, width = (side // factor for side in image.shape[:2])
    whole = image[: height * factor, : width * factor]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8), factor
