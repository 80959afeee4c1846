"""Page maps between page mm and pixels."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from layouts import load_layout
from synth.page_map import BendProfile, PageMap, affine_map, flat_map, page_map_from_dict, quarter_turn
from synth.random_degradation import make_random_degradation
from synth.random_page_spec import make_random_page_spec


def test_flat_map():
    """The corner of the page is half a pixel before the centre of the first pixel."""
    assert np.allclose(flat_map(8.0).page_to_image([[0.0, 0.0], [1.0, 2.0]]), [[-0.5, -0.5], [7.5, 15.5]])


def bent_map() -> PageMap:
    camera = np.diag([2600.0, 2600.0, 1.0]) @ np.array([[1, 0.02, 0, 0], [-0.02, 0.98, 0.15, 0], [0, 0.15, -1, 330]])
    return PageMap(
        centre_mm=(140.0, 108.0),
        camera=tuple(map(tuple, camera.tolist())),
        bend_deg=20.0,
        along=BendProfile(curl_per_mm=0.002, waves=((0.05, 120.0, 1.0),), folds=((20.0, 0.15, 3.0),)),
        across=BendProfile(folds=((-10.0, 0.2, 3.0),)),
        lens=(-0.03, 0.002, 1100.0, 850.0, 1390.0),
    ).then([[1, 0, 1150], [0, 1, 860], [0, 0, 1]])


def page_points(n: int = 2000) -> np.ndarray:
    return np.random.default_rng(0).uniform((0, 0), (280, 216), (n, 2))


def test_page_map_there_and_back():
    """A point goes to the picture and back to where it was."""
    page = page_points()
    assert np.allclose(bent_map().image_to_page(bent_map().page_to_image(page)), page, atol=1e-4)


@pytest.mark.parametrize("kind", ["scan", "photo", "screen", "aged"])
def test_random_page_maps_there_and_back(kind):
    """Points go there and back on every kind of random page."""
    for seed in range(12):
        rng = np.random.default_rng(seed)
        spec = make_random_page_spec(load_layout("3x4+II"), rng, kind)
        page_map = make_random_degradation(spec, kind, rng).page_map
        page = rng.uniform((0, 0), spec.size_mm, (400, 2))
        assert np.allclose(page_map.image_to_page(page_map.page_to_image(page)), page, atol=2e-3)


def test_page_map_jacobian():
    """The Jacobian is the derivative."""
    page, step = page_points(200), 1e-4
    _, jacobian = bent_map()._forward(page)
    for axis in (0, 1):
        ahead, behind = page.copy(), page.copy()
        ahead[:, axis] += step
        behind[:, axis] -= step
        slope = (bent_map().page_to_image(ahead) - bent_map().page_to_image(behind)) / (2 * step)
        assert np.allclose(jacobian[:, :, axis], slope, atol=2e-3)


def test_sampling_grid():
    """The sampling grid agrees with the exact inverse."""
    size = (2200, 1700)
    grid_x, grid_y = bent_map().sampling_grid(size)
    rng = np.random.default_rng(1)
    xs, ys = rng.integers(0, size[0], 4000), rng.integers(0, size[1], 4000)
    exact = bent_map().image_to_page(np.stack([xs, ys], axis=1).astype(float))
    inside = ((exact > 0) & (exact < (280, 216))).all(axis=1)
    miss_px = 8 * np.hypot(grid_x[ys, xs] - exact[:, 0], grid_y[ys, xs] - exact[:, 1])[inside]
    assert inside.mean() > 0.9
    assert miss_px.max() < 0.05


def test_profile_keeps_length():
    """Bent paper keeps its length."""
    profile = BendProfile(curl_per_mm=0.003, waves=((0.1, 100.0, 0.4),), folds=((15.0, 0.4, 3.0),))
    x, z, dx, dz = profile.at(np.linspace(-150, 150, 30001))
    assert np.allclose(np.hypot(dx, dz), 1.0, atol=2e-3)
    assert np.hypot(np.diff(x), np.diff(z)).sum() == pytest.approx(300, abs=0.1)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_quarter_turn(turns):
    """A quarter turn moves points as it moves the picture."""
    picture = np.zeros((40, 60), int)
    picture[7, 13] = 1
    matrix, size = quarter_turn(turns, (60, 40))
    turned = np.rot90(picture, -turns)
    row, column = np.argwhere(turned == 1)[0]
    assert size == (turned.shape[1], turned.shape[0])
    assert np.allclose(matrix @ (13, 7, 1), (column, row, 1))


def test_page_map_round_trip():
    """A page map survives JSON."""
    text = json.dumps(dataclasses.asdict(bent_map()))
    assert page_map_from_dict(json.loads(text)) == bent_map()


def test_affine_map():
    """An affine map is its matrix."""
    matrix = np.array([[8.0, 0.1, 3.0], [-0.1, 8.0, -2.0]])
    page = page_points(10)
    assert np.allclose(affine_map(matrix).page_to_image(page), page @ matrix[:, :2].T + matrix[:, 2])
