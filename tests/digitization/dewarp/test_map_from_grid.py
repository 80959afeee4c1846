"""The grid of a picture gives its page map."""

from __future__ import annotations

import dataclasses

import numpy as np

from ecgimg.digitization.dewarp.map_from_grid import fit_map_to_grid
from ecgimg.digitization.segmentation.segmenter import segment
from layouts import load_layout
from synth import PageSpec, make_page, make_random_degradation
from tests.digitization.pages import clean_page


def test_fit_map_to_grid_of_photo():
    """The grid is found in a photo, and distances by its page map are right within 1 %."""
    page = clean_page()
    rng = np.random.default_rng(4)
    spec = PageSpec(layout=load_layout("3x4+II"), vendor="ge", separator="tick")
    degradation = dataclasses.replace(make_random_degradation(spec, "photo", rng), ageing=None)
    photo = make_page(spec, degradation, page.truth.record, np.random.SeedSequence(3))
    segmentation = segment(photo.image)
    page_map = fit_map_to_grid(photo.image, segmentation.ink, segmentation.trace)
    assert page_map is not None
    left, top, right, bottom = spec.plot_mm
    mm = np.random.default_rng(0).uniform((left + 20, top + 20), (right - 20, bottom - 20), (200, 2))
    pixels = photo.truth.page_map.page_to_image(mm)
    inside = ((pixels > 5) & (pixels < np.array(photo.truth.size_px) - 5)).all(axis=1)
    # the grid fixes millimetres up to a whole large square and a quarter turn: compare distances
    fitted_mm, true_mm = page_map.image_to_page(pixels[inside]), mm[inside]
    pairs = np.random.default_rng(1).integers(0, inside.sum(), (300, 2))
    fitted_distances = np.hypot(*(fitted_mm[pairs[:, 0]] - fitted_mm[pairs[:, 1]]).T)
    true_distances = np.hypot(*(true_mm[pairs[:, 0]] - true_mm[pairs[:, 1]]).T)
    far = true_distances > 40
    assert np.median(np.abs(fitted_distances[far] / true_distances[far] - 1)) < 0.01
