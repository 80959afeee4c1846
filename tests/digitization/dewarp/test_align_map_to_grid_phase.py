"""The phase of the grid gives the page map, where there is a grid."""

from __future__ import annotations

import itertools
from dataclasses import replace

import cv2
import numpy as np
import pytest

from ecgimg.digitization.dewarp.align_map_to_grid_phase import fit_grid_phase
from ecgimg.digitization.dewarp.grid_frequency import GridFrequency
from ecgimg.digitization.dewarp.page_map import PageMap, exponents_up_to


@pytest.mark.parametrize(
    ("rows_on_lines", "is_grid"), [(slice(None), True), (slice(550, 700), True), (slice(0), False)]
)
def test_fit_grid_phase_of_specks_off_lines(rows_on_lines, is_grid):
    """There is no grid if hardly any specks near traces lie on its lines."""
    rng = np.random.default_rng(5)
    shape, px_per_mm = (1300, 1700), 9.0
    specks = np.where(rng.random(shape) < 0.02, np.float32(3), np.float32(0))
    x, y = (np.remainder(np.arange(n), px_per_mm) < 1 for n in shape[::-1])
    lines = (x[None, :] | y[:, None]) & (rng.random(shape) < 0.1)
    specks[rows_on_lines] = np.where(lines, np.float32(3), np.float32(0))[rows_on_lines]
    centre, scale = ((shape[1] - 1) / 2, (shape[0] - 1) / 2), shape[1] / 2
    straight = np.array([(0.0, 0.0), (scale / px_per_mm, 0.0), (0.0, scale / px_per_mm)])
    bend = np.zeros((shape[0] // 16, shape[1] // 16, 2))
    start = PageMap(exponents_up_to(1), straight, centre, (scale, scale), shape[::-1], bend, 0.0)
    frequency = GridFrequency(
        np.array([1 / 45, 0.0]), np.array([0.0, 1 / 45]), has_1mm_lines=True, has_5mm_lines=False, search_harmonic=5
    )
    traces = np.zeros(shape, np.uint8)
    traces[600:650] = 255
    assert (fit_grid_phase(specks, start, start, frequency, traces) is not None) == is_grid


@pytest.mark.parametrize("folded_axis", [0, 1])
def test_fit_grid_phase_of_curled_paper(folded_axis):
    """Paper that curls on a part of it is followed along the axis that curls."""
    shape, px_per_mm = (1100, 1900), 7.0
    along = np.arange(shape[1 - folded_axis]) - (shape[1 - folded_axis] - 1) / 2
    edge = 0.35 * along[-1]
    curled_mm = along / px_per_mm + 0.00028 * np.maximum(along - edge, 0) ** 2 / px_per_mm
    other = np.arange(shape[folded_axis]) - (shape[folded_axis] - 1) / 2
    axes = [curled_mm, other / px_per_mm] if folded_axis == 0 else [other / px_per_mm, curled_mm]
    x_mm, y_mm = np.meshgrid(*axes)
    near_lines = [np.minimum(*(np.remainder(mm, n) for mm in (x_mm, y_mm))) < wide for n, wide in ((1, 0.2), (5, 0.3))]
    grid = (near_lines[0] + 1.5 * near_lines[1]).astype(np.float32)
    grid -= cv2.blur(grid, (61, 61))
    size, scale = shape[::-1], shape[1] / 2
    centre = ((size[0] - 1) / 2, (size[1] - 1) / 2)
    straight = np.array([(0.0, 0.0), (scale / px_per_mm, 0.0), (0.0, scale / px_per_mm)])
    nodes = np.zeros((shape[0] // 16, shape[1] // 16, 2))
    start = PageMap(exponents_up_to(1), straight, centre, (scale, scale), size, nodes, 0.0)
    at_nodes = (np.interp(px, np.arange(len(mm)), mm) for px, mm in zip(start.nodes_px, axes, strict=True))
    true_mm = np.stack(np.meshgrid(*at_nodes), axis=-1)
    wave = 0.3 * np.sin(np.arange(nodes.shape[1 - folded_axis]) / 9)
    folded = replace(start, bend_mm=start.nodes_mm() - true_mm)
    folded.bend_mm[..., folded_axis] += wave if folded_axis == 0 else wave[:, None]
    frequency = GridFrequency(
        np.array([1 / 35, 0.0]), np.array([0.0, 1 / 35]), has_1mm_lines=True, has_5mm_lines=True, search_harmonic=5
    )
    page_map = fit_grid_phase(grid, start, folded, frequency, np.full(shape, 255, np.uint8))
    off = (page_map.nodes_mm() - true_mm)[2:-2, 2:-2]
    assert np.abs(off - np.median(off, axis=(0, 1))).max() < 0.2


def test_fit_grid_phase_of_level_dashes():
    """A tilted grid is fitted though black and white left level dashes of it."""
    shape, px_per_mm, tilt, dash_mm = (1254, 1754), 5.83, -0.022, 60
    size, scale = shape[::-1], shape[1] / 2
    centre = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])
    mm_px = px_per_mm * np.array([[1.0, tilt], [-tilt, 1.0]])  # a millimetre along x, and along y
    specks = (np.random.default_rng(0).random(shape) < 0.02).astype(np.float32)
    for axis, line in itertools.product((0, 1), range(-200, 200, 5)):
        along, at_mm = mm_px[axis], np.arange(-200, 200)
        piece = (at_mm + 3 * line) // dash_mm
        points = centre + line * mm_px[1 - axis] + at_mm[:, None] * along
        middles = centre + line * mm_px[1 - axis] + ((piece + 0.5) * dash_mm - 3 * line)[:, None] * along
        points[:, 1 - axis] = middles[:, 1 - axis]
        dashes = (
            np.rint(points[piece % 2 == 0]).astype(int)[None] + np.arange(3)[:, None, None] * np.eye(2, dtype=int)[axis]
        )
        x, y = dashes.reshape(-1, 2).T
        inside = (x >= 0) & (y >= 0) & (x < size[0]) & (y < size[1])
        specks[y[inside], x[inside]] = 1
    straight = np.array([(0.0, 0.0), (scale / 5.9, 0.0), (0.0, scale / 5.9)])
    bend = np.zeros((shape[0] // 16, shape[1] // 16, 2))
    start = PageMap(exponents_up_to(1), straight, tuple(centre), (scale, scale), size, bend, 0.0)
    frequency = GridFrequency(
        np.array([1 / 29.5, 0.0]), np.array([0.0, 1 / 29.5]), has_1mm_lines=True, has_5mm_lines=True, search_harmonic=5
    )
    grid = 3 * (specks - cv2.blur(specks, (61, 61)))
    page_map = fit_grid_phase(grid, start, start, frequency, np.full(shape, 255, np.uint8))
    true_mm = (np.stack(np.meshgrid(*start.nodes_px), axis=-1) - centre) @ np.linalg.inv(mm_px)
    off = (page_map.nodes_mm() - true_mm)[2:-2, 2:-2]
    assert (off - np.median(off, axis=(0, 1))).std() < 0.15  # more than twice that where dashes are followed
