"""Light print on a dark ground is read like dark print on a light one."""

from __future__ import annotations

import numpy as np
import pytest

import ecgimg
import synth
from ecgimg.digitization.preprocess.light_on_dark import is_light_on_dark, to_dark_on_light


@pytest.fixture(scope="module")
def page():
    """A clean page of a simulated heart."""
    return next(synth.pages(n=1, layouts="3x4+II", degradation="none", seed=91))


def test_is_light_on_dark(page):
    """An inverted page is light on dark; paper on a dark table, and dark print, are not."""
    assert is_light_on_dark(255 - page.image)
    assert not is_light_on_dark(page.image)
    table = np.full((3000, 4000, 3), 20, np.uint8)
    small = page.image[::2, ::2]
    table[500 : 500 + small.shape[0], 600 : 600 + small.shape[1]] = small
    assert not is_light_on_dark(table)
    assert not is_light_on_dark(np.zeros((300, 400, 3), np.uint8))
    np.testing.assert_array_equal(to_dark_on_light(255 - page.image), page.image)


def test_digitize_light_on_dark(page):
    """A monitor's picture is read as the same page in print is."""
    dark, light = (ecgimg.digitize(image) for image in (255 - page.image, page.image))
    assert (dark.status, dark.layout) == (light.status, light.layout) == ("ok", "3x4+II")
    np.testing.assert_array_equal(dark.record.signals, light.record.signals)
