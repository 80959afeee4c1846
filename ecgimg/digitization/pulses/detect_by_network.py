"""Detect the calibration pulses that the network marked: where they stand, how wide and high they are, and their bases.

A pulse has a flat top between two steep sides, and flat bases beside these.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from ecgimg.digitization.model import FlatPage, Pulse
from ecgimg.digitization.numerics import Ints, Mask

STANDARD_SPEEDS_MM_S = (12.5, 25.0, 50.0)
STANDARD_GAINS_MM_MV = (2.5, 5.0, 10.0, 20.0)
PULSE_PROBABILITY = 110
"""Of 255; from here on the network has marked a pixel as one of a calibration pulse."""
MAX_HEIGHT_MM = 45.0
"""The highest pulse, where a millimetre was guessed too small."""

_MIN_HEIGHT_MM = 2.0
_MIN_WIDTH_MM, _MAX_WIDTH_MM = 1.8, 30.0
_JOIN_HEIGHT_MM, _JOIN_WIDTH_MM = 1.0, 0.6  # gaps in what the network marked
_INKED_SHARE = 0.7  # of the columns of a pulse; a blob with fewer is in pieces
_FLAT_MM = 1.2  # ink of a column that is no higher is of the top or of a base
_LEAST_TOP_MM, _LEAST_BASE_PX = 1.2, 2
_END_SHARE = 0.3  # of the height, from either end, in which the top and the bases lie
_SIDE_REACH_MM = 1.2  # beyond the ends of the top, in which its sides stand
_OFF_ROW_MM = 6.0  # a base that lies farther from every row is of no pulse


def find_pulses(page: FlatPage, baselines_px: Sequence[float]) -> tuple[Pulse, ...]:
    """Find the calibration pulses in what the network marked as such.

    Parameters
    ----------
    baselines_px : sequence of float
        Heights of the rows, from the top.

    Returns
    -------
    tuple of Pulse
        At most one a row, whose base lies at the height of that row.
    """
    px_per_mm = page.px_per_mm
    planes = page.segmentation
    mask = (planes.pulse > PULSE_PROBABILITY) & (planes.pulse >= planes.trace)
    kernel = np.ones((round(_JOIN_HEIGHT_MM * px_per_mm) | 1, round(_JOIN_WIDTH_MM * px_per_mm) | 1))
    joined = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    by_row: dict[int, Pulse] = {}
    for k in range(1, count):
        x, y, width, height, _ = stats[k]
        if not (
            _MIN_HEIGHT_MM < height / px_per_mm < MAX_HEIGHT_MM and _MIN_WIDTH_MM < width / px_per_mm < _MAX_WIDTH_MM
        ):
            continue
        window = (slice(y, y + height), slice(x, x + width))
        blob = np.asarray(mask[window] & (labels[window] == k), bool)
        pulse = _measure_pulse(blob, px_per_mm, baselines_px, (int(x), int(y)))
        if pulse is not None:
            by_row.setdefault(pulse.row, pulse)
    return tuple(by_row[row] for row in sorted(by_row))


def _measure_pulse(
    blob: Mask, px_per_mm: float, baselines_px: Sequence[float], corner: tuple[int, int]
) -> Pulse | None:
    """Measure a blob (height, width) whose top left pixel is at `corner`; None when it has not a pulse's shape."""
    is_inked = blob.any(axis=0)
    if is_inked.sum() < _INKED_SHARE * is_inked.size:
        return None
    upper, lower = blob.argmax(axis=0), blob.shape[0] - 1 - blob[::-1].argmax(axis=0)
    is_flat = is_inked & (lower - upper < _FLAT_MM * px_per_mm)
    middle = (upper + lower) / 2
    is_top = is_flat & (middle < _END_SHARE * blob.shape[0])
    is_base = is_flat & (middle > (1 - _END_SHARE) * blob.shape[0])
    if is_top.sum() < _LEAST_TOP_MM * px_per_mm or is_base.sum() < _LEAST_BASE_PX:
        return None
    top, base = (float(np.median(middle[part])) for part in (is_top, is_base))
    height, base_px = base - top, base + corner[1]
    row = _row_at(base_px, baselines_px, _OFF_ROW_MM * px_per_mm)
    if height < _MIN_HEIGHT_MM * px_per_mm or row is None:
        return None
    left, right, is_whole = _sides(np.flatnonzero(is_top), np.flatnonzero(is_inked & ~is_flat), px_per_mm)
    extent_px = (float(corner[0]), float(corner[0] + blob.shape[1] - 1))
    return Pulse(row, left + corner[0], right + corner[0], height / px_per_mm, base_px, extent_px, is_whole)


def _row_at(base_px: float, baselines_px: Sequence[float], off_px: float) -> int | None:
    """Return the row whose baseline is nearest to a base, None where all are farther than `off_px`."""
    distances = [abs(baseline - base_px) for baseline in baselines_px]
    return int(np.argmin(distances)) if min(distances, default=np.inf) <= off_px else None


def _sides(top: Ints, steep: Ints, px_per_mm: float) -> tuple[float, float, bool]:
    """Return where the sides stand, px, by the columns of top and of steep ink, and whether both were seen."""
    reach = _SIDE_REACH_MM * px_per_mm
    left = steep[(steep < top[0] + 1) & (steep > top[0] - reach)]
    right = steep[(steep > top[-1] - 1) & (steep < top[-1] + reach)]
    left_px = float(left.mean()) if len(left) else top[0] - 1.0
    right_px = float(right.mean()) if len(right) else top[-1] + 1.0
    return left_px, right_px, bool(len(left) and len(right))


def nearest_standard(value: float, standards: Sequence[float], tolerance: float) -> float | None:
    """Return the standard value that is within a relative tolerance of `value`, or None."""
    best = min(standards, key=lambda standard: abs(np.log(value / standard)))
    return best if abs(value / best - 1) < tolerance else None
