"""Mark trace, lead names, calibration pulses and other print in a picture, by a small network on ONNX Runtime."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.model import Segmentation
from ecgimg.digitization.segmentation.runtime import load_network

Share = NDArray[np.uint8]

CLASSES = ("trace", "label", "pulse", "grid", "other")
_STRIDE = 32
_MAX_PX = 4_200_000


def segment(image: NDArray[np.uint8]) -> Segmentation:
    """Segment a picture (height, width, 3) uint8 RGB, in any orientation.

    Pictures of more than 4.2 megapixels are looked at reduced; the answer always has the size of the picture.
    """
    height, width = image.shape[:2]
    factor = min(1.0, np.sqrt(_MAX_PX / (height * width)))
    small = image if factor == 1 else cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    rows, columns = small.shape[:2]
    padded = cv2.copyMakeBorder(small, 0, -rows % _STRIDE, 0, -columns % _STRIDE, cv2.BORDER_REPLICATE)
    logits = load_network("segmenter.onnx").run(["logits"], {"image": _tensor(padded)})[0][0, :, :rows, :columns]
    planes = [_sigmoid_bytes(logits[k]) for k in (0, 1, 2, 4)]
    return Segmentation(*(planes if factor == 1 else [cv2.resize(plane, (width, height)) for plane in planes]))


def _tensor(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Turn a picture (height, width, 3) into the network's input (1, 3, height, width), 0-1."""
    tensor = np.empty((1, 3, *image.shape[:2]), np.float32)
    for plane, values in zip(tensor[0], cv2.split(image), strict=True):
        np.multiply(values, np.float32(1 / 255), out=plane)
    return tensor


def _sigmoid_bytes(logits: NDArray[np.float32]) -> Share:
    """Turn logits into probabilities 0-255 by a table of 1/16 steps: the exponentials of a page cost more than that."""
    steps = np.arange(-128, 128)  # the end of each that is nearer to 0 stands for it
    table = np.rint(255 / (1 + np.exp(-np.where(steps < 0, steps + 1, steps) / 16))).astype(np.uint8)
    return np.asarray(cv2.LUT(cv2.addWeighted(logits, 16, logits, 0, 127.5, dtype=cv2.CV_8U), table), np.uint8)
