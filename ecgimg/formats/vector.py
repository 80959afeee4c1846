"""PDF pages that carry their traces as vector paths: exact ink, no vision.

`read_vector_page` lists what a page draws and writes, in millimetres of the page as it is shown: x right, y down, from
its top-left corner. `split_vector` sorts that into traces, grid, calibration pulses and lead labels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from ctypes import c_double, c_float, c_int, c_uint
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
from numpy.typing import NDArray

from ecgimg.printed_scale import agreed, find_mentions
from ecgimg.record import canonical_lead

__all__ = ["VectorInk", "VectorPage", "VectorPath", "VectorPulse", "VectorText", "read_vector_page", "split_vector"]

MM_PER_PT = 25.4 / 72
MAX_OBJECTS = 20_000
MAX_SEGMENTS = 300_000
MAX_STROKES = 1000
"""A page of more objects, pieces of line or lines across is no ECG, or one that is left to its picture.

Device exports have up to 600 objects of 21,000 pieces. Listing as many as are allowed takes about two seconds.
"""

MAX_CHARS = 20_000
MAX_NESTING = 8

MIN_TRACE_MM = 12.0
MIN_TRACE_POINTS = 40
MIN_TRACES_MM = 50.0
"""A page whose traces are shorter all together is a scan with a stroke or two on it."""

PULSE_HEIGHT_MM = (1.5, 45.0)
PULSE_WIDTH_MM = (1.5, 15.0)

Box = tuple[float, float, float, float]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class VectorPath:
    """One unbroken line or outline.

    Parameters
    ----------
    points_mm : (n, 2) float64
        x, y on the page; Bézier curves are flattened, a closed outline ends where it starts.
    colour : (red, green, blue)
        0 to 255; of the stroke, or of the filling where there is no stroke.
    width_mm : float
        Of the stroke; 0 is the thinnest line there is.
    filled : bool
        Whether its inside is painted.
    """

    points_mm: Floats
    colour: tuple[int, int, int]
    width_mm: float
    filled: bool

    @property
    def box_mm(self) -> Box:
        """(left, top, right, bottom) of its points."""
        (left, top), (right, bottom) = self.points_mm.min(axis=0).tolist(), self.points_mm.max(axis=0).tolist()
        return left, top, right, bottom


@dataclass(frozen=True)
class VectorText:
    """A printed word and its (left, top, right, bottom) in page mm."""

    text: str
    box_mm: Box


@dataclass(frozen=True)
class VectorPage:
    """All that a page draws and writes: its (width, height), its paths in drawing order, its words."""

    size_mm: tuple[float, float]
    paths: tuple[VectorPath, ...]
    texts: tuple[VectorText, ...]


@dataclass(frozen=True)
class VectorPulse:
    """A calibration pulse: its upright sides' x, and the y of its base and its top, in page mm."""

    left_mm: float
    right_mm: float
    base_mm: float
    top_mm: float

    @property
    def height_mm(self) -> float:
        """How high it is printed: one millivolt, as a rule."""
        return self.base_mm - self.top_mm


@dataclass(frozen=True)
class VectorInk:
    """A vector page sorted into what an ECG page is made of.

    Parameters
    ----------
    traces : tuple of VectorPath
        One a continuous stroke, x increasing, in reading order: rows from top to bottom, each from left to right. A
        stroke may span one lead or a whole row of leads. Pulses at the ends are cut off.
    pulses : tuple of VectorPulse
        From left to right in rows as the traces.
    grid : tuple of VectorPath
        The lines that gave `grid_x_mm` and `grid_y_mm`.
    grid_x_mm, grid_y_mm : (float, float) or None
        Page mm a small and a large square across and down the page; a large square is 5 mm of ECG paper whatever its
        printed size. None where no such lines were found.
    labels : tuple of VectorText
        Lead names as `ecgimg.record.KNOWN_LEADS` spells them, with ``-`` before a lead that is drawn upside down.
    speed_mm_s, gain_mm_mv : float or None
        As printed; None where nothing is, or where two numbers contradict each other.
    chest_gain_mm_mv : float or None
        The gain of V1 to V6: what is printed for them, else `gain_mm_mv`.
    other : tuple of VectorPath
        What is none of these: frames, separators, logos.
    """

    traces: tuple[VectorPath, ...]
    pulses: tuple[VectorPulse, ...]
    grid: tuple[VectorPath, ...]
    grid_x_mm: tuple[float, float] | None
    grid_y_mm: tuple[float, float] | None
    labels: tuple[VectorText, ...]
    speed_mm_s: float | None
    gain_mm_mv: float | None
    chest_gain_mm_mv: float | None
    other: tuple[VectorPath, ...]

    @property
    def grid_mm(self) -> tuple[float, float] | None:
        """Page mm a small and a large square, the mean of both directions."""
        found = [pair for pair in (self.grid_x_mm, self.grid_y_mm) if pair]
        if not found:
            return None
        return sum(pair[0] for pair in found) / len(found), sum(pair[1] for pair in found) / len(found)


def read_vector_page(page: Any) -> VectorPage | None:
    """Read the paths and words of an opened `pypdfium2.PdfPage`; None where its paths are no traces.

    A scan inside a PDF is None, and so is a page whose traces run up or down it as it is shown. A line drawn as many
    short strokes, each starting where the one before ended, comes back as one path.
    """
    to_mm = _page_to_mm(page)
    paths: list[VectorPath] = []
    segments = 0
    for count, (item, kind, item_to_mm) in enumerate(_objects(page, to_mm), start=1):
        is_path = kind == pdfium.FPDF_PAGEOBJ_PATH
        segments += max(pdfium.FPDFPath_CountSegments(item), 0) if is_path else 0
        if count > MAX_OBJECTS or segments > MAX_SEGMENTS:
            return None
        if is_path:
            paths += _subpaths(item, item_to_mm)
    chained = tuple(_chained(paths))
    strokes = [path for path in chained if _runs_across(path)]
    across_mm = sum(np.ptp(path.points_mm[:, 0]) for path in strokes[:MAX_STROKES] if _is_trace(path))
    if across_mm < MIN_TRACES_MM or len(strokes) > MAX_STROKES:
        return None
    width_pt, height_pt = page.get_size()
    return VectorPage((width_pt * MM_PER_PT, height_pt * MM_PER_PT), chained, tuple(_words(page, to_mm)))


def split_vector(page: VectorPage) -> VectorInk:
    """Sort a page's paths into traces, pulses and grid, and read its labels, speed and gain."""
    candidates, rest = _trace_candidates(page.paths)
    traces: list[VectorPath] = []
    pulses: list[VectorPulse] = []
    for path in candidates:
        trace, own = _without_pulses(path)
        pulses += own
        if trace is not None:
            traces.append(trace)
    own_pulses, others = _own_pulses(rest)
    grid, others, grid_x_mm, grid_y_mm = _grid(others)
    if grid_y_mm is None:
        grid_y_mm = _glyph_grid(page.texts)
    speed, gain, chest = _printed_scales(page.texts)
    return VectorInk(
        traces=tuple(_in_reading_order(_unrepeated(traces))),
        pulses=tuple(sorted({*pulses, *own_pulses}, key=lambda pulse: (round(pulse.base_mm), pulse.left_mm))),
        grid=tuple(grid),
        grid_x_mm=grid_x_mm,
        grid_y_mm=grid_y_mm,
        labels=tuple(_labels(page.texts)),
        speed_mm_s=speed,
        gain_mm_mv=gain,
        chest_gain_mm_mv=chest,
        other=tuple(others),
    )


# ---- reading paths ---------------------------------------------------------------------------------------------------


def _page_to_mm(page: Any) -> Floats:
    """Return the (2, 3) map from a page's own points, y up, to mm of the page as it is shown."""
    box = pdfium.FS_RECTF()
    pdfium.FPDF_GetPageBoundingBox(page, box)
    left, bottom, right, top = box.left, box.bottom, box.right, box.top
    shown = {
        0: [[1, 0, -left], [0, -1, top]],
        90: [[0, 1, -bottom], [1, 0, -left]],
        180: [[-1, 0, right], [0, 1, -bottom]],
        270: [[0, -1, top], [-1, 0, right]],
    }
    return MM_PER_PT * np.array(shown[page.get_rotation()], np.float64)


def _objects(page: Any, to_mm: Floats) -> Iterator[tuple[Any, int, Floats]]:
    """Yield every object on the page and in its forms: (object, kind, (2, 3) map from its own coordinates to mm)."""

    def walk(count: int, get: Callable[[int], Any], outer: Floats, depth: int) -> Iterator[tuple[Any, int, Floats]]:
        for index in range(count):
            item = get(index)
            kind = pdfium.FPDFPageObj_GetType(item)
            inner = _then(_matrix(item), outer)
            yield item, kind, inner
            if kind == pdfium.FPDF_PAGEOBJ_FORM and depth < MAX_NESTING:
                get_inner = _getter(pdfium.FPDFFormObj_GetObject, item)
                yield from walk(pdfium.FPDFFormObj_CountObjects(item), get_inner, inner, depth + 1)

    yield from walk(pdfium.FPDFPage_CountObjects(page), _getter(pdfium.FPDFPage_GetObject, page), to_mm, 0)


def _getter(function: Callable[[Any, int], Any], holder: Any) -> Callable[[int], Any]:
    return lambda index: function(holder, index)


def _matrix(item: Any) -> Floats:
    """Return an object's own (2, 3) map."""
    matrix = pdfium.FS_MATRIX(1, 0, 0, 1, 0, 0)
    pdfium.FPDFPageObj_GetMatrix(item, matrix)
    return np.array([[matrix.a, matrix.c, matrix.e], [matrix.b, matrix.d, matrix.f]], np.float64)


def _then(first: Floats, second: Floats) -> Floats:
    """Return the (2, 3) map that applies `first` and then `second`."""
    return second[:, :2] @ first + np.column_stack([np.zeros((2, 2)), second[:, 2]])


def _subpaths(item: Any, to_mm: Floats) -> Iterator[VectorPath]:
    """Yield what a path object draws, one path for each time the pen is put down."""
    fill, stroke = c_int(), c_int()
    pdfium.FPDFPath_GetDrawMode(item, fill, stroke)
    colour = _colour(item, stroked=bool(stroke.value)) if fill.value or stroke.value else None
    if colour is None:
        return
    width = c_float()
    pdfium.FPDFPageObj_GetStrokeWidth(item, width)
    width_mm = width.value * math.sqrt(abs(np.linalg.det(to_mm[:, :2]))) if stroke.value else 0.0
    for points_mm in _outlines(item, to_mm):
        if len(points_mm) > 1 and np.isfinite(points_mm).all():
            yield VectorPath(points_mm, colour, width_mm, bool(fill.value))


def _colour(item: Any, stroked: bool) -> tuple[int, int, int] | None:
    """Return the colour an object is drawn with; None where it is transparent."""
    red, green, blue, alpha = c_uint(), c_uint(), c_uint(), c_uint(255)
    get = pdfium.FPDFPageObj_GetStrokeColor if stroked else pdfium.FPDFPageObj_GetFillColor
    get(item, red, green, blue, alpha)
    return (red.value, green.value, blue.value) if alpha.value else None


def _outlines(item: Any, to_mm: Floats) -> Iterator[Floats]:
    """Yield the points of a path object's subpaths as (n, 2) page mm."""
    kinds, closes, points_mm = _segments(item, to_mm)
    starts = [*np.flatnonzero(kinds == pdfium.FPDF_SEGMENT_MOVETO).tolist(), len(kinds)]
    for start, stop in pairwise(starts):
        own = points_mm[start:stop]
        if (kinds[start:stop] == pdfium.FPDF_SEGMENT_BEZIERTO).any():
            own = _flattened(kinds[start:stop], own)
        if closes[start:stop].any():
            own = np.vstack([own, own[:1]])
        yield own


def _segments(item: Any, to_mm: Floats) -> tuple[NDArray[np.int64], NDArray[np.bool_], Floats]:
    """Return the kind of each of a path's n segments, whether it closes the outline, and its end as (n, 2) page mm."""
    x, y = c_float(), c_float()
    rows = []
    for index in range(pdfium.FPDFPath_CountSegments(item)):
        segment = pdfium.FPDFPath_GetPathSegment(item, index)
        kind, close = pdfium.FPDFPathSegment_GetType(segment), pdfium.FPDFPathSegment_GetClose(segment)
        pdfium.FPDFPathSegment_GetPoint(segment, x, y)
        rows.append((kind, close, x.value, y.value))
    table = np.array(rows, np.float64).reshape(-1, 4)
    with np.errstate(all="ignore"):
        points_mm = table[:, 2:] @ to_mm[:, :2].T + to_mm[:, 2]
    return table[:, 0].astype(np.int64), table[:, 1] != 0, points_mm


def _flattened(kinds: NDArray[np.int64], points_mm: Floats) -> Floats:
    """Replace the Bézier curves of one subpath, three points each, by straight pieces of about 0.2 mm."""
    line: list[Floats] = []
    index = 0
    while index < len(kinds):
        if kinds[index] != pdfium.FPDF_SEGMENT_BEZIERTO or index + 3 > len(kinds) or not line:
            line.append(points_mm[index : index + 1])
            index += 1
            continue
        a, b, c, d = line[-1][-1], *points_mm[index : index + 3]
        length = float(np.abs(np.diff([a, b, c, d], axis=0)).sum())
        t = np.linspace(0, 1, 1 + int(np.clip(length / 0.2 if math.isfinite(length) else 4, 4, 64)))[1:, None]
        line.append((1 - t) ** 3 * a + 3 * t * (1 - t) ** 2 * b + 3 * t**2 * (1 - t) * c + t**3 * d)
        index += 3
    return np.vstack(line)


def _chained(paths: Sequence[VectorPath]) -> Iterator[VectorPath]:
    """Yield the paths, joining those drawn one after the other that go on where the one before ended."""
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
    return bool(gap < 0.005) and not _is_closed(path) and not _is_closed(following)


def _joined(run: Sequence[VectorPath]) -> VectorPath:
    if len(run) == 1:
        return run[0]
    points_mm = np.vstack([run[0].points_mm, *(path.points_mm[1:] for path in run[1:])])
    return replace(run[0], points_mm=points_mm)


def _is_closed(path: VectorPath) -> bool:
    return len(path.points_mm) > 2 and bool((path.points_mm[0] == path.points_mm[-1]).all())


# ---- reading words ---------------------------------------------------------------------------------------------------


def _words(page: Any, to_mm: Floats) -> Iterator[VectorText]:
    """Yield the page's words in the order they are written.

    Letters make a word when they follow each other on one baseline; PDF readers otherwise glue the labels of a column.
    """
    try:
        textpage = page.get_textpage()
    except pypdfium2.PdfiumError:  # a page without its words is still a page
        return
    try:
        letters: list[tuple[str, Floats]] = []
        for index in range(min(textpage.count_chars(), MAX_CHARS)):
            letter = _letter(textpage, index, to_mm)
            if letters and (letter is None or not _same_word(letters[-1][1], letter[1])):
                yield _word(letters)
                letters = []
            if letter is not None:
                letters.append(letter)
        if letters:
            yield _word(letters)
    finally:
        textpage.close()


def _letter(textpage: Any, index: int, to_mm: Floats) -> tuple[str, Floats] | None:
    """Return a letter and its [left, top, right, bottom, baseline, size] in page mm; None for a space."""
    code = pdfium.FPDFText_GetUnicode(textpage, index)
    letter = chr(code) if code < 0xD800 or 0xE000 <= code <= 0x10FFFF else "\ufffd"
    if letter.isspace() or not letter.isprintable():
        return None
    left, right, bottom, top = c_double(), c_double(), c_double(), c_double()
    x, y = c_double(), c_double()
    loose = pdfium.FS_RECTF()
    pdfium.FPDFText_GetCharBox(textpage, index, left, right, bottom, top)
    pdfium.FPDFText_GetCharOrigin(textpage, index, x, y)
    pdfium.FPDFText_GetLooseCharBox(textpage, index, loose)
    corners = [[left.value, bottom.value], [right.value, top.value], [x.value, y.value]]
    corners += [[loose.left, loose.bottom], [loose.right, loose.top]]
    mm = np.array(corners, np.float64) @ to_mm[:, :2].T + to_mm[:, 2]
    size = abs(mm[4, 1] - mm[3, 1])
    return letter, np.array([*mm[:2].min(axis=0), *mm[:2].max(axis=0), mm[2, 1], size])


def _same_word(before: Floats, after: Floats) -> bool:
    size = max(before[5], after[5], 0.1)
    gap = after[0] - before[2]
    return bool(abs(after[4] - before[4]) < 0.2 * size and gap < 0.25 * size and after[0] > before[0] - 0.1 * size)


def _word(letters: Sequence[tuple[str, Floats]]) -> VectorText:
    boxes = np.array([box[:4] for _, box in letters])
    left, top = boxes[:, :2].min(axis=0).tolist()
    right, bottom = boxes[:, 2:].max(axis=0).tolist()
    return VectorText("".join(letter for letter, _ in letters), (left, top, right, bottom))


# ---- traces and pulses -----------------------------------------------------------------------------------------------


def _trace_candidates(paths: Sequence[VectorPath]) -> tuple[list[VectorPath], list[VectorPath]]:
    """Return (those that are traces, the rest); a flat line is a trace where wiggly ones look like it."""
    pens = {(path.colour, path.width_mm) for path in paths if _is_trace(path)}
    traces: list[VectorPath] = []
    rest: list[VectorPath] = []
    for path in paths:
        flat_trace = (path.colour, path.width_mm) in pens and _runs_across(path)
        (traces if _is_trace(path) or flat_trace else rest).append(path)
    return traces, rest


def _is_trace(path: VectorPath) -> bool:
    """Whether a path runs across the page like a trace, and is neither flat nor a grid drawn up and down in one go."""
    height = float(np.ptp(path.points_mm[:, 1]))
    if height < 0.05 or not _runs_across(path):
        return False
    steps = np.abs(np.diff(path.points_mm[:, 1]))
    large = steps[steps >= min(0.02 * height, steps.max())]
    return not (_is_upright(path.points_mm) and np.median(large) > 0.6 * height)


def _runs_across(path: VectorPath) -> bool:
    """Whether a path is a visible line of many points that hardly ever turns back."""
    if path.filled or len(path.points_mm) < MIN_TRACE_POINTS or min(path.colour) >= 250:
        return False
    x = path.points_mm[:, 0]
    across = abs(float(x[-1] - x[0]))
    return across > MIN_TRACE_MM and float(np.abs(np.diff(x)).sum()) < 1.02 * across


def _without_pulses(path: VectorPath) -> tuple[VectorPath | None, list[VectorPulse]]:
    """Return a trace from left to right without the pulses at its ends, and those; None where nothing is left."""
    points_mm = path.points_mm if path.points_mm[0, 0] < path.points_mm[-1, 0] else path.points_mm[::-1]
    pulses = []
    leading = _leading_pulse(points_mm)
    if leading is not None:
        pulses.append(leading[0])
        points_mm = points_mm[leading[1] :]
    trailing = _leading_pulse(points_mm[::-1] * [-1, 1])
    if trailing is not None:
        pulse = trailing[0]
        pulses.append(replace(pulse, left_mm=-pulse.right_mm, right_mm=-pulse.left_mm))
        points_mm = points_mm[: len(points_mm) - trailing[1]]
    if len(points_mm) < 2 or np.ptp(points_mm[:, 0]) < MIN_TRACE_MM / 2:
        return None, pulses
    return replace(path, points_mm=points_mm), pulses


def _own_pulses(paths: Sequence[VectorPath]) -> tuple[list[VectorPulse], list[VectorPath]]:
    """Return (pulses that are drawn by themselves, the paths that are none)."""
    pulses: list[VectorPulse] = []
    others: list[VectorPath] = []
    for path in paths:
        points_mm = path.points_mm if path.points_mm[0, 0] <= path.points_mm[-1, 0] else path.points_mm[::-1]
        found = None if path.filled or len(points_mm) < 4 or _is_closed(path) else _leading_pulse(points_mm)
        if found is not None and found[2] == len(points_mm):
            pulses.append(found[0])
        else:
            others.append(path)
    return pulses, others


def _leading_pulse(points_mm: Floats) -> tuple[VectorPulse, int, int] | None:
    """Find a pulse where a line starts: base, straight up, flat top, straight down to the base.

    Returns
    -------
    (pulse, end, level_end) or None
        `end` is the index of the first point after the pulse and a foot as long as the one before it, `level_end` that
        of the first point that leaves the level of the base.
    """
    levels = _levels(points_mm)
    if len(levels) < 3 or levels[0][4] - levels[0][3] > PULSE_WIDTH_MM[1]:
        return None
    _, _, base, start, foot = levels[0]
    for index, (_, _, top, left, right) in enumerate(levels[1:], start=1):
        if left - foot > 1.0:
            break
        height, width = base - top, right - left
        if not (_within(height, PULSE_HEIGHT_MM) and _within(width, PULSE_WIDTH_MM)):
            continue
        for first, level_end, level, after, _ in levels[index + 1 :]:
            if after - right > 1.0:
                break
            if abs(level - base) < 0.03 * height:
                end = first + int(np.count_nonzero(points_mm[first:level_end, 0] <= after + foot - start + 0.05))
                return VectorPulse((foot + left) / 2, (right + after) / 2, base, top), end, level_end
    return None


def _levels(points_mm: Floats, flat_mm: float = 0.05) -> list[tuple[int, int, float, float, float]]:
    """Split the first 60 mm of a line into level pieces: (first, end, y, x of the first point, x of the last)."""
    x, y = points_mm[:, 0], points_mm[:, 1]
    n = int(np.count_nonzero(np.abs(x - x[0]) < 60))
    pieces = []
    first = 0
    for index in range(1, n + 1):
        if index == n or abs(y[index] - y[first]) > flat_mm:
            pieces.append((first, index, float(y[first]), float(x[first]), float(x[index - 1])))
            first = index
    return pieces


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]


def _unrepeated(traces: Sequence[VectorPath]) -> Iterator[VectorPath]:
    """Yield each line once that is drawn several times over itself."""
    seen = set()
    for trace in traces:
        key = np.round(trace.points_mm, 3).tobytes()
        if key not in seen:
            seen.add(key)
            yield trace


def _in_reading_order(traces: Iterator[VectorPath]) -> list[VectorPath]:
    """Sort by rows and within them; what lies above each other is never one row."""
    rows: list[tuple[float, list[VectorPath]]] = []
    placed = sorted(((_baseline_mm(trace), trace) for trace in traces), key=lambda pair: pair[0])
    for baseline, trace in placed:
        fitting = [row for row in rows if baseline - row[0] < 8 and _beside(trace, row[1])]
        if fitting:
            min(fitting, key=lambda row: abs(row[0] - baseline))[1].append(trace)
        else:
            rows.append((baseline, [trace]))
    return [trace for _, row in rows for trace in sorted(row, key=lambda trace: trace.points_mm[0, 0])]


def _baseline_mm(trace: VectorPath) -> float:
    return float(np.median(trace.points_mm[:, 1]))


def _beside(trace: VectorPath, row: Sequence[VectorPath]) -> bool:
    left, right = trace.points_mm[0, 0], trace.points_mm[-1, 0]
    overlaps = (min(right, own.points_mm[-1, 0]) - max(left, own.points_mm[0, 0]) for own in row)
    return bool(max(overlaps) < 0.2 * (right - left))


# ---- grid ------------------------------------------------------------------------------------------------------------


def _grid(
    paths: Sequence[VectorPath],
) -> tuple[list[VectorPath], list[VectorPath], tuple[float, float] | None, tuple[float, float] | None]:
    """Return (grid lines, the rest, small and large square across, the same down) of what is no trace or pulse."""
    families: dict[tuple[object, ...], list[VectorPath]] = {}
    rest: list[VectorPath] = []
    for path in paths:
        if _is_upright(path.points_mm):
            families.setdefault((path.colour, round(path.width_mm, 3)), []).append(path)
        else:
            rest.append(path)
    grid: list[VectorPath] = []
    pitches: tuple[list[float], list[float]] = ([], [])
    for family in families.values():
        found = [_pitch(*_line_places(family, axis)) for axis in (0, 1)]
        (rest if found == [None, None] else grid).extend(family)
        for own, pitch in zip(pitches, found, strict=True):
            own.extend([] if pitch is None else [pitch])
    across, down = (_squares(own) for own in pitches)
    if across is None or down is None:  # ruled lines, not squares
        return [], [*rest, *grid], None, None
    return grid, rest, across, down


def _is_upright(points_mm: Floats) -> bool:
    """Whether all of a line's pieces run along or down the page."""
    along, down = np.abs(np.diff(points_mm, axis=0)).T
    return bool((np.minimum(along, down) <= 0.02 + 0.001 * np.maximum(along, down)).all())


def _line_places(paths: Sequence[VectorPath], axis: int) -> tuple[Floats, Floats]:
    """Return where the pieces at right angles to an axis (0 x, 1 y) cross it, and how long they are, in mm."""
    starts = np.vstack([path.points_mm[:-1] for path in paths])
    ends = np.vstack([path.points_mm[1:] for path in paths])
    length, thickness = np.abs(ends - starts)[:, 1 - axis], np.abs(ends - starts)[:, axis]
    real = length > np.maximum(0.3, thickness)
    return ((starts + ends) / 2)[real, axis], length[real]


def _pitch(places_mm: Floats, lengths_mm: Floats) -> float | None:
    """Return the distance of evenly spaced lines; None where there are fewer than five, or they are not even."""
    if len(places_mm) < 5:
        return None
    order = np.argsort(places_mm)
    places_mm, lengths_mm = places_mm[order], lengths_mm[order]
    group = np.concatenate([[0], np.cumsum(np.diff(places_mm) > 0.1)])
    weight = np.bincount(group, lengths_mm)
    lines = (np.bincount(group, places_mm * lengths_mm) / weight)[weight > 0.3 * weight.max()]
    if len(lines) < 5:
        return None
    pitch = float(np.median(np.diff(lines)))
    for _ in range(3):
        index = np.rint((lines - lines[0]) / pitch)
        if index[-1] < 4:
            return None
        pitch = float(((index - index.mean()) * (lines - lines.mean())).sum() / ((index - index.mean()) ** 2).sum())
    even = np.abs((lines - lines[0]) / pitch - index - np.median((lines - lines[0]) / pitch - index)) < 0.08
    return pitch if even.mean() > 0.8 and index[-1] < 4 * len(lines) else None


def _squares(pitches_mm: Sequence[float]) -> tuple[float, float] | None:
    """Return (small, large) square in mm from the distances of the families of lines.

    Two families five to one are small and large, unless the closer one is already as wide as large squares are. One
    family alone is taken by its size: 3 to 8.5 mm are large squares, 0.6 to 1.7 mm are small ones.
    """
    for small in sorted(pitches_mm):
        for large in pitches_mm:
            if abs(large / small - 5) < 0.1 and small < 3:
                return large / 5, large
    for pitch in sorted(pitches_mm):
        if 3 <= pitch <= 8.5:
            return pitch / 5, pitch
        if 0.6 <= pitch <= 1.7:
            return pitch, 5 * pitch
    return None


def _glyph_grid(texts: Sequence[VectorText]) -> tuple[float, float] | None:
    """Return (small, large) square down the page of a grid written as rows of one repeated letter of a dotted font."""
    cells = [text for text in texts if _is_grid_text(text)]
    tops = np.array([text.box_mm[1] for text in cells])
    pitch = _pitch(tops, np.ones(len(tops)))
    if pitch is None or not all(
        math.isclose((text.box_mm[2] - text.box_mm[0]) / len(text.text), pitch, rel_tol=0.1) for text in cells
    ):
        return None
    return _squares([pitch])


def _is_grid_text(text: VectorText) -> bool:
    return len(text.text) >= 10 and len(set(text.text)) == 1 and text.text[0].isalnum()


# ---- words -----------------------------------------------------------------------------------------------------------


def _labels(texts: Sequence[VectorText]) -> Iterator[VectorText]:
    """Yield the words that are lead names and stand alone."""
    boxes = np.array([text.box_mm for text in texts if not _is_grid_text(text)]).reshape(-1, 4)
    for text in texts:
        name = text.text.strip(":.,").replace("−", "-").replace("‑", "-")
        lead = canonical_lead(name.removeprefix("-"))
        if lead is None or len(lead) != len(name.removeprefix("-")) or lead in ("X", "Y", "Z"):
            continue
        if not _has_neighbour(text, boxes):
            yield VectorText(f"-{lead}" if name.startswith("-") else lead, text.box_mm)


def _has_neighbour(text: VectorText, boxes_mm: Floats) -> bool:
    """Whether another of the (n, 4) boxes is on the word's height, with no more than a space between."""
    left, top, right, bottom = text.box_mm
    height = max(bottom - top, 0.1)
    level = np.abs(boxes_mm[:, 3] - bottom) < 0.4 * height
    gap = np.maximum(boxes_mm[:, 0] - right, left - boxes_mm[:, 2])
    return int((level & (gap < 0.8 * height)).sum()) > 1  # the word itself is among them


def _printed_scales(texts: Sequence[VectorText]) -> tuple[float | None, float | None, float | None]:
    """Return (speed in mm/s, gain in mm/mV, gain of the chest leads) as printed."""
    lines = "".join(
        f"{before.text}{' ' if _goes_on(before, after) else chr(10)}" for before, after in pairwise([*texts, _END])
    )
    mentions = [mention for line in lines.split("\n") for mention in find_mentions(line)]
    speed, gain = _admitted(agreed(mentions, "speed"), 2, 400), _admitted(agreed(mentions, "gain"), 1, 50)
    if not any(mention.kind == "chest" for mention in mentions):
        return speed, gain, gain
    return speed, gain, _admitted(agreed(mentions, "chest"), 1, 50)


_END = VectorText("", (math.inf, math.inf, math.inf, math.inf))


def _goes_on(before: VectorText, after: VectorText) -> bool:
    height = before.box_mm[3] - before.box_mm[1]
    gap = after.box_mm[0] - before.box_mm[2]
    level = abs(after.box_mm[3] - before.box_mm[3]) < max(0.5 * height, 1.0)
    return level and -height < gap < 3 * max(height, 1.0)


def _admitted(value: float | None, low: float, high: float) -> float | None:
    return value if value is not None and low <= value <= high else None
