"""Streaks of a scanner are taken off a picture, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.digitization.preprocess.scanner_streaks import remove_scanner_streaks


def ruled_page(tilt_px=3.0):
    """A page, its ruling and a trace, a little askew, as scanned."""
    image = np.full((600, 800, 3), 250, np.uint8)
    y, x = np.mgrid[:600, :800]
    for at in range(20, 800, 25):
        image[np.abs(x - at - tilt_px * y / 600) < 0.5] = (230, 150, 150)
    trace = 300 + 40 * np.sin(x[0] / 12)
    image[np.abs(y - trace) < 2] = 20
    return image


@pytest.mark.parametrize("share", [0.5, 0.8])
@pytest.mark.parametrize("upright", [True, False])
def test_what_lies_below_a_streak_is_still_there(share, upright):
    page = ruled_page()
    page = page if upright else np.ascontiguousarray(np.swapaxes(page, 0, 1))
    streaked = page.copy()
    lines = (slice(None), slice(401, 404)) if upright else (slice(401, 404),)
    streaked[lines] = (streaked[lines] * share).astype(np.uint8)
    cleared = remove_scanner_streaks(streaked)
    assert np.abs(cleared.astype(int) - page).max() <= 3


def test_what_hides_everything_is_drawn_across():
    page = ruled_page()
    streaked = page.copy()
    streaked[:, 401:404] = 0
    cleared = remove_scanner_streaks(streaked)
    assert np.median(cleared[:, 401:404]) > 240


def test_a_page_without_streaks_is_returned_as_it_is():
    page = ruled_page()
    assert remove_scanner_streaks(page) is page
    upright = ruled_page(tilt_px=0.0)  # a ruling is no streak
    assert remove_scanner_streaks(upright) is upright
