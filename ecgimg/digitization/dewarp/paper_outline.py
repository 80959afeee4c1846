"""Find the sheet of paper in a picture, whose outline tells the perspective where there is no ruling."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgimg.digitization.dewarp.page_map import apply_homography

Floats = NDArray[np.float64]
Image8 = NDArray[np.uint8]

_LOOK_PX = 700
_LEVELS = np.arange(0.15, 0.86, 0.05)
_LEAST_SHARE, _MOST_SHARE = 0.2, 0.97
_ON_SIDE_SHARE, _LEAST_ON_SIDES = 0.008, 0.9
_LEAST_INSIDE = 0.98
_FOCAL_SHARE = 0.8
_STEEPEST = 0.5


@dataclass(frozen=True, eq=False)
class PaperOutline:
    """A flat sheet of paper seen by a camera.

    Parameters
    ----------
    to_page : (3, 3) float64
        Homography from pixels to the sheet, whose unit is as long as a pixel in the middle of the picture.
    """

    to_page: Floats

    def image_to_page(self, points_px: ArrayLike) -> Floats:
        """Map pixels (…, 2) to the sheet (…, 2)."""
        return apply_homography(self.to_page, points_px)


def find_paper_outline(image: Image8, trace: NDArray[np.uint8]) -> PaperOutline | None:
    """Return the sheet on which the traces lie, or None where its four sides are not all in the picture.

    Parameters
    ----------
    image : (height, width, 3) uint8 RGB
    trace : (height, width) uint8
        Trace probability, 255 for certain.
    """
    height, width = image.shape[:2]
    factor = min(1.0, _LOOK_PX / max(height, width))
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    inked = cv2.resize((trace > 128).astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.1
    points = np.argwhere(inked)[:, ::-1].astype(np.float64)
    if not len(points):
        return None
    found = [(_on_sides(contour, corners), corners) for contour, corners in _outlines(small, points)]
    best = max(found, key=lambda each: each[0], default=None)
    if best is None or best[0] < _LEAST_ON_SIDES:
        return None
    return _seen_by_camera((best[1] + 0.5) / factor - 0.5, (width, height))


def _outlines(image: Image8, points: Floats) -> Iterator[tuple[Floats, Floats]]:
    """Yield outlines (n, 2) of what is brighter than some level around most of the points, and their four corners."""
    height, width = image.shape[:2]
    reach = max(round(0.012 * max(height, width)), 1)
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    for colour in (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.extractChannel(image, 2)):  # wood is dark in blue
        plane = cv2.morphologyEx(colour, cv2.MORPH_CLOSE, kernel)
        low, high = np.percentile(plane, (2, 98))
        for level in low + _LEVELS * (high - low):
            contours, _ = cv2.findContours((plane > level).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            outline = max(contours, key=cv2.contourArea, default=None)
            if outline is None or not _LEAST_SHARE < cv2.contourArea(outline) / (height * width) < _MOST_SHARE:
                continue
            corners = _four_corners(cv2.convexHull(outline), (width, height))
            if corners is None:
                continue
            inside = [cv2.pointPolygonTest(corners.astype(np.float32), point, False) >= 0 for point in points[::7]]
            if np.mean(inside) > _LEAST_INSIDE:
                yield outline[:, 0].astype(np.float64), corners


def _four_corners(hull: NDArray[np.int32], size_px: tuple[int, int]) -> Floats | None:
    """Return the corners (4, 2) of the lines along the four longest sides of a hull, if they are in the picture."""
    around = cv2.arcLength(hull, True)
    for share in (0.01, 0.02, 0.03, 0.05):
        polygon = cv2.approxPolyDP(hull, share * around, True)[:, 0].astype(np.float64)
        if len(polygon) == 4:
            break
    else:
        return None
    outline = _dense(hull[:, 0].astype(np.float64))
    lines = []
    for start, end in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        along = end - start
        length = float(np.hypot(*along))
        if length < 1:
            return None
        places = (outline - start) @ along / length**2
        off = np.abs((outline - start) @ np.array([-along[1], along[0]])) / length
        near = outline[(places > 0.08) & (places < 0.92) & (off < 0.03 * length)]
        if len(near) < 5:
            return None
        vx, vy, x, y = cv2.fitLine(near.astype(np.float32), cv2.DIST_HUBER, 0, 0.01, 0.01).ravel()
        lines.append(np.cross([x, y, 1.0], [x + vx, y + vy, 1.0]))
    corners = np.array([np.cross(lines[k - 1], lines[k]) for k in range(4)])
    if (np.abs(corners[:, 2]) < 1e-9).any():
        return None
    corners = corners[:, :2] / corners[:, 2:]
    low, high = np.array([2.0, 2.0]), np.array(size_px) - 3.0
    return corners if ((corners > low) & (corners < high)).all() else None


def _dense(polygon: Floats) -> Floats:
    """Return points about a pixel apart along a closed polygon."""
    steps = np.roll(polygon, -1, axis=0) - polygon
    counts = np.maximum(np.hypot(*steps.T).astype(int), 1)
    return np.concatenate(
        [start + np.arange(n)[:, None] / n * step for start, step, n in zip(polygon, steps, counts, strict=True)]
    )


def _on_sides(outline: Floats, corners: Floats) -> float:
    """Return the share of an outline (n, 2) that lies on the sides between four corners."""
    off = np.full(len(outline), np.inf)
    size = float(np.hypot(*np.ptp(corners, axis=0)))
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        along = end - start
        place = np.clip((outline - start) @ along / (along @ along), 0, 1)
        off = np.minimum(off, np.hypot(*(outline - start - place[:, None] * along).T))
    return float((off < _ON_SIDE_SHARE * size).mean())


def _seen_by_camera(corners: Floats, size_px: tuple[int, int]) -> PaperOutline | None:
    """Return the sheet with these corners (4, 2) px in the picture of a usual camera; None where it is too steep.

    The sides' true ratio follows from the focal length: both columns of the homography are of the same plane
    (Zhang and He, Whiteboard scanning and image enhancement, 2007).
    """
    first = int(np.argmin(corners.sum(axis=1)))
    corners = np.roll(corners, -first, axis=0)
    if cv2.contourArea(corners.astype(np.float32), oriented=True) < 0:  # clockwise, in a picture
        corners = np.roll(corners[::-1], 1, axis=0)
    centre = (np.array(size_px) - 1) / 2
    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    to_image = cv2.getPerspectiveTransform(unit, (corners - centre).astype(np.float32))
    rays = to_image / np.array([[_FOCAL_SHARE * max(size_px)], [_FOCAL_SHARE * max(size_px)], [1.0]])
    ratio = float(np.linalg.norm(rays[:, 0]) / np.linalg.norm(rays[:, 1]))
    to_page = (
        np.diag([ratio, 1.0, 1.0])
        @ np.linalg.inv(to_image)
        @ np.array([[1, 0, -centre[0]], [0, 1, -centre[1]], [0, 0, 1]])
    )
    depth_there = to_page[2] @ np.array([*centre, 1.0])
    edges = np.array([[x, y, 1.0] for x in (0, size_px[0]) for y in (0, size_px[1])]) @ to_page[2]
    if (edges / depth_there).min() < _STEEPEST:
        return None
    area = abs(np.linalg.det(to_page) / depth_there**3)  # of a pixel in the middle, on the sheet
    return PaperOutline(np.diag([area**-0.5, area**-0.5, 1.0]) @ to_page)
