"""Find what may be lead names on a flat page, and read it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse.csgraph import connected_components

from ecgimg.digitization.model import FlatPage, LeadLabel
from ecgimg.digitization.text.label_recognition import read_labels

Floats = NDArray[np.float64]

_SURE_NAME = 0.7
_TALLEST_NAME_MM = 6.0
_MAX_LETTERS, _MAX_LABELS = 500, 150
_LEAST_INK_MM2, _NARROWEST_MM, _WIDEST_MM = 0.3, 0.25, 16.0
_LETTERS_APART, _AS_TALL = 0.5, 0.75  # of the height of the letters


def find_labels(page: FlatPage) -> tuple[LeadLabel, ...]:
    """Find blobs of lettering of the size of lead names, and read them."""
    mm = page.px_per_mm
    sure_mm = page.page_map.confidence > 0  # without a ruling the mm are guessed
    tallest = _TALLEST_NAME_MM * mm * (1 if sure_mm else 2)
    mask = (page.segmentation.label > 110).astype(np.uint8)
    joined = cv2.morphologyEx(
        mask, cv2.MORPH_CLOSE, np.ones((max(round(0.5 * mm), 1), max(round(1.2 * mm), 1)), np.uint8)
    )
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    left, top, width, height, area = stats[1:].T.astype(np.float64)
    is_letter = (height > mm) & (height < tallest) & (area > _LEAST_INK_MM2 * mm * mm)
    boxes = _joined(np.stack([left, top, left + width, top + height], axis=1)[is_letter][:_MAX_LETTERS])
    width = boxes[:, 2] - boxes[:, 0]
    boxes = boxes[(width > _NARROWEST_MM * mm) & (width < _WIDEST_MM * mm)][:_MAX_LABELS]
    read = read_labels(page.image, boxes)
    labels = []
    for (left_px, top_px, right_px, bottom_px), name, sure in zip(boxes, read.names, read.confidences, strict=True):
        told = name if sure >= _SURE_NAME else ""
        labels.append(LeadLabel((left_px + right_px) / 2, (top_px + bottom_px) / 2, left_px, told, float(sure)))
    return tuple(labels)


def _joined(boxes: Floats) -> Floats:
    """Join boxes (n, 4) of letters of one name: side by side, as tall, and nearer than letters of two names are."""
    if not len(boxes):
        return boxes
    left, top, right, bottom = boxes.T
    height = bottom - top
    tall, low = np.maximum(height[:, None], height), np.minimum(height[:, None], height)
    gap = np.maximum(left[:, None], left) - np.minimum(right[:, None], right)
    shared = np.minimum(bottom[:, None], bottom) - np.maximum(top[:, None], top)
    count, group = connected_components((gap < _LETTERS_APART * low) & (shared > _AS_TALL * tall))
    sides = (ndimage.minimum, left), (ndimage.minimum, top), (ndimage.maximum, right), (ndimage.maximum, bottom)
    return np.stack([extreme(values, group, np.arange(count)) for extreme, values in sides], axis=1)


def n_telling(labels: Sequence[LeadLabel]) -> int:
    """Count the names that only read so upright: I, II and III look the same upside down."""
    return sum(label.lead not in ("", "I", "II", "III") for label in labels)
