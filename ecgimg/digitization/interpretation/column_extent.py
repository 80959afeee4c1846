"""Where the columns of a page start and end as a whole: by the ends of the rows, pulses and marks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.interpretation.column_spacing import MANY_MARKS, SAME_MM, between_names, most_alike, quarter_px
from ecgimg.digitization.model import FlatPage, LeadLabel, Pulse, RowTrace, Scale
from ecgimg.digitization.signals.lead_extraction import FS_HZ

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_SPARE_MM = 12.0
_RUN_ON_MM = 0.4
_EARLY_TRUST = 0.75  # records end early more often than they start late
_FOOT_MM = 4.5
_EDGE_PX = -0.25
_NEAR_PX, _FAR_PX = 0.25, 0.3
_AT_END_MM, _WIDER = 0.6, (1, 2, 4)
_CLOSE, _MARKED = 1.0, 0.5
_AS_NAMED = 0.018
_HIDDEN_MM = 1.0
_SHORTEST_S, _NEARLY, _AT_EDGE_MM = 4.0, 0.97, 2.0
RECORD_S = 10.0
"""So long are records, and the pages that show them."""


@dataclass(frozen=True, eq=False)
class _Ends:
    """Where the rows start and end (rows,) px, and what is known of these ends.

    Parameters
    ----------
    begun, cut : (rows,) bool
        Whether the row runs to the left, or the right, edge of the picture.
    hidden : (rows,) bool
        Whether it starts in lettering.
    runs_on, runs_in : (rows,) bool
        Whether it starts at a pulse's foot, or ends at one.
    on_ink : (rows, 2) bool
        Whether it starts, and ends, where its ink does.
    cap_px : float
        How far round caps go beyond the ends.
    """

    left: Floats
    right: Floats
    begun: Mask
    cut: Mask
    hidden: Mask
    runs_on: Mask
    runs_in: Mask
    on_ink: Mask
    cap_px: float


@dataclass(frozen=True, eq=False)
class _Ground:
    """What else tells where the columns lie, in px.

    Parameters
    ----------
    whole, quarters : float, (3,) float64
        How long ten seconds are, and how far from their start the columns of a page of four start.
    marks : (n,) float64
        The marks between columns.
    before, after : list of float
        The sides of pulses that face the columns.
    """

    px_per_mm: float
    whole: float
    quarters: Floats
    marks: Floats
    before: list[float]
    after: list[float]

    def starts(self, around_px: float) -> Floats:
        """Return where the columns would start as any of the marks may tell."""
        found = (self.marks[:, None] - self.quarters).ravel() if len(self.marks) <= MANY_MARKS else np.zeros(0)
        return found[np.abs(found - around_px) < _SPARE_MM * self.px_per_mm]


def find_extent(
    rows: Sequence[RowTrace],
    pulses: Sequence[Pulse],
    separators: Floats,
    scale: Scale,
    width_px: int,
    hidden: Mask,
    is_marked: Callable[[float], bool] = lambda _: False,
    names: Sequence[LeadLabel] = (),
) -> tuple[float, float]:
    """Return where the columns start and end: the start that most rows' ends and the pulses vouch for.

    A row that starts late has lost ink, one that starts early has picked some up; where the page shows ten seconds, the
    right ends vouch for the start as well. Next to a pulse the trace runs on into the pulse's foot. The starts of
    `hidden` rows (rows,) are not seen. Between starts that are vouched for about alike, the borders that look marked
    decide, whatever the network took the marks for.
    """
    mm, px_per_s = scale.px_per_mm, scale.px_per_s
    ends = _ends(rows, pulses, mm, width_px, hidden)
    left, right = common(ends.left, mm), common(ends.right, mm)
    feet = np.array([pulse.extent_px[1] for pulse in pulses if pulse.extent_px[1] < (left + right) / 2])
    seconds = _shown_s(ends, left, right, feet, px_per_s, mm)
    if seconds is None:
        return _early_start(ends.left, left, right, px_per_s, mm), right
    usual = seconds / 4 * px_per_s
    quarter, named = quarter_px(separators, usual, mm), between_names(names, rows, usual, mm)
    if named is not None and abs(quarter / named - 1) > _AS_NAMED:  # what is evenly spaced may be beats
        quarter = usual
    whole = 4 * quarter - px_per_s / FS_HZ  # a record ends with its last sample
    middle = (left + right) / 2
    before = [pulse.right_px for pulse in pulses if pulse.right_px < middle]
    after = [pulse.left_px for pulse in pulses if pulse.left_px > middle]
    ground = _Ground(mm, whole, np.asarray(quarter * np.arange(1, 4), np.float64), separators, before, after)
    told = ground.starts(left)
    best = _best([*ends.left, *(ends.right[~ends.cut] - whole), *told], ends, ground, is_marked)
    start = _settled(best, ends, ground, told)
    return start, start + whole


def _shown_s(ends: _Ends, left: float, right: float, feet: Floats, px_per_s: float, px_per_mm: float) -> float | None:
    """Return how long a page shows: ten seconds, or less in quarters of one, or None if its ends do not bear it out.

    Where names hide the starts of most rows, these lie earlier than the traces do: at the `feet` of pulses, or there.
    """
    lefts = np.append(ends.left, left)
    if np.abs(lefts - (right - RECORD_S * px_per_s)).min() <= _SPARE_MM * px_per_mm:
        return RECORD_S
    if ends.begun.any() or ends.cut.any():
        return None
    quarters, hides = 4 * (right - left) / px_per_s, ends.hidden.mean() > 1 / 2
    slack = 4 * _HIDDEN_MM * px_per_mm / px_per_s
    seconds = float(np.ceil(quarters - slack) if hides else round(quarters)) / 4
    early_mm = (lefts - (right - seconds * px_per_s)) / px_per_mm
    fits = np.abs(early_mm).min() < _HIDDEN_MM or (hides and 0 < early_mm.min() < _FOOT_MM)
    if hides and len(feet):
        told = 4 * (right - common(feet, px_per_mm)) / px_per_s
        if abs(told - round(told)) * px_per_s / 4 < SAME_MM * px_per_mm:
            seconds, fits = round(told) / 4, True
    return seconds if fits and _SHORTEST_S <= seconds < RECORD_S else None


def _ends(rows: Sequence[RowTrace], pulses: Sequence[Pulse], mm: float, width_px: int, hidden: Mask) -> _Ends:
    lefts = np.array([row.left_px for row in rows])
    rights = np.array([row.right_px for row in rows])
    begun, cut = lefts < mm, rights > width_px - mm  # what runs to the picture's edge is seen up to that edge
    on_ink = np.array([row.ends_on_ink for row in rows], bool)

    def beside(row: int, end: int) -> bool:
        """Tell whether a row's end is at the foot of its own pulse, or of another row's if it was cut there."""
        end_px = (lefts[row], rights[row])[end]
        near = [pulse for pulse in pulses if abs(pulse.extent_px[1 - end] - end_px) < _RUN_ON_MM * mm]
        return any(pulse.row == row or not on_ink[row, end] for pulse in near)

    return _Ends(
        np.where(begun, _EDGE_PX, lefts),
        np.where(cut, width_px - 0.5, rights),
        begun,
        cut,
        hidden,
        np.array([beside(row, 0) for row in range(len(rows))], bool),
        np.array([beside(row, 1) for row in range(len(rows))], bool),
        on_ink,
        float(np.median([row.cap_px for row in rows])),
    )


def _best(starts: Sequence[float], ends: _Ends, ground: _Ground, is_marked: Callable[[float], bool]) -> float:
    """Return the start that is vouched for best; of several that are about alike, the one with the most marks."""
    votes = {start: _vouched(start, ends, ground) for start in starts}
    most = max(votes.values())
    rivals = [start for start in votes if votes[start] > most - _CLOSE]
    if max(rivals) - min(rivals) > _AT_END_MM * ground.px_per_mm:
        for start in rivals:
            votes[start] += _MARKED * sum(map(is_marked, start + ground.quarters))
    return max(rivals, key=votes.__getitem__)


def _vouched(start: float, ends: _Ends, ground: _Ground) -> float:
    """Return how many rows, marks and pulses speak for a start."""
    mm, last = ground.px_per_mm, start + ground.whole
    unsure, whole_right = ends.runs_on | ends.hidden, ~ends.cut
    score = 0.5 * _near(ends.left[unsure] - start, mm) + 1.1 * _near(ends.left[~unsure] - start, mm)
    score += 0.5 * _near(ends.right[whole_right & ends.runs_in] - start - ground.whole, mm)
    score += _EARLY_TRUST * _near(ends.right[whole_right & ~ends.runs_in] - start - ground.whole, mm)
    score += min(sum(_near(ground.marks - border, mm) for border in start + ground.quarters), len(ends.left))
    score -= 0.3 * float((ends.left < start - 1.2 * mm).sum() + (ends.right > last + 1.2 * mm).sum())
    beside = [start - side for side in ground.before], [side - last for side in ground.after]
    return score + sum(len(ends.left) * 0.5 * any(-0.3 * mm < gap < _FOOT_MM * mm for gap in gaps) for gaps in beside)


def _settled(best: float, ends: _Ends, ground: _Ground, told: Floats) -> float:
    """Return the start to a fraction of a pixel from the ends, or else the marks, that lie at the `best` one."""
    reach = _AT_END_MM * ground.px_per_mm
    is_at_left = np.abs(ends.left - best) < reach
    is_at_right = ~ends.cut & (np.abs(ends.right - best - ground.whole) < reach)

    def sorted_ends(told_px: Floats) -> Floats:  # where no two agree, the first counts
        return np.asarray(told_px[np.argsort(np.abs(told_px - best))], np.float64)

    by_left, by_right = sorted_ends(ends.left[is_at_left]), sorted_ends(ends.right[is_at_right] - ground.whole)
    free_left = sorted_ends(ends.left[is_at_left & ends.on_ink[:, 0] & ~ends.begun])
    free_right = sorted_ends(ends.right[is_at_right & ends.on_ink[:, 1]] - ground.whole)
    if len(free_left) and len(free_right):
        start = _between_ends(free_left, free_right, ends.cap_px)
        if start is not None:
            return start
    if not len(by_left) and not len(by_right):
        by_left = told[np.abs(told - best) < reach]
    doubtful = bool(len(by_left) and ground.before) and (
        not is_at_left.any() or float(ends.runs_on[is_at_left].mean()) > 0.5
    )
    least = 1.5 if doubtful else 0.0 if ground.after else 0.5
    if not doubtful and not ground.after and min(len(by_left), len(by_right)) > 1:
        return (most_usual(by_left) + most_usual(by_right)) / 2
    use_left = len(by_left) > least * len(by_right)
    return most_usual(by_left if use_left or not len(by_right) else by_right)


def _early_start(lefts: Floats, left: float, right: float, px_per_s: float, px_per_mm: float) -> float:
    """Return `left`, or where a row starts earlier that makes columns of usual seconds: names hide the start of most.

    Columns are quarters of a second wide, and two or more of them make halves.
    """

    def off_mm(start: float) -> float:
        halves = 2 * (right - start) / px_per_s
        return float(abs(halves - round(halves))) * px_per_s / 2 / px_per_mm

    early = lefts[(lefts < left - SAME_MM * px_per_mm) & (lefts > left - _FOOT_MM * px_per_mm)]
    if off_mm(left) < _HIDDEN_MM or not len(early):
        return left
    start = float(min(early, key=off_mm))
    return start if off_mm(start) < SAME_MM else left


def _between_ends(by_left: Floats, by_right: Floats, cap_px: float) -> float | None:
    """Return the start that both ends of the traces tell, or None where they contradict each other.

    Pens end round, flat or in between, which shows at both ends alike and falls out between them.
    """
    left, right = most_usual(by_left), most_usual(by_right)
    return (left + right) / 2 if -2 * cap_px - _FAR_PX < right - left < 1.4 * cap_px + _FAR_PX else None


def most_usual(values: Floats) -> float:
    """Return the value around which most lie."""
    weights = np.exp(-0.5 * ((values[:, None] - values[None, :]) / _NEAR_PX) ** 2)
    best = weights[int(weights.sum(axis=1).argmax())]
    return float((best * values).sum() / best.sum())


def _near(distances: Floats, px_per_mm: float) -> float:
    return float(np.maximum(1 - np.abs(distances) / (0.8 * px_per_mm), 0).sum())


def width_px(rows: Sequence[RowTrace], px_per_mm: float) -> float:
    """Return how far apart the ends lie that most rows share."""
    left, right = (common(np.array([row.points_px[end, 0] for row in rows]), px_per_mm) for end in (0, -1))
    return right - left


def common(ends: Floats, px_per_mm: float) -> float:
    """Return the end that most rows share within 0.6 mm, or if no two do, within two or four times as much."""
    alike = ends
    for times in _WIDER:
        alike = most_alike(ends, times * _AT_END_MM * px_per_mm)
        if len(alike) > 1:
            break
    return float(np.median(alike))


def possible_extents(
    page: FlatPage, rows: Sequence[RowTrace], extent_px: tuple[float, float], whole_px: float
) -> list[tuple[float, float]]:
    """Return where columns that are `whole_px` wide may start and end, where the picture's edge cuts the rows."""
    left, right = extent_px
    if right - left > _NEARLY * whole_px:
        return []
    height, width = page.page_map.size_px[::-1]
    extents = []
    for end, other in ((0, (right - whole_px, right)), (-1, (left, left + whole_px))):
        x, y = page.flat_to_image(np.array([row.points_px[end] for row in rows])).T
        to_edge = np.minimum.reduce([x, y, width - 1 - x, height - 1 - y])
        if np.median(to_edge) < _AT_EDGE_MM * page.page_map.px_per_mm:
            extents.append(other)
    return extents
