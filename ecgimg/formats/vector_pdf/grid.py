"""Find the grid of a vector page: evenly spaced upright lines, or rows of one repeated letter of a dotted font."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import compress

import numpy as np

from ecgimg.formats.vector_pdf.elements import Floats, VectorPath, VectorText
from ecgimg.formats.vector_pdf.line_shapes import is_upright

_MIN_LINES = 5  # fewer evenly spaced lines are a table, or the edges of frames
_EVEN = 0.08  # of the pitch: how far a line may lie off its place, which PDF rounding does not reach
_SHARE_EVEN = 0.8  # of the lines, so that a frame drawn with the grid's pen spoils nothing


def find_grid(
    paths: Sequence[VectorPath],
) -> tuple[list[VectorPath], list[VectorPath], tuple[float, float] | None, tuple[float, float] | None]:
    """Return (grid lines, the rest, small and large square across, the same down) of what is no trace or pulse."""
    are_upright = [is_upright(path.points_mm) for path in paths]
    rest = [path for path, upright in zip(paths, are_upright, strict=True) if not upright]
    grid: list[VectorPath] = []
    pitches: tuple[list[float], list[float]] = ([], [])
    for family in _by_pen(compress(paths, are_upright)):
        found_pitches = [_pitch(*_crossings(family, axis)) for axis in (0, 1)]
        (rest if found_pitches == [None, None] else grid).extend(family)
        for own, pitch in zip(pitches, found_pitches, strict=True):
            own.extend([] if pitch is None else [pitch])
    across, down = (_squares(own) for own in pitches)
    if across is None or down is None:  # ruled lines, not squares
        return [], [*rest, *grid], None, None
    return grid, rest, across, down


def _by_pen(paths: Iterable[VectorPath]) -> Iterable[list[VectorPath]]:
    """Return the paths by colour and width: the small and the large squares are drawn with pens of their own."""
    families: dict[tuple[object, ...], list[VectorPath]] = {}
    for path in paths:
        families.setdefault((path.colour, round(path.width_mm, 3)), []).append(path)
    return families.values()


def _crossings(paths: Sequence[VectorPath], axis: int) -> tuple[Floats, Floats]:
    """Return where the pieces at right angles to an axis (0 x, 1 y) cross it, and how long they are, in mm."""
    starts = np.vstack([path.points_mm[:-1] for path in paths])
    ends = np.vstack([path.points_mm[1:] for path in paths])
    length, thickness = np.abs(ends - starts)[:, 1 - axis], np.abs(ends - starts)[:, axis]
    # a rectangle's short side is the thickness of a line that is drawn as an area
    real = length > np.maximum(0.3, thickness)
    return ((starts + ends) / 2)[real, axis], length[real]


def _pitch(places_mm: Floats, lengths_mm: Floats) -> float | None:
    """Return the distance of evenly spaced lines; None where there are fewer than five, or they are not even."""
    if len(places_mm) < _MIN_LINES:
        return None
    order = np.argsort(places_mm)
    places_mm, lengths_mm = places_mm[order], lengths_mm[order]
    # lines drawn twice, or piece by piece, count once; weighted by length, so that short ticks move nothing
    group = np.concatenate([[0], np.cumsum(np.diff(places_mm) > 0.1)])
    weight = np.bincount(group, lengths_mm)
    lines = (np.bincount(group, places_mm * lengths_mm) / weight)[weight > 0.3 * weight.max()]
    if len(lines) < _MIN_LINES:
        return None
    pitch = float(np.median(np.diff(lines)))
    for _ in range(3):  # the median step is rounded; a line fitted through all lines is not
        index = np.rint((lines - lines[0]) / pitch)
        if index[-1] < _MIN_LINES - 1:
            return None
        pitch = float(((index - index.mean()) * (lines - lines.mean())).sum() / ((index - index.mean()) ** 2).sum())
    even = np.abs((lines - lines[0]) / pitch - index - np.median((lines - lines[0]) / pitch - index)) < _EVEN
    return pitch if even.mean() > _SHARE_EVEN and index[-1] < 4 * len(lines) else None


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


def glyph_grid(texts: Sequence[VectorText]) -> tuple[float, float] | None:
    """Return (small, large) square down the page of a grid written as rows of one repeated letter of a dotted font."""
    cells = [text for text in texts if is_grid_text(text)]
    tops = np.array([text.box_mm[1] for text in cells])
    pitch = _pitch(tops, np.ones(len(tops)))
    if pitch is None or not all(
        math.isclose((text.box_mm[2] - text.box_mm[0]) / len(text.text), pitch, rel_tol=0.1) for text in cells
    ):
        return None
    return _squares([pitch])


def is_grid_text(text: VectorText) -> bool:
    """Whether a word is a row of one repeated letter, as fonts of dots print a grid."""
    return len(text.text) >= 10 and len(set(text.text)) == 1 and text.text[0].isalnum()
