"""Find the outline of the paper in a picture. It shows the perspective where there is no grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgimg.digitization.dewarp.page_map import apply_homography
from ecgimg.digitization.numerics import Floats

Image8 = NDArray[np.uint8]

_REDUCED_PX = 700  # longer side of the picture in which the outline is sought
_IS_TRACE, _TRACE_SHARE = 128, 0.1  # of 255; and of a reduced pixel
_LEVELS = np.arange(0.15, 0.86, 0.05)  # thresholds between the darkest and the brightest of the picture
_CLOSING_SHARE = 0.012  # of the longer side: closes over ink on the paper
_MIN_AREA_SHARE, _MAX_AREA_SHARE = 0.2, 0.97  # of the picture
_POLYGON_TOLERANCES = (0.01, 0.02, 0.03, 0.05)  # of the perimeter
_SIDE_PART = 0.08, 0.92  # of a side: corners may be round or folded
_SIDE_WIDTH = 0.03  # of its length, for the points that a side is fitted to
_FEWEST_SIDE_POINTS = 5
_MARGIN_PX = 2.0  # a corner nearer to the picture's edge may be cut off by it
_ON_SIDE_SHARE = 0.008  # of the outline's diagonal: as far off a side a point may lie
_MIN_ON_SIDES = 0.9  # of the outline; with less it is no sheet of paper
_MIN_INSIDE = 0.98  # of the traces
_TEST_EVERY = 7  # one point in so many is tested, which is enough for a share
_FOCAL_SHARE = 0.8  # focal length of a usual camera, of the picture's longer side
_MIN_DEPTH_RATIO = 0.5  # of a corner of the picture to its centre; steeper views are not believed


@dataclass(frozen=True, eq=False)
class PaperOutline:
    """A flat sheet of paper seen by a camera.

    Parameters
    ----------
    homography : (3, 3) float64
        From pixels to the paper, whose unit is as long as a pixel in the middle of the picture.
    """

    homography: Floats

    def image_to_page(self, points_px: ArrayLike) -> Floats:
        """Map pixels (…, 2) to the paper (…, 2)."""
        return apply_homography(self.homography, points_px)


def find_paper_outline(image: Image8, trace: NDArray[np.uint8]) -> PaperOutline | None:
    """Return the outline of the paper on which the traces lie, or None where its four sides are not all in the picture.

    Parameters
    ----------
    image : (height, width, 3) uint8
        RGB.
    trace : (height, width) uint8
        Trace probability, 255 for certain.
    """
    height, width = image.shape[:2]
    factor = min(1.0, _REDUCED_PX / max(height, width))
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    points = _trace_points(trace, size)
    if not len(points):
        return None
    candidates = [(_share_on_sides(outline, corners), corners) for outline, corners in _outlines(small, points)]
    share, corners = max(candidates, key=lambda candidate: candidate[0], default=(0.0, np.zeros((4, 2))))
    if share < _MIN_ON_SIDES:
        return None
    return _seen_by_camera((corners + 0.5) / factor - 0.5, (width, height))


def _trace_points(trace: NDArray[np.uint8], size: tuple[int, int]) -> Floats:
    """Return x and y (n, 2) of the pixels that show a trace when it is reduced to a size (width, height)."""
    share = cv2.resize((trace > _IS_TRACE).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.argwhere(share > _TRACE_SHARE)[:, ::-1].astype(np.float64)


def _outlines(image: Image8, trace_points: Floats) -> Iterator[tuple[Floats, Floats]]:
    """Yield outlines (n, 2) of what is brighter than some level around most of the traces, and their four corners."""
    height, width = image.shape[:2]
    for is_bright in _thresholded(image):
        contours, _ = cv2.findContours(is_bright.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        outline = max(contours, key=cv2.contourArea, default=None)
        if outline is None or not _MIN_AREA_SHARE < cv2.contourArea(outline) / (height * width) < _MAX_AREA_SHARE:
            continue
        corners = _four_corners(cv2.convexHull(outline), (width, height))
        if corners is not None and _holds(corners, trace_points):
            yield outline[:, 0].astype(np.float64), corners


def _thresholded(image: Image8) -> Iterator[NDArray[np.bool_]]:
    """Yield where a picture is brighter than each of several levels."""
    reach = max(round(_CLOSING_SHARE * max(image.shape[:2])), 1)
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    for channel in (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.extractChannel(image, 2)):  # wood is dark in blue
        closed = cv2.morphologyEx(channel, cv2.MORPH_CLOSE, kernel)
        low, high = np.percentile(closed, (2, 98))
        for level in low + _LEVELS * (high - low):
            yield closed > level


def _holds(corners: Floats, points: Floats) -> bool:
    """Tell whether nearly all points (n, 2) lie within four corners."""
    polygon = corners.astype(np.float32)
    is_inside = [cv2.pointPolygonTest(polygon, point, False) >= 0 for point in points[::_TEST_EVERY]]
    return bool(np.mean(is_inside) > _MIN_INSIDE)


def _four_corners(hull: NDArray[np.int32], size_px: tuple[int, int]) -> Floats | None:
    """Return the corners (4, 2) of the lines along the four longest sides of a hull, if they are in the picture."""
    polygon = _quadrilateral(hull)
    if polygon is None:
        return None
    points = _densified(hull[:, 0].astype(np.float64))
    sides = [_side_line(points, start, end) for start, end in _sides(polygon)]
    lines = [line for line in sides if line is not None]
    if len(lines) < len(sides):
        return None
    corners = np.array([np.cross(lines[k - 1], lines[k]) for k in range(4)])
    if (np.abs(corners[:, 2]) < 1e-9).any():  # parallel sides meet nowhere
        return None
    corners = corners[:, :2] / corners[:, 2:]
    is_inside = (corners > _MARGIN_PX) & (corners < np.array(size_px) - 1 - _MARGIN_PX)
    return corners if is_inside.all() else None


def _quadrilateral(hull: NDArray[np.int32]) -> Floats | None:
    """Return four points (4, 2) of a hull that it is simplified to, or None where it has no four clear sides."""
    perimeter = cv2.arcLength(hull, True)
    for tolerance in _POLYGON_TOLERANCES:
        polygon = cv2.approxPolyDP(hull, tolerance * perimeter, True)[:, 0].astype(np.float64)
        if len(polygon) == 4:
            return np.asarray(polygon)
    return None


def _side_line(points: Floats, start: Floats, end: Floats) -> Floats | None:
    """Fit a line, in homogeneous coordinates (3,), to the points (n, 2) along a side; None where there are few."""
    along = end - start
    length = float(np.hypot(*along))
    if length < 1:
        return None
    position = (points - start) @ along / length**2
    off = np.abs((points - start) @ np.array([-along[1], along[0]])) / length
    low, high = _SIDE_PART
    near = points[(position > low) & (position < high) & (off < _SIDE_WIDTH * length)]
    if len(near) < _FEWEST_SIDE_POINTS:
        return None
    vx, vy, x, y = cv2.fitLine(near.astype(np.float32), cv2.DIST_HUBER, 0, 0.01, 0.01).ravel()
    return np.asarray(np.cross([x, y, 1.0], [x + vx, y + vy, 1.0]))


def _sides(polygon: Floats) -> Iterator[tuple[Floats, Floats]]:
    """Yield start and end of each side of a closed polygon (n, 2)."""
    yield from zip(polygon, np.roll(polygon, -1, axis=0), strict=True)


def _densified(polygon: Floats) -> Floats:
    """Return points about a pixel apart along a closed polygon (n, 2)."""
    points = []
    for start, end in _sides(polygon):
        step = end - start
        n = max(int(np.hypot(*step)), 1)
        points.append(start + np.arange(n)[:, None] / n * step)
    return np.concatenate(points)


def _share_on_sides(outline: Floats, corners: Floats) -> float:
    """Return the share of an outline (n, 2) that lies on the sides between four corners."""
    off = np.full(len(outline), np.inf)
    diagonal = float(np.hypot(*np.ptp(corners, axis=0)))
    for start, end in _sides(corners):
        along = end - start
        position = np.clip((outline - start) @ along / (along @ along), 0, 1)
        off = np.minimum(off, np.hypot(*(outline - start - position[:, None] * along).T))
    return float((off < _ON_SIDE_SHARE * diagonal).mean())


def _seen_by_camera(corners: Floats, size_px: tuple[int, int]) -> PaperOutline | None:
    """Return the paper with these corners (4, 2) px in the picture of a usual camera; None where it is too steep.

    The sides' true ratio follows from the focal length: both columns of the homography are of the same plane
    (Zhang and He, Whiteboard scanning and image enhancement, 2007).
    """
    centre = (np.array(size_px) - 1) / 2
    unit_square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    to_image = cv2.getPerspectiveTransform(unit_square, (_clockwise(corners) - centre).astype(np.float32))
    rays = to_image / np.array([[_FOCAL_SHARE * max(size_px)], [_FOCAL_SHARE * max(size_px)], [1.0]])
    ratio = float(np.linalg.norm(rays[:, 0]) / np.linalg.norm(rays[:, 1]))
    to_page = (
        np.diag([ratio, 1.0, 1.0])
        @ np.linalg.inv(to_image)
        @ np.array([[1, 0, -centre[0]], [0, 1, -centre[1]], [0, 0, 1]])
    )
    depth = to_page[2] @ np.array([*centre, 1.0])
    edge_depths = np.array([[x, y, 1.0] for x in (0, size_px[0]) for y in (0, size_px[1])]) @ to_page[2]
    if (edge_depths / depth).min() < _MIN_DEPTH_RATIO:
        return None
    pixel_area = abs(np.linalg.det(to_page) / depth**3)  # in the middle of the picture, on the paper
    return PaperOutline(np.diag([pixel_area**-0.5, pixel_area**-0.5, 1.0]) @ to_page)


def _clockwise(corners: Floats) -> Floats:
    """Return corners (4, 2) clockwise from the top left one."""
    corners = np.roll(corners, -int(np.argmin(corners.sum(axis=1))), axis=0)
    if cv2.contourArea(corners.astype(np.float32), oriented=True) < 0:
        corners = np.roll(corners[::-1], 1, axis=0)
    return corners
