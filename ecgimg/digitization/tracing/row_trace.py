"""The trace of one row, as the later stages see it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STEP_PX = 0.25


@dataclass(frozen=True, eq=False)
class RowTrace:
    """The trace of one row.

    Parameters
    ----------
    baseline_px : float
        Height at which the row lies.
    points_px : (n, 2) float64
        The trace from left to right in pixels of the flat page.
    certainty : (n,) float64
        Mean trace probability of the ink at each point, 0-1.
    error_px : (n,) float64
        The error to be expected of each height.
    tall : (n,) bool
        True where the ink of the column is taller than one stroke makes it: an apex, or a separator.
    bar : (n,) bool
        True where that ink stands out both above and below the ink beside it, as a mark between columns does.
    starts_px : tuple of float
        Where separate strokes start, if the row is known to be drawn as one stroke a column.
    stroke : (n,) int64
        Which stroke each point is of; they may overlap a little along x.
    ink_ends_px : (left, right)
        Where the trace starts and ends as its ink tells, NaN if not known.
    shift_px : float
        By how much the row's columns start later than those of the page.
    cap_px : float
        How far the ink of a round pen goes on beyond the middle of its stroke's end.
    """

    baseline_px: float
    points_px: Floats
    certainty: Floats
    error_px: Floats
    tall: NDArray[np.bool_]
    bar: NDArray[np.bool_]
    starts_px: tuple[float, ...] = ()
    stroke: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    ink_ends_px: tuple[float, float] = (np.nan, np.nan)
    cap_px: float = 0.0
    shift_px: float = 0.0

    @property
    def ends_on_ink(self) -> tuple[bool, bool]:
        """Whether the trace starts and ends where its ink does, and was not cut short."""
        left, right = self.ink_ends_px[0] + self.cap_px, self.ink_ends_px[1] - self.cap_px
        first, last = float(self.points_px[0, 0]), float(self.points_px[-1, 0])
        return abs(first - left) < _STEP_PX, abs(last - right) < _STEP_PX

    @property
    def left_px(self) -> float:
        """Where the trace starts, to a fraction of a pixel, if its pen is a usual one."""
        on_ink = self.ends_on_ink[0]
        return self.ink_ends_px[0] + self.cap_px if on_ink else float(self.points_px[0, 0]) - _STEP_PX / 2

    @property
    def right_px(self) -> float:
        """Where the trace ends, to a fraction of a pixel, if its pen is a usual one."""
        on_ink = self.ends_on_ink[1]
        return self.ink_ends_px[1] - self.cap_px if on_ink else float(self.points_px[-1, 0]) + _STEP_PX / 2

    def where(self, kept: NDArray[np.bool_]) -> RowTrace:
        """Return the row with only those points."""
        return replace(
            self, points_px=self.points_px[kept], certainty=self.certainty[kept], error_px=self.error_px[kept],
            tall=self.tall[kept], bar=self.bar[kept], stroke=self.stroke[kept] if len(self.stroke) else self.stroke,
        )  # fmt: skip
