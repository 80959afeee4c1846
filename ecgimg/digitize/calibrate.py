"""Speed, gain and the height of 0 mV: from the calibration pulses where there are any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitize.trace import RowTrace

Floats = NDArray[np.float64]

SPEEDS_MM_S = (12.5, 25.0, 50.0)
GAINS_MM_MV = (2.5, 5.0, 10.0, 20.0)


@dataclass(frozen=True)
class Pulse:
    """A calibration pulse in a row's trace: its edges in px, its height in mm, and the height of its feet in px."""

    row: int
    left_px: float
    right_px: float
    height_mm: float
    foot_px: float


def find_pulses(rows: Sequence[RowTrace], px_per_mm: float) -> tuple[Pulse, ...]:
    """Find rectangular steps near either end of the rows' traces: up, a flat top of 2 to 11 mm, and down again."""
    found = []
    for index, row in enumerate(rows):
        found += [pulse for pulse in _pulses_of(index, row, px_per_mm) if pulse is not None]
    return tuple(found)


def _pulses_of(index: int, row: RowTrace, px_per_mm: float) -> list[Pulse]:
    x, y = row.points_px.T
    columns = np.arange(np.ceil(x[0]), np.floor(x[-1]) + 1)
    level = np.interp(columns, x, y) / px_per_mm
    reach = max(round(0.5 * px_per_mm), 2)
    if len(level) < 30:
        return []
    rise = np.concatenate([level[:-reach] - level[reach:], np.zeros(reach)])  # mm up within half a millimetre
    pulses = []
    for start in np.flatnonzero((rise[1:-1] > 2.2) & (rise[1:-1] >= rise[:-2]) & (rise[1:-1] > rise[2:])) + 1:
        pulse = _pulse_at(index, columns, level, int(start) + reach, px_per_mm)
        near_end = min(columns[start] - columns[0], columns[-1] - columns[start]) < 22 * px_per_mm
        if pulse is not None and near_end:
            pulses.append(pulse)
    return pulses[:1] if len(pulses) < 2 else [max(pulses, key=lambda item: item.height_mm)]


def _pulse_at(index: int, columns: Floats, level: Floats, top: int, px_per_mm: float) -> Pulse | None:
    height_px = round(px_per_mm)
    plateau = level[top + 1 : top + 1 + round(1.5 * px_per_mm)]
    if len(plateau) < height_px or np.ptp(plateau) > 0.5:
        return None
    ceiling = float(np.median(plateau))
    beyond = np.flatnonzero(np.abs(level[top:] - ceiling) > 0.6)
    if not len(beyond):
        return None
    end = top + int(beyond[0])
    width_mm = (end - top) / px_per_mm
    feet = np.sort(level[end : end + max(round(0.8 * px_per_mm), 3)])[-3:]  # where the edge has come down to
    before = level[max(top - round(1.8 * px_per_mm), 0) : max(top - round(0.8 * px_per_mm), 1)]
    if not (1.8 < width_mm < 11.5) or len(feet) < 2:
        return None
    foot = float(np.median(feet))
    height = foot - ceiling
    if height < 2 or (len(before) > 1 and abs(float(np.median(before)) - foot) > 0.12 * height + 0.3):
        return None
    return Pulse(index, columns[top] - 0.5 * px_per_mm, float(columns[end]), height, foot * px_per_mm)


def without_pulse(row: RowTrace, pulse: Pulse, px_per_mm: float) -> RowTrace:
    """Cut the pulse and its outer foot off a row's trace."""
    x = row.points_px[:, 0]
    at_left = pulse.left_px - x[0] < x[-1] - pulse.right_px
    kept = x > pulse.right_px + 0.6 * px_per_mm if at_left else x < pulse.left_px - 0.6 * px_per_mm
    return replace(row, points_px=row.points_px[kept], certainty=row.certainty[kept], tall=row.tall[kept])


def nearest(value: float, choices: Sequence[float], tolerance: float) -> float | None:
    """Return the choice within a relative tolerance of `value`, or None."""
    best = min(choices, key=lambda choice: abs(np.log(value / choice)))
    return best if abs(value / best - 1) < tolerance else None
