"""What happens to the paper itself: it yellows, fades, stains, moulds, is written on and torn."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.degradation.spec import Ageing
from synth.degradation.texture import fractal_field, smooth_field
from synth.page_drawing import Layer, blend, text_coverage
from synth.page_spec import Colour

Image8 = NDArray[np.uint8]

# Blue, black, red and a lighter blue.
_PEN_COLOURS: tuple[Colour, ...] = ((25, 40, 140), (30, 30, 34), (180, 30, 40), (20, 60, 160))
_NOTE_TEXTS = (
    "reviewed",
    "ok",
    "see old ECG",
    "?",
    "repeat",
    "no change",
    "AF?",
    "chest pain",
    "pre-op",
    "seen",
    "rpt 6h",
)
# Stains and tints are smooth: they are drawn at a quarter of the resolution and enlarged.
_SMALL = 4


def age_paper(image: Image8, ageing: Ageing, px_per_mm: float, rng: np.random.Generator) -> Image8 | None:
    """Age a drawn page in place.

    Returns
    -------
    (height, width) uint8 or None
        255 where paper is left, 0 where it is torn off; None when nothing is torn.
    """
    height, width = image.shape[:2]
    # The paper changes before anyone writes on it: pen strokes and notes keep their full colour.
    factors = _tint(ageing, (max(width // _SMALL, 8), max(height // _SMALL, 8)), px_per_mm / _SMALL, rng)
    if factors is not None:
        _fade_and_tint(image, factors, ageing.fading, rng)
    for _ in range(ageing.pen_marks):
        blend(image, _pen_stroke(image.shape, px_per_mm, rng), _PEN_COLOURS[int(rng.integers(len(_PEN_COLOURS)))], 0.85)
    for _ in range(ageing.notes):
        layer = _handwritten_note(image.shape, px_per_mm, rng)
        blend(image, layer, _PEN_COLOURS[int(rng.integers(len(_PEN_COLOURS)))], 0.85)
    return _tear_corners(image.shape, ageing.torn_corners, px_per_mm, rng) if ageing.torn_corners else None


def _tint(
    ageing: Ageing, size: tuple[int, int], px_per_mm: float, rng: np.random.Generator
) -> NDArray[np.float32] | None:
    """Return the share of light that the aged paper throws back, (height, width, 3), at a quarter of the resolution."""
    if not (ageing.yellowing or ageing.stains or ageing.mould or ageing.fading or ageing.fibre):
        return None
    loss = np.zeros((size[1], size[0], 3), np.float32)
    if ageing.yellowing:
        # Old paper loses blue first, so it turns yellow.
        field = np.clip(0.75 + 0.25 * smooth_field(rng, size, 3), 0.2, 1.4)
        loss += ageing.yellowing * field[..., None] * np.array([0.05, 0.12, 0.32], np.float32)
    if ageing.fibre:
        loss += ageing.fibre * 0.008 * fractal_field(rng, size, 90, 2)[..., None]
    for _ in range(ageing.stains):
        loss += _stain(size, px_per_mm, rng)
    for _ in range(ageing.mould):
        loss += _mould(size, px_per_mm, rng)
    return np.clip(1 - loss, 0.15, 1.05)


def _random_point(size: tuple[int, int], rng: np.random.Generator) -> tuple[float, float]:
    return float(rng.uniform(0, size[0])), float(rng.uniform(0, size[1]))


def _distance(size: tuple[int, int], centre: tuple[float, float], rough: NDArray[np.float32]) -> NDArray[np.float32]:
    ys, xs = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
    return np.asarray(np.hypot(xs - centre[0], ys - centre[1]) * (1 + rough), np.float32)


def _stain(size: tuple[int, int], px_per_mm: float, rng: np.random.Generator) -> NDArray[np.float32]:
    radius = rng.uniform(6, 32) * px_per_mm
    rough = rng.uniform(0.03, 0.25) * smooth_field(rng, size, int(rng.integers(4, 12)))
    distance = _distance(size, _random_point(size, rng), rough)
    # A dried drop leaves most of its dirt at its rim.
    edge = np.exp(-(((distance - radius) / (0.05 * radius + 0.4 * px_per_mm)) ** 2))
    inside = 1 / (1 + np.exp(np.clip((distance - radius) / (0.06 * radius), -30, 30)))
    strength = rng.uniform(0.08, 0.3) * (0.9 * edge + rng.uniform(0.1, 0.8) * inside)
    return np.asarray(strength[..., None] * np.array([0.45, 0.75, 1.0], np.float32))


def _mould(size: tuple[int, int], px_per_mm: float, rng: np.random.Generator) -> NDArray[np.float32]:
    reach = rng.uniform(8, 30) * px_per_mm
    distance = _distance(size, _random_point(size, rng), np.zeros((), np.float32))
    patch = np.exp(-((distance / reach) ** 2))
    # Only the peaks of a fine rough field become specks: mould grows in colonies, not evenly.
    specks = np.clip(fractal_field(rng, size, 90, 2) - 0.9, 0, 1)
    return np.asarray((rng.uniform(0.4, 1.0) * patch * specks)[..., None] * np.array([0.9, 0.8, 0.9], np.float32))


def _fade_and_tint(image: Image8, factors: NDArray[np.float32], fading: float, rng: np.random.Generator) -> None:
    height, width = image.shape[:2]
    if fading:
        small = (factors.shape[1], factors.shape[0])
        field = np.clip(fading * (0.8 + 0.25 * smooth_field(rng, small, 3)), 0, 0.85)
        keep = cv2.resize(np.rint(255 * (1 - field)).astype(np.uint8), (width, height))
        keep = cv2.merge([keep, keep, keep])
        inverse = cv2.bitwise_not(image)  # ink as light: less of it is left
        cv2.bitwise_not(cv2.multiply(inverse, keep, scale=1 / 255), dst=image)
    # 240 steps stand for 1, so that slight brightening still fits into a byte.
    tint = cv2.resize(np.rint(np.clip(factors, 0, 1.05) * 240).astype(np.uint8), (width, height))
    cv2.multiply(image, tint, dst=image, scale=1 / 240)


def _pen_stroke(shape: tuple[int, ...], px_per_mm: float, rng: np.random.Generator) -> Layer:
    """A circle, an underline, a tick or an arrow, drawn by a hand that is not quite steady."""
    height, width = shape[:2]
    size = rng.uniform(6, 30) * px_per_mm
    x0, y0 = rng.uniform(0.08, 0.92) * width, rng.uniform(0.2, 0.95) * height
    figure = _pen_figure(size, rng)
    # A random walk drifts as a hand does; independent noise would look like a saw.
    shake = np.cumsum(rng.standard_normal(figure.shape), axis=0) * 0.012 * size / 3
    points = np.array([x0, y0]) + figure + shake
    coverage = np.zeros((height, width), np.uint8)
    thickness = max(round(rng.uniform(0.35, 0.8) * px_per_mm), 1)
    # OpenCV takes sub-pixel points in sixteenths (shift = 4).
    fixed = np.rint(points * 16).astype(np.int32)
    cv2.polylines(coverage, [fixed.reshape(-1, 1, 2)], False, 255, thickness, cv2.LINE_AA, 4)
    return Layer("mark", coverage, 0, 0)


def _pen_figure(size: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the outline of a circle, an underline, a tick or an arrow about the origin, (80, 2)."""
    t = np.linspace(0, 1, 80)
    figure = int(rng.integers(0, 4))
    if figure == 0:
        # A hand overshoots: the circle does not end where it began.
        turn = 2 * np.pi * t * 1.06 + rng.uniform(0, 6)
        x, y = size * 0.8 * np.cos(turn), size * 0.5 * np.sin(turn)
    elif figure == 1:
        x, y = size * 2 * (t - 0.5), 0.06 * size * np.sin(5 * t)
    elif figure == 2:
        x, y = size * 0.6 * t, size * np.where(t < 0.3, t, 0.3 - (t - 0.3) * 1.2)
    else:
        x, y = size * 0.12 * np.sin(9 * t), size * 1.4 * (t - 0.5)
    return np.stack([x, y], axis=1)


def _handwritten_note(shape: tuple[int, ...], px_per_mm: float, rng: np.random.Generator) -> Layer:
    height, width = shape[:2]
    font = ("Kristi.ttf", "DancingScript-Regular.otf")[int(rng.integers(0, 2))]
    ink = text_coverage(_NOTE_TEXTS[int(rng.integers(len(_NOTE_TEXTS)))], font, round(rng.uniform(4, 8) * px_per_mm))
    angle = rng.uniform(-12, 12)
    rows, columns = ink.shape
    matrix = cv2.getRotationMatrix2D((columns / 2, rows / 2), float(angle), 1.0)
    ink = cv2.warpAffine(ink, matrix, (columns, rows), flags=cv2.INTER_LINEAR)[:height, :width]
    left = int(rng.integers(0, max(width - ink.shape[1], 1)))
    top = int(rng.integers(0, max(height - ink.shape[0], 1)))
    return Layer("mark", np.asarray(ink, np.uint8), left, top)


def _tear_corners(shape: tuple[int, ...], corners: int, px_per_mm: float, rng: np.random.Generator) -> Image8:
    """Tear corners off along rough diagonals."""
    height, width = shape[:2]
    paper = np.full((height, width), 255, np.uint8)
    for corner in rng.permutation(4)[:corners]:
        reach_x, reach_y = rng.uniform(10, 55, size=2) * px_per_mm
        t = np.linspace(0, 1, 60)
        # The tear wanders between its ends, which stay on the edges of the page (sin is 0 there).
        rough = np.cumsum(rng.standard_normal(60)) * 0.25 * px_per_mm
        x = np.concatenate([[0.0], reach_x * t + rough * np.sin(np.pi * t)])
        y = np.concatenate([[0.0], reach_y * (1 - t) + rough * np.sin(np.pi * t)])
        if corner % 2:
            x = width - 1 - x
        if corner // 2:
            y = height - 1 - y
        polygon = np.rint(np.stack([x, y], axis=1)).astype(np.int32)
        cv2.fillPoly(paper, [polygon.reshape(-1, 1, 2)], 0)
    return paper
