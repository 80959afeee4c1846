"""Shapes of lines: what runs across the page like a trace, what is upright, closed, or goes on in the next path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ecgimg.formats.vector_pdf.elements import Floats, VectorPath

MIN_TRACE_MM = 12.0
"""Least length across, half a second at 25 mm/s: shorter lines may be letters, ticks or parts of a logo."""

MIN_TRACE_POINTS = 40
"""Least number of points: a frame or a separator has a few, a sampled signal many."""

_FLAT_MM = 0.05  # a line no higher is a separator, or a lead that was off
_WHITE = 250  # darkest channel from which a colour cannot be seen on white paper
_TURNS_BACK = 1.02  # way along x over the distance: rounding lets a sampled line step back a little
_TOUCH_MM = 0.005  # ends that are the same but for the rounding of PDF numbers


def is_trace(path: VectorPath) -> bool:
    """Whether a path runs across the page like a trace, and is neither flat nor a grid drawn up and down in one go."""
    height = float(np.ptp(path.points_mm[:, 1]))
    if height < _FLAT_MM or not runs_across(path):
        return False
    steps = np.abs(np.diff(path.points_mm[:, 1]))
    # A grid drawn in one go goes up and down by its whole height at every step; a trace does so only now and then.
    large = steps[steps >= min(0.02 * height, steps.max())]
    return not (is_upright(path.points_mm) and np.median(large) > 0.6 * height)


def runs_across(path: VectorPath) -> bool:
    """Whether a path is a visible line of many points that hardly ever turns back."""
    if path.filled or len(path.points_mm) < MIN_TRACE_POINTS or min(path.colour) >= _WHITE:
        return False
    x = path.points_mm[:, 0]
    across = abs(float(x[-1] - x[0]))
    return across > MIN_TRACE_MM and float(np.abs(np.diff(x)).sum()) < _TURNS_BACK * across


def is_upright(points_mm: Floats) -> bool:
    """Whether all of a line's pieces run along or down the page."""
    along, down = np.abs(np.diff(points_mm, axis=0)).T
    return bool((np.minimum(along, down) <= 0.02 + 0.001 * np.maximum(along, down)).all())


def is_closed(path: VectorPath) -> bool:
    """Whether a line ends where it starts: a frame or an outline."""
    return len(path.points_mm) > 2 and bool((path.points_mm[0] == path.points_mm[-1]).all())


def chained(paths: Sequence[VectorPath]) -> Iterator[VectorPath]:
    """Yield the paths, joining those drawn one after the other that go on where the one before ended.

    A trace that is drawn as many short strokes becomes one line again.
    """
    run: list[VectorPath] = []
    for path in paths:
        if run and not _continues(run[-1], path):
            yield _joined(run)
            run = []
        run.append(path)
    if run:
        yield _joined(run)


def _continues(path: VectorPath, following: VectorPath) -> bool:
    if path.filled or following.filled or path.colour != following.colour or path.width_mm != following.width_mm:
        return False
    gap = np.abs(path.points_mm[-1] - following.points_mm[0]).max()
    return bool(gap < _TOUCH_MM) and not is_closed(path) and not is_closed(following)


def _joined(run: Sequence[VectorPath]) -> VectorPath:
    if len(run) == 1:
        return run[0]
    points_mm = np.vstack([run[0].points_mm, *(path.points_mm[1:] for path in run[1:])])
    return replace(run[0], points_mm=points_mm)
