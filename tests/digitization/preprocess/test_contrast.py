"""Pale and unevenly lit pictures."""

from __future__ import annotations

import numpy as np

from ecgimg.digitization.preprocess.contrast import ENLARGEMENT, restore_contrast, strengthen_pale_ink
from tests.digitization.pages import burnt_out, clean_page


def test_restore_contrast_of_pale_picture():
    """The paper gets white and the ink dark however pale the picture is."""
    page = clean_page()
    restored = restore_contrast(burnt_out(page.image))
    ink = page.image.max(axis=2) < 60
    assert np.median(restored[ink]) < 140
    assert np.median(restored[~ink]) > 220


def test_strengthen_pale_ink_beside_dark_ink():
    """Pale ink becomes nearly half as dark as other ink, in an enlarged picture."""
    image = np.full((300, 400, 3), 230, np.uint8)
    image[50:60], image[200:204] = 30, 180  # a fourth as deep
    strong = strengthen_pale_ink(image)
    assert strong.shape == (ENLARGEMENT * 300, ENLARGEMENT * 400, 3)
    paper, ink, pale_ink = (float(np.median(strong[round(ENLARGEMENT * row), 100:500])) for row in (130, 55, 202))
    assert 0.38 < (paper - pale_ink) / (paper - ink) < 0.5
