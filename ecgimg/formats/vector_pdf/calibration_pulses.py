"""Find the calibration pulses of a vector page: at the ends of traces, or drawn by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ecgimg.formats.vector_pdf.elements import Floats, VectorPath, VectorPulse
from ecgimg.formats.vector_pdf.line_shapes import MIN_TRACE_MM, is_closed

PULSE_HEIGHT_MM = (1.5, 45.0)
PULSE_WIDTH_MM = (1.5, 15.0)
"""Heights of 1 mV at gains of 2.5 to 40 mm/mV, widths of 0.2 s at paper speeds of 12.5 to 50 mm/s, with a margin."""

_RISE_MM = 1.0  # width of a side that is to be upright: sides are sampled as the trace is, and lean
_LEVEL_SHARE = 0.03  # of the height: how far the base after the pulse may lie off the base before it
_START_MM = 60.0  # length of a line's start that is searched


def trim_pulses(path: VectorPath) -> tuple[VectorPath | None, list[VectorPulse]]:
    """Return a trace from left to right without the pulses at its ends, and those; None where nothing is left."""
    points_mm = path.points_mm if path.points_mm[0, 0] < path.points_mm[-1, 0] else path.points_mm[::-1]
    pulses = []
    leading = _leading_pulse(points_mm)
    if leading is not None:
        pulses.append(leading[0])
        points_mm = points_mm[leading[1] :]
    trailing = _leading_pulse(points_mm[::-1] * [-1, 1])  # mirrored: a pulse at the end is one at the start
    if trailing is not None:
        pulse = trailing[0]
        pulses.append(replace(pulse, left_mm=-pulse.right_mm, right_mm=-pulse.left_mm))
        points_mm = points_mm[: len(points_mm) - trailing[1]]
    # what is left of a line that was hardly longer than its pulse is no signal
    if len(points_mm) < 2 or np.ptp(points_mm[:, 0]) < MIN_TRACE_MM / 2:
        return None, pulses
    return replace(path, points_mm=points_mm), pulses


def separate_pulses(paths: Sequence[VectorPath]) -> tuple[list[VectorPulse], list[VectorPath]]:
    """Return (pulses that are drawn by themselves, the paths that are none)."""
    pulses: list[VectorPulse] = []
    others: list[VectorPath] = []
    for path in paths:
        points_mm = path.points_mm if path.points_mm[0, 0] <= path.points_mm[-1, 0] else path.points_mm[::-1]
        may_be_pulse = not path.filled and len(points_mm) >= 4 and not is_closed(path)
        leading = _leading_pulse(points_mm) if may_be_pulse else None
        if leading is not None and leading[2] == len(points_mm):  # nothing follows the base after it
            pulses.append(leading[0])
        else:
            others.append(path)
    return pulses, others


def _leading_pulse(points_mm: Floats) -> tuple[VectorPulse, int, int] | None:
    """Find a pulse where a line starts: base, straight up, flat top, straight down to the base.

    Returns
    -------
    (pulse, end, level_end) or None
        `end` is the index of the first point after the pulse and a base as long as the one before it, `level_end` that
        of the first point that leaves the level of the base.
    """
    levels = _levels(points_mm)
    if len(levels) < 3 or levels[0][4] - levels[0][3] > PULSE_WIDTH_MM[1]:
        return None
    _, _, base, start, base_end = levels[0]
    for index, (_, _, top, left, right) in enumerate(levels[1:], start=1):
        if left - base_end > _RISE_MM:
            break
        height, width = base - top, right - left
        if not (_within(height, PULSE_HEIGHT_MM) and _within(width, PULSE_WIDTH_MM)):
            continue
        for first, level_end, level, after, _ in levels[index + 1 :]:
            if after - right > _RISE_MM:
                break
            if abs(level - base) < _LEVEL_SHARE * height:
                end = first + int(np.count_nonzero(points_mm[first:level_end, 0] <= after + base_end - start + 0.05))
                return VectorPulse((base_end + left) / 2, (right + after) / 2, base, top), end, level_end
    return None


def _levels(points_mm: Floats, flat_mm: float = 0.05) -> list[tuple[int, int, float, float, float]]:
    """Split the first 60 mm of a line into level pieces: (first, end, y, x of the first point, x of the last)."""
    x, y = points_mm[:, 0], points_mm[:, 1]
    n = int(np.count_nonzero(np.abs(x - x[0]) < _START_MM))
    pieces = []
    first = 0
    for index in range(1, n + 1):
        if index == n or abs(y[index] - y[first]) > flat_mm:
            pieces.append((first, index, float(y[first]), float(x[first]), float(x[index - 1])))
            first = index
    return pieces


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]
