"""From a picture to a record: the stages in the order data flows."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitize.align import align_rows
from ecgimg.digitize.calibrate import Pulse, even_feet, find_pulses
from ecgimg.digitize.columns import find_extent, find_separators, fit_columns, width_px
from ecgimg.digitize.ends import even_ends
from ecgimg.digitize.flatten import FlatPage, flatten
from ecgimg.digitize.gaps import set_apart, settle_starts
from ecgimg.digitize.judge import Ground, judge
from ecgimg.digitize.labels import read_labels
from ecgimg.digitize.level import level_rows
from ecgimg.digitize.marks import without_marks
from ecgimg.digitize.paths import PathPage, read_paths
from ecgimg.digitize.place import Label, Placement, Scale, place
from ecgimg.digitize.print_reader import PrintedScale, read_printed_scale
from ecgimg.digitize.rectification import Rectification
from ecgimg.digitize.rectify import rectify, without_ruling
from ecgimg.digitize.result import Digitization
from ecgimg.digitize.row_trace import RowTrace
from ecgimg.digitize.scale import Said, settle_scale
from ecgimg.digitize.segment import Segmentation, segment
from ecgimg.digitize.sheet import find_sheet
from ecgimg.digitize.trace import trace_rows
from ecgimg.formats.vector import VectorPage
from layouts import Layout, load_layout, load_layouts

Floats = NDArray[np.float64]


def digitize_image(
    image: NDArray[np.uint8],
    *,
    layout: str = "auto",
    speed_mm_s: float | None = None,
    gain_mm_mv: float | None = None,
    vector: VectorPage | None = None,
) -> Digitization:
    """Read the ECG off a picture (height, width, 3) uint8 RGB.

    Parameters
    ----------
    layout : str
        ``"auto"``, a name of `layouts.names`, or a user's own file.
    speed_mm_s, gain_mm_mv : float, optional
        Where given, they are used as they are.
    vector : VectorPage, optional
        The page's own paths, where its file has them; read in place of the picture.
    """
    candidates = load_layouts("all") if layout == "auto" else (load_layout(layout),)
    given = Said(speed_mm_s, gain_mm_mv, gain_mm_mv, "given")
    clock = _Clock()
    paths = read_paths(vector) if vector is not None else None
    if paths is not None and vector is not None:
        clock.lap("paths")
        return _place_paths(paths, vector, image, given, candidates, clock)
    marked = segment(image)
    clock.lap("segment")
    ruling = rectify(image, marked.ink, marked.trace)
    clock.lap("rectify")
    seen = _see(image, marked, ruling, clock)
    if seen is None:
        return Digitization(
            "refused", "neither ECG ruling nor traces were found; a sharper or closer picture would help"
        )
    read = _read(seen, given, candidates, clock)
    refused = read.status == "refused"
    if not refused and read.consistency_db.get("einthoven", np.inf) >= _DOUBTFUL_DB:
        return read
    telling = ("einthoven", "strip") if refused else ("einthoven",)
    for other in _otherwise(image, marked, seen, refused, clock):
        tried = _read(other, given, candidates, clock)
        surely = max(tried.consistency_db.get(name, 0.0) for name in telling) > _SURELY_DB
        if surely or (refused and tried.status == "ok"):
            return tried
    return read


@dataclass(frozen=True, eq=False)
class _Seen:
    """A flat page, the names and the scale on it, the quarter turns that brought it upright, whether it is ruled.

    `rows` are its traces where they have been looked for.
    """

    page: FlatPage
    labels: tuple[Label, ...]
    printed: PrintedScale
    quarters: int
    ruled: bool
    rows: tuple[RowTrace, ...] | None = None

    def turned(self, turns: int) -> _Seen:
        """Return the page turned clockwise by quarters."""
        page = self.page.turned(turns)
        quarters = (self.quarters + turns) % 4
        return _Seen(page, find_labels(page), read_printed_scale(page), quarters, self.ruled)


def _see(image: NDArray[np.uint8], marked: Segmentation, ruling: Rectification | None, clock: _Clock) -> _Seen | None:
    """Flatten a picture by its ruling, else by sheet and traces, and turn it upright; None where nothing tells how."""
    sheet = find_sheet(image, marked.trace) if ruling is None else None
    found = ruling or without_ruling(marked.trace, sheet)
    if found is None:
        return None
    page = flatten(image, marked, found)
    quarters = _quarters_upright(page.segmentation.trace)
    if quarters and ruling is None:  # then a millimetre was taken from the wrong side of the page
        across = without_ruling(marked.trace, sheet, upwards=True) or found
        page = flatten(image, marked, across.turned(-quarters))
    page = page.turned(quarters)
    rows = trace_rows(page) if ruling is None else None
    even = even_ends(page, rows) if rows is not None else None
    if even is not None:
        page, rows = flatten(image, marked, even), None
    clock.lap("flatten")
    seen = _Seen(page, find_labels(page), read_printed_scale(page), quarters, ruling is not None, rows)
    seen = _upright_by_print(seen)
    clock.lap("read")
    return seen


def _otherwise(
    image: NDArray[np.uint8], marked: Segmentation, seen: _Seen, refused: bool, clock: _Clock
) -> Iterator[_Seen]:
    """Yield other ways to see a picture: turned, where it was refused, and without what was taken for a ruling."""
    yield from (seen.turned(turns) for turns in ((2, 1, 3) if refused else ()))
    if seen.ruled:
        unruled = _see(image, marked, None, clock)
        if unruled is not None:
            yield unruled


def _read(seen: _Seen, given: Said, candidates: Sequence[Layout], clock: _Clock) -> Digitization:
    """Trace, calibrate, place and judge a flat page."""
    page, px_per_mm = seen.page, seen.page.rectification.px_per_mm
    rows = trace_rows(page) if seen.rows is None else seen.rows
    clock.lap("trace")
    if not rows:
        return Digitization("refused", "no ECG trace was found on the page", px_per_mm=px_per_mm)
    pulses = find_pulses(page, [row.baseline_px for row in rows])
    pulses = even_feet(pulses, [_is_before(pulse, rows[pulse.row]) for pulse in pulses], page.px_per_mm)
    rows = _cut_pulses(rows, pulses, page.px_per_mm)
    printed = seen.printed
    told = Said(printed.speed_mm_s, printed.gain_mm_mv, printed.chest_gain_mm_mv, "print")
    rows, gaps_px = set_apart(rows, page.px_per_mm)
    width = width_px(rows, page.px_per_mm) - gaps_px
    settled = settle_scale(page.px_per_mm, width, rows, pulses, (given, told), ruled=seen.ruled)
    clock.lap("scale")
    scale = settled.scale
    separators = find_separators(page)
    extent = find_extent(rows, pulses, separators, scale, page.darkness.shape[1] - gaps_px)
    if gaps_px:
        left = float(np.median([row.starts_px[0] for row in rows if row.starts_px]))
        extent = left, max(row.points_px[-1, 0] for row in rows if row.starts_px) - gaps_px
    placements = [place(rows, each, seen.labels, scale, candidates) for each in _extents(page, rows, extent, scale)]
    placement = max((each for each in placements if each is not None), key=lambda each: each.score, default=None)
    if placement is not None:
        rows = without_marks(page, rows, placement.borders_px(rows, scale))
        if gaps_px and seen.ruled:
            rows = settle_starts(rows, placement.layout, scale)
            firsts = [row.starts_px[0] for row in rows if row.starts_px]
            placement = replace(placement, start_px=float(np.median(firsts)))
        rows = fit_columns(rows, placement, separators, scale)
        rows = align_rows(rows, placement, _levelled(rows, pulses, placement, scale))
    scale = _levelled(rows, pulses, placement, scale)
    clock.lap("place")
    ground = Ground(page.flat_to_image, px_per_mm, page.grid_lines_px() if seen.ruled else (), seen.quarters)
    return judge(ground, rows, placement, replace(settled, scale=scale), clock.laps)


def _extents(
    page: FlatPage, rows: Sequence[RowTrace], extent_px: tuple[float, float], scale: Scale
) -> list[tuple[float, float]]:
    """Return where the columns may start and end: as seen, and ten seconds where the picture's edge cuts the rows."""
    left, right = extent_px
    whole = _RECORD_S * scale.px_per_s
    if right - left > _NEARLY * whole:
        return [extent_px]
    height, width = page.rectification.size_px[::-1]
    extents = [extent_px]
    for end, other in ((0, (right - whole, right)), (-1, (left, left + whole))):
        x, y = page.flat_to_image(np.array([row.points_px[end] for row in rows])).T
        to_edge = np.minimum.reduce([x, y, width - 1 - x, height - 1 - y])
        if np.median(to_edge) < _AT_EDGE_MM * page.rectification.px_per_mm:
            extents.append(other)
    return extents


def _place_paths(
    paths: PathPage,
    vector: VectorPage,
    image: NDArray[np.uint8],
    given: Said,
    candidates: Sequence[Layout],
    clock: _Clock,
) -> Digitization:
    """Place the rows of a vector page; its coordinates are mm of ECG paper."""
    told = Said(paths.speed_mm_s, paths.gain_mm_mv, paths.chest_gain_mm_mv, "text")
    settled = settle_scale(1.0, width_px(paths.rows, 1.0), paths.rows, paths.pulses, (given, told))
    scale = settled.scale
    extent = (min(row.points_px[0, 0] for row in paths.rows), max(row.points_px[-1, 0] for row in paths.rows))
    placement = place(paths.rows, extent, paths.labels, scale, candidates)
    scale = _levelled(paths.rows, paths.pulses, placement, scale)
    clock.lap("place")
    px_per_page_mm = image.shape[1] / vector.size_mm[0]
    to_px = np.array([paths.x_unit, paths.y_unit]) * px_per_page_mm
    ground = Ground(lambda points: points * to_px - 0.5, float(to_px[0]), (), 0)
    return judge(ground, paths.rows, placement, replace(settled, scale=scale), clock.laps)


_RECORD_S, _NEARLY, _AT_EDGE_MM = 10.0, 0.97, 2.0
_SURE_NAME = 0.7
_FEW_NAMES = 3
_FEW_PIXELS = 50
_TALLEST_NAME_MM = 6.0
_DOUBTFUL_DB, _SURELY_DB = 5.0, 10.0
_MAX_LABELS = 150
_APART_MM, _SHORT_MM, _FOOT_MM = 0.8, 2.5, 4.0


class _Clock:
    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.laps[stage] = self.laps.get(stage, 0.0) + now - self._last  # a page tried turned goes through some again
        self._last = now


def _quarters_upright(trace: NDArray[np.uint8]) -> int:
    """Return the quarter turns that lay the rows of a flat page along x: 0 or 3.

    A line across the rows meets each of them once, whatever the heart does; a line along them meets many or none.
    """
    ink = trace > 128
    bounds = []
    for axis in (0, 1):
        share = np.cumsum(ink.sum(axis=axis, dtype=np.float64))
        if share[-1] < _FEW_PIXELS:
            return 0
        first, last = np.searchsorted(share / share[-1], (0.01, 0.99))
        bounds.append(slice(first, last + 1))
    ink = ink[bounds[1], bounds[0]]
    met = [(ink[1:] & ~ink[:-1]).sum(axis=0) + ink[0], (ink[:, 1:] & ~ink[:, :-1]).sum(axis=1) + ink[:, 0]]
    across, along = (float(counts.std() / max(counts.mean(), 1e-9)) for counts in met)
    return 0 if across <= along else 3


def _upright_by_print(seen: _Seen) -> _Seen:
    """Turn a page on which few names are telling and no scale is legible as its print reads best."""
    if _telling(seen.labels) >= _FEW_NAMES or _is_legible(seen.printed):
        return seen
    best, most = seen, _telling(seen.labels)
    for turns in (2, 1, 3):
        other = seen.turned(turns)
        legible = _telling(other.labels) + (2 if turns == 2 and _is_legible(other.printed) else 0)
        if legible > most + 1:
            best, most = other, legible
    return best


def _is_legible(printed: PrintedScale) -> bool:
    """Tell whether speed or gain was read, which they can only be upright."""
    return printed.speed_mm_s is not None or printed.gain_mm_mv is not None


def _cut_pulses(rows: Sequence[RowTrace], pulses: Sequence[Pulse], px_per_mm: float) -> tuple[RowTrace, ...]:
    """Cut off what the rows' traces took of the pulses, and what lies beyond them.

    Pulses stand below each other, so a row that runs on to where another has its pulse is cut there as well.
    """
    cut = []
    for index, row in enumerate(rows):
        for pulse in pulses:
            x = row.points_px[:, 0]
            before, after = x < pulse.ends_px[0], x > pulse.ends_px[1]
            middle = (pulse.left_px + pulse.right_px) / 2
            kept = after if _is_before(pulse, row) else before
            if kept.any() and (pulse.row == index or x[0] < middle < x[-1]):
                row = row.where(kept)
        cut.append(_without_feet(row, pulses, px_per_mm))
    return tuple(cut)


def _is_before(pulse: Pulse, row: RowTrace) -> bool:
    """Tell whether a pulse stands before most of a row's trace."""
    x = row.points_px[:, 0]
    return bool((x > pulse.ends_px[1]).sum() > (x < pulse.ends_px[0]).sum())


def _without_feet(row: RowTrace, pulses: Sequence[Pulse], px_per_mm: float) -> RowTrace:
    """Leave out what is left of a pulse's foot: short pieces at the end of a row that is next to pulses, apart."""
    x = row.points_px[:, 0]
    gaps = np.flatnonzero(np.diff(x) > _APART_MM * px_per_mm)
    near_px = _FOOT_MM * px_per_mm
    at_left = any(abs(x[0] - pulse.ends_px[1]) < near_px for pulse in pulses)
    at_right = any(abs(pulse.ends_px[0] - x[-1]) < near_px for pulse in pulses)
    first = max([gap + 1 for gap in gaps if at_left and x[gap] - x[0] < _SHORT_MM * px_per_mm], default=0)
    last = min([gap + 1 for gap in gaps if at_right and x[-1] - x[gap + 1] < _SHORT_MM * px_per_mm], default=len(x))
    place = np.arange(len(x))
    return row.where((place >= first) & (place < last)) if first < last else row


def _levelled(rows: Sequence[RowTrace], pulses: Sequence[Pulse], placement: Placement | None, scale: Scale) -> Scale:
    if placement is None:
        return scale
    feet = {pulse.row: pulse.foot_px for pulse in pulses}
    return replace(scale, zero_px=tuple(level_rows(rows, placement, scale, feet).tolist()))


def _telling(labels: Sequence[Label]) -> int:
    """Count the names that only read so upright: I, II and III look the same upside down."""
    return sum(label.name not in ("", "I", "II", "III") for label in labels)


def find_labels(page: FlatPage) -> tuple[Label, ...]:
    """Find blobs of lettering of the size of lead names, and read them."""
    mm = page.px_per_mm
    sure_mm = page.rectification.confidence > 0  # without a ruling the mm are guessed
    tallest = _TALLEST_NAME_MM * mm * (1 if sure_mm else 2)
    mask = (page.segmentation.label > 110).astype(np.uint8)
    joined = cv2.morphologyEx(
        mask, cv2.MORPH_CLOSE, np.ones((max(round(0.5 * mm), 1), max(round(1.2 * mm), 1)), np.uint8)
    )
    count, _, stats, centres = cv2.connectedComponentsWithStats(joined, connectivity=8)
    fits = [
        k
        for k in range(1, count)
        if 1.0 * mm < stats[k, cv2.CC_STAT_HEIGHT] < tallest
        and 0.25 * mm < stats[k, cv2.CC_STAT_WIDTH] < 16 * mm
        and stats[k, cv2.CC_STAT_AREA] > 0.3 * mm * mm
    ][:_MAX_LABELS]
    boxes = np.array([(s[0], s[1], s[0] + s[2], s[1] + s[3]) for s in stats[fits].tolist()], np.float64).reshape(-1, 4)
    read = read_labels(page.image, boxes)
    labels = []
    for n, k in enumerate(fits):
        sure = float(read.confidences[n])
        name = read.names[n] if sure >= _SURE_NAME else ""
        labels.append(Label(float(centres[k][0]), float(centres[k][1]), float(boxes[n, 0]), name, sure))
    return tuple(labels)
