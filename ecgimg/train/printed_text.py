"""Text printed on bits of ruled paper: plotter strokes and type, large and tiny, bold and faint.

Real devices have many more letterings than ``synth/fonts``; stretched, slanted and thickened type and OpenCV's Hershey
strokes stand in for them.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.page_drawing import text_coverage

Floats = NDArray[np.float64]
Image = NDArray[np.float32]
_FONTS = (
    "LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf", "LiberationSerif-Regular.ttf", "LiberationSerif-Bold.ttf",
    "LiberationMono-Regular.ttf", "DejaVuSans.ttf", "RobotoCondensed-Regular.ttf",
)  # fmt: skip
_HERSHEY: tuple[int, ...] = (
    cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_PLAIN, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_COMPLEX_SMALL,
)  # fmt: skip
_LARGE_PX = 44  # capitals before they are scaled: larger than any that is drawn, so that scaling blurs as a scan does


def print_text(text: str, tall: float, rng: np.random.Generator, *, tilt_deg: float = 4.0) -> Image:
    """Ink 0-1 of a line of text with capitals about `tall` px high, turned by up to `tilt_deg`, cut to its ink."""
    hershey = rng.random() < 0.35
    # drawn at its own size and not scaled down, it is as clean as in an export
    if not hershey and rng.random() < 0.3:
        return _share(text_coverage(text, str(rng.choice(_FONTS)), max(round(tall), 5)))
    large = _strokes(text, rng) if hershey else _type(text, rng)
    high = len(large)
    scale = tall / _LARGE_PX
    stretch = float(np.exp(rng.normal(0, 0.16)))
    slant = float(rng.normal(0, 0.12)) if rng.random() < 0.35 else 0.0
    angle = np.deg2rad(rng.uniform(-tilt_deg, tilt_deg))
    turn = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    linear = turn @ np.array([(scale * stretch, -slant * scale), (0, scale)])
    corners = np.array([(0, 0), (large.shape[1], 0), (large.shape[1], high), (0, high)]) @ linear.T
    shift = 2 - corners.min(axis=0)
    size = np.ceil(np.ptp(corners, axis=0) + 4).astype(int)
    # as optics would: else thin strokes break up when they are made small
    if scale < 0.8:
        large = cv2.GaussianBlur(large, (0, 0), 0.36 / scale)
    to_small = np.concatenate([linear, shift[:, None]], axis=1)
    return _cut_to_ink(cv2.warpAffine(large, to_small, (int(size[0]), int(size[1])), flags=cv2.INTER_LINEAR))


def _type(text: str, rng: np.random.Generator) -> Image:
    large = text_coverage(text, str(rng.choice(_FONTS)), _LARGE_PX)
    if rng.random() < 0.35:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3) if rng.random() < 0.6 else (5, 5))
        padded = np.pad(large, 4)
        large = cv2.dilate(padded, kernel) if rng.random() < 0.6 else cv2.erode(padded, kernel[:3, :3])
    return _share(np.asarray(large, np.uint8))


def _strokes(text: str, rng: np.random.Generator) -> Image:
    """Text in the strokes of a pen plotter."""
    face, pen = int(rng.choice(_HERSHEY)), int(rng.integers(1, 7))
    text = text.replace("\u2212", "-")
    (_, high), _ = cv2.getTextSize("V", face, 1.0, 1)
    size = _LARGE_PX / high
    (wide, _), below = cv2.getTextSize(text, face, size, pen)
    canvas = np.zeros((_LARGE_PX + below + 30, wide + 40), np.uint8)
    cv2.putText(canvas, text, (20, _LARGE_PX + 15), face, size, 255, pen, cv2.LINE_AA)
    return _cut_to_ink(_share(canvas))


def _share(coverage: NDArray[np.uint8]) -> Image:
    return np.asarray(coverage / np.float32(255), np.float32)


def _cut_to_ink(ink: Image) -> Image:
    rows, columns = np.nonzero(ink > 0.2)
    if not len(rows):
        return ink
    return ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def on_paper(
    ink: Image, part: tuple[float, float, float, float], tall: float, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], Floats]:
    """Print ink on a bit of paper; returns (h, w) uint8 and the box of that `part` of the ink in it."""
    # room around the text for the trace and the ruling that a real crop has
    margin = round(1.2 * tall) + 6
    canvas = np.pad(np.asarray(ink, np.float32), margin)
    ruling = _ruling(canvas.shape, tall, rng)
    curve = _curves(canvas.shape, tall, rng)
    paper = float(rng.uniform(130, 255))
    contrast = float(rng.uniform(0.25, 1.0)) * (paper - 10)
    # the darker of two inks wins where they cross, as on paper
    share = np.maximum(canvas * float(rng.uniform(0.6, 1)), curve)
    share = np.maximum(share, ruling)
    shown = _degraded(paper - contrast * share + _shade(canvas.shape, rng), contrast, tall, rng)
    high, wide = ink.shape
    left, top, right, bottom = part
    box = np.array([left * wide, top * high, right * wide, bottom * high]) + margin - 0.5
    return shown, box


def _degraded(picture: Floats, contrast: float, tall: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Blur a picture (h, w) by up to a share of the height of its letters, add noise, and compress it, at random."""
    # blur before noise, noise before JPEG: the order in which a camera spoils a page
    if rng.random() < 0.6:
        picture = cv2.GaussianBlur(picture, (0, 0), 0.2 + float(rng.uniform(0, 0.09)) * tall)
    picture = picture + rng.normal(0, float(rng.uniform(0, 0.06)) * contrast, picture.shape)
    shown = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return _jpeg(shown, int(rng.integers(30, 96))) if rng.random() < 0.5 else shown


def _ruling(shape: tuple[int, ...], tall: float, rng: np.random.Generator) -> Image:
    """Lines a millimetre apart, each fifth darker; the capitals are 1.8 to 5 mm high."""
    ruling = np.zeros(shape, np.float32)
    if rng.random() < 0.25:
        return ruling
    pitch = tall / float(rng.uniform(1.8, 5))
    thin = float(rng.uniform(0, 0.25)) if pitch > 2 else 0.0
    thick = float(rng.uniform(0.1, 0.55))
    first = rng.uniform(0, 5 * pitch, 2)
    for axis in (0, 1):
        for number in range(int(shape[axis] / pitch) + 2):
            at = round(first[axis] + (number - 5) * pitch)
            if 0 <= at < shape[axis]:
                line = (slice(at, at + max(round(tall / 30), 1)), slice(None))
                part = ruling[line if axis == 0 else line[::-1]]
                np.maximum(part, thick if number % 5 == 0 else thin, out=part)
    return ruling


def _curves(shape: tuple[int, ...], tall: float, rng: np.random.Generator) -> Image:
    """Pieces of trace that cross, touch or pass by, separators and frames."""
    drawn = np.zeros(shape, np.uint8)
    pen = max(round(tall * float(rng.uniform(0.05, 0.2))), 1)
    high, wide = shape
    if rng.random() < 0.4:
        xs = np.arange(-2, wide + 3, max(tall * 0.12, 1.0))
        ys = np.cumsum(rng.normal(0, 0.06 * tall, len(xs))) + rng.uniform(0, high)
        spike = int(rng.integers(len(xs)))
        ys[spike : spike + 2] += rng.normal(0, 2 * tall)
        points = np.stack([xs, ys], axis=1).round().astype(np.int32)
        cv2.polylines(drawn, [points], False, 255, pen, cv2.LINE_AA)
    if rng.random() < 0.2:
        x = int(rng.integers(wide))
        ends = sorted(int(value) for value in rng.integers(-high, 2 * high, 2))
        cv2.line(drawn, (x, ends[0]), (x, ends[1]), 255, pen, cv2.LINE_AA)
    return np.asarray(drawn, np.float32) * np.float32(rng.uniform(0.5, 1) / 255)


def _shade(shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    slope = rng.normal(0, 12, 2)
    return slope[0] * np.linspace(-0.5, 0.5, shape[0])[:, None] + slope[1] * np.linspace(-0.5, 0.5, shape[1])[None]


def _jpeg(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    _, packed = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8)


def shake_box(box: Floats, rng: np.random.Generator) -> Floats:
    """Move each edge of a box (4,) as a mask would.

    By up to 15 % of the size, up to 1.5 px more outwards, and at times far more where the mask ran on along a trace.
    """
    sizes = np.array([box[2] - box[0], box[3] - box[1]] * 2)
    # masks swell rather than shrink
    outwards = rng.uniform(-0.3, 1.5, 4)
    if rng.random() < 0.25:
        outwards += rng.uniform(0, 0.7, 4) * (rng.random(4) < 0.4) * sizes[1]
    return np.asarray(box + rng.uniform(-0.15, 0.15, 4) * sizes + np.array([-1, -1, 1, 1]) * outwards, np.float64)
