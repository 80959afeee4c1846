"""Words on pictures that stay legible on any ground."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_AROUND = ((-1, -1), (0, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (0, 1), (1, 1))
_WHITE = (255, 255, 255)


def write_text(
    picture: NDArray[np.uint8],
    text: str,
    place_px: tuple[int, int],
    colour: tuple[int, int, int],
    size: float,
    thick: int = 1,
) -> None:
    """Write into a picture (height, width, 3), in place, with a white rim; `place_px` is the left end of the baseline.

    The rim is the same text moved about: some versions of OpenCV set thicker text wider.
    """
    font, (x, y), reach = cv2.FONT_HERSHEY_SIMPLEX, place_px, max(round(1.5 * size), 1)
    for dx, dy in _AROUND:
        cv2.putText(picture, text, (x + reach * dx, y + reach * dy), font, size, _WHITE, thick, cv2.LINE_AA)
    cv2.putText(picture, text, (x, y), font, size, colour, thick, cv2.LINE_AA)
