"""Sample the picture once onto flat millimetre paper: what the tracer looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgimg.digitization.dewarp.grid_fit import Rectification
from ecgimg.digitization.segmentation.segmenter import Segmentation

Floats = NDArray[np.float64]
Share = NDArray[np.uint8]

_MAX_PX = 8e6
_MIN_PX_PER_MM, _MAX_PX_PER_MM = 4.0, 9.0
_NODE_PX = 16


@dataclass(frozen=True, eq=False)
class FlatPage:
    """The page laid flat.

    Parameters
    ----------
    darkness : (height, width) float32
        How much darker than the paper around, 0 up to 255.
    segmentation : Segmentation
        Of the flat page.
    px_per_mm : float
        The same along x and y.
    origin_mm : (x, y)
        Of the centre of the first pixel, in the coordinates of `rectification`.
    rectification : Rectification
        From the original picture to millimetres.
    """

    darkness: NDArray[np.float32]
    segmentation: Segmentation
    image: NDArray[np.uint8]
    px_per_mm: float
    origin_mm: tuple[float, float]
    rectification: Rectification

    def flat_to_image(self, points_px: ArrayLike) -> Floats:
        """Map pixels of the flat page (…, 2) to pixels of the original picture."""
        mm = np.asarray(points_px, np.float64) / self.px_per_mm + np.asarray(self.origin_mm)
        return self.rectification.page_to_image(mm)

    def turned(self, quarters: int) -> FlatPage:
        """Return the page turned clockwise by quarters."""
        if quarters % 4 == 0:
            return self

        def turn(plane: Any) -> Any:
            return np.ascontiguousarray(np.rot90(plane, -1))

        x, y = self.origin_mm
        planes = self.segmentation
        once = FlatPage(
            turn(self.darkness),
            Segmentation(turn(planes.trace), turn(planes.label), turn(planes.pulse), turn(planes.other)),
            turn(self.image), self.px_per_mm, (-(y + (self.darkness.shape[0] - 1) / self.px_per_mm), x),
            self.rectification.turned(1),
        )  # fmt: skip
        return once.turned(quarters - 1)

    def grid_lines_px(self) -> tuple[Floats, ...]:
        """Return the 5 mm lines that the map stands for, as polylines in pixels of the original picture."""
        height, width = self.darkness.shape
        low = np.asarray(self.origin_mm)
        high = low + np.array([width, height]) / self.px_per_mm
        lines = []
        for axis in (0, 1):
            along = np.linspace(low[1 - axis], high[1 - axis], 40)
            places = np.arange(np.ceil(low[axis] / 5) * 5, high[axis], 5)
            points = np.zeros((len(places), 40, 2))
            points[..., axis], points[..., 1 - axis] = places[:, None], along
            lines += list(self.rectification.page_to_image(points))
        return tuple(lines)


def flatten(image: NDArray[np.uint8], segmentation: Segmentation, rectification: Rectification) -> FlatPage:
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
    darkness = darker_than_paper(grey).astype(np.float32)
    return FlatPage(darkness, Segmentation(*planes), flat, scale, (float(low[0]), float(low[1])), rectification)


def darker_than_paper(channel: Share) -> Share:
    """Return by how much each pixel (height, width) is darker than the paper around it, 0 up to 255."""
    paper = cv2.medianBlur(cv2.resize(channel, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA), 21)
    return np.asarray(cv2.subtract(cv2.resize(paper, (channel.shape[1], channel.shape[0])), channel), np.uint8)


def _extent_mm(rectification: Rectification) -> tuple[Floats, Floats]:
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
