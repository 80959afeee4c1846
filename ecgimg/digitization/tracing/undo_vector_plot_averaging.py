"""Undo the averaging of samples in plots: some programs draw the mean of several samples at each point.

Recordings are of whole microvolts, so means of n samples are whole n-ths of one. Only a file that carries its paths is
exact enough to show that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ecgimg.digitization.model import RowTrace, Scale
from ecgimg.digitization.numerics import Floats

_MOST_SAMPLES = 8  # that programs average
_RATE_HZ = 500.0
"""At which recordings are averaged."""
_EXACT, _NEARLY_ALL = 0.04, 0.995  # steps so near to whole parts are whole; so many of them have to be
_FEWEST_STEPS = 500  # fewer may be whole parts by chance
_UNEVEN_SHARE = 1e-3  # of their distance, by which evenly spaced points may be off
_WIDEST = 2.0  # distances between points that a mean spans at most; wider ones leave nothing of fast waves
_GRID, _REACH = 1024, 32  # frequencies of the filter that undoes the mean, and points to each side that it takes


def undo_sample_averaging(rows: Sequence[RowTrace], scale: Scale) -> tuple[RowTrace, ...]:
    """Return rows, in mm of ECG paper, as they would be if each point were a sample, and no mean of several.

    They stay as they are where their heights are no whole parts of microvolts.
    """
    strokes = [_strokes(row) for row in rows]
    n = _samples_averaged([stroke for row_strokes in strokes for stroke in row_strokes], scale.gain_mm_mv / 1000)
    if n == 1:
        return tuple(rows)
    return tuple(
        replace(row, points_px=np.concatenate([_undo_mean(stroke, n, scale.speed_mm_s) for stroke in row_strokes]))
        for row, row_strokes in zip(rows, strokes, strict=True)
    )


def _strokes(row: RowTrace) -> list[Floats]:
    """Return the points (n, 2) of each stroke of a row."""
    if not len(row.stroke_index):
        return [row.points_px]
    return [row.points_px[row.stroke_index == index] for index in np.unique(row.stroke_index)]


def _samples_averaged(strokes: Sequence[Floats], mm_per_uv: float) -> int:
    """Return of how many samples points are the means: of the fewest of which all steps are whole parts, or 1."""
    steps_uv = np.concatenate([np.diff(stroke[:, 1]) for stroke in strokes]) / mm_per_uv
    if len(steps_uv) < _FEWEST_STEPS:
        return 1
    for n in range(1, _MOST_SAMPLES + 1):
        parts = n * steps_uv
        if (np.abs(parts - np.rint(parts)) < _EXACT).mean() > _NEARLY_ALL:
            return n
    return 1


def _undo_mean(stroke: Floats, n: int, speed_mm_s: float) -> Floats:
    """Undo the mean of `n` samples in a stroke of evenly spaced points; it weakens fast waves most."""
    x, y = stroke.T
    spacing_mm = float(np.diff(x).mean()) if len(x) > 2 * _REACH else 0.0
    samples = spacing_mm / speed_mm_s * _RATE_HZ  # from one point to the next
    if spacing_mm <= 0 or np.abs(np.diff(x) - spacing_mm).max() > _UNEVEN_SHARE * spacing_mm or n > _WIDEST * samples:
        return stroke
    angle = np.pi * np.arange(1, _GRID // 2 + 1) / _GRID / samples  # half that from one sample to the next
    response = np.concatenate([[1.0], np.sin(n * angle) / (n * np.sin(angle))])
    kernel = np.roll(np.fft.irfft(1 / response, _GRID), _REACH)[: 2 * _REACH + 1]
    padded = np.pad(y, _REACH, mode="reflect", reflect_type="odd")
    return np.stack([x, np.convolve(padded, kernel / kernel.sum(), mode="valid")], axis=1)
