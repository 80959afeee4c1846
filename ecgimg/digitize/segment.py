"""Mark trace, lead names, calibration pulses and other print in a picture, by a small network on ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitize.network import load_network

Share = NDArray[np.uint8]

CLASSES = ("trace", "label", "pulse", "grid", "other")
_STRIDE = 32
_MAX_PX = 4_200_000


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Probability of each kind of ink at every pixel, (height, width) uint8 with 255 for certain."""

    trace: Share
    label: Share
    pulse: Share
    other: Share

    @property
    def ink(self) -> Share:
        """Whatever is not ruling or paper."""
        return np.asarray(np.maximum.reduce([self.trace, self.label, self.pulse, self.other]))


def segment(image: NDArray[np.uint8]) -> Segmentation:
    """Segment a picture (height, width, 3) uint8 RGB, in any orientation.

    Pictures of more than 4.2 megapixels are looked at reduced; the answer always has the size of the picture.
    """
    height, width = image.shape[:2]
    factor = min(1.0, np.sqrt(_MAX_PX / (height * width)))
    small = image if factor == 1 else cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    rows, columns = small.shape[:2]
    padded = cv2.copyMakeBorder(small, 0, -rows % _STRIDE, 0, -columns % _STRIDE, cv2.BORDER_REPLICATE)
    tensor = np.ascontiguousarray(padded.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
    logits = load_network("segmenter.onnx").run(["logits"], {"image": tensor})[0][0, :, :rows, :columns]
    shares = _sigmoid_bytes(logits)
    planes = [shares[k] if factor == 1 else cv2.resize(shares[k], (width, height)) for k in (0, 1, 2, 4)]
    return Segmentation(*planes)


def _sigmoid_bytes(logits: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Turn logits into probabilities 0-255 by a table of 1/16 steps: the exponentials of a page cost more than that."""
    table = np.rint(255 / (1 + np.exp(-np.arange(-128, 128) / 16))).astype(np.uint8)
    return np.asarray(table[(np.clip(logits * 16, -128, 127)).astype(np.int16) + 128], np.uint8)
