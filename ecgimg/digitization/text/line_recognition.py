"""Recognize the characters of lines of printed text: one small network over one crop per line, run by onnxruntime."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.numerics import Floats
from ecgimg.digitization.text.label_recognition import ink_share
from ecgimg.digitization.text.line_detection import TextLine
from ecgimg.inference.onnx_sessions import load_network

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789 .:/#"
"""Characters from class 1 on (class 0 is CTC's blank): case is not told apart, and "#" is any other character."""

LINE_HEIGHT_PX = 24
"""Height of what the network sees."""
FRAME_STRIDE_PX = 2
"""Pixels of a line from one output of the network to the next."""
MIN_CONFIDENCE = 0.75
"""A character below this is doubtful; the model card of the print reader counts values by it."""

_WEIGHTS = "print_reader.onnx"
_SPACE_IN_WORD = re.compile(r"(?<=[a-z]) (?=[a-z])")
_CROP_HEIGHT = 1.5  # of the letters, which thus fill two thirds of the crop
_PAPER_PERCENTILE = 80.0  # a crop of a line has more ink than that of a label
_MAX_WIDTH_PX = 2400
_MIN_CROP_PX = 4
_BATCH = 8


@dataclass(frozen=True, eq=False)
class LineReading:
    """The text of a line.

    Parameters
    ----------
    text : str
        In `ALPHABET`.
    confidences : (n,) float64
        Probability of each character.
    positions_px : (n,) float64
        Where each character stands along the crop of the line.
    """

    text: str
    confidences: Floats
    positions_px: Floats


def read_lines(image: NDArray[np.uint8], lines: Sequence[TextLine]) -> list[LineReading]:
    """Read lines of text, the shortest first.

    Parameters
    ----------
    image : (height, width, 3) uint8, RGB
        The flat page.
    lines : sequence of TextLine

    Raises
    ------
    MissingWeights
        When the package was installed without its weights.
    """
    crops = sorted((normalize_line(image, line) for line in lines), key=lambda crop: crop.shape[1])
    readings: list[LineReading] = []
    for start in range(0, len(crops), _BATCH):  # lines of like length at once, so that little is padded
        batch = _padded_batch(crops[start : start + _BATCH])
        logits = load_network(_WEIGHTS).run(["logits"], {"line": batch})[0]
        readings += [decode_ctc(frames) for frames in np.asarray(logits, np.float64)]
    return readings


def normalize_line(image: NDArray[np.uint8], line: TextLine) -> NDArray[np.float32]:
    """Cut one line out as the network sees it: (24, w) float32, 0 for paper and 1 for the darkest ink.

    The letters fill two thirds of the height. Left and right of them is as much paper as they are high.

    Parameters
    ----------
    image : (height, width, 3) uint8, RGB
    line : TextLine
    """
    crop_px = _CROP_HEIGHT * line.height_px
    left, right = line.left_px - line.height_px, line.right_px + line.height_px
    slope = (line.middles_px[1] - line.middles_px[0]) / max(line.right_px - line.left_px, 1.0)
    top = line.middles_px[0] - slope * line.height_px - crop_px / 2
    size = (max(round(right - left), _MIN_CROP_PX), max(round(crop_px), _MIN_CROP_PX))
    level_to_image = np.array([(1, 0, left), (slope, 1, top + 0.5)])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    patch = cv2.warpAffine(image, level_to_image, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    width = min(max(round(size[0] * LINE_HEIGHT_PX / size[1]), LINE_HEIGHT_PX), _MAX_WIDTH_PX)
    method = cv2.INTER_AREA if size[1] > LINE_HEIGHT_PX else cv2.INTER_LINEAR
    ink = cv2.resize(ink_share(patch, _PAPER_PERCENTILE), (width, LINE_HEIGHT_PX), interpolation=method)
    return np.asarray(ink, np.float32)


def _padded_batch(crops: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return crops, sorted by their width, as one array (n, 1, 24, width of the last), paper beside them."""
    batch = np.zeros((len(crops), 1, LINE_HEIGHT_PX, crops[-1].shape[1]), np.float32)
    for padded, crop in zip(batch, crops, strict=True):
        padded[0, :, : crop.shape[1]] = crop
    return batch


def decode_ctc(logits: Floats) -> LineReading:
    """Return the likeliest text by greedy decoding (Graves et al. 2006), without doubtful spaces within words.

    Parameters
    ----------
    logits : (frames, 1 + characters) float
        The blank first, then the characters of `ALPHABET`.
    """
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    best, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    starts = np.flatnonzero(np.diff(best, prepend=0))
    if not len(starts):
        return LineReading("", np.zeros(0), np.zeros(0))
    is_character = best[starts] > 0
    confidences = np.maximum.reduceat(confidence, starts)[is_character]
    text = "".join(ALPHABET[index - 1] for index in best[starts][is_character])
    spaces = {match.start() for match in _SPACE_IN_WORD.finditer(text)}
    kept = [k for k in range(len(text)) if k not in spaces or confidences[k] >= MIN_CONFIDENCE]
    positions = FRAME_STRIDE_PX * starts[is_character].astype(np.float64)
    return LineReading("".join(text[k] for k in kept), confidences[kept], positions[kept])
