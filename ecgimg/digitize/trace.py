"""Follow the traces: one path per row through the runs of ink in each column.

A column of a flat page holds runs of trace ink. A row's path takes one run per column so that consecutive runs touch;
it is found by dynamic programming over all runs near the row. A run that two rows took is parted between them; what the
pen did within the ink is then read by `ecgimg.digitize.strokes`, and mended by `ecgimg.digitize.redraw`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, median_filter
from scipy.signal import find_peaks

from ecgimg.digitize.flatten import FlatPage
from ecgimg.digitize.form import form_lines
from ecgimg.digitize.redraw import redraw
from ecgimg.digitize.strokes import SUB_COLUMNS, Ink, Strokes, TakenRuns, look, measure_ink, read_strokes
from ecgimg.digitize.threads import in_threads

Floats = NDArray[np.float64]

_ROW_GAP_MM, _ROW_REACH_MM = 6.5, 4.0
_MIN_ROW_SHARE, _APART_SHARE = 0.55, 0.6
_INK_SHARE, _PALE_SHARE, _UPRIGHT_MM = 0.45, 0.4, 1.2
_EDGE_SHARE = 0.5
_HALF_SHARE, _BOTH_SHARE = 0.38, 0.85
_JUMP_COST = 0.35
_SKIP_COST = 0.06
_MAX_SKIP_MM = 25.0
_LOOK_BACK = 3
_PULL_COST = 0.002
_DOUBT_COST = 0.08
_LETTERED, _LETTER_SHARE, _NAME_MM = 0.35, 0.5, 9.0
_FEW_FLAT = 3
_INK_GAIN = 0.015
_TALL_MM = 10.0
_FLAT_MM = 1.2
_TALLEST_MM = 60.0
_LONE_MM = 4.0
_SEPARATOR_MM = 1.8
_APART_MM = 5.0
_STRAIGHT_MM, _STRAIGHT_SHARE = 0.12, 0.82
_BEAT_MM, _STILL_MM = 10.0, 0.25
_BEYOND_MM = 1.2
_FEW_COLUMNS = 8
_STEP_PX = 0.25
_CAP = 0.3  # of the pen; caps are round, square or none, and print blurs them
_BESIDE_MM, _OUT_MM = 0.5, 0.5
_LONG_SHARE, _LEAST_TRACE = 0.4, 0.3
_STRAY_COST = 0.2
_FOREIGN_COST = 0.3


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


@dataclass(frozen=True, eq=False)
class _Runs:
    """Runs of ink of the whole page, sorted by column.

    First run of each column; top and bottom (inclusive) of each run, and how little it looks like trace, 0-1.
    """

    first: NDArray[np.int64]
    top: NDArray[np.int64]
    bottom: NDArray[np.int64]
    doubt: Floats


def trace_rows(page: FlatPage) -> tuple[RowTrace, ...]:
    """Find the rows of a flat page from the top and trace each."""
    ink = measure_ink(page)
    letters = page.segmentation.label
    return tuple(in_threads(lambda found: _row_trace(ink, letters, *found), find_strokes(page, ink)))


def find_strokes(page: FlatPage, ink: Ink) -> list[tuple[float, Strokes]]:
    """Find the rows of a flat page from the top: the height (px) at which each lies, and the ink that it takes."""
    level = ink.level
    mask = trace_mask(page, level)
    baselines = find_baselines(mask, page.px_per_mm)
    if not len(baselines):
        return []
    runs = _find_runs(mask, page)
    pitch = float(np.median(np.diff(baselines))) if len(baselines) > 1 else 40 * page.px_per_mm
    pen = _pen_px(runs, page, level)
    paths = [_follow(runs, index, baselines, pitch, page.px_per_mm) for index in range(len(baselines))]
    paths = _leave_others(runs, paths, baselines, pitch, page.px_per_mm, pen)
    paths = [_beyond_lettering(runs, path, page) for path in paths]
    found = []
    for baseline, path in zip(baselines, _part(runs, paths, pen, page.px_per_mm), strict=True):
        if len(path.columns) < _FEW_COLUMNS:
            continue
        strokes = look(ink, path, pen, page.px_per_mm)
        if not _is_ruled(strokes):
            found.append((float(baseline), strokes))
    longest = max((strokes.seen.sum() for _, strokes in found), default=0)
    return [
        (baseline, strokes)
        for baseline, strokes in found
        if strokes.seen.sum() > _LONG_SHARE * longest and strokes.trace.mean() > _LEAST_TRACE
    ]


def trace_mask(page: FlatPage, level: float) -> NDArray[np.bool_]:
    """Return where trace ink is: what the network is sure of, and the ink as dark as that which hangs on it.

    Thin, fast strokes are where the network doubts; they are as dark as the rest of the trace and touch it.
    """
    planes = page.segmentation
    mine = (planes.trace >= planes.label) & (planes.trace >= planes.other) & (planes.trace > planes.pulse)
    strong = (planes.trace > 128) & mine
    if strong.sum() < 50:
        return np.zeros(strong.shape, bool)
    upright = np.ones((max(round(_UPRIGHT_MM * page.px_per_mm), 3), 1), np.uint8)
    steep = cv2.morphologyEx(strong.astype(np.uint8), cv2.MORPH_OPEN, upright) > 0
    around = cv2.dilate(page.darkness, np.ones((5, 5), np.uint8))  # fast strokes are pale, but lines still
    strong &= page.darkness > _INK_SHARE * np.where(steep, np.clip(around, _PALE_SHARE * level, level), level)
    near = cv2.dilate((planes.ink > 24).astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    near &= planes.pulse <= np.maximum(planes.trace, 110)
    dark = near & (page.darkness > _EDGE_SHARE * level)
    dark |= _darker_halves(page.darkness, near & ~dark & (page.darkness > _HALF_SHARE * level), level)
    dark[:, :2] = dark[:, -2:] = strong[:, :2] = strong[:, -2:] = False  # frames and edges of the picture
    closed = (strong | dark).astype(np.uint8)
    for shape in ((1, 3), (3, 1)):
        closed = cv2.morphologyEx(closed, cv2.MORPH_CLOSE, np.ones(shape, np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    wide = stats[:, cv2.CC_STAT_WIDTH] > 1.5 * page.px_per_mm
    tall = stats[:, cv2.CC_STAT_HEIGHT] > 3.0 * page.px_per_mm
    anchored = np.bincount(labels[strong], minlength=count) > 0.15 * stats[:, cv2.CC_STAT_AREA]
    kept = (wide | tall) & anchored
    kept[0] = False
    return np.asarray(kept[labels] & ~form_lines(dark | strong, page.px_per_mm), bool)


def _darker_halves(darkness: NDArray[np.float32], pale: NDArray[np.bool_], level: float) -> NDArray[np.bool_]:
    """Return which `pale` pixels are the darker halves of strokes whose ink two neighbouring columns or rows share."""
    flat, at = darkness.ravel(), np.flatnonzero(pale)
    split = np.zeros(len(at), bool)
    for step in (-darkness.shape[1], -1, 1, darkness.shape[1]):
        beside = flat[(at + step) % flat.size]
        split |= (flat[at] >= beside) & (flat[at] + beside > _BOTH_SHARE * level)
    result = np.zeros(pale.shape, bool)
    result.ravel()[at[split]] = True
    return result


def find_baselines(mask: NDArray[np.bool_], px_per_mm: float) -> Floats:
    """Return the heights (px) at which rows of traces lie, from the top: where flat trace gathers."""
    thick = cv2.morphologyEx(
        mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((max(round(1.6 * px_per_mm), 3), 1), np.uint8)
    )
    flat = mask & (thick == 0)
    profile = gaussian_filter1d(flat.sum(axis=1).astype(np.float64), 1.1 * px_per_mm)
    if profile.max(initial=0) <= 0:
        return np.zeros(0)
    peaks, _ = find_peaks(
        profile, distance=_ROW_GAP_MM * px_per_mm, height=0.1 * profile.max(), prominence=0.08 * profile.max()
    )

    def share(peak: float, reach: float) -> float:
        return float(mask[max(int(peak - reach), 0) : int(peak + reach)].any(axis=0).sum())

    lengths = np.array([share(peak, _ROW_REACH_MM * px_per_mm) for peak in peaks])
    longest = lengths.max(initial=0)
    found = np.asarray(peaks[lengths > _MIN_ROW_SHARE * longest], np.float64)
    pitch = float(np.median(np.diff(found))) if len(found) > 1 else np.inf
    for peak in sorted(peaks[lengths <= _MIN_ROW_SHARE * longest], key=lambda peak: -profile[peak]):
        if (
            np.abs(found - peak).min(initial=np.inf) > _APART_SHARE * pitch
        ):  # a row that drifts, where there is room for one
            found = np.append(found, peak) if share(peak, pitch / 2) > _MIN_ROW_SHARE * longest else found
    return np.sort(found)


def _find_runs(mask: NDArray[np.bool_], page: FlatPage) -> _Runs:
    height, width = mask.shape
    down = np.zeros((width + 1, height + 1), bool)  # each column after a gap, and a gap at the end
    down[:-1, 1:] = cv2.transpose(mask.view(np.uint8)).view(bool)
    change = np.flatnonzero(np.diff(down.ravel()))
    starts, lengths = change[::2], change[1::2] - change[::2]
    columns, top = np.divmod(starts, height + 1)
    column, row = np.divmod(np.flatnonzero(down), height + 1)
    shade = page.darkness[row - 1, column] * page.segmentation.trace[row - 1, column]
    first = np.cumsum(lengths) - lengths
    mean = np.add.reduceat(shade, first, dtype=np.float64) / lengths if len(lengths) else np.zeros(0)
    plausible = lengths < _TALLEST_MM * page.px_per_mm  # no frame and no edge of the picture
    columns, top, lengths, mean = columns[plausible], top[plausible], lengths[plausible], mean[plausible]
    typical = float(np.percentile(mean, 75)) if len(mean) else 1.0
    doubt = np.clip(1 - mean / max(typical, 1e-6), 0, 1)
    return _Runs(np.searchsorted(columns, np.arange(width + 1)), top, top + lengths - 1, doubt)


def _pen_px(runs: _Runs, page: FlatPage, level: float) -> float:
    """Width of the pen: the ink in a flat run over the ink of a pixel that is covered in full."""
    heights = runs.bottom - runs.top + 1
    if not len(heights):
        return 1.0
    columns = np.repeat(np.arange(len(runs.first) - 1), np.diff(runs.first))
    flat = heights <= np.percentile(heights, 40)
    ink = np.zeros(int(flat.sum()))
    for step in range(-1, int(heights[flat].max()) + 1):
        rows = np.clip(runs.top[flat] + step, 0, page.darkness.shape[0] - 1)
        ink += np.where(runs.top[flat] + step <= runs.bottom[flat] + 1, page.darkness[rows, columns[flat]], 0)
    return float(np.clip(np.median(ink) / level, 1.0, 12.0))


def _leave_others(
    runs: _Runs, paths: list[NDArray[np.int64]], baselines: Floats, pitch: float, px_per_mm: float, pen: float
) -> list[NDArray[np.int64]]:
    """Follow rows again that rested on another row's flat line: a deep stroke that crosses it has its apex beyond."""
    flat = runs.bottom - runs.top + 1 < 2.2 * pen + 1
    middle = (runs.top + runs.bottom) / 2
    nearest = np.abs(middle[:, None] - baselines[None, :]).argmin(axis=1)
    result = []
    for row, path in enumerate(paths):
        taken = path[path >= 0]
        theirs = np.zeros(len(middle), bool)
        for other, their_path in enumerate(paths):
            if other != row:
                own = their_path[their_path >= 0]
                theirs[own[flat[own] & (nearest[own] == other)]] = True
        if theirs[taken].sum() >= 3:
            path = _follow(runs, row, baselines, pitch, px_per_mm, _FOREIGN_COST * theirs)
        result.append(path)
    return result


def _follow(
    runs: _Runs, row: int, baselines: Floats, pitch: float, px_per_mm: float, extra: Floats | float = 0.0
) -> NDArray[np.int64]:
    """Return the run that the row takes in each column, −1 where none; `extra` is a further cost of each run."""
    width = len(runs.first) - 1
    centre = float(baselines[row])
    reach = max(1.6 * pitch, 25 * px_per_mm)
    middle = (runs.top + runs.bottom) / 2
    allowed = ((runs.bottom > centre - reach) & (runs.top < centre + reach)).tolist()
    is_home = (np.abs(middle - centre) < 0.45 * pitch).tolist()
    cost_here = (_costs(runs, row, baselines, px_per_mm) + extra).tolist()
    search = _Search(runs.top.tolist(), runs.bottom.tolist(), px_per_mm)
    first = runs.first.tolist()
    recent: list[_Column] = []
    home: list[_Column] = []
    for column in range(width):
        here = [k for k in range(first[column], first[column + 1]) if allowed[k]]
        if not here:
            continue
        oldest = recent[-1].place if recent else column
        search.enter(here, column, cost_here, [*recent, *(earlier for earlier in home if earlier.place < oldest)])
        recent = [search.column(column, here), *recent[: _LOOK_BACK - 1]]
        at_home = [k for k in here if is_home[k]]
        if at_home:
            nearby = recent[0] if len(at_home) == len(here) else search.column(column, at_home)
            home = [nearby, *home[: _LOOK_BACK - 1]]
    return _trace_back(runs, search.total, search.back, allowed, width)


def _beyond_lettering(runs: _Runs, path: NDArray[np.int64], page: FlatPage) -> NDArray[np.int64]:
    """Follow a path that starts on lettering to the left, through it: a name may stand on the start of its trace."""
    columns = np.flatnonzero(path >= 0)
    if not len(columns):
        return path
    height_mm = (runs.bottom - runs.top + 1) / page.px_per_mm
    column, run = int(columns[0]), int(path[columns[0]])
    taken: list[tuple[int, int]] = []
    last = max(column - round(_NAME_MM * page.px_per_mm), 0)
    while column > last:
        column -= 1
        beside = [
            k
            for k in range(runs.first[column], runs.first[column + 1])
            if runs.top[k] <= runs.bottom[run] + 1 and runs.bottom[k] >= runs.top[run] - 1
        ]
        if not beside:
            break
        flat = [k for k in beside if height_mm[k] < _FLAT_MM]
        run = max(flat or beside, key=lambda k: height_mm[k])
        if not flat and not _is_lettering(page.segmentation.label, int(runs.top[run]), int(runs.bottom[run]), column):
            break
        taken.append((column, run))
    while taken and height_mm[taken[-1][1]] >= _FLAT_MM:  # lettering beyond which there is no trace
        taken.pop()
    if sum(height_mm[k] < _FLAT_MM for _, k in taken) < _FEW_FLAT:
        return path
    path = path.copy()
    for column, run in taken:
        path[column] = run
    return path


def _costs(runs: _Runs, row: int, baselines: Floats, px_per_mm: float) -> Floats:
    """Cost of taking each run for this row: far from its baseline, nearer to another row's, doubtful, or little ink."""
    centre = float(baselines[row])
    others = np.delete(baselines, row)
    middle = (runs.top + runs.bottom) / 2
    height_mm = (runs.bottom - runs.top) / px_per_mm
    cost = _PULL_COST * np.maximum(np.maximum(runs.top - centre, centre - runs.bottom), 0) / px_per_mm
    if len(others):
        to_other = np.abs(middle[:, None] - others[None, :]).min(axis=1)
        is_theirs = (np.abs(middle - centre) > to_other) & (height_mm < _FLAT_MM)
        cost = cost + _STRAY_COST * is_theirs
    return np.asarray(cost + _DOUBT_COST * runs.doubt - _INK_GAIN * np.minimum(height_mm, _TALL_MM))


class _Column(NamedTuple):
    """Runs of an earlier column, and what the cheapest way to any of them costs."""

    place: int
    cheapest: float
    runs: list[int]


class _Search:
    """The cheapest way to every run, and the run it comes from (−1 where the path starts there)."""

    def __init__(self, top: list[int], bottom: list[int], px_per_mm: float) -> None:
        self.total = [0.0] * len(top)
        self.back = [-1] * len(top)
        self._top, self._bottom = top, bottom
        self._jump = _JUMP_COST / px_per_mm
        self._max_skip = max(round(_MAX_SKIP_MM * px_per_mm), 2)

    def column(self, place: int, runs: list[int]) -> _Column:
        """Note the runs of a column that was entered."""
        return _Column(place, min([self.total[k] for k in runs]), runs)

    def enter(self, here: list[int], column: int, cost_here: list[float], before: list[_Column]) -> None:
        """Find the cheapest way into each of a column's runs; what cannot be cheaper is not looked at in full."""
        total, tops, bottoms, jump = self.total, self._top, self._bottom, self._jump
        ways = [
            (_SKIP_COST * (column - earlier.place - 1), earlier.cheapest, earlier.runs)
            for earlier in before
            if column - earlier.place - 1 <= self._max_skip
        ]
        for k in here:
            best, origin = _SKIP_COST * column, -1
            above, below = tops[k] - 1, bottoms[k] + 1
            for skipped, cheapest, candidates in ways:
                if cheapest + skipped >= best:
                    continue
                for j in candidates:
                    cost = total[j] + skipped
                    if cost >= best:
                        continue
                    if bottoms[j] < above:
                        cost += jump * (above - bottoms[j])
                    elif tops[j] > below:
                        cost += jump * (tops[j] - below)
                    if cost < best:
                        best, origin = cost, j
            total[k], self.back[k] = best + cost_here[k], origin


def _trace_back(runs: _Runs, total: list[float], back: list[int], allowed: list[bool], width: int) -> NDArray[np.int64]:
    column_of = np.repeat(np.arange(width), np.diff(runs.first))
    ends = np.flatnonzero(np.asarray(allowed))
    path = np.full(width, -1)
    if not len(ends):
        return path
    cost = np.asarray(total)[ends] + _SKIP_COST * (width - 1 - column_of[ends])
    k = int(ends[int(cost.argmin())])
    while k >= 0:
        path[column_of[k]] = k
        k = back[k]
    return path


def _part(runs: _Runs, paths: list[NDArray[np.int64]], pen: float, px_per_mm: float) -> list[TakenRuns]:
    """Part the tall runs that two rows took between them: each row's ink is what lies on its own side of the lines."""
    tall = runs.bottom - runs.top + 1 > 2.2 * pen + 1
    lines = [_line(runs, path, tall) for path in paths]
    takers = np.bincount(np.concatenate([path[path >= 0] for path in paths]), minlength=len(runs.top))
    owners: dict[int, list[int]] = {}
    for row, path in enumerate(paths):
        taken = path[path >= 0]
        for k in taken[takers[taken] > 1].tolist():
            owners.setdefault(k, []).append(row)
    alone = takers == 1
    usual = [_usual(runs, path, line, alone, pen) for path, line in zip(paths, lines, strict=True)]
    found = []
    for row, path in enumerate(paths):
        columns = _without_crumbs(np.flatnonzero(path >= 0), px_per_mm)
        taken = path[columns]
        top, bottom = runs.top[taken].astype(np.float64), runs.bottom[taken].astype(np.float64)
        shared = takers[taken] > 1
        for n in np.flatnonzero(shared & tall[taken]):
            rows = owners[int(taken[n])]
            levels = [float(lines[other][columns[n]]) for other in rows]
            reaches = [usual[other] for other in rows]
            top[n], bottom[n] = _share(top[n], bottom[n], levels, reaches, rows.index(row), pen, _BEYOND_MM * px_per_mm)
        whole = runs.top[taken].astype(np.float64), runs.bottom[taken].astype(np.float64)
        found.append(TakenRuns(columns, top, bottom, *whole, shared & ~tall[taken]))
    return found


def _usual(
    runs: _Runs, path: NDArray[np.int64], line: Floats, alone: NDArray[np.bool_], pen: float
) -> tuple[float, float] | None:
    """Return how far (px) above and below its line a row goes where no other touches it; None if not known."""
    columns = np.flatnonzero(path >= 0)
    columns = columns[alone[path[columns]]]
    own = path[columns]
    up, down = line[columns] - runs.top[own], runs.bottom[own] - line[columns]
    if not ((up + down) > 2.2 * pen + 1).sum() >= _FEW_COLUMNS or not np.isfinite(line).any():
        return None
    return float(np.percentile(up, 99.8)), float(np.percentile(down, 99.8))


def _line(runs: _Runs, path: NDArray[np.int64], tall: NDArray[np.bool_]) -> Floats:
    """Return the height of a row's line in every column, straight across what is tall or missing."""
    columns = np.flatnonzero(path >= 0)
    columns = columns[~tall[path[columns]]]
    if not len(columns):
        return np.full(len(path), np.nan)
    middle = (runs.top[path[columns]] + runs.bottom[path[columns]]) / 2
    return np.asarray(np.interp(np.arange(len(path)), columns, middle), np.float64)


def _share(
    top: float, bottom: float, levels: list[float], reaches: list[tuple[float, float] | None], place: int, pen: float,
    beyond: float,
) -> tuple[float, float]:  # fmt: skip
    """Return the part of a run that belongs to the `place`-th of the rows, from the top, whose lines it touches.

    Where a row's other beats tell how far it goes (`reaches`, px above and below its line), the run is parted there.
    Else ink above the uppermost line is that row's, ink below the lowest that one's, and ink between two lines is a
    peak of the lower row.
    """
    level = levels[place]
    flat = level - pen / 2, level + pen / 2
    if not all(np.isfinite(levels)):
        return top, bottom
    if len(levels) == 2 and (reaches[0] is not None or reaches[1] is not None):
        upper, lower = reaches
        if lower is not None:
            border = max(levels[1] - 1.05 * lower[0] - pen / 2, top)
            through = bottom - levels[1] > lower[1] + beyond and upper is None  # the upper row's trough came through
            own = (top, bottom if through else border + pen) if place == 0 else (border, bottom)
            missing = (place == 0 and border - max(top, levels[0]) < beyond) or (place == 1 and through)
        else:
            assert upper is not None
            border = min(levels[0] + 1.05 * upper[1] + pen / 2, bottom)
            through = levels[0] - top > upper[0] + beyond  # the lower row's peak came through
            own = (top, border) if place == 0 else (top if through else border - pen, bottom)
            missing = (place == 1 and min(bottom, levels[1]) - border < beyond) or (place == 0 and through)
        if missing and place == 0 and levels[0] - top > beyond:
            return top, flat[1]
        if missing and place == 1 and bottom - levels[1] > beyond:
            return flat[0], bottom
        return flat if missing else own
    from_above = place > 0 and bottom - levels[-1] <= beyond  # a peak that reaches the line above, or comes through it
    to_below = place < len(levels) - 1 and bottom - levels[-1] > beyond and levels[0] - top <= beyond
    own_top = top if place == 0 else levels[place - 1] - pen / 2 if from_above else flat[0]
    own_bottom = bottom if place == len(levels) - 1 else levels[place + 1] + pen / 2 if to_below else flat[1]
    own_top, own_bottom = max(own_top, top), min(own_bottom, bottom)
    return (own_top, own_bottom) if own_bottom - own_top >= 1 else flat


def _is_ruled(strokes: Strokes) -> bool:
    """Tell a line of the form, ruled or framed, from a trace: it is straight nearly everywhere, or has no beats."""
    columns = np.flatnonzero(strokes.seen)
    middle = (strokes.upper + strokes.lower)[columns] / 2
    half = len(columns) // 2
    apart = columns[half:] - columns[: len(columns) - half]
    slope = float(np.median((middle[half:] - middle[: len(middle) - half]) / apart))
    rest = middle - slope * columns
    straight = np.abs(rest - np.median(rest)) < _STRAIGHT_MM * strokes.px_per_mm
    smooth = median_filter(middle, size=round(_BEAT_MM * strokes.px_per_mm) | 1, mode="nearest")
    beats_px = float(np.percentile(np.abs(middle - smooth), 99))
    return bool(straight.mean() > _STRAIGHT_SHARE or beats_px < _STILL_MM * strokes.px_per_mm)


def _row_trace(ink: Ink, letters: NDArray[np.uint8], baseline: float, strokes: Strokes) -> RowTrace:
    heights, error = read_strokes(strokes)
    heights = redraw(ink, strokes, heights, error)
    tall = strokes.lower - strokes.upper > _SEPARATOR_MM * strokes.px_per_mm
    lettered = _lettered(letters, strokes, tall)
    columns = strokes.first_column + np.flatnonzero(strokes.seen)
    places = columns[:, None] + np.asarray(SUB_COLUMNS)
    points = np.stack([places, heights[strokes.seen]], axis=-1).reshape(-1, 2)

    def each(values: NDArray[Any]) -> NDArray[Any]:
        return np.repeat(values[strokes.seen], len(SUB_COLUMNS))

    row = RowTrace(baseline, points, each(strokes.trace), each(error), each(tall), each(tall & _stands_out(strokes)))
    (left, right), cap = strokes.ends_px, _CAP * strokes.pen_px
    x = points[:, 0]
    row = row.where((x >= left + cap) & (x <= right - cap) & ~each(lettered))
    return replace(row, ink_ends_px=(left, right), cap_px=cap)


def _lettered(letters: NDArray[np.uint8], strokes: Strokes, tall: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return in which tall columns the ink is lettering that stands on the trace: nothing can be read there."""
    result = np.zeros(len(tall), bool)
    for column in np.flatnonzero(tall & strokes.seen & (strokes.trace < _LETTERED)):
        top, bottom = int(strokes.upper[column]), int(strokes.lower[column])
        result[column] = _is_lettering(letters, top, bottom, strokes.first_column + int(column))
    return result


def _is_lettering(letters: NDArray[np.uint8], top: int, bottom: int, column: int) -> bool:
    """Tell whether ink of a column, from top to bottom, is that of a name."""
    return bool(letters[max(top, 0) : bottom + 1, column].mean() > 255 * _LETTER_SHARE)


def _stands_out(strokes: Strokes) -> NDArray[np.bool_]:
    """Return where the ink of a column goes on both above and below that of the columns beside it."""
    aside = np.ceil(_BESIDE_MM * strokes.px_per_mm + strokes.pen_px).astype(int)
    columns = np.arange(len(strokes.upper))
    sides = [np.clip(columns + by, 0, len(columns) - 1) for by in (-aside, aside)]
    above = strokes.upper < np.minimum(*(strokes.upper[side] for side in sides)) - _OUT_MM * strokes.px_per_mm
    below = strokes.lower > np.maximum(*(strokes.lower[side] for side in sides)) + _OUT_MM * strokes.px_per_mm
    return np.asarray(above & below)


def _without_crumbs(columns: NDArray[np.int64], px_per_mm: float) -> NDArray[np.int64]:
    """Drop short pieces at the ends of a path that stand far from the rest: specks, letters, the picture's edge."""
    pieces = np.split(columns, np.flatnonzero(np.diff(columns) > _APART_MM * px_per_mm) + 1)
    while len(pieces) > 1 and len(pieces[0]) < _LONE_MM * px_per_mm:
        pieces.pop(0)
    while len(pieces) > 1 and len(pieces[-1]) < _LONE_MM * px_per_mm:
        pieces.pop()
    return np.concatenate(pieces)
