"""Small pictures that the tests of opening pages write, and how what is read is checked."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ecgimg.errors import UnreadablePage
from ecgimg.formats.pages import PageInput
from ecgimg.formats.pages.decode import count_decodable as count_pages
from ecgimg.formats.pages.decode import decode_pages as open_pages

W, H = 240, 160


def picture(width: int = W, height: int = H) -> Image.Image:
    """White with a red, a green and a blue corner, so that every turn shows."""
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[:40, :60] = (200, 0, 0)
    pixels[:40, -60:] = (0, 160, 0)
    pixels[-40:, :60] = (0, 0, 180)
    return Image.fromarray(pixels)


def is_upright(pixels: NDArray[np.uint8], width: int = W, height: int = H, tolerance: int = 12) -> bool:
    wanted = np.asarray(picture(width, height)).astype(int)
    return pixels.shape == wanted.shape and bool(np.percentile(np.abs(pixels - wanted), 95) <= tolerance)


def only(path: Path) -> PageInput:
    (page,) = open_pages(path)
    assert count_pages(path) == 1
    assert page.image.dtype == np.uint8
    assert page.image.flags.c_contiguous
    return page


def refusal(path: Path) -> str:
    with pytest.raises(UnreadablePage) as caught:
        list(open_pages(path))
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text
    assert text.count(str(path)) == 1
    return text


def png_of(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
