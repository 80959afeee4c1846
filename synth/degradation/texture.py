"""Random fields: the smooth and the rough, all drawn small and enlarged."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.degradation.spec import Degradation

Field = NDArray[np.float32]


def smooth_field(rng: np.random.Generator, size_px: tuple[int, int], cells: int) -> Field:
    """Return a smooth random field (height, width), mean 0 and sd near 1, with about `cells` bumps across the width."""
    width, height = size_px
    rows = max(round(cells * height / width), 1) + 3
    # A few cells more than asked for, since the bicubic kernel needs neighbours at the edges.
    small = rng.standard_normal((rows, cells + 3)).astype(np.float32)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def fractal_field(rng: np.random.Generator, size_px: tuple[int, int], cells: int, octaves: int = 3) -> Field:
    """Return a rough random field: octaves of `smooth_field`, each twice as fine and half as strong."""
    total = np.zeros((size_px[1], size_px[0]), np.float32)
    for octave in range(octaves):
        total += smooth_field(rng, size_px, cells * 2**octave) / np.float32(2**octave)
    return total


def noise_levels(rng: np.random.Generator, shape: tuple[int, ...], sd: float) -> NDArray[np.int16]:
    """Return near-Gaussian noise as whole levels, int16: sums of four uniform bytes, as fast as the generator goes."""
    count = int(np.prod(shape))
    words = np.frombuffer(rng.bytes(4 * count), np.uint8).reshape(4, count)
    total = words.sum(axis=0, dtype=np.int16) - np.int16(510)
    scale = np.float32(sd / 147.8)  # the sd of four uniform bytes
    return np.asarray(np.rint(total * scale).reshape(shape), np.int16)


def backdrop(degradation: Degradation, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return what lies behind the page: a table, cloth, another sheet (height, width, 3)."""
    width, height = degradation.size_px
    small = (max(width // 4, 8), max(height // 4, 8))
    if degradation.backdrop_texture == "plain":
        # Shades are grey levels at a mean of 110; other colours are shaded in proportion.
        shade = 3.0 * smooth_field(rng, small, 3)
    elif degradation.backdrop_texture == "wood":
        grain = smooth_field(rng, (small[0], small[1]), 3) * 4
        # Noise stretched along x makes the fibres of wood.
        along = cv2.resize(rng.standard_normal((small[1] // 2 + 2, 6)).astype(np.float32), small)
        shade = 4.0 * along + grain + 3.0 * np.sin(grain * 3)
    elif degradation.backdrop_texture == "cloth":
        ys, xs = np.mgrid[0 : small[1], 0 : small[0]].astype(np.float32)
        shade = 7.0 * np.sin(xs * 1.3) * np.sin(ys * 1.3) + 4.0 * smooth_field(rng, small, 6)
    else:
        shade = 5.0 * fractal_field(rng, small, 12, 4)
    mean = np.array(degradation.backdrop, np.float32)
    tint = mean[None, None, :] * (1 + shade[..., None].astype(np.float32) / 110)
    return np.asarray(cv2.resize(np.clip(tint, 0, 255).astype(np.uint8), (width, height)), np.uint8)


def row_bands(image: NDArray[np.uint8], rows: int = 128) -> list[slice]:
    """Return bands of rows small enough to stay in the cache and to keep float copies of them small."""
    return [slice(top, min(top + rows, len(image))) for top in range(0, len(image), rows)]
