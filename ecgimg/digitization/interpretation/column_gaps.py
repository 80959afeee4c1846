"""Gaps between columns: evenly spaced blanks that most rows share, and the column starts that they give."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.interpretation.shared_row_ends import modal_end_px
from ecgimg.digitization.model import RowTrace
from ecgimg.digitization.numerics import Floats

Blank = tuple[float, float]
"""Middle and width of a stretch of a row without ink, in px."""
CROPPED_MM = 3.0
"""The picture may crop rows that start nearer to its edge, and columns that lack more of their width."""

_MIN_GAP_MM, _MAX_GAP_MM, _MAX_GAPS = 1.5, 8.0, 5  # narrower blanks are lost ink, wider ones are no gaps
_SLANTS = (0.0, *(side * step / 100 for step in range(1, 8) for side in (1, -1)))  # px along x for each px down
_SAME_GAP_MM, _MIN_DISTANCE_MM = 1.0, 3.0  # blanks of different rows are one gap; nearer places are not two gaps
_MAX_OFF_EVEN_MM = 2.5  # a blank may lie so far from where even spacing expects it
_MAX_PLACES = 12  # the places with blanks of most rows are combined to gaps; more would take long
_MAX_COLUMN_RATIO, _MIN_COLUMN_RATIO = 1.1, 0.92  # widths of the outer columns, relative to the inner ones
_MIN_COLUMN_MM = 20.0
_MIN_ROWS_SHARE, _MIN_ROWS_SHARE_SINGLE = 0.45, 0.6  # of rows that have the gaps; a single gap is weaker evidence
_CORE = 0.15  # of a gap's width to either side of its middle, where a row with the gap has no ink
_MIN_SLANT_MM, _MAX_RESIDUAL = 0.15, 0.5  # gaps are level unless they spread more, and a slant halves the spread
_MAX_LATE_MM = 0.6  # a first column that is farther from even spacing has lost its start, or picked up ink
_EVEN_MM = 0.2  # gaps that are so nearly even are even


def find_column_gaps(
    rows: Sequence[RowTrace],
    px_per_mm: float,
    is_lettered: Callable[[Blank, float], bool] = lambda *_: False,
    *,
    has_grid: bool = False,
) -> tuple[tuple[RowTrace, ...], float]:
    """Find the gaps between columns: evenly spaced blanks that most rows share.

    A page without a grid may be seen at an angle, so its gaps may lie on a slant.

    Parameters
    ----------
    rows : sequence of RowTrace
    px_per_mm : float
    is_lettered : callable
        Whether lettering fills a blank at a height (px). Lead labels on the traces look like gaps.
    has_grid : bool
        Whether the page map follows a grid.

    Returns
    -------
    rows : tuple of RowTrace
        Those with gaps have their column starts, also that of a first column which the picture crops.
    gaps_px : float
        Sum of the widths of the gaps, 0 where there are none.
    """
    blanks = [find_blanks(row, px_per_mm) for row in rows]
    gaps = _best_gaps(rows, blanks, px_per_mm, _SLANTS[:1] if has_grid else _SLANTS)
    if gaps is None or _are_labels(gaps, rows, blanks, px_per_mm, is_lettered):
        return tuple(rows), 0.0
    separated = gaps.separated_rows(rows, px_per_mm)
    min_slant_px = np.inf if has_grid else _MIN_SLANT_MM * px_per_mm
    starts_px = _column_starts_px(gaps, rows, blanks, separated, px_per_mm, min_slant_px)
    started = [
        replace(row, column_starts_px=tuple(starts_px[index].tolist())) if index in separated else row
        for index, row in enumerate(rows)
    ]
    return tuple(started), gaps.width_px * len(gaps.middles_px)


def find_blanks(row: RowTrace, px_per_mm: float) -> list[Blank]:
    """Return middle and width (px) of the stretches of a row without ink that are wide enough for a gap."""
    x = row.points_px[:, 0]
    before = np.flatnonzero(np.diff(x) > _MIN_GAP_MM * px_per_mm)
    return [(float(x[index] + x[index + 1]) / 2, float(x[index + 1] - x[index])) for index in before]


def _blank_start(blank: Blank) -> float:
    return blank[0] - blank[1] / 2


def _centred_heights(rows: Sequence[RowTrace]) -> Floats:
    """Return the heights (rows,) px of the rows relative to their mean."""
    heights = np.array([row.baseline_px for row in rows])
    return np.asarray(heights - heights.mean(), np.float64)


@dataclass(frozen=True, eq=False)
class _Gaps:
    """Gaps between columns.

    Parameters
    ----------
    middles_px : (gaps,) float64
        At the mean height of the rows.
    width_px : float
        Of each gap.
    slants_px : (rows,) float64
        By how much the gaps lie aside in each row.
    """

    middles_px: Floats
    width_px: float
    slants_px: Floats

    @property
    def spacing_px(self) -> float:
        """Return how far apart they are, 0 for a single one."""
        return float(np.diff(self.middles_px).mean()) if len(self.middles_px) > 1 else 0.0

    def presence(self, row: RowTrace, index: int) -> NDArray[np.int64]:
        """Tell of each gap (gaps,) whether a row has it (1), not (-1), or does not reach it (0)."""
        x = row.points_px[:, 0]
        middles = self.middles_px + self.slants_px[index]
        core = _CORE * self.width_px
        has_ink = np.searchsorted(x, middles + core) > np.searchsorted(x, middles - core, side="right")
        return np.where(has_ink, -1, np.where((x[0] < middles) & (middles < x[-1]), 1, 0))

    def n_present(self, rows: Sequence[RowTrace]) -> int:
        """Count the gaps in all rows, less those that rows lack which have others."""
        balances = [int(self.presence(row, index).sum()) for index, row in enumerate(rows)]
        return sum(balance for balance in balances if balance > 0)

    def separated_rows(self, rows: Sequence[RowTrace], px_per_mm: float) -> list[int]:
        """Return the indices of the rows that have the gaps; none if these are too few, or no columns lie between."""
        presence = np.array([self.presence(row, index) for index, row in enumerate(rows)])
        separated = [index for index, gaps in enumerate(presence) if gaps.sum() > 0]
        share = _MIN_ROWS_SHARE if self.spacing_px else _MIN_ROWS_SHARE_SINGLE
        if len(separated) < max(2, share * len(rows)) or (presence[separated] > 0).sum(axis=0).min() < 1:
            return []
        return separated if self._have_column_widths([rows[k] for k in separated], separated, px_per_mm) else []

    def _have_column_widths(self, rows: Sequence[RowTrace], indices: Sequence[int], px_per_mm: float) -> bool:
        """Tell whether what the gaps separate is as wide as columns are: all alike, but for cropped ones."""
        slants_px = [self.slants_px[index] for index in indices]
        left = float(np.median([row.left_px - slant for row, slant in zip(rows, slants_px, strict=True)]))
        rights = [row.right_px - slant for row, slant in zip(rows, slants_px, strict=True)]
        half = self.width_px / 2
        first = self.middles_px[0] - half - left
        # a row may run on to a pulse beyond, so that the last column is measured by the median
        last, longest = (float(right - self.middles_px[-1] - half) for right in (np.median(rights), max(rights)))
        inner = self.spacing_px - self.width_px if self.spacing_px else max(first, longest)
        is_cropped = left < CROPPED_MM * px_per_mm
        is_too_wide = max(first, last) > _MAX_COLUMN_RATIO * inner
        is_too_narrow = (first < _MIN_COLUMN_RATIO * inner and not is_cropped) or (
            not self.spacing_px and longest < _MIN_COLUMN_RATIO * inner
        )
        return not (is_too_wide or is_too_narrow or inner < _MIN_COLUMN_MM * px_per_mm)


def _best_gaps(
    rows: Sequence[RowTrace], blanks: Sequence[Sequence[Blank]], px_per_mm: float, slants: Sequence[float]
) -> _Gaps | None:
    """Return the gaps that most rows have, None where no blanks make columns."""
    heights = _centred_heights(rows)
    best: _Gaps | None = None
    most = -np.inf
    for slant in slants:
        for gaps in _evenly_spaced_gaps(blanks, slant * heights, px_per_mm):
            n_present = gaps.n_present(rows)
            if n_present > most and gaps.separated_rows(rows, px_per_mm):
                best, most = gaps, n_present
    return best


def _evenly_spaced_gaps(blanks: Sequence[Sequence[Blank]], slants_px: Floats, px_per_mm: float) -> Iterator[_Gaps]:
    """Yield gaps, single or evenly spaced, at the places where blanks of several rows start.

    The start of a blank is compared, because a lead label may stand at its end.
    """
    level_blanks = [
        [(_blank_start(blank) - slant, blank[1]) for blank in row_blanks]
        for row_blanks, slant in zip(blanks, slants_px, strict=True)
    ]
    widths = _widths_at_places(level_blanks, px_per_mm)
    for starts in _evenly_spaced(np.array(list(widths)), _MAX_OFF_EVEN_MM * px_per_mm):
        width = float(np.median([widths[start] for start in starts]))
        yield _Gaps(np.array(starts) + width / 2, width, slants_px)


def _evenly_spaced(places: Floats, off_px: float) -> Iterator[list[float]]:
    """Yield each of the places by itself, and the selections of several that are less than `off_px` from even."""
    for first_index, first in enumerate(places.tolist()):
        yield [first]
        for last in places[first_index + 1 :].tolist():
            for n_spaces in range(1, _MAX_GAPS):
                even = np.linspace(first, last, n_spaces + 1)
                nearest = places[np.abs(places[:, None] - even).argmin(axis=0)]
                if np.abs(even - nearest).max() < off_px:
                    yield nearest.tolist()


def _widths_at_places(level_blanks: Sequence[Sequence[Blank]], px_per_mm: float) -> dict[float, float]:
    """Return the places, from left to right, where blanks of most rows start, and the narrowest blank at each.

    Parameters
    ----------
    level_blanks : sequence of sequences of (float, float)
        Start and width of the blanks of each row, the slant taken off.
    """

    def blanks_near(place: float) -> list[Blank]:
        near = [[blank for blank in row if abs(blank[0] - place) < _SAME_GAP_MM * px_per_mm] for row in level_blanks]
        return [min(row, key=lambda blank: abs(blank[0] - place)) for row in near if row]

    clusters = [blanks_near(start) for row in level_blanks for start, width in row if width < _MAX_GAP_MM * px_per_mm]
    places: list[float] = []
    for cluster in sorted(clusters, key=lambda cluster: -len(cluster)):
        place = float(np.median([start for start, _ in cluster]))
        if all(abs(place - other) > _MIN_DISTANCE_MM * px_per_mm for other in places):
            places.append(place)
    return {place: min(width for _, width in blanks_near(place)) for place in sorted(places[:_MAX_PLACES])}


def _are_labels(
    gaps: _Gaps,
    rows: Sequence[RowTrace],
    blanks: Sequence[Sequence[Blank]],
    px_per_mm: float,
    is_lettered: Callable[[Blank, float], bool],
) -> bool:
    """Tell whether most of the blanks that make the gaps are lead labels on the traces."""
    lettered = []
    for index in gaps.separated_rows(rows, px_per_mm):
        x, y = rows[index].points_px.T
        starts = gaps.middles_px - gaps.width_px / 2 + gaps.slants_px[index]
        near = [
            blank for blank in blanks[index] if np.abs(_blank_start(blank) - starts).min() < _SAME_GAP_MM * px_per_mm
        ]
        lettered += [is_lettered(blank, float(np.interp(blank[0], x, y))) for blank in near]
    return bool(lettered) and float(np.mean(lettered)) > 1 / 2


def _column_starts_px(
    gaps: _Gaps,
    rows: Sequence[RowTrace],
    blanks: Sequence[Sequence[Blank]],
    separated: Sequence[int],
    px_per_mm: float,
    min_slant_px: float,
) -> Floats:
    """Return the column starts (rows, columns) of every row by the blanks of the rows that have the gaps."""
    heights = _centred_heights(rows)
    measured = [_measured_middles(gaps, middle, blanks, separated, px_per_mm) for middle in gaps.middles_px]
    middles = np.stack(
        [
            _extrapolate_to_rows(heights, row_middles, min_slant_px) if row_middles else middle + gaps.slants_px
            for row_middles, middle in zip(measured, gaps.middles_px, strict=True)
        ]
    )
    cap_px = float(np.median([rows[row].cap_px for row in separated]))
    gap_ends = _space_evenly(middles, measured, px_per_mm) + gaps.width_px / 2 + cap_px
    lefts = np.array([rows[row].left_px for row in separated])
    first_column = _first_starts_px(gap_ends[0], gaps.spacing_px, lefts, separated, px_per_mm)
    return np.stack([first_column, *gap_ends], axis=1)


def _first_starts_px(
    second_px: Floats, spacing_px: float, lefts_px: Floats, separated: Sequence[int], px_per_mm: float
) -> Floats:
    """Return the starts (rows,) of the first column, by those of the second if the left ends of the rows are off."""
    slant_px = second_px - second_px.mean()
    first_px = slant_px + modal_end_px(lefts_px - slant_px[separated])
    off_px = abs(float(np.median(first_px - second_px)) + spacing_px)
    is_cropped = lefts_px.min() < CROPPED_MM * px_per_mm
    is_off = is_cropped or off_px > _MAX_LATE_MM * px_per_mm
    return second_px - spacing_px if spacing_px > 0 and is_off else first_px


def _measured_middles(
    gaps: _Gaps, middle_px: float, blanks: Sequence[Sequence[Blank]], separated: Sequence[int], px_per_mm: float
) -> dict[int, float]:
    """Return, by row, the middle of the blank that is one of the gaps, measured from the start of the blank."""
    middles: dict[int, float] = {}
    for row in separated:
        candidates = [_blank_start(blank) + gaps.width_px / 2 for blank in blanks[row]]
        for candidate in candidates:
            if abs(candidate - gaps.slants_px[row] - middle_px) < _SAME_GAP_MM * px_per_mm:
                middles.setdefault(row, candidate)
    return middles


def _space_evenly(middles_px: Floats, measured: Sequence[Mapping[int, float]], px_per_mm: float) -> Floats:
    """Return the middles (gaps, rows) with even spacing if they nearly have it, moved to the measured middles."""
    if len(middles_px) < 2:
        return middles_px
    order = np.arange(len(middles_px))
    level = middles_px.mean(axis=1)
    line = np.polyval(np.polyfit(order, level, 1), order)
    if np.abs(level - line).max() > _EVEN_MM * px_per_mm:
        return middles_px
    even = middles_px + (line - level)[:, None]
    offsets = [middle - even[gap, row] for gap, middles in enumerate(measured) for row, middle in middles.items()]
    return np.asarray(even + float(np.median(offsets)), np.float64)


def _extrapolate_to_rows(heights: Floats, middles_px: Mapping[int, float], min_slant_px: float) -> Floats:
    """Return the middles (rows,) of a gap in all rows by those in some: their median, or a line if clearly slanted.

    The slope is the median of all pairs (Theil-Sen), which single rows do not bend.
    """
    rows = np.array(list(middles_px))
    middles = np.array(list(middles_px.values()))
    level = float(np.median(middles))
    pairs = [(i, j) for i in range(len(rows)) for j in range(i) if heights[rows[i]] != heights[rows[j]]]
    slopes = [(middles[i] - middles[j]) / (heights[rows[i]] - heights[rows[j]]) for i, j in pairs]
    slope = float(np.median(slopes)) if len(slopes) > 2 else 0.0
    start = float(np.median(middles - slope * heights[rows]))
    level_spread, line_spread = (
        float(np.median(np.abs(middles - model))) for model in (level, start + slope * heights[rows])
    )
    if level_spread < min_slant_px or line_spread > _MAX_RESIDUAL * level_spread:
        return np.full(len(heights), level)
    return np.asarray(start + slope * heights, np.float64)
