"""Read the rows of a vector page from its paths: they are exact, so nothing has to be traced.

Coordinates are millimetres of ECG paper: page mm divided by the size of a small square, so that a page printed at
another size reads alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecgimg.digitization.model import LeadLabel, Pulse, RowTrace
from ecgimg.digitization.numerics import Floats
from ecgimg.formats.vector_pdf import VectorEcg, VectorPage, split_vector

_LARGE_SQUARE_MM = 5.0  # of ECG paper, whose lines `split_vector` measures
_OVERLAP_MM = 1.0  # by which the next stroke of a row may start before the last one ends
_SPACING_MM = 0.05  # of points along a line that is not drawn through samples: 2 ms at 25 mm/s
_EVEN, _EVEN_SHARE = 0.1, 0.8  # share of the usual spacing by which even ones may differ; so many of samples are even


@dataclass(frozen=True, eq=False)
class VectorRows:
    """Rows, pulses and lead labels of a vector page in mm of ECG paper.

    Parameters
    ----------
    rows : tuple of RowTrace
    pulses : tuple of Pulse
    labels : tuple of LeadLabel
    x_unit, y_unit : float
        Page mm in a mm of ECG paper.
    speed_mm_s, gain_mm_mv, chest_gain_mm_mv : float or None
        As the page's text tells them.
    """

    rows: tuple[RowTrace, ...]
    pulses: tuple[Pulse, ...]
    labels: tuple[LeadLabel, ...]
    x_unit: float
    y_unit: float
    speed_mm_s: float | None
    gain_mm_mv: float | None
    chest_gain_mm_mv: float | None


def read_vector_rows(page: VectorPage) -> VectorRows | None:
    """Sort a vector page into rows, or return None when it has no trace or no grid to measure by."""
    ecg = split_vector(page)
    grid = ecg.grid_x_mm or ecg.grid_y_mm
    if not ecg.traces or grid is None:
        return None
    x_unit = (ecg.grid_x_mm or grid)[1] / _LARGE_SQUARE_MM
    y_unit = (ecg.grid_y_mm or grid)[1] / _LARGE_SQUARE_MM
    unit = np.array([x_unit, y_unit])
    rows = _rows([_whole_line(path.points_mm / unit) for path in ecg.traces])
    return VectorRows(
        rows, _pulses(ecg, rows, x_unit, y_unit), _labels(ecg, unit), x_unit, y_unit,
        ecg.speed_mm_s, ecg.gain_mm_mv, ecg.chest_gain_mm_mv,
    )  # fmt: skip


def _whole_line(points: Floats) -> Floats:
    """Return a line (n, 2) with points along its pieces, where it is not drawn through evenly spaced samples.

    Plotting programs leave out points on nearly straight runs. The line is drawn there all the same, and straight.
    """
    across = np.diff(points[:, 0])
    usual = float(np.median(across))
    if (np.abs(across - usual) < _EVEN * abs(usual)).mean() >= _EVEN_SHARE:
        spacing, longest = usual, 1.5 * usual  # samples, a few of which may be left out
    else:
        spacing, longest = _SPACING_MM, _SPACING_MM
    counts = np.where(across > longest, np.ceil(across / spacing - 1e-3), 1).astype(int)
    place = np.repeat(np.arange(len(counts)), counts) + np.concatenate([np.arange(n) / n for n in counts])
    place = np.append(place, len(counts))
    index = np.arange(len(points))
    return np.stack([np.interp(place, index, points[:, axis]) for axis in (0, 1)], axis=1)


def _rows(strokes: Sequence[Floats]) -> tuple[RowTrace, ...]:
    """Join strokes that follow each other in x at about the same height; they come row by row, left to right."""
    groups: list[list[Floats]] = []
    for stroke in strokes:
        last = groups[-1][-1] if groups else None
        if last is not None and stroke[0, 0] > last[-1, 0] - _OVERLAP_MM:
            groups[-1].append(stroke)
        else:
            groups.append([stroke])
    return tuple(_row(group) for group in groups)


def _row(strokes: Sequence[Floats]) -> RowTrace:
    """Return the row of its strokes: certain, and without error."""
    points = np.concatenate(strokes)
    n = len(points)
    return RowTrace(
        float(np.median(points[:, 1])), points, np.ones(n), np.zeros(n), np.zeros(n, bool), np.zeros(n, bool),
        tuple(float(stroke[0, 0]) for stroke in strokes),
        np.repeat(np.arange(len(strokes)), [len(stroke) for stroke in strokes]),
    )  # fmt: skip


def _pulses(ecg: VectorEcg, rows: Sequence[RowTrace], x_unit: float, y_unit: float) -> tuple[Pulse, ...]:
    """Return the pulses, each of the row whose baseline is nearest to its base."""
    baselines = np.array([row.baseline_px for row in rows])
    pulses = []
    for pulse in ecg.pulses:
        base, left, right = pulse.base_mm / y_unit, pulse.left_mm / x_unit, pulse.right_mm / x_unit
        row = int(np.abs(baselines - base).argmin())
        pulses.append(Pulse(row, left, right, pulse.height_mm / y_unit, base, (left, right)))
    return tuple(pulses)


def _labels(ecg: VectorEcg, unit: Floats) -> tuple[LeadLabel, ...]:
    """Return the lead labels, which are certain."""
    labels = []
    for word in ecg.labels:
        left, top, right, bottom = word.box_mm
        middle = ((left + right) / 2 / unit[0], (top + bottom) / 2 / unit[1])
        labels.append(LeadLabel(middle[0], middle[1], left / unit[0], word.text, 1.0))
    return tuple(labels)
