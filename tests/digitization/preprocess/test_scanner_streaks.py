"""Streaks of a scanner are removed from a picture, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.digitization.preprocess.scanner_streaks import remove_scanner_streaks


def page_with_grid(tilt_px=3.0):
    """Draw a page with its grid and a trace, a little askew, as scanned."""
    image = np.full((600, 800, 3), 250, np.uint8)
    y, x = np.mgrid[:600, :800]
    for at in range(20, 800, 25):
        image[np.abs(x - at - tilt_px * y / 600) < 0.5] = (230, 150, 150)
    trace = 300 + 40 * np.sin(x[0] / 12)
    image[np.abs(y - trace) < 2] = 20
    return image


@pytest.mark.parametrize("share", [0.5, 0.8])
@pytest.mark.parametrize("upright", [True, False])
def test_remove_streak_that_dims(share, upright):
    """What lies below a streak that dims it is still there."""
    page = page_with_grid()
    page = page if upright else np.ascontiguousarray(np.swapaxes(page, 0, 1))
    streaked = page.copy()
    lines = (slice(None), slice(401, 404)) if upright else (slice(401, 404),)
    streaked[lines] = (streaked[lines] * share).astype(np.uint8)
    cleared = remove_scanner_streaks(streaked)
    assert np.abs(cleared.astype(int) - page).max() <= 3


def test_remove_streak_that_hides():
    """A streak that hides everything is filled from beside it."""
    page = page_with_grid()
    streaked = page.copy()
    streaked[:, 401:404] = 0
    cleared = remove_scanner_streaks(streaked)
    assert np.median(cleared[:, 401:404]) > 240


def test_remove_streaks_of_page_without_any():
    """A page without streaks is returned as it is."""
    page = page_with_grid()
    assert remove_scanner_streaks(page) is page
    upright = page_with_grid(tilt_px=0.0)  # a grid is no streak
    assert remove_scanner_streaks(upright) is upright
