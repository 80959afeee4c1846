"""A photo of paper on a desk, drawn with its projection."""

from __future__ import annotations

import cv2
import numpy as np


def photo_of_paper(focal_px: float, tilts_deg: tuple[float, float], desk: int = 60):
    """Draw A4 paper on a desk, seen from aside; returns the photo, its traces, the projection and the corners."""
    size, corners = (1200, 900), np.array([[-1.485, -1.05], [1.485, -1.05], [1.485, 1.05], [-1.485, 1.05]])
    x, y = np.deg2rad(tilts_deg)
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])

    def projected(points):
        points = np.c_[points, np.zeros(len(points))] @ (about_x @ about_y).T + [0, 0, focal_px / 330]
        return focal_px * points[:, :2] / points[:, 2:] + [(size[0] - 1) / 2, (size[1] - 1) / 2]

    image = np.full((size[1], size[0], 3), desk, np.uint8)
    cv2.fillPoly(image, [np.rint(projected(corners)).astype(np.int32)], (225, 222, 215), cv2.LINE_AA)
    trace = np.zeros(image.shape[:2], np.uint8)
    across = np.linspace(-1.2, 1.2, 400)
    for height in (-0.5, 0.0, 0.5):
        row = projected(np.c_[across, height + 0.02 * np.sin(40 * across)])
        cv2.polylines(trace, [np.rint(row).astype(np.int32)], False, 255, 2)
    image[trace > 0] = 30
    return image, trace, projected, corners
