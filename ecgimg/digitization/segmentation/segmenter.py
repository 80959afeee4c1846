"""Segment a picture into trace, lead labels, calibration pulses and other print, by a small network on ONNX Runtime."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.model import Segmentation
from ecgimg.inference.onnx_sessions import load_network

CLASSES = ("trace", "label", "pulse", "grid", "other")
_PLANES = (0, 1, 2, 4)  # what is neither grid nor paper
_STRIDE = 32  # the network halves the picture five times
_MAX_PX = 4_200_000  # a larger picture is segmented reduced
_STEPS_PER_LOGIT = 16


def segment(image: NDArray[np.uint8]) -> Segmentation:
    """Segment a picture in any orientation.

    Parameters
    ----------
    image : (height, width, 3) uint8
        RGB. One of more than 4.2 megapixels is segmented reduced.

    Returns
    -------
    Segmentation
        Always of the size of the picture.
    """
    height, width = image.shape[:2]
    factor = min(1.0, np.sqrt(_MAX_PX / (height * width)))
    small = image if factor == 1 else cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    rows, columns = small.shape[:2]
    padded = cv2.copyMakeBorder(small, 0, -rows % _STRIDE, 0, -columns % _STRIDE, cv2.BORDER_REPLICATE)
    logits = load_network("segmenter.onnx").run(["logits"], {"image": _tensor(padded)})[0][0, :, :rows, :columns]
    planes = [_probability_bytes(logits[k]) for k in _PLANES]
    return Segmentation(*(planes if factor == 1 else [cv2.resize(plane, (width, height)) for plane in planes]))


def _tensor(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Turn a picture (height, width, 3) into the network's input (1, 3, height, width), 0-1."""
    tensor = np.empty((1, 3, *image.shape[:2]), np.float32)
    for plane, values in zip(tensor[0], cv2.split(image), strict=True):
        np.multiply(values, np.float32(1 / 255), out=plane)
    return tensor


def _probability_bytes(logits: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Turn logits into probabilities 0-255 by a table, which is faster than the exponentials of a page."""
    steps = np.arange(-128, 128)
    nearer_zero = np.where(steps < 0, steps + 1, steps)  # the end of each step that stands for it
    table = np.rint(255 / (1 + np.exp(-nearer_zero / _STEPS_PER_LOGIT))).astype(np.uint8)
    steps_of_logits = cv2.addWeighted(logits, _STEPS_PER_LOGIT, logits, 0, 127.5, dtype=cv2.CV_8U)
    return np.asarray(cv2.LUT(steps_of_logits, table), np.uint8)
