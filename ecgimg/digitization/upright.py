"""A picture and its reading turned upright together, so that a page that was photographed sideways can be looked at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.numerics import Floats
from ecgimg.digitization.result import Digitization

Image8 = NDArray[np.uint8]


def turn_upright(image: Image8, digitization: Digitization) -> tuple[Image8, Digitization]:
    """Turn a picture by quarters so that its rows run to the right, and all pixels of its reading with it.

    Parameters
    ----------
    image : (height, width, 3) uint8 RGB
        The picture that was read.
    digitization : Digitization
        Its reading, whose `rotation_deg` tells the turn.

    Returns
    -------
    image : (height, width, 3) or (width, height, 3) uint8 RGB
        The same object where the picture is upright.
    digitization : Digitization
        The reading of that picture.
    """
    quarters = digitization.rotation_deg // 90 % 4
    if not quarters:
        return image, digitization
    height, width = image.shape[:2]

    def turned(points_px: Floats) -> Floats:
        x, y = points_px[:, 0], points_px[:, 1]
        # clockwise by one, two and three quarters
        turns = {1: (height - 1 - y, x), 2: (width - 1 - x, height - 1 - y), 3: (y, width - 1 - x)}
        return np.stack(turns[quarters], axis=1)

    readings = tuple(
        replace(reading, points_px=turned(reading.points_px), box_px=turned(reading.box_px))
        for reading in digitization.readings
    )
    grid_px = tuple(turned(line) for line in digitization.grid_px)
    upright = np.ascontiguousarray(np.rot90(image, -quarters))
    return upright, replace(digitization, readings=readings, grid_px=grid_px, rotation_deg=0)
