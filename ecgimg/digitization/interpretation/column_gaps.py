"""Gaps between columns that stand apart: evenly spaced blanks which most rows share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.interpretation.column_extent import most_usual
from ecgimg.digitization.model import RowTrace

Floats = NDArray[np.float64]
Blank = tuple[float, float]
"""Middle and width of a stretch without ink, in px."""
CUT_MM = 3.0
"""Rows that start nearer to the picture's edge may be cut off by it; columns that lack more of their width are."""

_MIN_GAP_MM, _MAX_GAP_MM, _MAX_GAPS = 1.5, 8.0, 5
_SLANTS = (0.0, *(side * step / 100 for step in range(1, 8) for side in (1, -1)))
_WIDEST, _NARROWEST, _UNEVEN_MM = 1.1, 0.92, 2.5
_LEAST_SLANT_MM, _CLEARLY = 0.15, 0.5
_LATE_MM, _EVEN_MM = 0.6, 0.2
_MOST_ROWS, _NEARLY_ALL_ROWS, _LEAST_COLUMN_MM, _MOST_PLACES = 0.45, 0.6, 20.0, 12


def set_apart(
    rows: Sequence[RowTrace],
    px_per_mm: float,
    is_lettered: Callable[[Blank, float], bool] = lambda *_: False,
    *,
    ruled: bool = False,
) -> tuple[tuple[RowTrace, ...], float]:
    """Find blank gaps, evenly spaced, that most rows share, where columns stand apart; return rows and gaps' sum in px.

    The gaps may lie on a slant on a page that was not laid flat by its ruling and is seen from aside. Rows with the
    gaps are given the starts of their columns, also those of a first column of which the picture shows the end only.
    Blanks that are lettered are none, as `is_lettered` tells of middle, width and height: names stand on the traces
    there.
    """
    blanks = [find_blanks(row, px_per_mm) for row in rows]
    heights = np.array([row.baseline_px for row in rows])
    heights -= heights.mean()
    best: _Gaps | None = None
    most = -np.inf
    for slant in _SLANTS[:1] if ruled else _SLANTS:
        for gaps in _progressions(blanks, slant * heights, px_per_mm):
            n_shown = gaps.n_shown(rows)
            if n_shown > most and gaps.part(rows, px_per_mm):
                best, most = gaps, n_shown
    if best is None or _are_names(best, rows, blanks, px_per_mm, is_lettered):
        return tuple(rows), 0.0
    apart = best.part(rows, px_per_mm)
    told = _starts(best, rows, blanks, apart, px_per_mm, np.inf if ruled else _LEAST_SLANT_MM * px_per_mm)
    parted = [
        replace(row, column_starts_px=tuple(told[k].tolist())) if k in apart else row for k, row in enumerate(rows)
    ]
    return tuple(parted), best.width_px * len(best.middles_px)


@dataclass(frozen=True, eq=False)
class _Gaps:
    """Gaps between columns: their middles and width in px, and by how much they lie aside in each row (rows,)."""

    middles_px: Floats
    width_px: float
    slants_px: Floats

    @property
    def spacing_px(self) -> float:
        """Return how far apart they are, 0 for a single one."""
        return float(np.diff(self.middles_px).mean()) if len(self.middles_px) > 1 else 0.0

    def shown(self, row: RowTrace, index: int) -> NDArray[np.int64]:
        """Tell of each gap whether a row has it (1), not (-1), or does not reach it (0)."""
        x = row.points_px[:, 0]
        middles = self.middles_px + self.slants_px[index]
        core = 0.15 * self.width_px
        inside = np.searchsorted(x, middles + core) > np.searchsorted(x, middles - core, side="right")
        return np.where(inside, -1, np.where((x[0] < middles) & (middles < x[-1]), 1, 0))

    def n_shown(self, rows: Sequence[RowTrace]) -> int:
        """Count the gaps in all rows, less those that rows lack which have others."""
        shown = [self.shown(row, index) for index, row in enumerate(rows)]
        return int(sum(each.sum() for each in shown if each.sum() > 0))

    def part(self, rows: Sequence[RowTrace], px_per_mm: float) -> list[int]:
        """Return the rows that the gaps part, none if these are no columns: all as wide, of most rows."""
        shown = np.array([self.shown(row, index) for index, row in enumerate(rows)])
        apart = [index for index, each in enumerate(shown) if each.sum() > 0]
        share = _MOST_ROWS if self.spacing_px else _NEARLY_ALL_ROWS
        if len(apart) < max(2, share * len(rows)) or (shown[apart] > 0).sum(axis=0).min() < 1:
            return []
        left = float(np.median([rows[index].left_px - self.slants_px[index] for index in apart]))
        rights = [rows[index].right_px - self.slants_px[index] for index in apart]  # one may hold on to a pulse beyond
        half = self.width_px / 2
        first = self.middles_px[0] - half - left
        last, longest = (float(right - self.middles_px[-1] - half) for right in (np.median(rights), max(rights)))
        inner = self.spacing_px - self.width_px if self.spacing_px else max(first, longest)
        is_cut = left < CUT_MM * px_per_mm
        too_wide = max(first, last) > _WIDEST * inner
        too_narrow = (first < _NARROWEST * inner and not is_cut) or (
            not self.spacing_px and longest < _NARROWEST * inner
        )
        return [] if too_wide or too_narrow or inner < _LEAST_COLUMN_MM * px_per_mm else apart


def _starts(
    gaps: _Gaps,
    rows: Sequence[RowTrace],
    blanks: Sequence[Sequence[Blank]],
    apart: Sequence[int],
    px_per_mm: float,
    least_slant_px: float,
) -> Floats:
    """Return where the columns of every row (rows, columns) start, as the blanks of the rows that stand apart tell."""
    heights = np.array([row.baseline_px for row in rows])
    heights -= heights.mean()
    half = gaps.width_px / 2
    seen: list[dict[int, float]] = []
    for middle in gaps.middles_px:
        begun = {row: [_begin(blank) + half for blank in blanks[row]] for row in apart}
        near = {
            row: [x for x in own if abs(x - gaps.slants_px[row] - middle) < px_per_mm] for row, own in begun.items()
        }
        seen.append({row: places[0] for row, places in near.items() if places})
    middles = np.stack(
        [
            _on_a_slant(heights, found, least_slant_px) if found else middle + gaps.slants_px
            for found, middle in zip(seen, gaps.middles_px, strict=True)
        ]
    )
    ends = _evened(middles, seen, px_per_mm) + half + float(np.median([rows[row].cap_px for row in apart]))
    lefts = np.array([rows[row].left_px for row in apart])
    is_cut = lefts.min() < CUT_MM * px_per_mm and gaps.spacing_px > 0
    aslant = ends[0] - ends[0].mean()
    first = aslant + most_usual(lefts - aslant[apart])
    is_late = gaps.spacing_px > 0 and abs(float(np.median(first - ends[0])) + gaps.spacing_px) > _LATE_MM * px_per_mm
    if is_cut or is_late:
        first = ends[0] - gaps.spacing_px
    return np.stack([first, *ends], axis=1)


def _are_names(
    gaps: _Gaps,
    rows: Sequence[RowTrace],
    blanks: Sequence[Sequence[Blank]],
    px_per_mm: float,
    is_lettered: Callable[[Blank, float], bool],
) -> bool:
    """Tell whether most of the blanks that make the gaps are names which stand on the traces."""
    told = []
    for index in gaps.part(rows, px_per_mm):
        x, y = rows[index].points_px.T
        places = gaps.middles_px - gaps.width_px / 2 + gaps.slants_px[index]
        own = [blank for blank in blanks[index] if np.abs(_begin(blank) - places).min() < px_per_mm]
        told += [is_lettered(blank, float(np.interp(blank[0], x, y))) for blank in own]
    return bool(told) and float(np.mean(told)) > 1 / 2


def _progressions(blanks: Sequence[Sequence[Blank]], slants_px: Floats, px_per_mm: float) -> Iterator[_Gaps]:
    """Yield evenly spaced places, on a slant, where blanks of some rows begin: names may stand where these end."""
    level = [[(_begin(blank) - slant, blank[1]) for blank in own] for own, slant in zip(blanks, slants_px, strict=True)]

    def near(place: float) -> list[Blank]:
        found = [[gap for gap in own if abs(gap[0] - place) < px_per_mm] for own in level]
        return [min(gaps, key=lambda gap: abs(gap[0] - place)) for gaps in found if gaps]

    found = [(near(begin), begin) for own in level for begin, width in own if width < _MAX_GAP_MM * px_per_mm]
    places: list[float] = []
    for gaps, _ in sorted(found, key=lambda item: -len(item[0])):
        place = float(np.median([begin for begin, _ in gaps]))
        if all(abs(place - other) > 3 * px_per_mm for other in places):
            places.append(place)
    places = sorted(places[:_MOST_PLACES])
    widths = {place: min(width for _, width in near(place)) for place in places}

    def gaps_at(taken: list[float]) -> _Gaps:
        width = float(np.median([widths[place] for place in taken]))
        return _Gaps(np.array(taken) + width / 2, width, slants_px)

    for first_index, first in enumerate(places):
        yield gaps_at([first])
        for last in places[first_index + 1 :]:
            for n_spaces in range(1, _MAX_GAPS):
                even = np.linspace(first, last, n_spaces + 1)
                taken = np.array(places)[np.abs(np.array(places)[:, None] - even).argmin(axis=0)]
                if np.abs(even - taken).max() < _UNEVEN_MM * px_per_mm:
                    yield gaps_at(taken.tolist())


def _begin(blank: Blank) -> float:
    return blank[0] - blank[1] / 2


def _evened(middles_px: Floats, seen: Sequence[Mapping[int, float]], px_per_mm: float) -> Floats:
    """Return the middles (gaps, rows) of gaps as evenly as they nearly are, where most of all that were seen say."""
    if len(middles_px) < 2:
        return middles_px
    order = np.arange(len(middles_px))
    level = middles_px.mean(axis=1)
    line = np.polyval(np.polyfit(order, level, 1), order)
    if np.abs(level - line).max() > _EVEN_MM * px_per_mm:
        return middles_px
    even = middles_px + (line - level)[:, None]
    late = [place - even[gap, row] for gap, places in enumerate(seen) for row, place in places.items()]
    return np.asarray(even + float(np.median(late)), np.float64)


def _on_a_slant(heights: Floats, places_px: Mapping[int, float], least_px: float) -> Floats:
    """Return the places (rows,) of all rows by those of some: at their median, or on a line if clearly slanted."""
    known = np.array(list(places_px))
    places = np.array(list(places_px.values()))
    level = float(np.median(places))
    pairs = [(i, j) for i in range(len(known)) for j in range(i) if heights[known[i]] != heights[known[j]]]
    slopes = [(places[i] - places[j]) / (heights[known[i]] - heights[known[j]]) for i, j in pairs]
    slope = float(np.median(slopes)) if len(slopes) > 2 else 0.0
    start = float(np.median(places - slope * heights[known]))
    apart, left = (float(np.median(np.abs(places - each))) for each in (level, start + slope * heights[known]))
    if apart < least_px or left > _CLEARLY * apart:
        return np.full(len(heights), level)
    return np.asarray(start + slope * heights, np.float64)


def find_blanks(row: RowTrace, px_per_mm: float) -> list[Blank]:
    """Return middle and width (px) of the stretches of a row without ink."""
    x = row.points_px[:, 0]
    at = np.flatnonzero(np.diff(x) > _MIN_GAP_MM * px_per_mm)
    return [(float(x[k] + x[k + 1]) / 2, float(x[k + 1] - x[k])) for k in at]
