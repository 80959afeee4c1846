"""Find what may be lead labels on a flat page, and read it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from scipy import ndimage
from scipy.sparse.csgraph import connected_components

from ecgimg.digitization.model import FlatPage, LeadLabel
from ecgimg.digitization.numerics import Floats
from ecgimg.digitization.text.label_recognition import read_labels

LABEL_THRESHOLD = 110
"""Ink of the label plane of a `Segmentation` above this is of a lead label."""

_MIN_CONFIDENCE = 0.7  # on real pages no label was read as another lead above it (model card of the label reader)
_MIN_LETTER_MM, _MAX_LETTER_MM = 1.0, 6.0
_UNKNOWN_SCALE_FACTOR = 2.0  # how much taller letters may be where the millimetre is guessed
_MIN_LETTER_AREA_MM2 = 0.3  # of an I; smaller blobs are specks
_MIN_LABEL_WIDTH_MM, _MAX_LABEL_WIDTH_MM = 0.25, 16.0
_CLOSE_DOWN_MM, _CLOSE_ACROSS_MM = 0.5, 1.2  # gaps within a letter and between letters that are closed
_MAX_LETTERS, _MAX_LABELS = 500, 150  # more is no print: it would take time and tell nothing
_MAX_LETTER_GAP = 0.5  # of the lower letter's height: labels stand farther apart than their letters
_MIN_SHARED_HEIGHT = 0.75  # of the taller letter's height

_SAME_UPSIDE_DOWN = ("I", "II", "III")


def find_labels(page: FlatPage) -> tuple[LeadLabel, ...]:
    """Find blobs of print of the size of lead labels, and read them.

    Returns
    -------
    tuple of LeadLabel
        With an empty `lead` where a blob could not be read for sure.

    Raises
    ------
    MissingWeights
        When the package was installed without its weights.
    """
    boxes = _label_boxes(page)
    readings = read_labels(page.image, boxes)
    labels = []
    for (left, top, right, bottom), lead, confidence in zip(boxes, readings.leads, readings.confidences, strict=True):
        sure_lead = lead if confidence >= _MIN_CONFIDENCE else ""
        labels.append(LeadLabel((left + right) / 2, (top + bottom) / 2, left, sure_lead, float(confidence)))
    return tuple(labels)


def count_upright_labels(labels: Sequence[LeadLabel]) -> int:
    """Count the labels that are legible upright only: I, II and III look the same upside down."""
    return sum(label.lead not in ("", *_SAME_UPSIDE_DOWN) for label in labels)


def _label_boxes(page: FlatPage) -> Floats:
    """Return left, top, right and bottom (n, 4) px of what may be a lead label."""
    mm = page.px_per_mm
    boxes = _join_letters(_letter_boxes(page)[:_MAX_LETTERS])
    width = boxes[:, 2] - boxes[:, 0]
    return boxes[(width > _MIN_LABEL_WIDTH_MM * mm) & (width < _MAX_LABEL_WIDTH_MM * mm)][:_MAX_LABELS]


def _letter_boxes(page: FlatPage) -> Floats:
    """Return the boxes (n, 4) px of blobs as high as letters."""
    mm = page.px_per_mm
    is_scale_known = page.page_map.confidence > 0
    max_height = _MAX_LETTER_MM * mm * (1 if is_scale_known else _UNKNOWN_SCALE_FACTOR)
    mask = (page.segmentation.label > LABEL_THRESHOLD).astype(np.uint8)
    kernel = np.ones((max(round(_CLOSE_DOWN_MM * mm), 1), max(round(_CLOSE_ACROSS_MM * mm), 1)), np.uint8)
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel)
    _, _, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    left, top, width, height, area = stats[1:].T.astype(np.float64)
    is_letter = (height > _MIN_LETTER_MM * mm) & (height < max_height) & (area > _MIN_LETTER_AREA_MM2 * mm * mm)
    boxes: Floats = np.stack([left, top, left + width, top + height], axis=1)[is_letter]
    return boxes


def _join_letters(boxes: Floats) -> Floats:
    """Join boxes (n, 4) of letters of one label: side by side, equally tall, nearer than letters of two labels."""
    if not len(boxes):
        return boxes
    left, top, right, bottom = boxes.T
    height = bottom - top
    taller, lower = np.maximum(height[:, None], height), np.minimum(height[:, None], height)
    gap = np.maximum(left[:, None], left) - np.minimum(right[:, None], right)
    shared = np.minimum(bottom[:, None], bottom) - np.maximum(top[:, None], top)
    is_joined = (gap < _MAX_LETTER_GAP * lower) & (shared > _MIN_SHARED_HEIGHT * taller)
    count, label_index = connected_components(is_joined)
    sides = (ndimage.minimum, left), (ndimage.minimum, top), (ndimage.maximum, right), (ndimage.maximum, bottom)
    return np.stack([extreme(values, label_index, np.arange(count)) for extreme, values in sides], axis=1)
