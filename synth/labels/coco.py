"""Boxes in the manner of COCO, for detectors: cells by lead, lead names, pulses and other print."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgimg.leads import KNOWN_LEADS
from synth.labels.truth import PageTruth

Floats = NDArray[np.float64]

CATEGORIES = (*KNOWN_LEADS, "label", "pulse", "other")


def coco_annotations(pages: Iterable[tuple[str, PageTruth]]) -> dict[str, Any]:
    """Return COCO's dictionary for (file name, truth) pairs.

    A lead's box is that of the trace as far as it can be seen; `segmentation` holds the corners of the cell, name,
    pulse or line of print, so that turned pages keep their slant. Boxes are ``[left, top, width, height]`` px.
    """
    numbers = {name: index + 1 for index, name in enumerate(CATEGORIES)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, (file, truth) in enumerate(pages, start=1):
        width, height = truth.size_px
        images.append({"id": image_id, "file_name": file, "width": width, "height": height})
        for category, points, corners, attributes in _annotated_items(truth):
            box = _bounding_box(points, truth.size_px)
            if box is None:
                continue
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": numbers[category],
                    "bbox": box,
                    "area": round(box[2] * box[3], 2),
                    # Required by the format of COCO.
                    "iscrowd": 0,
                    "segmentation": [[round(float(value), 2) for value in corners.ravel()]],
                    **attributes,
                }
            )
    categories = [{"id": number, "name": name, "supercategory": "ecg"} for name, number in numbers.items()]
    return {"images": images, "categories": categories, "annotations": annotations}


def _annotated_items(
    truth: PageTruth,
) -> Iterable[tuple[str, NDArray[np.float64], NDArray[np.float64], dict[str, Any]]]:
    for trace in truth.traces:
        attributes = {"row": trace.slot.row, "column": trace.slot.column, "sign": trace.slot.sign}
        # The box bounds what can be seen; a detector could not find the rest.
        yield trace.slot.lead, trace.points_px[~trace.hidden], trace.box_px, attributes
    for text in truth.texts:
        yield text.kind, text.box_px, text.box_px, {"text": text.text}
    for pulse in truth.pulses_px:
        low, high = pulse.min(axis=0), pulse.max(axis=0)
        yield "pulse", pulse, np.array([low, (high[0], low[1]), high, (low[0], high[1])]), {}


def _bounding_box(points: NDArray[np.float64], size_px: tuple[int, int]) -> list[float] | None:
    if not len(points):
        return None
    low = np.maximum(points.min(axis=0), 0)
    high = np.minimum(points.max(axis=0), np.array(size_px) - 1)
    if (high < low).any():
        return None
    return [round(float(value), 2) for value in (*low, *(high - low))]
