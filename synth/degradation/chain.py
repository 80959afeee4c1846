"""The chain itself: paper, map, light, sensor, copier, file."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.degradation.ageing import age_paper
from synth.degradation.optics import apply_copier, apply_light, apply_screen_pixels, apply_sensor
from synth.degradation.spec import Degradation
from synth.degradation.texture import backdrop, row_bands
from synth.labels.masks import BITS, Masks
from synth.page_drawing import DrawnPage, Layer
from synth.page_map import flat_map

Image8 = NDArray[np.uint8]
Field = NDArray[np.float32]

# Glare above this level (of 255) burns out what is printed below it.
_HIDING_GLARE_LEVEL = 160
# Coverage (of 255) from which a pixel counts as ink; about a third, so that thin strokes stay in one piece.
_MASK_COVERAGE = 88


@dataclass(frozen=True)
class DegradedPage:
    """The picture as filed, the file's bytes where it is a JPEG, what is lost in it, and the masks if asked for.

    `lost` (height, width) bool is True where paper is torn off or glare has burnt the print out; None when nowhere.
    """

    image: Image8
    encoded: bytes | None
    lost: NDArray[np.bool_] | None
    masks: Masks | None


@dataclass(frozen=True)
class _Warp:
    """Drawing coordinates (px) of every pixel of the image, or None where drawing and image are the same raster."""

    x: Field | None
    y: Field | None
    size_px: tuple[int, int]

    def __call__(self, raster: Image8) -> Image8:
        if self.x is None or self.y is None:
            return raster
        return np.asarray(cv2.remap(raster, self.x, self.y, cv2.INTER_LINEAR), np.uint8)


def degrade_page(
    drawn: DrawnPage, degradation: Degradation, seed: np.random.SeedSequence, masks: bool = False
) -> DegradedPage:
    """Put a drawn page through a chain of degradation.

    Parameters
    ----------
    drawn : DrawnPage
        Its image is used up (drawn over) by the ageing stage.
    degradation : Degradation
    seed : numpy.random.SeedSequence
        Each stage draws from a child of its own, so that one stage more or less does not change the others.
    masks : bool
        Whether to bring the layers of ink through the same map.
    """
    # The order is that of the world: paper ages, is laid down and lit, and is then recorded by a sensor.
    rngs = [np.random.default_rng(child) for child in seed.spawn(5)]
    warp = _warp_of(drawn, degradation)
    paper = drawn.image
    left = age_paper(paper, degradation.ageing, drawn.spec.px_per_mm, rngs[0]) if degradation.ageing else None
    image, page_share = _compose_on_backdrop(paper, left, warp, degradation, drawn, rngs[1])
    glare = None
    if degradation.screen and warp.x is not None and warp.y is not None:
        # The monitor emits its pixels before room light falls on the screen.
        scale = np.float32(1 / drawn.spec.px_per_mm)
        apply_screen_pixels(image, degradation.screen, warp.x * scale, warp.y * scale)
    if degradation.light:
        glare = apply_light(image, degradation, degradation.light, rngs[2])
    if degradation.sensor:
        image = apply_sensor(image, degradation.sensor, rngs[3])
    if degradation.copier:
        image = apply_copier(image, degradation.copier, rngs[4])
    # JPEG artefacts come last and stay in the file: the bytes are kept, since encoding again would change them.
    encoded = None
    if degradation.jpeg_quality is not None:
        image, encoded = _encode_jpeg(image, degradation.jpeg_quality)
    lost = _unreadable(page_share if left is not None else None, glare)
    return DegradedPage(image, encoded, lost, _warp_masks(drawn, degradation, warp) if masks else None)


def _warp_of(drawn: DrawnPage, degradation: Degradation) -> _Warp:
    # Clean pages skip resampling, which would soften them.
    if degradation.page_map == flat_map(drawn.spec.px_per_mm) and degradation.size_px == drawn.spec.size_px:
        return _Warp(None, None, degradation.size_px)
    x, y = degradation.page_map.sampling_grid(degradation.size_px)
    for axis in (x, y):
        axis *= np.float32(drawn.spec.px_per_mm)
        # Millimetres count from the edge of the page, pixels from the centre of the first one.
        axis -= np.float32(0.5)
    return _Warp(x, y, degradation.size_px)


def _compose_on_backdrop(
    paper: Image8,
    left: Image8 | None,
    warp: _Warp,
    degradation: Degradation,
    drawn: DrawnPage,
    rng: np.random.Generator,
) -> tuple[Image8, Image8]:
    """Return the page over its backdrop, and how much of each pixel is paper (0-255)."""
    share = np.full(paper.shape[:2], 255, np.uint8) if left is None else left
    if left is not None:
        paper[left == 0] = 0
    image, share = warp(paper), warp(share)
    ys, xs = np.nonzero(share < 255)
    if len(ys) == 0:
        return image, share
    behind = _backdrop_behind(drawn, degradation, warp, rng)
    # paper is black where there is none, so the warp has weighted it by its share; the backdrop's part is missing
    missing = (255 - share[ys, xs]).astype(np.float32)[:, None] / 255
    image[ys, xs] = np.clip(image[ys, xs] + behind[ys, xs] * missing, 0, 255).astype(np.uint8)
    return image, share


def _backdrop_behind(drawn: DrawnPage, degradation: Degradation, warp: _Warp, rng: np.random.Generator) -> Image8:
    """Return what lies behind the page: the backdrop, and on a monitor the viewer's window and the bezel over it."""
    behind = backdrop(degradation, rng)
    if degradation.screen and warp.x is not None and warp.y is not None:
        _draw_window_and_bezel(behind, degradation, drawn, warp.x, warp.y)
    return behind


def _draw_window_and_bezel(
    behind: Image8, degradation: Degradation, drawn: DrawnPage, x_px: Field, y_px: Field
) -> None:
    """Frame the page by the viewer's window and the bezel, in place."""
    screen = degradation.screen
    if screen is None:
        return
    width, height = drawn.spec.size_px
    for part in row_bands(behind):
        x, y = x_px[part], y_px[part]
        outside = np.maximum(np.maximum(-x, x - width), np.maximum(-y, y - height)) / drawn.spec.px_per_mm
        # The bezel first; the window then covers its inner part.
        behind[part][outside < screen.window_mm + screen.bezel_mm] = (22, 22, 24)
        behind[part][outside < screen.window_mm] = screen.window


def _encode_jpeg(image: Image8, quality: int) -> tuple[Image8, bytes]:
    done, packed = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise RuntimeError("OpenCV could not write a JPEG")
    return cv2.cvtColor(cv2.imdecode(packed, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), packed.tobytes()


def _unreadable(share: Image8 | None, glare: Image8 | None) -> NDArray[np.bool_] | None:
    # Where less than half of a pixel is paper, nothing on it can be read.
    parts = [share < 128] if share is not None else []
    if glare is not None:
        parts.append(glare > _HIDING_GLARE_LEVEL)
    return np.logical_or.reduce(parts) if parts else None


# ---------------------------------------------------------------- masks


def _warp_masks(drawn: DrawnPage, degradation: Degradation, warp: _Warp) -> Masks:
    width, height = degradation.size_px
    bits = np.zeros((height, width), np.uint32)
    for index, layer in enumerate(drawn.trace_layers):
        _set_layer_bit(bits, layer, np.uint32(1 << index), drawn, degradation, warp)
    for layer in drawn.layers:
        _set_layer_bit(bits, layer, BITS[layer.kind], drawn, degradation, warp)
    return Masks(bits)


def _set_layer_bit(
    bits: NDArray[np.uint32], layer: Layer, bit: np.uint32, drawn: DrawnPage, degradation: Degradation, warp: _Warp
) -> None:
    if not layer.coverage.size:
        return
    if warp.x is None or warp.y is None:
        rows, columns = layer.coverage.shape
        window = (slice(layer.top, layer.top + rows), slice(layer.left, layer.left + columns))
        inside = layer.coverage
    else:
        box = _layer_window(layer, drawn, degradation)
        if box is None:
            return
        window = box
        shift_x, shift_y = np.float32(layer.left), np.float32(layer.top)
        inside = np.asarray(
            cv2.remap(layer.coverage, warp.x[window] - shift_x, warp.y[window] - shift_y, cv2.INTER_LINEAR), np.uint8
        )
    bits[window] |= np.where(inside > _MASK_COVERAGE, bit, np.uint32(0))


def _layer_window(layer: Layer, drawn: DrawnPage, degradation: Degradation) -> tuple[slice, slice] | None:
    """Rows and columns of the image in which a layer can be seen: its outline, brought through the map."""
    rows, columns = layer.coverage.shape
    # On bent paper the straight edges of a layer become curves, so the middle lines are followed as well.
    edge = np.linspace(0, 1, 25)
    outline = np.concatenate(
        [np.stack([edge, np.full(25, side)], 1) for side in (0, 0.5, 1)]
        + [np.stack([np.full(25, side), edge], 1) for side in (0, 0.5, 1)]
    )
    points_mm = (outline * (columns, rows) + (layer.left, layer.top)) / drawn.spec.px_per_mm
    points = degradation.page_map.page_to_image(points_mm)
    low, high = np.floor(points.min(axis=0) - 6).astype(int), np.ceil(points.max(axis=0) + 7).astype(int)
    left, top = np.maximum(low, 0)
    right, bottom = np.minimum(high, degradation.size_px)
    return (slice(top, bottom), slice(left, right)) if right > left and bottom > top else None
