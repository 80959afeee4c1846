"""Read the scale that a page prints: lines of lettering, one small network over each, a strict parser behind it.

A wrong number spoils a record and none costs little, so a number counts only where every character of it, and of the
unit behind it, is sure, and where it is one that devices offer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.model import FlatPage, ScaleReading
from ecgimg.digitization.segmentation.runtime import load_network
from ecgimg.digitization.text.label_recognition import crop_ink
from ecgimg.printed_scale import Kind, Mention, agreed, find_mentions

Floats = NDArray[np.float64]
Share = NDArray[np.float32]

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789 .:/#"
"""What is told apart, from class 1 on (class 0 is CTC's blank): case is not, and "#" is any other character."""

LINE_HEIGHT = 24
STRIDE = 2
"""Pixels of a line from one output of the network to the next."""

ADMITTED: dict[Kind, tuple[float, ...]] = {
    "speed": (10.0, 12.5, 25.0, 50.0, 100.0),  # 5 is what is left of 25 where the 2 is hidden
    "gain": (2.5, 5.0, 10.0, 20.0, 40.0),
    "chest": (2.5, 5.0, 10.0, 20.0, 40.0),
}

_WEIGHTS = "print_reader.onnx"
_SURE = 0.75
_SIZES = 1.0, 2.0, 0.5
_FIELD_GAP = 2.3
_NUMBER_BEFORE = re.compile(r"(?:^|[^a-z\d.])[\d.]+[^a-z\d]$|\d[.:#]$")
_SECOND_OF_PAIR = re.compile(r"/ ?:? ?$|\d ?[li] ?$")
_CAPTION = re.compile(r"[a-z\d#]+ ?: ?$")
_KNOWN_CAPTION = re.compile(r"(?:gain|limb|amp\w*|sens\w*|ganancia|std|voltage) ?: ?$")
_LIMB = re.compile(r"limb ?[:.]? ?\d")
_TORN = re.compile(r"(?<=[a-z]) (?=[a-z])")
_MARKED = 140
_GAP_MM, _LEADING_MM = 3.2, 0.3
_BAND_MM = (1.1, 4.6)
_LEAST_WIDTH_MM = 5.0
_TALLEST_MM = 11.0
_LONG = 3.0
_STEEPEST = 0.14
_FRAME_MM = 6.0
_BAND_SHARE = 0.2
_CROP_SHARE = 1.5
_PAPER_PERCENT = 80.0
_MAX_LINES = 64
_WIDEST_PX = 2400
_BATCH = 8


@dataclass(frozen=True, eq=False)
class TextLine:
    """A line of lettering: left and right end, height of its middle at both ends, and height of its letters, in px."""

    left_px: float
    right_px: float
    middles_px: tuple[float, float]
    height_px: float


@dataclass(frozen=True, eq=False)
class LineReading:
    """The text of a line in `ALPHABET`, how sure each character is (n,), and where along the line it stands (n,) px."""

    text: str
    confidences: Floats
    places_px: Floats


def read_printed_scale(page: FlatPage) -> ScaleReading:
    """Read speed and gain off a flat, upright page, on which lettering may be of another size if its mm are guessed.

    Raises
    ------
    MissingWeights
        When the package was installed without its weights.
    """
    sizes = (1.0,) if page.page_map.confidence > 0 else _SIZES
    read = (scale_of(read_lines(page.image, find_lines(page, page.px_per_mm * size))) for size in sizes)
    return next((printed for printed in read if printed.confidence > 0), ScaleReading())


def scale_of(readings: Sequence[LineReading]) -> ScaleReading:
    """Return what lines of print agree on.

    A value counts where it is sure in one line at least, and no line, sure or not, states another. Where the gain is
    said to be that of the limb leads, that of the chest leads must be read as well.
    """
    said = [told for reading in readings for told in _told(reading)]
    speed, gain, chest = (_settled(said, kind) for kind in ("speed", "gain", "chest"))
    of_limbs = any(_LIMB.search(reading.text) for reading in readings)
    if not of_limbs and not any(mention.kind == "chest" for mention, _ in said):
        chest = gain
    sure = [confidence for value, confidence in (speed, gain, chest) if value is not None]
    confidence = min(sure, default=0.0)
    return ScaleReading(speed[0], gain[0], chest[0], "print", confidence, of_limbs and chest[0] is None)


def _told(reading: LineReading) -> list[tuple[Mention, float]]:
    """Return what a line says, and how sure it is: not at all of a value that is not admitted, or not whole."""
    mentions = list(find_mentions(reading.text))
    ends = {mention.last for mention in mentions}
    told = []
    for mention in mentions:
        spelled = [k for k in range(mention.first, mention.last) if reading.text[k] != " "]
        sure = float(reading.confidences[spelled].min())
        whole = mention.first in ends or _is_whole(mention, reading)
        told.append((mention, sure if whole and mention.value in ADMITTED[mention.kind] else 0.0))
    return told


def _is_whole(mention: Mention, reading: LineReading) -> bool:
    """Tell whether a number starts where it seems to, and is not of leads whose name was misread.

    Behind a letter, its first digits may have been read as letters; behind a slash, it may be the second of a pair;
    close behind another number, the point between them may be lost; behind a word unknown and a colon, a gain may be
    that of the chest leads.
    """
    before = reading.text[: mention.first]
    if before[-1:].isalpha() or _SECOND_OF_PAIR.search(before):
        return False
    if mention.kind == "gain" and _CAPTION.search(before) and not _KNOWN_CAPTION.search(before):
        return False
    return not _NUMBER_BEFORE.search(before) or _is_apart(mention, reading)


def _is_apart(mention: Mention, reading: LineReading) -> bool:
    """Tell whether wider space than a decimal point takes is before a number."""
    places, first = reading.places_px, mention.first
    last = first + 1 if reading.text[first + 1].isdigit() else mention.last - 1
    pitch = (places[last] - places[first]) / (last - first)
    return reading.text[first - 1] == " " and bool(places[first] - places[first - 2] > _FIELD_GAP * pitch)


def _settled(said: Sequence[tuple[Mention, float]], kind: Kind) -> tuple[float | None, float]:
    value = agreed((mention for mention, _ in said), kind)
    sure = max((confidence for mention, confidence in said if mention.kind == kind), default=0.0)
    return (value, sure) if sure >= _SURE else (None, 0.0)


# ---------------------------------------------------------------- lines


def find_lines(page: FlatPage, px_per_mm: float | None = None) -> list[TextLine]:
    """Find lines of lettering in what the segmenter took for print; the lowest on the page first.

    How high and how far apart letters are is measured in mm, of as many px as the page says or as are given.
    """
    mm = page.px_per_mm if px_per_mm is None else px_per_mm
    planes = page.segmentation
    mask = np.maximum(planes.other, planes.label) > _MARKED
    half = _without_frames(
        cv2.dilate(mask.astype(np.uint8), np.ones((2, 2), np.uint8), anchor=(0, 0))[::2, ::2], mm / 2
    )
    kernel = np.ones((max(round(_LEADING_MM * mm / 2), 1), round(_GAP_MM * mm / 2)), np.uint8)
    count, marks, stats, _ = cv2.connectedComponentsWithStats(cv2.morphologyEx(half, cv2.MORPH_CLOSE, kernel))
    lines = []
    for k in range(1, count):
        left, top, width, height = (int(value) for value in stats[k, :4])
        if 2 * width < _LEAST_WIDTH_MM * mm or not _BAND_MM[0] * mm < 2 * height < _TALLEST_MM * mm:
            continue
        own = np.repeat(np.repeat(marks[top : top + height, left : left + width] == k, 2, axis=0), 2, axis=1)
        blob = mask[2 * top : 2 * (top + height), 2 * left : 2 * (left + width)]
        line = _line_in(blob & own[: blob.shape[0], : blob.shape[1]], (2 * left, 2 * top))
        if line is not None and _BAND_MM[0] * mm < line.height_px < _BAND_MM[1] * mm:
            lines.append(line)
    return sorted(lines, key=lambda line: -line.middles_px[0])[:_MAX_LINES]


def _without_frames(mask: NDArray[np.uint8], px_per_mm: float) -> NDArray[np.uint8]:
    """Take strokes away that are longer than letters are high, or letters wide: frames, separators, the page's edge."""
    upright = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((round(_FRAME_MM * px_per_mm), 1), np.uint8))
    level = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((1, round(_FRAME_MM * px_per_mm)), np.uint8))
    return np.asarray(mask & ~(upright | level), np.uint8)


def _line_in(blob: NDArray[np.bool_], corner: tuple[int, int]) -> TextLine | None:
    """Measure the line of lettering in a blob (h, w): its slope first, then the rows that its letters fill."""
    height, width = blob.shape
    rows, columns = np.nonzero(blob)
    slope = float(np.polyfit(columns, rows, 1)[0]) if width > _LONG * height else 0.0
    if abs(slope) > _STEEPEST:
        return None
    level = rows - slope * columns
    first, last = text_band(level)
    if last - first < 3:
        return None
    left, right, middle = columns.min(), columns.max(), (first + last) / 2
    ends = tuple(float(corner[1] + middle + slope * x) for x in (left, right))
    return TextLine(float(corner[0] + left), float(corner[0] + right), (ends[0], ends[1]), last - first)


def text_band(rows: NDArray[np.number]) -> tuple[float, float]:
    """Return the top and the bottom of the letters of a level line from the heights of its inked pixels (n,).

    Rows with little ink, which a stroke or a stain reaches, do not count.
    """
    low = float(np.floor(rows.min()))
    counts = np.bincount((rows - low).astype(np.intp))
    filled = np.flatnonzero(counts > _BAND_SHARE * np.percentile(counts, 90))
    return low + float(filled[0]) - 0.5, low + float(filled[-1]) + 0.5


def normalize_line(image: NDArray[np.uint8], line: TextLine) -> Share:
    """Cut one line out as the network sees it: (24, w) float32, 0 for paper and 1 for the darkest ink.

    The letters fill two thirds of the height; there is one height of the letters beside them.

    Parameters
    ----------
    image : (height, width, 3) uint8, RGB
    """
    high = _CROP_SHARE * line.height_px
    left, right = line.left_px - line.height_px, line.right_px + line.height_px
    slope = (line.middles_px[1] - line.middles_px[0]) / max(line.right_px - line.left_px, 1.0)
    top = line.middles_px[0] - slope * line.height_px - high / 2
    size = (max(round(right - left), 4), max(round(high), 4))
    to_image = np.array([(1, 0, left), (slope, 1, top + 0.5)])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    patch = cv2.warpAffine(image, to_image, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    width = min(max(round(size[0] * LINE_HEIGHT / size[1]), LINE_HEIGHT), _WIDEST_PX)
    method = cv2.INTER_AREA if size[1] > LINE_HEIGHT else cv2.INTER_LINEAR
    return np.asarray(
        cv2.resize(crop_ink(patch, _PAPER_PERCENT), (width, LINE_HEIGHT), interpolation=method), np.float32
    )


# ---------------------------------------------------------------- characters


def read_lines(image: NDArray[np.uint8], lines: Sequence[TextLine]) -> list[LineReading]:
    """Read lines off a picture (height, width, 3) uint8 RGB, those of like length at once."""
    crops = sorted((normalize_line(image, line) for line in lines), key=lambda crop: crop.shape[1])
    readings: list[LineReading] = []
    for start in range(0, len(crops), _BATCH):
        part = crops[start : start + _BATCH]
        batch = np.zeros((len(part), 1, LINE_HEIGHT, part[-1].shape[1]), np.float32)
        for slot, crop in zip(batch, part, strict=True):
            slot[0, :, : crop.shape[1]] = crop
        logits = load_network(_WEIGHTS).run(["logits"], {"line": batch})[0]
        readings += [decode(frames) for frames in np.asarray(logits, np.float64)]
    return readings


def decode(logits: Floats) -> LineReading:
    """Read logits (frames, 1 + characters) greedily, as CTC has it, without spaces in words that are not sure."""
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    best, sure = shares.argmax(axis=1), shares.max(axis=1)
    starts = np.flatnonzero(np.diff(best, prepend=0))
    if not len(starts):
        return LineReading("", np.zeros(0), np.zeros(0))
    peaks = np.maximum.reduceat(sure, starts)
    kept = best[starts] > 0
    text = "".join(ALPHABET[k - 1] for k in best[starts][kept])
    torn = {found.start() for found in _TORN.finditer(text) if peaks[kept][found.start()] < _SURE}
    whole = [k for k in range(len(text)) if k not in torn]
    places = STRIDE * starts[kept].astype(np.float64)
    return LineReading("".join(text[k] for k in whole), peaks[kept][whole], places[whole])
