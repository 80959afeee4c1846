"""Lead labels are found on a page, and their letters joined."""

from __future__ import annotations

import numpy as np

from ecgimg.digitization.dewarp.map_from_grid import fit_map_to_grid
from ecgimg.digitization.segmentation.segmenter import segment
from ecgimg.digitization.text.label_detection import _join_letters, find_labels


def test_find_labels_on_flat_page(standard_page):
    """Most lead labels are found on a flat page."""
    from ecgimg.digitization.dewarp.resample import dewarp_page

    page, _ = standard_page
    segmentation = segment(page.image)
    flat = dewarp_page(page.image, segmentation, fit_map_to_grid(page.image, segmentation.ink, segmentation.trace))
    leads = {label.lead for label in find_labels(flat)} - {""}
    assert len(leads) >= 8


def test_join_letters_of_labels():
    """Letters of one lead label are joined, and those of two are not."""
    letters = np.array([[28, 150, 32, 162], [37, 151, 41, 162], [80, 150, 92, 162], [94, 140, 97, 146.0]])
    expected = [[28, 150, 41, 162], [80, 150, 92, 162], [94, 140, 97, 146]]  # II, V, and what is no letter
    assert _join_letters(letters).tolist() == expected
    assert _join_letters(letters[:0]).shape == (0, 4)
