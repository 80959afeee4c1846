"""Pictures: what is written on them, and how they are kept."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ecgimg._atomic_files import atomic_path

# the eight neighbours of a pixel
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


def write_png(picture: NDArray[np.uint8], path: Path) -> None:
    """Write a picture (height, width, 3) uint8 RGB, whole or not at all."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", compress_level=3)
    # encoded in memory first, so that a fault of the encoder touches no file
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getvalue())


def as_jpeg(picture: NDArray[np.uint8], longest_px: int, quality: int = 85) -> bytes:
    """Return a picture (height, width, 3) uint8 RGB for looking at, its longer side `longest_px` at most."""
    shrink = longest_px / max(picture.shape[:2])
    if shrink < 1:
        picture = np.asarray(cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="JPEG", quality=quality)
    return buffer.getvalue()


def as_data_url(image: Image.Image) -> str:
    """Return a small picture as an address that carries it, for pages of HTML that fetch nothing."""
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, format="JPEG", quality=70)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
