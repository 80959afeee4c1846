"""Lines of print are found, and cut out level."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ecgimg.digitization.text.line_detection import find_text_lines
from ecgimg.digitization.text.line_recognition import LINE_HEIGHT_PX, normalize_line
from tests.digitization.text.printed_lines import FONTS, bare_page, flat_page


def test_find_text_lines_and_normalize_line():
    """A line is found and cut out level."""
    page = flat_page(("25 mm/s   10 mm/mV", FONTS[0], 15, 60, 330), ("V1", FONTS[0], 15, 9, 50))
    (line,) = find_text_lines(page)
    assert (line.left_px, line.right_px) == pytest.approx((60, 256), abs=4)
    assert line.middles_px == pytest.approx((338, 338), abs=2)
    assert line.height_px == pytest.approx(16, abs=2)
    crop = normalize_line(page.image, line)
    assert crop.shape[0] == LINE_HEIGHT_PX
    assert crop.shape[1] == pytest.approx((line.right_px - line.left_px) * 16 / line.height_px + 32, abs=3)
    inked = np.flatnonzero(crop.max(axis=1) > 0.6)
    assert (inked[0] + inked[-1]) / 2 == pytest.approx(11.5, abs=1.5)


def sheared(plane: NDArray[np.uint8], shear: NDArray[np.float64]) -> NDArray[np.uint8]:
    return cv2.warpAffine(plane, shear, plane.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)


def test_find_text_lines_on_slope():
    """A sloping line is found with its slope and its height."""
    page = flat_page(("25 mm/s 10 mm/mV 25 mm/s 10 mm/mV", FONTS[0], 15, 60, 200))
    shear = np.array([(1, 0, 0), (0.03, 1, 0)])
    turned = [sheared(plane, shear) for plane in (page.image, page.segmentation.other)]
    (level,), (line,) = find_text_lines(page), find_text_lines(bare_page(*turned))
    rise = line.middles_px[1] - line.middles_px[0]
    assert rise == pytest.approx(0.03 * (line.right_px - line.left_px), abs=2)
    assert line.height_px == pytest.approx(level.height_px, abs=2)
