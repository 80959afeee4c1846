"""Calibration pulses that the network recognised."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ecgimg.digitization.model import FlatPage, Segmentation
from ecgimg.digitization.pulses.detect_by_network import find_pulses


def test_find_pulses_at_underestimated_px_per_mm():
    """A pulse is found that seems wide since a millimetre was guessed too small."""
    pulse = np.zeros((400, 900), np.uint8)
    corners = np.array([(52, 300), (70, 300), (70, 220), (150, 220), (150, 300), (168, 300)], np.int32)
    cv2.polylines(pulse, [corners.reshape(-1, 1, 2)], False, 255, 2)
    none = np.zeros_like(pulse)
    page = FlatPage(pulse.astype(np.float32), Segmentation(none, none, pulse, none), none, 4.0, (0, 0), None)
    (detected,) = find_pulses(page, [300.0])
    assert (detected.left_px, detected.right_px) == pytest.approx((70, 150), abs=1.5)
    assert detected.height_mm == pytest.approx(20, abs=0.3)
