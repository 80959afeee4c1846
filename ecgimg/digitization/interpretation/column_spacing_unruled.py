"""On a page without ruling, undo how columns get narrower to one side: the marks between them tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.interpretation.column_extent import common
from ecgimg.digitization.interpretation.column_spacing import SAME_MM, most_alike
from ecgimg.digitization.interpretation.column_starts import started
from ecgimg.digitization.interpretation.separators import mark_finder
from ecgimg.digitization.model import FlatPage, Interpretation, LeadLabel, Pulse, RowTrace, Scale

Floats = NDArray[np.float64]

_NEAR_SHARE, _NEAR_MM, _ALIKE_MM = 0.04, 1.6, 0.8
_FEWEST_MARKS, _FEWEST_BORDERS, _END_WEIGHT = 2, 2, 0.3
_LETTER, _SCAN_MM = 60, 1.2
_AT_PULSE, _FOOT_MM, _MOST_OFF_MM = 0.1, 5.0, 3.0
_EVEN_MM, _EVEN_END_MM, _MOST_UNEVEN, _MOST_STRETCH = 0.2, 0.6, 0.2, 0.05
_MOST_BENT, _PLACES = 3, 50


@dataclass(frozen=True, eq=False)
class EvenColumns:
    """How columns that look uneven from aside are made even along x.

    Parameters
    ----------
    places : (m,) float64
        Places along the columns, rising: k is where column k starts, from 0, and `n` where the last one ends.
    seen_px : (m,) float64
        Where these places were seen.
    n : int
        How many columns the page has; the first starts, and the last ends, where it did.
    """

    places: Floats
    seen_px: Floats
    n: int

    @property
    def start_px(self) -> float:
        """Return where the first column starts."""
        return float(np.interp(0, self.places, self.seen_px))

    @property
    def spacing_px(self) -> float:
        """Return how far apart the columns start once they are even."""
        return (float(np.interp(self.n, self.places, self.seen_px)) - self.start_px) / self.n

    def even(self, x_px: Floats) -> Floats:
        """Return where along x what was seen there lies among even columns."""
        return np.asarray(self.start_px + self.spacing_px * np.interp(x_px, self.seen_px, self.places), np.float64)

    def seen_by(self, to_image: Callable[[Floats], Floats]) -> Callable[[Floats], Floats]:
        """Return what takes points (n, 2) among even columns to the picture, by what takes those that were seen."""

        def from_even(points_px: Floats) -> Floats:
            x = np.interp((points_px[:, 0] - self.start_px) / self.spacing_px, self.places, self.seen_px)
            return to_image(np.stack([x, points_px[:, 1]], axis=1))

        return from_even

    def started(self, rows: Sequence[RowTrace], placement: Interpretation) -> tuple[RowTrace, ...]:
        """Give rows of several columns the starts of these as they were seen."""
        return started(rows, range(placement.layout.rows), np.interp(np.arange(self.n), self.places, self.seen_px))

    def row(self, row: RowTrace) -> RowTrace:
        """Return a row as it lies among even columns."""
        x, y = row.points_px.T
        left, right = self.even(np.array(row.ink_ends_px)).tolist()
        starts = tuple(self.even(np.array(row.column_starts_px)).tolist())
        return replace(
            row, points_px=np.stack([self.even(x), y], axis=1), ink_ends_px=(left, right), column_starts_px=starts
        )

    def label(self, label: LeadLabel) -> LeadLabel:
        """Return a name as it lies among even columns."""
        x_px, left_px = self.even(np.array([label.x_px, label.left_px])).tolist()
        return replace(label, x_px=x_px, left_px=left_px)


def even_columns(
    page: FlatPage,
    rows: Sequence[RowTrace],
    placement: Interpretation,
    separators: Floats,
    pulses: Sequence[Pulse],
    scale: Scale,
) -> EvenColumns | None:
    """Fit the columns to the marks between them and to the ends of the rows; None where marks are too few.

    Ends next to pulses tell little. Where the columns are even by what tells, the marks alone do.

    Parameters
    ----------
    separators : (n,) float64
        The marks that the network saw, px; others are sought in the darkness beside lettering.
    """
    layout, mm = placement.layout, scale.px_per_mm
    n, spacing = layout.columns, layout.seconds_per_column * scale.px_per_s
    if n < 2:
        return None
    borders = _borders(placement, separators, _beside_lettering(page, rows) if n > 2 else lambda _: None, scale)
    if len(borders) < min(n - 1, _FEWEST_BORDERS):
        return None
    right = common(np.array([row.right_px for row in rows[: layout.rows]]), mm)
    sides = np.array([side for pulse in pulses for side in pulse.extent_px])
    ends = np.array([(0, placement.start_px), (n, right)], np.float64)
    at_pulse = np.abs(ends[:, 1:] - sides).min(axis=1, initial=np.inf) < _FOOT_MM * mm
    bend = _bend(borders, ends, at_pulse, mm)
    if bend is None:
        return None
    places = np.linspace(-1, n + 1, _PLACES * (n + 2) + 1)
    found = EvenColumns(places, np.asarray(np.polyval(bend, places), np.float64), n)
    steps = np.diff(found.seen_px) * _PLACES / found.spacing_px
    is_sane = np.abs(steps - 1).max() < _MOST_UNEVEN and abs(found.spacing_px / spacing - 1) < _MOST_STRETCH
    return found if is_sane else None


def _beside_lettering(page: FlatPage, rows: Sequence[RowTrace]) -> Callable[[float], tuple[float, float] | None]:
    """Return what finds marks in the darkness that is no lettering."""
    letters = page.segmentation.label > _LETTER
    return mark_finder(replace(page, darkness=np.where(letters, np.float32(0), page.darkness)), rows)


def _borders(
    placement: Interpretation, separators: Floats, mark_at: Callable[[float], tuple[float, float] | None], scale: Scale
) -> Floats:
    """Return the columns that marks stand before, and where these stand (borders, 2)."""
    mm, spacing = scale.px_per_mm, placement.layout.seconds_per_column * scale.px_per_s
    found = []
    for column in range(1, placement.layout.columns):
        usual = placement.start_px + column * spacing
        reach = max(_NEAR_MM * mm, _NEAR_SHARE * column * spacing)
        near = separators[np.abs(separators - usual) < reach]
        alike = most_alike(near, _ALIKE_MM * mm)
        if len(alike) >= _FEWEST_MARKS:
            found.append((column, float(np.median(alike))))
        elif (mark := _nearest_mark(mark_at, usual, reach, _SCAN_MM * mm)) is not None:
            found.append((column, mark))
    return np.array(found, np.float64).reshape(-1, 2)


def _bend(borders: Floats, ends: Floats, at_pulse: NDArray[np.bool_], px_per_mm: float) -> Floats | None:
    """Fit where columns start, as a polynomial of their number; None where that does not meet the marks.

    Parameters
    ----------
    borders, ends : (k, 2) and (2, 2) float64
        Columns, and where marks before them, or else the ends of the rows, say that they start.
    at_pulse : (2,) bool
        Which ends are next to a pulse.
    """
    column, x = np.concatenate([borders, ends]).T
    is_mark = np.arange(len(x)) < len(borders)
    limit_mm = np.where(is_mark, _EVEN_MM, _EVEN_END_MM)
    limit_mm[len(borders) :][at_pulse] = np.inf
    if len(borders) > _FEWEST_BORDERS:
        bend = np.polyfit(column[is_mark], x[is_mark], 1)
        off_mm = np.abs(np.polyval(bend, column) - x) / px_per_mm
        if (off_mm < limit_mm).all():
            return np.asarray(bend, np.float64) if off_mm.max() < _MOST_OFF_MM else None
    weight = np.where(is_mark, 1.0, _END_WEIGHT)
    weight[len(borders) :][at_pulse] = _AT_PULSE
    bend = np.polyfit(column, x, min(max(len(borders), 2), _MOST_BENT), w=weight)
    off_mm = np.abs(np.polyval(bend, column) - x) / px_per_mm
    is_near = off_mm[is_mark].max() < SAME_MM and off_mm.max() < _MOST_OFF_MM
    return np.asarray(bend, np.float64) if is_near else None


def _nearest_mark(
    mark_at: Callable[[float], tuple[float, float] | None], usual_px: float, reach_px: float, step_px: float
) -> float | None:
    """Return the middle of the mark nearest to a place, or None where none is within reach."""
    aside = np.arange(-reach_px, reach_px + step_px / 2, step_px)
    for away in sorted(aside.tolist(), key=abs):
        mark = mark_at(usual_px + away)
        if mark is not None:
            return sum(mark) / 2
    return None
