"""Rows are found by the heights at which their traces stay."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ecgimg.digitization.tracing.row_detection import find_row_baselines
from tests.digitization.printed_rows import PX_PER_MM


@pytest.mark.parametrize("drift_mm", [0.0, 9.0])
def test_find_row_baselines_with_drift(drift_mm):
    """Rows are found of which only one has a steady baseline."""
    x = np.arange(1600)
    mask = np.zeros((760, 1600), np.uint8)
    for row, drift in ((160, 0.0), (320, drift_mm), (480, drift_mm)):
        y = row + PX_PER_MM * drift * np.interp(x, [700, 900], [0, 1])
        cv2.polylines(mask, [np.rint(np.stack([x, y], axis=1)).astype(np.int32).reshape(-1, 1, 2)], False, 1, 3)
    assert len(find_row_baselines(mask > 0, PX_PER_MM)) == 3
