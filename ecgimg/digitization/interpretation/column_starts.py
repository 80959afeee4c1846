"""Where the columns of a page start, each for itself: by the marks between them, else by the ends of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.interpretation.column_extent import common
from ecgimg.digitization.interpretation.column_spacing import MANY_MARKS, NARROWER, SAME_MM, most_alike
from ecgimg.digitization.model import FlatPage, Interpretation, RowTrace, Scale

Floats = NDArray[np.float64]

_SEPARATOR_SHARE = 110
_BESIDE_ROW_MM = 8.0
_BORDER_MM = 1.6
_OFF_SPEED, _FEWEST_MARKS = 0.02, 2
_TELLING_MM, _CLEARLY = 0.25, 1.3
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


def start_at_marks(
    rows: Sequence[RowTrace], placement: Interpretation, separators: Floats, scale: Scale
) -> tuple[RowTrace, ...]:
    """Give the rows the starts of their columns as marks between them tell, if such stand at every border."""
    parted = _parted(rows, placement)
    usual = _usual_px(placement, scale)
    marked = _marked(usual, separators, scale.px_per_mm) if parted else None
    return started(rows, parted, marked) if marked is not None else tuple(rows)


def fit_columns(rows: Sequence[RowTrace], placement: Interpretation, scale: Scale) -> tuple[RowTrace, ...]:
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
    right = common(np.array([rows[row].right_px for row in parted]), mm)
    ends = [abs(rows[row].right_px - right) < SAME_MM * mm for row in parted]
    narrow = (right - placement.start_px) / layout.columns
    rights = [rows[row].right_px for row, same in zip(parted, ends, strict=True) if same]
    if sum(ends) < 2 / 3 * len(parted):
        return tuple(rows)
    least = max(_TELLING_MM * mm, 1.5 * float(np.ptp(rights))) / layout.columns
    if not least < abs(narrow - spacing) < NARROWER * spacing:
        return tuple(rows)
    starts = np.asarray(placement.start_px + narrow * np.arange(layout.columns), np.float64)
    jumps = [sum(_jump(rows[row], border, mm) for row in parted for border in each[1:]) for each in (usual, starts)]
    return started(rows, parted, starts) if jumps[1] >= _CLEARLY * jumps[0] else tuple(rows)


def _parted(rows: Sequence[RowTrace], placement: Interpretation) -> list[int]:
    """Return the rows that show more than one column, if it is not known yet where these start."""
    layout = placement.layout
    parted = range(layout.rows)
    known = any(len(rows[row].column_starts_px) for row in parted)
    return list(parted) if layout.columns > 1 and not known else []


def _usual_px(placement: Interpretation, scale: Scale) -> Floats:
    """Return where the columns start as the paper speed says."""
    layout = placement.layout
    spacing = layout.seconds_per_column * scale.px_per_s
    return np.asarray(placement.start_px + spacing * np.arange(layout.columns), np.float64)


def started(rows: Sequence[RowTrace], parted: Sequence[int], starts_px: Floats) -> tuple[RowTrace, ...]:
    """Give the `parted` rows the starts of their columns."""
    told = tuple(starts_px.tolist())
    return tuple(replace(row, column_starts_px=told) if index in parted else row for index, row in enumerate(rows))


def _marked(usual_px: Floats, separators: Floats, px_per_mm: float) -> Floats | None:
    """Return the columns' starts as marks between them tell, if at least two stand at every border, or None."""
    starts = usual_px.copy()
    if len(separators) > MANY_MARKS:
        return None
    for column in range(1, len(usual_px)):
        reach_px = max(_BORDER_MM * px_per_mm, _OFF_SPEED * (usual_px[column] - usual_px[0]))
        near = separators[np.abs(separators - usual_px[column]) < reach_px]
        alike = most_alike(near, SAME_MM * px_per_mm)
        if len(alike) < _FEWEST_MARKS:
            return None
        starts[column] = np.median(alike)
    shifts = starts[1:] - usual_px[1:]
    even = np.arange(1, len(usual_px)) * float(np.mean(shifts / np.arange(1, len(usual_px))))
    return starts if np.abs(shifts - even).max() < SAME_MM * px_per_mm else None


def _jump(row: RowTrace, border_px: float, px_per_mm: float) -> float:
    """Return by how many mm the trace jumps at a border, up to what tells."""
    x, y = row.points_px.T
    away = (x - border_px) / px_per_mm
    before = y[(away > -_JUMP_TO_MM) & (away < -_JUMP_FROM_MM)]
    after = y[(away > _JUMP_FROM_MM) & (away < _JUMP_TO_MM)]
    if not len(before) or not len(after):
        return 0.0
    return min(abs(float(np.median(after) - np.median(before))) / px_per_mm, _MOST_JUMP_MM)
