"""Calibration pulses: where they stand, how wide and high they are, and where their feet lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitize.flatten import FlatPage

Floats = NDArray[np.float64]

SPEEDS_MM_S = (12.5, 25.0, 50.0)
GAINS_MM_MV = (2.5, 5.0, 10.0, 20.0)
_SURE = 110
_MIN_HEIGHT_MM, _MAX_HEIGHT_MM = 2.0, 45.0
_MIN_WIDTH_MM, _MAX_WIDTH_MM = 1.8, 18.0
_PART = 0.3
_ASTRAY_MM = 6.0
_TOPS_MM = (20.0, 10.0, 5.0)
_FOOT_MM, _BAND_MM, _BESIDE_MM, _LEVEL_MM = 4.0, 1.0, 0.6, 0.35
_SIDE_SHARE, _HOLLOW_SHARE, _ALIKE_MM, _ABOVE_MM = 0.85, 0.1, 1.0, 2.0


@dataclass(frozen=True)
class Pulse:
    """A calibration pulse: its row, its sides in px, its height in mm, the height of its feet and their ends in px."""

    row: int
    left_px: float
    right_px: float
    height_mm: float
    foot_px: float
    ends_px: tuple[float, float]


def find_pulses(page: FlatPage, baselines_px: Sequence[float]) -> tuple[Pulse, ...]:
    """Find calibration pulses in what the network marked as such: a flat top between two steep sides, and flat feet.

    At most one a row, whose foot lies at the height of that row. Where the network marked none, rows that start or end
    alike with a hollow rectangle of ink have their pulses there.
    """
    mm = page.px_per_mm
    planes = page.segmentation
    mask = (planes.pulse > _SURE) & (planes.pulse >= planes.trace)
    joined = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((round(mm) | 1, round(0.6 * mm) | 1)))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    found: dict[int, Pulse] = {}
    for k in range(1, count):
        x, y, width, height, _ = stats[k]
        if not (_MIN_HEIGHT_MM < height / mm < _MAX_HEIGHT_MM and _MIN_WIDTH_MM < width / mm < _MAX_WIDTH_MM):
            continue
        window = (slice(y, y + height), slice(x, x + width))
        blob = np.asarray(mask[window] & (labels[window] == k), bool)
        pulse = _pulse_in(blob, mm, baselines_px, (int(x), int(y)))
        if pulse is not None and pulse.row not in found:
            found[pulse.row] = pulse
    return tuple(found[row] for row in sorted(found)) or _unmarked_pulses(page, baselines_px)


def _unmarked_pulses(page: FlatPage, baselines_px: Sequence[float]) -> tuple[Pulse, ...]:
    """Find pulses taken for traces: at least two, of half the rows, of the same height and below each other."""
    ink = cv2.max(page.segmentation.trace, page.segmentation.pulse) > _SURE
    last = ink.shape[1] - 1
    near_px = _ALIKE_MM * page.px_per_mm
    for mirrored in (False, True):
        seen = ink[:, ::-1] if mirrored else ink
        for top_mm in _TOPS_MM:
            every = [_rectangle(seen, page.px_per_mm, row, base, top_mm) for row, base in enumerate(baselines_px)]
            found = [pulse for pulse in every if pulse is not None]
            middle = float(np.median([pulse.left_px for pulse in found])) if found else 0.0
            alike = [pulse for pulse in found if abs(pulse.left_px - middle) < near_px]
            if len(alike) < max(2, len(baselines_px) / 2):
                continue
            if mirrored:
                alike = [
                    replace(
                        pulse, left_px=last - pulse.right_px, right_px=last - pulse.left_px,
                        ends_px=(last - pulse.ends_px[1], last - pulse.ends_px[0]),
                    )
                    for pulse in alike
                ]  # fmt: skip
            return tuple(alike)
    return ()


def _rectangle(ink: NDArray[np.bool_], mm: float, row: int, baseline_px: float, top_mm: float) -> Pulse | None:
    """Measure the rectangle, open below, of about `top_mm` with which the ink of a row starts; None if it does not."""
    base, top = round(baseline_px), round(baseline_px - top_mm * mm)
    slack = max(round(0.06 * top_mm * mm), 1)
    band = slice(max(base - round(_BAND_MM * mm), 0), base + round(_BAND_MM * mm) + 1)
    if top - slack < 0:
        return None
    at_foot = ink[band].any(axis=0)
    first = int(at_foot.argmax())
    reach = first + round(_FOOT_MM * mm + _MAX_WIDTH_MM * mm)
    lid = ink[top - slack : top + slack + 1, first:reach]
    columns = np.flatnonzero(lid.any(axis=0))
    if not len(columns):
        return None
    gaps = np.flatnonzero(np.diff(columns) > 1)
    left, right = int(columns[0]), int(columns[gaps[0]] if len(gaps) else columns[-1])
    above = ink[
        max(top - slack - round(_ABOVE_MM * mm), 0) : max(top - slack - 1, 0), first + left : first + right + round(mm)
    ]
    if above.any():  # a complex begins where the pulse ends: which ink is whose can not be told here
        return None
    if left > _FOOT_MM * mm or not _MIN_WIDTH_MM * mm < right - left < 0.6 * _MAX_WIDTH_MM * mm:
        return None
    heights = np.array([np.flatnonzero(column).mean() for column in lid[:, left + 1 : right].T])
    level = float(np.median(heights))
    beside = max(round(_BESIDE_MM * mm), 1)
    centres = []
    for side in (left, right):
        start = max(first + side - beside, 0)
        window = ink[top + slack : band.start, start : first + side + beside + 1]
        if not window.any() or window.any(axis=1).mean() < _SIDE_SHARE:
            return None
        centres.append(start + float(np.argwhere(window)[:, 1].mean()))
    inside = slice(first + left + 2 * beside, first + right - 2 * beside)
    hollow = ink[top + 2 * slack : band.stop, inside]
    if not hollow.size or hollow.any(axis=0).mean() > _HOLLOW_SHARE or np.ptp(heights) > 2 * _LEVEL_MM * mm:
        return None
    feet = ink[band, max(first - 1, 0) : first + max(left - beside, 2)]
    foot = band.start + (float(np.argwhere(feet)[:, 0].mean()) if feet.any() else base - band.start)
    height_mm = (foot - (top - slack + level)) / mm
    return Pulse(row, centres[0], centres[1], height_mm, foot, (float(first), centres[1] + 1))


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
        (float(corner[0]), float(corner[0] + mask.shape[1] - 1)),
    )  # fmt: skip


def nearest(value: float, choices: Sequence[float], tolerance: float) -> float | None:
    """Return the choice within a relative tolerance of `value`, or None."""
    best = min(choices, key=lambda choice: abs(np.log(value / choice)))
    return best if abs(value / best - 1) < tolerance else None
