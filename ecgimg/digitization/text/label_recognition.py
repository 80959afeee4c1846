"""Recognize printed lead labels: one small network over one crop per candidate, run by onnxruntime.

On an upside-down page nearly no label is legible, which is how the half turn is found. I, II and III look the same both
ways up, so only the other labels count there.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.numerics import Floats
from ecgimg.inference.onnx_sessions import load_network

LEAD_LABELS = (
    "I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6", "V7", "V8", "V9", "V3R", "V4R", "V5R",
    "-aVR",
)  # fmt: skip
"""Lead labels that the network tells apart; "-aVR" is the inverted lead."""
CLASSES = (*LEAD_LABELS, "none")
"""What the network answers, in its order."""
CROP_SHAPE = (32, 96)
"""Height and width of what the network sees."""

_WEIGHTS = "label_reader.onnx"
# the network was trained on crops that were widened so: a stroke that the box missed must show
_PAD_ABOVE, _PAD_BESIDE, _PAD_PX = 0.15, 0.45, 2.0  # the first two are shares of the height of the box
_MIN_CONTRAST = 28.0  # grey levels: crops of plain paper stay pale
_INK_PERCENTILE, _PAPER_PERCENTILE = 2.0, 88.0
_BRIGHTEST_SHARE, _MEAN_SHARE = np.float32(0.7), np.float32(0.3)
_BATCH = 256


@dataclass(frozen=True, eq=False)
class LabelReadings:
    """What was read in each of n boxes.

    Parameters
    ----------
    leads : tuple of str
        Leads as `LEAD_LABELS` spells them, ``""`` where no label stands.
    confidences : (n,) float64
        Probability of the answer, that of "no label" included.
    probabilities : (n, classes) float64
        In the order of `CLASSES`.
    """

    leads: tuple[str, ...]
    confidences: Floats
    probabilities: Floats


def read_labels(image: NDArray[np.uint8], boxes_px: Floats) -> LabelReadings:
    """Read the lead labels of an upright page.

    Parameters
    ----------
    image : (height, width, 3) uint8, RGB
        A flat page.
    boxes_px : (n, 4) float
        Left, top, right, bottom of the candidates, such as the blobs of the label plane.

    Raises
    ------
    MissingWeights
        When the package was installed without its weights.
    """
    boxes = np.asarray(boxes_px, np.float64).reshape(-1, 4)
    crops = np.array([normalize_crop(image, box) for box in boxes], np.float32).reshape(-1, 1, *CROP_SHAPE)
    logits = [_logits(crops[start : start + _BATCH]) for start in range(0, len(crops), _BATCH)]
    probabilities = _softmax(np.concatenate([np.zeros((0, len(CLASSES))), *logits]))
    best = probabilities.argmax(axis=1)
    leads = tuple(LEAD_LABELS[index] if index < len(LEAD_LABELS) else "" for index in best)
    return LabelReadings(leads, probabilities[np.arange(len(best)), best], probabilities)


def normalize_crop(image: NDArray[np.uint8], box: Floats) -> NDArray[np.float32]:
    """Cut one box out as the network sees it: (32, 96) float32, 0 for paper and 1 for the darkest ink.

    The box is widened by 15 % of its height above and below, by 45 % at the sides, and by 2 px: a stroke that the box
    missed must show there, or I could not be told from a piece of II. It is scaled to the full height, or to the full
    width where it is longer than 1 : 3, and stands in the middle of empty paper. A box that is empty or off the image
    gives zeros.

    Parameters
    ----------
    image : (height, width, 3) uint8, RGB
    box : (4,) float
        Left, top, right, bottom in pixels.
    """
    window = _window(image.shape[:2], np.asarray(box, np.float64))
    if window is None:
        return np.zeros(CROP_SHAPE, np.float32)
    return _fitted(ink_share(image[window], _PAPER_PERCENTILE))


def _fitted(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ink (height, width) scaled to fit a crop, in the middle of it."""
    crop = np.zeros(CROP_SHAPE, np.float32)
    scale = min(CROP_SHAPE[0] / ink.shape[0], CROP_SHAPE[1] / ink.shape[1])
    height, width = (max(round(size * scale), 1) for size in ink.shape)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    top, left = (CROP_SHAPE[0] - height) // 2, (CROP_SHAPE[1] - width) // 2
    crop[top : top + height, left : left + width] = cv2.resize(ink, (width, height), interpolation=method)
    return crop


def _window(shape: tuple[int, ...], box: Floats) -> tuple[slice, slice] | None:
    """Return rows and columns of an image that a widened box covers, None where the box is empty or off the image."""
    left, top, right, bottom = box
    if not (np.isfinite(box).all() and right > left and bottom > top):
        return None
    beside, above = _PAD_BESIDE * (bottom - top) + _PAD_PX, _PAD_ABOVE * (bottom - top) + _PAD_PX
    first = (max(int(np.floor(top - above)), 0), max(int(np.floor(left - beside)), 0))
    last = (min(int(np.ceil(bottom + above)) + 1, shape[0]), min(int(np.ceil(right + beside)) + 1, shape[1]))
    if first[0] >= last[0] or first[1] >= last[1]:
        return None
    return slice(first[0], last[0]), slice(first[1], last[1])


def ink_share(pixels: NDArray[np.uint8], paper_percentile: float) -> NDArray[np.float32]:
    """Return how dark each pixel of a crop is, (h, w) from 0 for paper to 1 for the darkest ink.

    A coloured grid fades, since the brightest channel of a pixel counts most.

    Parameters
    ----------
    pixels : (h, w, 3) uint8, RGB
    paper_percentile : float
        Percentile of the grey values that is paper, 0-100.
    """
    brightest, mean = pixels.max(axis=2).astype(np.float32), pixels.mean(axis=2, dtype=np.float32)
    grey = _BRIGHTEST_SHARE * brightest + _MEAN_SHARE * mean
    ink, paper = np.percentile(grey, [_INK_PERCENTILE, paper_percentile])
    share = (paper - grey) / np.float32(max(float(paper - ink), _MIN_CONTRAST))
    return np.asarray(np.clip(share, 0, 1), np.float32)


def _logits(crops: NDArray[np.float32]) -> Floats:
    return np.asarray(load_network(_WEIGHTS).run(["logits"], {"crop": crops})[0], np.float64)


def _softmax(logits: Floats) -> Floats:
    shares = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float64)
