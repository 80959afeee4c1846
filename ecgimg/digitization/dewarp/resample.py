"""Sample the picture once onto flat millimetre paper, which is what the later stages read."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.dewarp.page_map import PageMap
from ecgimg.digitization.model import FlatPage, Segmentation
from ecgimg.digitization.numerics import Floats

Bytes = NDArray[np.uint8]
Field = NDArray[np.float32]

_MAX_PX = 8e6  # without a grid the mm are guessed, and a wrong guess may not fill the memory
_MIN_PX_PER_MM, _MAX_PX_PER_MM = 4.0, 9.0
_NODE_PX = 16  # the map is computed on nodes, and interpolated between them
_PAPER_SCALE, _PAPER_MEDIAN = 0.25, 21  # the paper is the median of a reduced picture: wider than strokes and letters
_EDGE_POINTS = 17  # along each edge of the picture
_OUTLYING_PERCENT = 2  # of the edge points, which corners of a wild polynomial carry away
_MARGIN_SHARE = 0.12  # as far beyond the straight page a bent one may reach
_PAPER_WHITE = (255, 255, 255)


def dewarp_page(image: Bytes, segmentation: Segmentation, page_map: PageMap) -> FlatPage:
    """Resample picture and segmentation through the page map, at about the resolution of the picture.

    Parameters
    ----------
    image : (height, width, 3) uint8
        RGB.
    segmentation : Segmentation
        Of the picture.
    page_map : PageMap
        Of the picture.
    """
    px_per_mm = float(np.clip(page_map.px_per_mm, _MIN_PX_PER_MM, _MAX_PX_PER_MM))
    low, high = _extent_mm(page_map)
    px_per_mm = min(px_per_mm, float(np.sqrt(_MAX_PX / np.prod(high - low))))
    x, y = _sampling_grid(page_map, low, np.ceil((high - low) * px_per_mm).astype(int), px_per_mm)
    flat = cv2.remap(image, x, y, cv2.INTER_CUBIC, borderValue=_PAPER_WHITE)
    planes = cv2.merge([segmentation.trace, segmentation.label, segmentation.pulse, segmentation.other])
    flat_planes = cv2.split(cv2.remap(planes, x, y, cv2.INTER_LINEAR))
    origin_mm = float(low[0]), float(low[1])
    return FlatPage(_darkness(flat), Segmentation(*flat_planes), flat, px_per_mm, origin_mm, page_map)


def _sampling_grid(page_map: PageMap, low_mm: Floats, size: NDArray[np.int64], px_per_mm: float) -> tuple[Field, Field]:
    """Return x and y (height, width) in the picture of each pixel of a flat page that starts at `low_mm`."""
    x_mm, y_mm = (
        (np.arange(-1, size[axis] // _NODE_PX + 2) * _NODE_PX + (_NODE_PX - 1) / 2) / px_per_mm + low_mm[axis]
        for axis in (0, 1)
    )
    nodes = page_map.page_to_image(np.stack(np.meshgrid(x_mm, y_mm), axis=-1)).astype(np.float32)
    full_size = (nodes.shape[1] * _NODE_PX, nodes.shape[0] * _NODE_PX)
    page = (slice(_NODE_PX, _NODE_PX + size[1]), slice(_NODE_PX, _NODE_PX + size[0]))
    x, y = (
        np.ascontiguousarray(cv2.resize(np.ascontiguousarray(nodes[..., axis]), full_size)[page]) for axis in (0, 1)
    )
    return x, y


def _darkness(flat: Bytes) -> Field:
    """Return the darkness (height, width) of a flat page (height, width, 3), 0 to 255, its coloured grid faint."""
    red, green, blue = cv2.split(flat)
    palest = cv2.max(cv2.max(red, green), blue)  # the channel in which a coloured grid is palest
    return darkness_against_paper(palest).astype(np.float32)


def darkness_against_paper(channel: Bytes) -> Bytes:
    """Return by how much each pixel (height, width) is darker than the paper around it, 0 up to 255."""
    reduced = cv2.resize(channel, None, fx=_PAPER_SCALE, fy=_PAPER_SCALE, interpolation=cv2.INTER_AREA)
    paper = cv2.resize(cv2.medianBlur(reduced, _PAPER_MEDIAN), (channel.shape[1], channel.shape[0]))
    return np.asarray(cv2.subtract(paper, channel), np.uint8)


def _extent_mm(page_map: PageMap) -> tuple[Floats, Floats]:
    """Return the lowest and the highest x and y (2,) of what the picture covers, without wild corners of the map."""
    edges = _edge_points(*page_map.size_px)
    centre = np.asarray(page_map.centre_px)
    straight = (edges - centre) @ page_map.jacobian(centre).T + page_map.image_to_page(centre)
    bent = page_map.image_to_page(edges)
    straight_low, straight_high = straight.min(axis=0), straight.max(axis=0)
    margin = _MARGIN_SHARE * (straight_high - straight_low)
    low = np.maximum(np.percentile(bent, _OUTLYING_PERCENT, axis=0), straight_low - margin)
    high = np.minimum(np.percentile(bent, 100 - _OUTLYING_PERCENT, axis=0), straight_high + margin)
    return low, high


def _edge_points(width: int, height: int) -> Floats:
    """Return points (n, 2) along the edges of a picture."""
    share = np.linspace(0, 1, _EDGE_POINTS)
    return np.concatenate(
        [np.stack([share * width, np.full(_EDGE_POINTS, side * height)], 1) for side in (0, 1)]
        + [np.stack([np.full(_EDGE_POINTS, side * width), share * height], 1) for side in (0, 1)]
    )
