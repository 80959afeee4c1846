"""Pale and unevenly lit pictures."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.digitization import digitize_image, views
from ecgimg.digitization.preprocess.contrast import ENLARGEMENT, restore_contrast, strengthen_pale_ink
from tests.test_digitize import clean_page, snr_db


def pale(image):
    """Return a picture burnt out towards the right: its ink 40 to 12 levels darker than the paper."""
    strength = np.linspace(0.16, 0.05, image.shape[1])[None, :, None]
    return np.clip(np.rint(255 - (255 - image.astype(float)) * strength), 0, 255).astype(np.uint8)


def test_the_paper_comes_out_white_and_the_ink_dark_however_pale_the_picture():
    page = clean_page()
    restored = restore_contrast(pale(page.image))
    ink = page.image.max(axis=2) < 60
    assert np.median(restored[ink]) < 140
    assert np.median(restored[~ink]) > 220


def test_pale_ink_becomes_nearly_as_dark_as_other_ink():
    image = np.full((300, 400, 3), 230, np.uint8)
    image[50:60], image[200:204] = 30, 180  # a fourth as deep
    strong = strengthen_pale_ink(image)
    assert strong.shape == (ENLARGEMENT * 300, ENLARGEMENT * 400, 3)
    paper, ink, pale_ink = (float(np.median(strong[round(ENLARGEMENT * row), 100:500])) for row in (130, 55, 202))
    assert 0.38 < (paper - pale_ink) / (paper - ink) < 0.5


@pytest.mark.slow
def test_a_refused_picture_is_tried_once_more_with_its_contrast_restored(monkeypatch):
    page = clean_page()
    shown = []

    def blind_to_pale(image):
        shown.append(int(np.percentile(image, 1)))
        if len(shown) == 1:
            return views.Segmentation(*(np.zeros(image.shape[:2], np.uint8) for _ in range(4)))
        return segment(image)

    segment = views.segment
    monkeypatch.setattr(views, "segment", blind_to_pale)
    found = digitize_image(pale(page.image))
    assert len(shown) == 2
    assert shown[1] < shown[0] - 50
    assert (found.status, found.layout) == ("ok", "3x4+II")
    assert snr_db(page, found) > 12
