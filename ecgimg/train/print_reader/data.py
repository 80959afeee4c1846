"""A pool of lines of print on disk: printed alone on bits of ruled paper, and cut from synthetic pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.text.line_detection import TextLine, letter_band
from ecgimg.digitization.text.line_recognition import LINE_HEIGHT_PX, normalize_line
from ecgimg.train.print_reader.random_texts import draw_text, fold
from ecgimg.train.printed_text import on_paper, print_text
from ecgimg.train.synthetic_page_pool import draw_once, draw_pages
from synth.page import Page
from synth.page_stream import PageRequest

Floats = NDArray[np.float64]
Image8 = NDArray[np.uint8]

PRINT_WIDTH, PAGE_WIDTH = 320, 960
"""What crops of both kinds are padded to, in pixels."""

_LINES_A_PAGE = 14  # at most, the printed scale twice among them
_SCALE_WORD = "mm/"  # part of every printed scale


@dataclass(frozen=True)
class LineCrops:
    """Lines (n, 24, w) uint8 on empty paper, their widths (n,), their texts in the reader's alphabet, their pages."""

    crops: Image8
    widths: NDArray[np.int64]
    texts: tuple[str, ...]
    pages: NDArray[np.int64]


@dataclass(frozen=True)
class PrintPool:
    """Lines printed alone, and lines cut from pages."""

    printed: LineCrops
    on_pages: LineCrops


_Line = tuple[Image8, str]


def draw_print_pool(
    folder: Path, records: Path | None, *, pages: int, prints_per_page: int, seed: int = 0, jobs: int = 2
) -> PrintPool:
    """Draw the pool into `folder`, or open the one that is there if it was asked for alike.

    Every other page shows a record of `records`, the others a simulated heart; `prints_per_page` lines are printed
    alone for each page.
    """
    arrays = draw_once(
        folder, records, _draw_part, _packed, pages=pages, prints_per_page=prints_per_page, seed=seed, jobs=jobs
    )
    with np.load(arrays) as kept:
        return PrintPool(*(
            LineCrops(kept[f"{kind}_crops"], kept[f"{kind}_widths"], tuple(kept[f"{kind}_texts"].tolist()),
                      kept[f"{kind}_pages"])
            for kind in ("printed", "page")
        ))  # fmt: skip


def _packed(drawn: list[tuple[str, int, _Line]]) -> dict[str, Any]:
    return {**_packed_kind("printed", PRINT_WIDTH, drawn), **_packed_kind("page", PAGE_WIDTH, drawn)}


def _packed_kind(kind: str, width: int, drawn: list[tuple[str, int, _Line]]) -> dict[str, Any]:
    lines = [(page, crop, text) for of_kind, page, (crop, text) in drawn if of_kind == kind]
    crops = np.zeros((len(lines), LINE_HEIGHT_PX, width), np.uint8)
    # padded with empty paper to one width, so that a batch is one array
    for slot, (_, crop, _) in zip(crops, lines, strict=True):
        slot[:, : crop.shape[1]] = crop
    return {
        f"{kind}_crops": crops,
        f"{kind}_widths": np.array([crop.shape[1] for _, crop, _ in lines], np.int64),
        f"{kind}_texts": np.array([text for _, _, text in lines]),
        f"{kind}_pages": np.array([page for page, _, _ in lines], np.int64),
    }


def _draw_part(request: PageRequest, records: Path | None, pages: range, prints: int) -> list[tuple[str, int, _Line]]:
    drawn = []
    for index, page in draw_pages(request, records, pages):
        rng = np.random.default_rng([request.seed, index, 3])
        drawn += [("page", index, line) for line in page_lines(page, rng)]
        drawn += [("printed", index, printed_line(rng)) for _ in range(prints)]
    return drawn


# ---------------------------------------------------------------- printed alone


def printed_line(rng: np.random.Generator) -> _Line:
    """Return a line as the network sees it, (24, w) uint8, and its text in the reader's alphabet.

    The text is up to 25 characters long, its capitals 6.5 to 24 px high before it is scaled.
    """
    while True:
        tall = float(np.exp(rng.uniform(np.log(6.5), np.log(24 if rng.random() < 0.4 else 13))))
        text = draw_text(rng)
        ink = print_text(text, tall, rng, tilt_deg=0.4)
        first, last = letter_band(np.nonzero(ink > 0.3)[0]) if (ink > 0.3).any() else (0.0, 0.0)
        # lower than four pixels nothing can be read, and the height cannot be measured
        if last - first < 4:
            continue
        ink, part = _with_neighbour(ink, (first + 0.5, last + 0.5), tall, rng)
        picture, box = on_paper(ink, part, tall, rng)
        crop = _crop(np.repeat(picture[..., None], 3, axis=2), _misplaced(box, rng))
        if crop.shape[1] <= PRINT_WIDTH:
            return crop, fold(text)


def _with_neighbour(
    ink: NDArray[np.float32], band: tuple[float, float], tall: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], tuple[float, float, float, float]]:
    """Print another line close above or below at times; returns the ink and the place of the band in it, in shares."""
    high, wide = ink.shape
    if rng.random() < 0.25:
        other = print_text(draw_text(rng), tall, rng, tilt_deg=0.4)[:, :wide]
        other = np.pad(other, ((0, 0), (0, wide - other.shape[1])))
        gap = np.zeros((max(round(tall * float(rng.uniform(0.35, 0.8))), 1), wide), np.float32)
        above = rng.random() < 0.5
        down = len(other) + len(gap) if above else 0
        ink = np.concatenate([other, gap, ink] if above else [ink, gap, other])
        band = band[0] + down, band[1] + down
        high = len(ink)
    return ink, (0.0, band[0] / high, 1.0, band[1] / high)


def _misplaced(box: Floats, rng: np.random.Generator) -> TextLine:
    """Measure a line a little wrong, as from a mask: its ends, its slope, its height."""
    left, top, right, bottom = (float(edge) for edge in box)
    high = bottom - top
    ends = rng.normal(0, 0.12, 2) * high + rng.uniform(-0.3, 0.6, 2) * np.array([-1, 1])
    middles = (top + bottom) / 2 + rng.normal(0, 0.05, 2) * high + rng.uniform(-0.5, 0.5)
    if rng.random() < 0.15:
        ends += np.array([-1, 1]) * rng.uniform(0, 1.5, 2) * high
    scale = float(np.exp(rng.normal(0.02, 0.1)))
    return TextLine(left + float(ends[0]), right + float(ends[1]), (float(middles[0]), float(middles[1])), high * scale)


def _crop(image: Image8, line: TextLine) -> Image8:
    return np.rint(255 * normalize_line(image, line)).astype(np.uint8)


# ---------------------------------------------------------------- from a page


def page_lines(page: Page, rng: np.random.Generator) -> Iterator[_Line]:
    """Yield lines of a page's report, those that print the scale first and twice."""
    height, width = page.image.shape[:2]
    texts = [text for text in page.truth.texts if text.kind == "other" and len(text.text.strip()) > 3]
    scales = [text for text in texts if _SCALE_WORD in text.text]
    others = [text for text in texts if _SCALE_WORD not in text.text]
    rng.shuffle(others)
    for text in [*scales, *scales, *others][:_LINES_A_PAGE]:
        if (text.box_px < -1).any() or (text.box_px > (width, height)).any():
            continue
        crop = _cut(page.image, text.box_px, rng)
        if crop is not None and crop.shape[1] <= PAGE_WIDTH:
            yield crop, fold(text.text)


def _cut(image: Image8, corners: Floats, rng: np.random.Generator) -> Image8 | None:
    """Set a line upright at about its own resolution, and cut it out of a shaken box; None where it is too faint."""
    scale = float(np.exp(rng.normal(0, 0.15)))
    wide = float(np.linalg.norm(corners[1] - corners[0] + corners[2] - corners[3])) / 2 * scale
    tall = float(np.linalg.norm(corners[3] - corners[0] + corners[2] - corners[1])) / 2 * scale
    if tall < 5:
        return None
    margin = 1.5 * tall + 4
    low, high = np.array([margin, margin]), np.array([margin + wide, margin + tall])
    target = np.array([low, (high[0], low[1]), high, (low[0], high[1])], np.float32)
    size = (int(wide + 2 * margin) + 1, int(tall + 2 * margin) + 1)
    to_patch = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    patch = cv2.warpPerspective(image, to_patch, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = patch[int(low[1]) : int(high[1]) + 1, int(low[0]) : int(high[0]) + 1].max(axis=2)
    dark, light = np.percentile(inside, [4, 90])
    if light - dark < 20:
        return None
    # the box reaches down to the tails of p and g where there are any
    tails = tall * float(rng.uniform(0, 0.22))
    return _crop(patch, _misplaced(np.array([low[0], low[1], high[0], high[1] - tails]), rng))
