"""The frequency of the grid, by the spectra of windows."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ecgimg.digitization.dewarp.grid_frequency import _comb_score, _harmonic_order, measure_window_frequencies


@pytest.mark.parametrize(("harmonics", "order"), [((1, 2, 3, 4, 5, 6), 6), ((6,), 5)])
def test_harmonic_order_of_frequency(harmonics, order):
    """The harmonics that are present tell which of them a frequency is."""
    base = np.array([24.0, 6.0]) / 768
    spectrum = np.full((768, 385), 0.1, np.float32)
    for n in harmonics:
        column, row = np.rint(n * base * 768).astype(int)
        spectrum[row + 384, column] = 5.0
    assert _harmonic_order(spectrum, 6 * base, 5) == order


def spectrum_of(harmonics, base):
    spectrum = np.full((768, 385), 0.1, np.float32)
    for n in harmonics:
        for vector in (base, np.array([-base[1], base[0]])):
            column, row = np.rint(n * vector * 768).astype(int)
            spectrum[row % 768 - 384 if row >= 384 else row + 384, abs(column)] = 5.0
    return spectrum


def test_comb_score_of_half_spacing():
    """Two spaces of the grid are not taken for one."""
    base = np.array([21.0, 0.0]) / 768  # lines 18.3 px apart make twice this frequency: pages as small are rarer
    spectrum = spectrum_of((2, 4, 6, 8, 10), base)
    turned = np.array([-base[1], base[0]])
    assert _comb_score(spectrum, 2 * base, 2 * turned)[0] > 1.5 * _comb_score(spectrum, base, turned)[0]
    fine = spectrum_of((5,), base)  # 1 mm lines only: no harmonic of the 5 mm ones is to be expected
    assert _comb_score(fine, base, turned)[1]


def test_comb_score_of_third_of_spacing():
    """One space of the grid is not taken for three."""
    base = np.array([22.0, 0.0]) / 768  # sharp 5 mm lines 35 px apart, and no others
    turned = np.array([-base[1], base[0]])
    spectrum = spectrum_of(range(1, 16), base)
    assert _comb_score(spectrum, base, turned)[0] > 1.5 * _comb_score(spectrum, 3 * base, 3 * turned)[0]


@pytest.mark.parametrize("share", [1.0, 0.15])
@pytest.mark.parametrize("spacing_px", [20, 36, 50])
def test_measure_frequencies_of_5_mm_lines(spacing_px, share):
    """Lines every 5 mm are a grid where most of the ink stands on them."""
    lines = np.zeros((1100, 1500), np.float32)
    lines[: round(1100 * share) : spacing_px] = 3
    lines[: round(1100 * share), ::spacing_px] = 3
    grid = cv2.blur(lines, (3, 3)) + np.random.default_rng(4).normal(0, 0.3, lines.shape).astype(np.float32)
    ink = np.zeros(grid.shape, np.uint8)
    ink[100::200] = 255
    frequencies = measure_window_frequencies(grid, ink, 0.0)
    if share < 1:
        assert frequencies is None
    else:
        assert np.median(1 / frequencies.across[:, 0]) == pytest.approx(spacing_px, rel=0.02)
        assert len(frequencies.weights) > 30


@pytest.mark.parametrize("px_per_mm", [2.62, 2.75, 3.1, 3.4])
def test_measure_frequencies_of_small_picture(px_per_mm):
    """Lines every 1 mm and every 5 mm are told apart on small pictures."""
    lines = np.zeros((8 * 308, 8 * 640), np.float32)  # drawn eight times as large
    for spacing_px, px in ((px_per_mm, 0.7), (5 * px_per_mm, 1.0)):
        for along in (lines, lines.T):
            starts = np.arange(0, len(along), 8 * spacing_px).astype(int)
            for start in starts:
                along[start : start + round(8 * px)] = 8
    grid = cv2.resize(lines, (640, 308), interpolation=cv2.INTER_AREA)
    grid -= cv2.GaussianBlur(grid, (0, 0), 12)
    frequencies = measure_window_frequencies(grid, np.full(grid.shape, 20, np.uint8), 0.0)
    assert np.hypot(*frequencies.common.across) == pytest.approx(1 / (5 * px_per_mm), rel=0.01)


def test_measure_frequencies_of_sharp_lines():
    """Sharp lines are not taken for a grid five times as fine."""
    lines = np.zeros((1283, 1907), np.float32)
    for spacing_px, dark in ((11.2, 1.0), (56.0, 3.0)):
        for along in (lines, lines.T):
            along[np.arange(0, len(along) - 1, spacing_px).astype(int)] = dark
    frequencies = measure_window_frequencies(lines - cv2.blur(lines, (61, 61)), np.full(lines.shape, 20, np.uint8), 0.0)
    assert np.hypot(*frequencies.common.across) == pytest.approx(1 / 56, rel=0.01)
