"""Sample the picture once onto flat millimetre paper: what the tracer looks at."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.dewarp.page_map import PageMap
from ecgimg.digitization.model import FlatPage, Segmentation

Floats = NDArray[np.float64]
Share = NDArray[np.uint8]

_MAX_PX = 8e6
_MIN_PX_PER_MM, _MAX_PX_PER_MM = 4.0, 9.0
_NODE_PX = 16


def dewarp_page(image: NDArray[np.uint8], segmentation: Segmentation, rectification: PageMap) -> FlatPage:
    """Resample picture and segmentation through the map, at about the resolution of the picture."""
    scale = float(np.clip(rectification.px_per_mm, _MIN_PX_PER_MM, _MAX_PX_PER_MM))
    low, high = _extent_mm(rectification)
    scale = min(scale, float(np.sqrt(_MAX_PX / np.prod(high - low))))  # without a ruling the mm are guessed
    size = np.ceil((high - low) * scale).astype(int)
    nodes_x = (np.arange(-1, size[0] // _NODE_PX + 2) * _NODE_PX + (_NODE_PX - 1) / 2) / scale + low[0]
    nodes_y = (np.arange(-1, size[1] // _NODE_PX + 2) * _NODE_PX + (_NODE_PX - 1) / 2) / scale + low[1]
    nodes = rectification.page_to_image(np.stack(np.meshgrid(nodes_x, nodes_y), axis=-1)).astype(np.float32)
    full = (nodes.shape[1] * _NODE_PX, nodes.shape[0] * _NODE_PX)
    window = (slice(_NODE_PX, _NODE_PX + size[1]), slice(_NODE_PX, _NODE_PX + size[0]))
    x, y = (np.ascontiguousarray(cv2.resize(np.ascontiguousarray(nodes[..., axis]), full)[window]) for axis in (0, 1))
    flat = cv2.remap(image, x, y, cv2.INTER_CUBIC, borderValue=(255, 255, 255))
    marked = cv2.merge([segmentation.trace, segmentation.label, segmentation.pulse, segmentation.other])
    planes = cv2.split(cv2.remap(marked, x, y, cv2.INTER_LINEAR))
    red, green, blue = cv2.split(flat)
    grey = cv2.max(cv2.max(red, green), blue)  # the channel in which a coloured ruling is palest
    darkness = darkness_against_paper(grey).astype(np.float32)
    return FlatPage(darkness, Segmentation(*planes), flat, scale, (float(low[0]), float(low[1])), rectification)


def darkness_against_paper(channel: Share) -> Share:
    """Return by how much each pixel (height, width) is darker than the paper around it, 0 up to 255."""
    paper = cv2.medianBlur(cv2.resize(channel, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA), 21)
    return np.asarray(cv2.subtract(cv2.resize(paper, (channel.shape[1], channel.shape[0])), channel), np.uint8)


def _extent_mm(rectification: PageMap) -> tuple[Floats, Floats]:
    """Millimetres that the picture covers, wild corners of the polynomial left out."""
    width, height = rectification.size_px
    edge = np.linspace(0, 1, 17)
    outline = np.concatenate(
        [np.stack([edge * width, np.full(17, side * height)], 1) for side in (0, 1)]
        + [np.stack([np.full(17, side * width), edge * height], 1) for side in (0, 1)]
    )
    centre = np.asarray(rectification.centre_px)
    jacobian = rectification.jacobian(centre)
    middle = rectification.image_to_page(centre)
    straight = (outline - centre) @ jacobian.T + middle
    bent = rectification.image_to_page(outline)
    margin = 0.12 * (straight.max(axis=0) - straight.min(axis=0))
    low = np.maximum(np.percentile(bent, 2, axis=0), straight.min(axis=0) - margin)
    high = np.minimum(np.percentile(bent, 98, axis=0), straight.max(axis=0) + margin)
    return low, high
