"""A pool of lead label crops on disk: cut from synthetic pages, and printed alone in more kinds of lettering."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.text.label_recognition import CLASSES, LEAD_LABELS, normalize_crop
from ecgimg.train.label_reader.printed_labels import printed_crop
from ecgimg.train.printed_text import shake_box
from ecgimg.train.synthetic_page_pool import draw_once, draw_pages
from synth.page import Page
from synth.page_stream import PageRequest

Floats = NDArray[np.float64]
Image8 = NDArray[np.uint8]

NONE = len(LEAD_LABELS)
STROKES = ("I", "II", "III")
"""Look the same upside down."""
_JITTERS = 3  # crops of each label, each a little off in another way
_WHOLE = (0.0, 0.0, 1.0, 1.0)
_MIN_CONTRAST = 20.0  # grey levels between print and paper below which nobody could read a label


@dataclass(frozen=True)
class LabelPool:
    """Crops (n, 32, 96) uint8, their classes (n,), the height of the print in px (n,), and the page they belong to."""

    crops: Image8
    classes: NDArray[np.int64]
    heights_px: NDArray[np.float32]
    pages: NDArray[np.int64]
    printed: NDArray[np.bool_]


@dataclass(frozen=True)
class _Crop:
    pixels: Image8
    of_class: int
    height_px: float
    printed: bool = False


def draw_label_pool(
    folder: Path, records: Path | None, *, pages: int, prints_per_page: int = 100, seed: int = 0, jobs: int = 2
) -> LabelPool:
    """Draw the pool into `folder`, or open the one that is there if it was asked for alike.

    Every other page shows a record of `records`, the others a simulated heart; `prints_per_page` crops are printed
    alone for each page.
    """
    arrays = draw_once(
        folder, records, _draw_part, _packed, pages=pages, prints_per_page=prints_per_page, seed=seed, jobs=jobs
    )
    with np.load(arrays) as kept:
        return LabelPool(kept["crops"], kept["classes"], kept["heights_px"], kept["pages"], kept["printed"])


def _packed(drawn: list[tuple[int, _Crop]]) -> dict[str, Any]:
    return {
        "crops": np.stack([crop.pixels for _, crop in drawn]),
        "classes": np.array([crop.of_class for _, crop in drawn], np.int64),
        "heights_px": np.array([crop.height_px for _, crop in drawn], np.float32),
        "pages": np.array([page for page, _ in drawn], np.int64),
        "printed": np.array([crop.printed for _, crop in drawn]),
    }


def _draw_part(request: PageRequest, records: Path | None, pages: range, prints: int) -> list[tuple[int, _Crop]]:
    drawn = []
    for index, page in draw_pages(request, records, pages):
        rng = np.random.default_rng([request.seed, index, 2])
        drawn += [(index, crop) for crop in page_crops(page, rng)]
        for _ in range(prints):
            crop, name, height_px = printed_crop(rng)
            drawn.append((index, _Crop(_as_bytes(crop), CLASSES.index(name), height_px, printed=True)))
    return drawn


# ---------------------------------------------------------------- from a page


def page_crops(page: Page, rng: np.random.Generator) -> Iterator[_Crop]:
    """Yield the lead names of a page, each a few times, and then what is none."""
    height, width = page.image.shape[:2]
    boxes = []
    for text in page.truth.texts:
        if text.kind != "label" or text.cell is None:
            continue
        boxes.append(text.box_px)
        if (text.box_px < -1).any() or (text.box_px > (width, height)).any():
            continue
        yield from _named(page.image, text.box_px, page.truth.traces[text.cell].slot.printed_name, rng)
    # what is cut elsewhere must hold no part of a label
    taken = [tuple(float(edge) for edge in (*box.min(axis=0), *box.max(axis=0))) for box in boxes]
    tall = float(np.median([box[3] - box[1] for box in taken])) if boxes else 20.0
    for corners in _elsewhere(page, tall, rng):
        low, high = corners.min(axis=0), corners.max(axis=0)
        inside = (low >= 0).all() and high[0] < width and high[1] < height
        if inside and not any(_meet((*low, *high), box) for box in taken):
            yield _crop(page.image, corners, NONE, rng)


def _named(image: Image8, corners: Floats, name: str, rng: np.random.Generator) -> Iterator[_Crop]:
    if _contrast(image, corners) < _MIN_CONTRAST:
        return
    for _ in range(_JITTERS):
        # the minus is often a blob of its own, so that the box begins behind it
        part = (0.3, 0.0, 1.0, 1.0) if name == "-aVR" and rng.random() < 0.3 else _WHOLE
        yield _crop(image, corners, CLASSES.index(name), rng, part=part)
    if rng.random() < 0.4:
        # turned labels are none, for a page that is read upside down must not seem right
        turns = (1, 3) if name in STROKES else (1, 2, 2, 2, 3)
        yield _crop(image, corners, NONE, rng, turns=int(rng.choice(turns)))
    if rng.random() < 0.25:
        share = float(rng.uniform(0.3, 0.58))
        cuts = [(0.0, 0.0, share, 1.0), (1 - share, 0.0, 1.0, 1.0), (0.0, 0.0, 1.0, share), (0.0, 1 - share, 1.0, 1.0)]
        yield _crop(image, corners, NONE, rng, part=cuts[int(rng.integers(2 if name == "I" else 0, 4))])


def _elsewhere(page: Page, tall: float, rng: np.random.Generator) -> Iterator[Floats]:
    """Yield corners of boxes about as large as a name: report text, trace, pulses, anything."""
    others = [text.box_px for text in page.truth.texts if text.kind == "other"]
    for _ in range(12 if others else 0):
        box = others[int(rng.integers(len(others)))]
        aspect = max(_length(box[1] - box[0]) / max(_length(box[3] - box[0]), 1.0), 0.3)
        share = min(float(rng.uniform(0.3, 4)) / aspect, 1.0)
        first = float(rng.uniform(0, 1 - share))
        yield _part_of(box, (first, 0.0, first + share, 1.0))
    spots = [trace.points_px[~trace.hidden] for trace in page.truth.traces]
    spots = [points for points in spots if len(points)]
    for number in range(18 if spots else 0):
        points = spots[int(rng.integers(len(spots)))]
        spot = _apex(points, rng) if number % 2 else points[int(rng.integers(len(points)))]
        yield _box_around(spot, tall, rng)
    for pulse in page.truth.pulses_px[:2]:
        low, high = pulse.min(axis=0), pulse.max(axis=0)
        yield _corners(low, high)
        yield _box_around(pulse[int(rng.integers(len(pulse)))], tall, rng)
    for _ in range(8):
        yield _box_around(rng.uniform((0, 0), page.image.shape[1::-1]), tall, rng)


def _apex(points: Floats, rng: np.random.Generator) -> Floats:
    """The highest or lowest point within a beat or so: a QRS complex looks much like an I."""
    first = int(rng.integers(len(points)))
    heights = points[first : first + 400, 1]
    return np.asarray(points[first + int(heights.argmin() if rng.random() < 0.7 else heights.argmax())], np.float64)


def _box_around(centre: Floats, tall: float, rng: np.random.Generator) -> Floats:
    half_height = tall * float(rng.uniform(0.4, 1.6)) / 2
    half = np.array([half_height * float(np.exp(rng.uniform(np.log(0.15), np.log(3)))), half_height])
    centre = centre + rng.uniform(-0.5, 0.5, 2) * half
    return _corners(centre - half, centre + half)


def _corners(low: Floats, high: Floats) -> Floats:
    return np.array([low, (high[0], low[1]), high, (low[0], high[1])])


def _length(step: Floats) -> float:
    return float(np.linalg.norm(step))


def _meet(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return bool(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3])


def _contrast(image: Image8, corners: Floats) -> float:
    low, high = np.floor(corners.min(axis=0)).astype(int), np.ceil(corners.max(axis=0)).astype(int) + 1
    window = image[max(low[1], 0) : high[1], max(low[0], 0) : high[0]]
    if not window.size:
        return 0.0
    # not the extremes: a speck of dust is no print
    dark, light = np.percentile(window.max(axis=2), [4, 90])
    return float(light - dark)


def _part_of(corners: Floats, part: tuple[float, float, float, float]) -> Floats:
    """Corners of a part of a box, given in shares of its width and height."""
    left, top, right, bottom = part
    shares = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    across, down = shares[:, :1], shares[:, 1:]
    upper = corners[0] + across * (corners[1] - corners[0])
    lower = corners[3] + across * (corners[2] - corners[3])
    return np.asarray(upper + down * (lower - upper), np.float64)


def _crop(
    image: Image8,
    corners: Floats,
    of_class: int,
    rng: np.random.Generator,
    *,
    part: tuple[float, float, float, float] = _WHOLE,
    turns: int = 0,
) -> _Crop:
    """Set a box upright at about its own resolution, a little turned and scaled, and cut it out of a shaken box."""
    source = _part_of(corners, part)
    wide, tall = _upright_size(source, float(np.exp(rng.normal(0, 0.2))), turns)
    margin = tall + 6.0
    target = _turned(_corners(np.array([margin, margin]), np.array([margin + wide, margin + tall])), rng)
    size = (int(wide + 2 * margin) + 1, int(tall + 2 * margin) + 1)
    to_patch = cv2.getPerspectiveTransform(
        source.astype(np.float32), np.roll(target, -turns, axis=0).astype(np.float32)
    )
    patch = cv2.warpPerspective(image, to_patch, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    box = shake_box(np.concatenate([target.min(axis=0), target.max(axis=0)]), rng)
    return _Crop(_as_bytes(normalize_crop(patch, box)), of_class, tall)


def _upright_size(corners: Floats, scale: float, turns: int) -> tuple[float, float]:
    """Return width and height, px, of a box (4, 2) that is scaled and set upright by quarter turns."""
    wide = max(_length(corners[1] - corners[0] + corners[2] - corners[3]) / 2 * scale, 2.0)
    tall = max(_length(corners[3] - corners[0] + corners[2] - corners[1]) / 2 * scale, 4.0)
    return (tall, wide) if turns % 2 else (wide, tall)


def _turned(corners: Floats, rng: np.random.Generator) -> Floats:
    angle = np.deg2rad(rng.uniform(-4, 4))
    turn = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    centre = corners.mean(axis=0)
    return np.asarray((corners - centre) @ turn + centre, np.float64)


def _as_bytes(crop: NDArray[np.float32]) -> Image8:
    return np.rint(255 * crop).astype(np.uint8)
