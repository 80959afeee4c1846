"""Flat pages with lines of print."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.dewarp.page_map import PageMap
from ecgimg.digitization.model import FlatPage, Segmentation
from synth.page_drawing import text_coverage

FONTS = ("LiberationSans-Regular.ttf", "LiberationMono-Regular.ttf", "DejaVuSans.ttf")
PX_PER_MM = 7.0
Line = tuple[str, str, int, int, int]


def flat_page(*lines: Line, shape: tuple[int, int] = (400, 1400)) -> FlatPage:
    """Draw a flat page with (text, font, cap height px, left, top) on a grid, its print segmented without a fault."""
    share = np.zeros(shape, np.float32)
    for text, font, tall, left, top in lines:
        ink = text_coverage(text, font, tall)
        share[top : top + ink.shape[0], left : left + ink.shape[1]] = ink / 255
    other = np.where(share > 0.4, 255, 0).astype(np.uint8)
    grid = np.zeros(shape, np.float32)
    grid[:: int(PX_PER_MM)], grid[:, :: int(PX_PER_MM)] = 0.15, 0.15
    grey = np.rint(250 - 220 * np.maximum(share, grid)).astype(np.uint8)
    return bare_page(np.repeat(grey[..., None], 3, axis=2), other)


def bare_page(image: NDArray[np.uint8], other: NDArray[np.uint8]) -> FlatPage:
    """Return a page with a grid, of which nothing but its picture and its print is used."""
    none = np.zeros_like(other)
    height, width = other.shape
    flat = PageMap(np.zeros((1, 2), np.int64), np.zeros((1, 2)), (0, 0), (1, 1), (width, height), none, 1.0)
    return FlatPage(none.astype(np.float32), Segmentation(none, none, none, other), image, PX_PER_MM, (0, 0), flat)
