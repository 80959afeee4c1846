"""Find what may be lead names on a flat page, and read it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from ecgimg.digitize.flatten import FlatPage
from ecgimg.digitize.labels import read_labels
from ecgimg.digitize.place import Label

_SURE_NAME = 0.7
_TALLEST_NAME_MM = 6.0
_MAX_LABELS = 150


def find_labels(page: FlatPage) -> tuple[Label, ...]:
    """Find blobs of lettering of the size of lead names, and read them."""
    mm = page.px_per_mm
    sure_mm = page.rectification.confidence > 0  # without a ruling the mm are guessed
    tallest = _TALLEST_NAME_MM * mm * (1 if sure_mm else 2)
    mask = (page.segmentation.label > 110).astype(np.uint8)
    joined = cv2.morphologyEx(
        mask, cv2.MORPH_CLOSE, np.ones((max(round(0.5 * mm), 1), max(round(1.2 * mm), 1)), np.uint8)
    )
    count, _, stats, centres = cv2.connectedComponentsWithStats(joined, connectivity=8)
    fits = [
        k
        for k in range(1, count)
        if 1.0 * mm < stats[k, cv2.CC_STAT_HEIGHT] < tallest
        and 0.25 * mm < stats[k, cv2.CC_STAT_WIDTH] < 16 * mm
        and stats[k, cv2.CC_STAT_AREA] > 0.3 * mm * mm
    ][:_MAX_LABELS]
    boxes = np.array([(s[0], s[1], s[0] + s[2], s[1] + s[3]) for s in stats[fits].tolist()], np.float64).reshape(-1, 4)
    read = read_labels(page.image, boxes)
    labels = []
    for n, k in enumerate(fits):
        sure = float(read.confidences[n])
        name = read.names[n] if sure >= _SURE_NAME else ""
        labels.append(Label(float(centres[k][0]), float(centres[k][1]), float(boxes[n, 0]), name, sure))
    return tuple(labels)


def n_telling(labels: Sequence[Label]) -> int:
    """Count the names that only read so upright: I, II and III look the same upside down."""
    return sum(label.name not in ("", "I", "II", "III") for label in labels)
