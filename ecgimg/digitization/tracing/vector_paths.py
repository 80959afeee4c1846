"""Read a vector page: its traces are in the file as paths, so nothing has to be seen, only placed.

Coordinates are millimetres of ECG paper: page mm divided by the size of a small square, so that a page printed at
another size reads alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.model import LeadLabel, Pulse, RowTrace
from ecgimg.formats.vector_pdf import VectorEcg, VectorPage, split_vector

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PathPage:
    """Rows, pulses and names of a vector page in mm of ECG paper; page mm = those × (`x_unit`, `y_unit`)."""

    rows: tuple[RowTrace, ...]
    pulses: tuple[Pulse, ...]
    labels: tuple[LeadLabel, ...]
    x_unit: float
    y_unit: float
    speed_mm_s: float | None
    gain_mm_mv: float | None
    chest_gain_mm_mv: float | None


def read_paths(page: VectorPage) -> PathPage | None:
    """Sort a vector page into rows, or return None when it has no trace or no ruling to measure by."""
    ink = split_vector(page)
    grid = ink.grid_x_mm or ink.grid_y_mm
    if not ink.traces or grid is None:
        return None
    x_unit = (ink.grid_x_mm or grid)[1] / 5
    y_unit = (ink.grid_y_mm or grid)[1] / 5
    unit = np.array([x_unit, y_unit])
    rows = _rows([path.points_mm / unit for path in ink.traces])
    heights = np.array([row.baseline_px for row in rows])
    pulses = tuple(
        Pulse(int(np.abs(heights - p.base_mm / y_unit).argmin()), p.left_mm / x_unit, p.right_mm / x_unit,
              p.height_mm / y_unit, p.base_mm / y_unit, (p.left_mm / x_unit, p.right_mm / x_unit))
        for p in ink.pulses
    )  # fmt: skip
    return PathPage(
        rows, pulses, _labels(ink, unit), x_unit, y_unit, ink.speed_mm_s, ink.gain_mm_mv, ink.chest_gain_mm_mv
    )


def _rows(strokes: Sequence[Floats]) -> tuple[RowTrace, ...]:
    """Join strokes that follow each other in x at about the same height; they come row by row, left to right."""
    groups: list[list[Floats]] = []
    for stroke in strokes:
        last = groups[-1][-1] if groups else None
        if last is not None and stroke[0, 0] > last[-1, 0] - 1.0:
            groups[-1].append(stroke)
        else:
            groups.append([stroke])
    rows = []
    for group in groups:
        starts = tuple(float(stroke[0, 0]) for stroke in group)
        points = np.concatenate(group)
        owner = np.repeat(np.arange(len(group)), [len(part) for part in group])
        rows.append(
            RowTrace(
                float(np.median(points[:, 1])),
                points,
                np.ones(len(points)),
                np.zeros(len(points)),
                np.zeros(len(points), bool),
                np.zeros(len(points), bool),
                starts,
                owner,
            )
        )
    return tuple(rows)


def _labels(ink: VectorEcg, unit: Floats) -> tuple[LeadLabel, ...]:
    labels = []
    for word in ink.labels:
        left, top, right, bottom = word.box_mm
        middle = ((left + right) / 2 / unit[0], (top + bottom) / 2 / unit[1])
        labels.append(LeadLabel(middle[0], middle[1], left / unit[0], word.text, 1.0))
    return tuple(labels)
