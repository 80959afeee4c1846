"""Where the columns of a page start and end: by the ends of the rows, pulses and separators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitize.calibrate import Pulse
from ecgimg.digitize.flatten import FlatPage
from ecgimg.digitize.place import Placement
from ecgimg.digitize.row_trace import RowTrace
from ecgimg.digitize.slots import FS_HZ, Scale

Floats = NDArray[np.float64]

_SPARE_MM = 12.0
_RUN_ON_MM = 0.4
_EARLY_TRUST = 0.75  # records end early more often than they start late
_FOOT_MM = 4.5
_SEPARATOR_SHARE = 110
_BESIDE_ROW_MM = 8.0
_MANY = 60
_EDGE_PX = -0.25
_NEAR_PX, _FAR_PX = 0.25, 0.3
_BORDER_MM = 1.6
_OFF_SPEED, _FEWEST_MARKS = 0.02, 2
_SAME_MM = 0.4
_TELLING_MM, _NARROWER, _CLEARLY = 0.25, 0.03, 1.3
_HIDDEN_MM = 1.0
_AMID_MM, _LETTER = 0.5, 110
_RECORD_S, _NEARLY, _AT_EDGE_MM = 10.0, 0.97, 2.0
_JUMP_FROM_MM, _JUMP_TO_MM, _MOST_JUMP_MM = 0.12, 0.6, 2.0


def find_separators(page: FlatPage, baselines_px: Sequence[float]) -> Floats:
    """Return where upright strokes stand that are neither trace nor lettering (n,) px: marks between columns.

    They stand among the rows, which lie at `baselines_px`; a stroke that passes several counts as a mark in each.
    """
    mm, heights = page.px_per_mm, np.asarray(baselines_px, np.float64)
    mask = (page.segmentation.other > _SEPARATOR_SHARE).astype(np.uint8)
    upright = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((round(1.2 * mm), 1), np.uint8))
    upright = cv2.morphologyEx(upright, cv2.MORPH_CLOSE, np.ones((round(1.5 * mm), 1), np.uint8))
    _, _, stats, centres = cv2.connectedComponentsWithStats(upright, connectivity=8)
    width, height = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    top, bottom = stats[:, cv2.CC_STAT_TOP, None], (stats[:, cv2.CC_STAT_TOP] + height)[:, None]
    reach = _BESIDE_ROW_MM * mm
    rows = ((top < heights + reach) & (bottom > heights - reach)).sum(axis=1)
    rows[0] = 0
    return np.repeat(centres[:, 0], np.where((width < mm) & (height > 1.8 * mm), rows, 0))


def starts_in_lettering(page: FlatPage, rows: Sequence[RowTrace]) -> NDArray[np.bool_]:
    """Return which rows' traces start (rows,) where lettering stands on them, and may go on below it."""
    reach = round(_AMID_MM * page.px_per_mm)
    letters = page.segmentation.label > _LETTER
    found = []
    for row in rows:
        x, y = np.rint(row.points_px[0]).astype(int)
        found.append(letters[max(y - reach, 0) : y + reach + 1, max(x - 2 * reach, 0) : x + 1].any())
    return np.array(found, bool)


def find_extent(
    rows: Sequence[RowTrace],
    pulses: Sequence[Pulse],
    separators: Floats,
    scale: Scale,
    width_px: int,
    hidden: NDArray[np.bool_],
) -> tuple[float, float]:
    """Return where the columns start and end: the start that most rows' ends and the pulses vouch for.

    A row that starts late has lost ink, one that starts early has picked some up; where the page shows ten seconds, the
    right ends vouch for the start as well. Next to a pulse the trace runs on into the pulse's foot. The starts of
    `hidden` rows (rows,) are not seen.
    """
    mm = scale.px_per_mm
    lefts = np.array([row.left_px for row in rows])
    rights = np.array([row.right_px for row in rows])
    begun = lefts < mm  # a trace that runs to the picture's edge is seen up to that edge
    lefts = np.where(begun, _EDGE_PX, lefts)
    cut = rights > width_px - mm
    rights = np.where(cut, width_px - 0.5, rights)
    left, right = _common(lefts, mm), _common(rights, mm)
    px_per_s = scale.px_per_s
    quarter = _quarter_px(separators, 2.5 * px_per_s, mm)
    whole = 4 * quarter - px_per_s / FS_HZ  # a record ends with its last sample
    if np.abs(np.append(lefts, left) - (right - whole)).min() > _SPARE_MM * mm:
        return _early_start(lefts, left, right, px_per_s, mm), right
    quarters = quarter * np.arange(1, 4)
    middle = (left + right) / 2
    before = [pulse.right_px for pulse in pulses if pulse.right_px < middle]
    after = [pulse.left_px for pulse in pulses if pulse.left_px > middle]

    near_px = _RUN_ON_MM * mm
    run_on = np.array([any(abs(row.left_px - pulse.ends_px[1]) < near_px for pulse in pulses) for row in rows], bool)
    runs_in = np.array([any(abs(pulse.ends_px[0] - row.right_px) < near_px for pulse in pulses) for row in rows], bool)

    unsure = run_on | hidden

    def vouched(start: float) -> float:
        score = 0.5 * _near(lefts[unsure] - start, mm) + 1.1 * _near(lefts[~unsure] - start, mm)
        score += 0.5 * _near(rights[~cut & runs_in] - start - whole, mm)
        score += _EARLY_TRUST * _near(rights[~cut & ~runs_in] - start - whole, mm)
        score += min(sum(_near(separators - border, mm) for border in start + quarters), len(rows))
        score -= 0.3 * float((lefts < start - 1.2 * mm).sum() + (rights > start + whole + 1.2 * mm).sum())
        score += len(rows) * 0.5 * any(-0.3 * mm < start - side < _FOOT_MM * mm for side in before)
        return score + len(rows) * 0.5 * any(-0.3 * mm < side - start - whole < _FOOT_MM * mm for side in after)

    marks = (separators[:, None] - quarters).ravel() if len(separators) <= _MANY else np.zeros(0)
    marks = marks[(marks > left - _SPARE_MM * mm) & (marks < left + _SPARE_MM * mm)]
    best = max([*lefts, *(rights[~cut] - whole), *marks], key=vouched)
    is_at_left = np.abs(lefts - best) < 0.6 * mm
    by_left = lefts[is_at_left]
    is_at_right = ~cut & (np.abs(rights - best - whole) < 0.6 * mm)
    by_right = rights[is_at_right] - whole
    inked = np.array([row.ends_on_ink for row in rows], bool)
    free_left = lefts[is_at_left & inked[:, 0] & ~begun]
    free_right = rights[is_at_right & inked[:, 1]] - whole
    if len(free_left) and len(free_right):
        start = _between_ends(free_left, free_right, float(np.median([row.cap_px for row in rows])))
        if start is not None:
            return start, start + whole
    if not len(by_left) and not len(by_right):
        by_left = marks[np.abs(marks - best) < 0.6 * mm]
    doubtful = bool(len(by_left)) and bool(before) and (not is_at_left.any() or run_on[is_at_left].mean() > 0.5)
    least = 1.5 if doubtful else 0.0 if after else 0.5
    use_left = len(by_left) > least * len(by_right)
    start = most_usual(by_left if use_left or not len(by_right) else by_right)
    if not doubtful and not after and min(len(by_left), len(by_right)) > 1:
        start = (most_usual(by_left) + most_usual(by_right)) / 2
    return start, start + whole


def _quarter_px(separators: Floats, usual_px: float, px_per_mm: float) -> float:
    """Return how far apart four columns start: as three evenly spaced marks tell, if about as far as is usual."""
    if not 0 < len(separators) <= _MANY:
        return usual_px
    places = np.sort(separators)
    marks = np.array(
        [each.mean() for each in np.split(places, np.flatnonzero(np.diff(places) > _SAME_MM * px_per_mm) + 1)]
    )
    steps = marks[None, :] - marks[:, None]
    for first, second in zip(*np.nonzero(np.abs(steps / usual_px - 1) < _NARROWER), strict=True):
        third = marks[np.abs(marks - marks[second] - steps[first, second]) < _SAME_MM * px_per_mm]
        if len(third):
            return float(third.mean() - marks[first]) / 2
    return usual_px


def _early_start(lefts: Floats, left: float, right: float, px_per_s: float, px_per_mm: float) -> float:
    """Return `left`, or where a row starts earlier that makes columns of usual seconds: names hide the start of most.

    Columns are quarters of a second wide, and two or more of them make halves.
    """

    def off_mm(start: float) -> float:
        halves = 2 * (right - start) / px_per_s
        return float(abs(halves - round(halves))) * px_per_s / 2 / px_per_mm

    early = lefts[(lefts < left - _SAME_MM * px_per_mm) & (lefts > left - _FOOT_MM * px_per_mm)]
    if off_mm(left) < _HIDDEN_MM or not len(early):
        return left
    start = float(min(early, key=off_mm))
    return start if off_mm(start) < _SAME_MM else left


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


def start_at_marks(
    rows: Sequence[RowTrace], placement: Placement, separators: Floats, scale: Scale
) -> tuple[RowTrace, ...]:
    """Give the rows the starts of their columns as marks between them tell, if such stand at every border."""
    parted = _parted(rows, placement)
    usual = _usual_px(placement, scale)
    marked = _marked(usual, separators, scale.px_per_mm) if parted else None
    return _started(rows, parted, marked) if marked is not None else tuple(rows)


def fit_columns(rows: Sequence[RowTrace], placement: Placement, scale: Scale) -> tuple[RowTrace, ...]:
    """Give the rows the starts of their columns where these are not where the paper speed says.

    Printers leave out a few samples a column, and a ruling may be followed to some thousandths only. What tells are
    the ends of the rows, if the traces jump there rather than at the usual places.
    """
    layout, mm = placement.layout, scale.px_per_mm
    parted = _parted(rows, placement)
    if not parted:
        return tuple(rows)
    spacing = layout.seconds_per_column * scale.px_per_s
    usual = _usual_px(placement, scale)
    right = _common(np.array([rows[row].right_px for row in parted]), mm)
    ends = [abs(rows[row].right_px - right) < _SAME_MM * mm for row in parted]
    narrow = (right - placement.start_px) / layout.columns
    rights = [rows[row].right_px for row, same in zip(parted, ends, strict=True) if same]
    least = max(_TELLING_MM * mm, 1.5 * float(np.ptp(rights))) / layout.columns
    if sum(ends) < 2 / 3 * len(parted) or not least < abs(narrow - spacing) < _NARROWER * spacing:
        return tuple(rows)
    starts = np.asarray(placement.start_px + narrow * np.arange(layout.columns), np.float64)
    jumps = [sum(_jump(rows[row], border, mm) for row in parted for border in each[1:]) for each in (usual, starts)]
    return _started(rows, parted, starts) if jumps[1] >= _CLEARLY * jumps[0] else tuple(rows)


def _parted(rows: Sequence[RowTrace], placement: Placement) -> list[int]:
    """Return the rows that show more than one column, if it is not known yet where these start."""
    layout = placement.layout
    parted = sorted({slot.row for slot in layout.slots() if slot.column is not None})
    known = any(len(rows[row].starts_px) for row in parted)
    return parted if layout.columns > 1 and not known else []


def _usual_px(placement: Placement, scale: Scale) -> Floats:
    """Return where the columns start as the paper speed says."""
    layout = placement.layout
    spacing = layout.seconds_per_column * scale.px_per_s
    return np.asarray(placement.start_px + spacing * np.arange(layout.columns), np.float64)


def _started(rows: Sequence[RowTrace], parted: Sequence[int], starts_px: Floats) -> tuple[RowTrace, ...]:
    told = tuple(starts_px.tolist())
    return tuple(replace(row, starts_px=told) if index in parted else row for index, row in enumerate(rows))


def _marked(usual_px: Floats, separators: Floats, px_per_mm: float) -> Floats | None:
    """Return the columns' starts as marks between them tell, if at least two stand at every border, or None."""
    starts = usual_px.copy()
    if len(separators) > _MANY:
        return None
    for column in range(1, len(usual_px)):
        reach_px = max(_BORDER_MM * px_per_mm, _OFF_SPEED * (usual_px[column] - usual_px[0]))
        near = separators[np.abs(separators - usual_px[column]) < reach_px]
        alike = np.abs(near[:, None] - near) < _SAME_MM * px_per_mm
        if alike.sum(axis=1).max(initial=0) < _FEWEST_MARKS:
            return None
        starts[column] = np.median(near[alike[int(alike.sum(axis=1).argmax())]])
    shifts = starts[1:] - usual_px[1:]
    even = np.arange(1, len(usual_px)) * float(np.mean(shifts / np.arange(1, len(usual_px))))
    return starts if np.abs(shifts - even).max() < _SAME_MM * px_per_mm else None


def _jump(row: RowTrace, border_px: float, px_per_mm: float) -> float:
    """Return by how many mm the trace jumps at a border, up to what tells."""
    x, y = row.points_px.T
    away = (x - border_px) / px_per_mm
    before = y[(away > -_JUMP_TO_MM) & (away < -_JUMP_FROM_MM)]
    after = y[(away > _JUMP_FROM_MM) & (away < _JUMP_TO_MM)]
    if not len(before) or not len(after):
        return 0.0
    return min(abs(float(np.median(after) - np.median(before))) / px_per_mm, _MOST_JUMP_MM)


def width_px(rows: Sequence[RowTrace], px_per_mm: float) -> float:
    """Return how far apart the ends lie that most rows share."""
    left, right = (_common(np.array([row.points_px[end, 0] for row in rows]), px_per_mm) for end in (0, -1))
    return right - left


def _common(ends: Floats, px_per_mm: float) -> float:
    """Return the end that most rows share within 0.6 mm."""
    close = np.abs(ends[:, None] - ends[None, :]) < 0.6 * px_per_mm
    return float(np.median(ends[close[int(close.sum(axis=1).argmax())]]))


def possible_extents(
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
