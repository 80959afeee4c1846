"""Find ink in a picture without asking the label map: dots by their centre of mass, traces across their stroke."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
from scipy.spatial import cKDTree

from synth.degradation import Degradation
from synth.page import Page
from synth.page_drawing import DrawnPage


def measurable(degradation: Degradation) -> Degradation:
    """Switch off what adds ink of its own or leaves nothing to measure; no geometry is touched."""
    if degradation.ageing:
        degradation = dataclasses.replace(
            degradation, ageing=dataclasses.replace(degradation.ageing, pen_marks=0, notes=0, mould=0, fading=0.0)
        )
    if degradation.copier:
        degradation = dataclasses.replace(
            degradation, copier=dataclasses.replace(degradation.copier, binary="none", toner=0, streaks=0)
        )
    return degradation


def dotted_page(drawn: DrawnPage, step: int = 37) -> tuple[DrawnPage, np.ndarray]:
    """Replace the picture of a drawn page by white paper with a dot at isolated trace samples; returns their mm."""
    scale = drawn.spec.px_per_mm
    image = np.full_like(drawn.image, 255)
    height, width = image.shape[:2]
    ys, xs = np.mgrid[-7:8, -7:8]
    taken = np.zeros((height, width), bool)
    places = []
    for trace in drawn.traces:
        for point in trace.points_mm[::step]:
            if not np.isfinite(point).all():
                continue
            x, y = point * scale - 0.5
            column, row = round(x), round(y)
            if not (25 <= column < width - 25 and 25 <= row < height - 25):
                continue
            if taken[row - 24 : row + 25, column - 24 : column + 25].any():
                continue
            taken[row, column] = True
            cover = np.clip(3.5 - np.hypot(xs + column - x, ys + row - y), 0, 1)
            image[row - 7 : row + 8, column - 7 : column + 8] = np.rint(255 * (1 - 0.95 * cover[..., None]))
            places.append(point)
    return dataclasses.replace(drawn, image=image), np.array(places).reshape(-1, 2)


def dot_errors_px(image: np.ndarray, lost: np.ndarray | None, expected_px: np.ndarray) -> np.ndarray:
    """Distance of each dot's centre of mass from where the truth says it is; dots that cannot be seen are left out."""
    dark = 255 - image.mean(axis=2)
    height, width = dark.shape
    ys, xs = np.mgrid[-11:12, -11:12]
    radius = np.hypot(ys, xs)
    ring = radius > 9
    basis = np.stack([np.ones(ring.sum()), ys[ring], xs[ring]], axis=1)
    errors = []
    for x, y in expected_px:
        column, row = round(x), round(y)
        if not (13 < column < width - 14 and 13 < row < height - 14):
            continue
        window = (slice(row - 11, row + 12), slice(column - 11, column + 12))
        if lost is not None and lost[window].any():
            continue
        level, slope_y, slope_x = np.linalg.lstsq(basis, dark[window][ring], rcond=None)[0]
        ink = dark[window] - (level + slope_y * ys + slope_x * xs)
        ink = np.where((radius < 8.5) & (ink > 0.25 * ink.max()), ink, 0)
        if ink.max() < 25:
            continue
        errors.append(np.hypot((ink * xs).sum() / ink.sum() + column - x, (ink * ys).sum() / ink.sum() + row - y))
    return np.array(errors)


def stroke_errors_px(page: Page, reach_px: float = 4.0) -> np.ndarray:
    """Distance from labelled samples to the middle of the ink, looked for across the stroke where it runs alone."""
    dark = (255 - page.image.mean(axis=2)).astype(np.float32)
    offsets = np.arange(-reach_px, reach_px + 1e-6, 0.1)
    tree = cKDTree(
        np.concatenate([trace.points_px[np.isfinite(trace.points_px).all(axis=1)] for trace in page.truth.traces])
    )
    errors = []
    for trace in page.truth.traces:
        points = trace.points_px
        tangent = np.gradient(points, axis=0)
        step = np.hypot(*tangent.T)
        good = np.flatnonzero(~trace.hidden & (step > 1e-6) & ~_near_print(points, page))[::7]
        good = good[_runs_alone(points, step, good, tree, 2 * reach_px)]
        normal = np.stack([-tangent[good, 1], tangent[good, 0]], axis=1) / step[good, None]
        where = (points[good, None, :] + offsets[None, :, None] * normal[:, None, :]).astype(np.float32)
        ink = cv2.remap(dark, where[..., 0], where[..., 1], cv2.INTER_LINEAR)
        ink = ink - np.median(np.concatenate([ink[:, :8], ink[:, -8:]], axis=1), axis=1)[:, None]
        peak = ink.max(axis=1, initial=0)
        ink = np.where(ink > 0.3 * peak[:, None], ink, 0)
        usable = peak > 25
        errors.append(np.abs((ink * offsets).sum(axis=1) / np.maximum(ink.sum(axis=1), 1e-6))[usable])
    return np.concatenate(errors)


def _near_print(points: np.ndarray, page: Page) -> np.ndarray:
    """True within 6 px of a lead name or a calibration pulse."""
    near = np.zeros(len(points), bool)
    for box in [text.box_px for text in page.truth.texts] + list(page.truth.pulses_px):
        low, high = box.min(axis=0) - 6, box.max(axis=0) + 6
        near |= ((points > low) & (points < high)).all(axis=1)
    return near


def _runs_alone(points: np.ndarray, step: np.ndarray, chosen: np.ndarray, tree: cKDTree, reach: float) -> np.ndarray:
    """True where the trace is near to straight over `reach` and nothing else comes that near."""
    arc = np.concatenate([[0], np.cumsum(np.nan_to_num(np.hypot(*np.diff(points, axis=0).T)))])
    alone = np.zeros(len(chosen), bool)
    for number, index in enumerate(chosen):
        low, high = np.searchsorted(arc, [arc[index] - reach, arc[index] + reach])
        high = min(high, len(points) - 1)
        chord = np.hypot(*(points[high] - points[low]))
        own = high - low + 1
        near = len(tree.query_ball_point(points[index], reach))
        alone[number] = chord > 0.985 * (arc[high] - arc[low]) > 1.9 * reach and near <= own + 1
    return alone
