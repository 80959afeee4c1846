"""The picture of the page on the first sheet of the report: the leads with what was read, and nothing around them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization import Digitization
from ecgimg.digitization.overlay import draw_overlay

Image8 = NDArray[np.uint8]

_LONGEST_SIDE_PX = 1600  # sharp in print, and the file can be mailed
_MARGIN_MM, _PULSE_MM = 2.0, 15.0  # around the leads, and to their left, where the calibration pulse is
_USUAL_PX_PER_MM = 8.0  # where the page has no scale


def leads_of_page(picture: Image8, page: Digitization) -> Image8:
    """Return the part of a page that shows its leads, with what was read drawn over it.

    What is printed or written outside of the leads is white, as it may name the patient.

    Parameters
    ----------
    picture : (height, width, 3) uint8 RGB

    Returns
    -------
    (height, width, 3) uint8 RGB
        Smaller than the picture, and `_LONGEST_SIDE_PX` at most.
    """
    overlay = draw_overlay(picture, page)
    outline_px = np.rint(_outline(page)).astype(np.int32)
    inside = np.zeros(overlay.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, outline_px, 1)
    overlay[inside == 0] = 255
    left, top, width, height = cv2.boundingRect(outline_px)
    leads = overlay[max(top, 0) : top + height, max(left, 0) : left + width]
    shrink = min(_LONGEST_SIDE_PX / max(leads.shape[:2]), 1.0)
    return np.asarray(cv2.resize(leads, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.uint8)


def _outline(page: Digitization) -> NDArray[np.float32]:
    """Return the hull (n, 1, 2) px of the boxes of all leads, with a margin and room for the calibration pulse."""
    px_per_mm = page.px_per_mm or _USUAL_PX_PER_MM
    corners: list[NDArray[np.float64]] = []
    for reading in page.readings:
        top_left, top_right, _, bottom_left = np.asarray(reading.box_px, np.float64)
        right, down = _unit(top_right - top_left) * px_per_mm, _unit(bottom_left - top_left) * px_per_mm
        # a high R wave may leave its box
        points = np.vstack([reading.box_px, reading.points_px[np.isfinite(reading.points_px).all(axis=1)]])
        corners += [points - _MARGIN_MM * down, points + _MARGIN_MM * (right + down)]
        corners += [np.stack([top_left, bottom_left]) - _PULSE_MM * right]
    return np.asarray(cv2.convexHull(np.vstack(corners).astype(np.float32)), np.float32)


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return vector / max(float(np.hypot(*vector)), 1e-9)
