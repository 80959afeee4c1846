"""Calibration pulses: where they stand, how wide and high they are, and where their feet lie."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.model import FlatPage, Pulse

Floats = NDArray[np.float64]

SPEEDS_MM_S = (12.5, 25.0, 50.0)
GAINS_MM_MV = (2.5, 5.0, 10.0, 20.0)
_SURE = 110
_MIN_HEIGHT_MM, MAX_HEIGHT_MM = 2.0, 45.0
_MIN_WIDTH_MM, _MAX_WIDTH_MM = 1.8, 30.0
_PART = 0.3
_ASTRAY_MM = 6.0


def find_pulses(page: FlatPage, baselines_px: Sequence[float]) -> tuple[Pulse, ...]:
    """Find calibration pulses in what the network marked as such: a flat top between two steep sides, and flat feet.

    At most one a row, whose foot lies at the height of that row.
    """
    mm = page.px_per_mm
    planes = page.segmentation
    mask = (planes.pulse > _SURE) & (planes.pulse >= planes.trace)
    joined = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((round(mm) | 1, round(0.6 * mm) | 1)))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    found: dict[int, Pulse] = {}
    for k in range(1, count):
        x, y, width, height, _ = stats[k]
        if not (_MIN_HEIGHT_MM < height / mm < MAX_HEIGHT_MM and _MIN_WIDTH_MM < width / mm < _MAX_WIDTH_MM):
            continue
        window = (slice(y, y + height), slice(x, x + width))
        blob = np.asarray(mask[window] & (labels[window] == k), bool)
        pulse = _pulse_in(blob, mm, baselines_px, (int(x), int(y)))
        if pulse is not None and pulse.row not in found:
            found[pulse.row] = pulse
    return tuple(found[row] for row in sorted(found))


def _pulse_in(
    mask: NDArray[np.bool_], mm: float, baselines_px: Sequence[float], corner: tuple[int, int]
) -> Pulse | None:
    """Measure one blob (height, width) whose top left pixel is at `corner`; None when it has not a pulse's shape."""
    inked = mask.any(axis=0)
    if inked.sum() < 0.7 * inked.size:
        return None
    upper, lower = mask.argmax(axis=0), mask.shape[0] - 1 - mask[::-1].argmax(axis=0)
    flat = inked & (lower - upper < 1.2 * mm)
    middle = (upper + lower) / 2
    at_top = flat & (middle < _PART * mask.shape[0])
    at_foot = flat & (middle > (1 - _PART) * mask.shape[0])
    if at_top.sum() < 1.2 * mm or at_foot.sum() < 2:
        return None
    plateau = np.flatnonzero(at_top)
    top, foot = float(np.median(middle[at_top])), float(np.median(middle[at_foot]))
    steep = np.flatnonzero(inked & ~flat)
    reach = 1.2 * mm
    sides = [
        steep[(steep < plateau[0] + 1) & (steep > plateau[0] - reach)],
        steep[(steep > plateau[-1] - 1) & (steep < plateau[-1] + reach)],
    ]
    left = float(sides[0].mean()) if len(sides[0]) else plateau[0] - 1.0
    right = float(sides[1].mean()) if len(sides[1]) else plateau[-1] + 1.0
    foot_px = foot + corner[1]
    distances = [abs(baseline - foot_px) for baseline in baselines_px]
    if (foot - top) < _MIN_HEIGHT_MM * mm or not distances or min(distances) > _ASTRAY_MM * mm:
        return None
    return Pulse(
        int(np.argmin(distances)), left + corner[0], right + corner[0], (foot - top) / mm, foot_px,
        (float(corner[0]), float(corner[0] + mask.shape[1] - 1)), bool(len(sides[0]) and len(sides[1])),
    )  # fmt: skip


def nearest(value: float, choices: Sequence[float], tolerance: float) -> float | None:
    """Return the choice within a relative tolerance of `value`, or None."""
    best = min(choices, key=lambda choice: abs(np.log(value / choice)))
    return best if abs(value / best - 1) < tolerance else None
