"""Rows of traces as a page prints them, known to a fraction of a pixel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ecgimg.digitization.model import Interpretation, RowTrace, Scale
from ecgimg.digitization.signals.lead_extraction import FS_HZ
from synth import HeartSpec, simulate

PX_PER_MM, START_PX, PITCH_PX = 8.0, 40.0, 240.0
PX_PER_S = 25 * PX_PER_MM
PX_PER_MV = 10 * PX_PER_MM


def printed_rows(layout, *, column_s=2.5, shifts_ms=(0, 0, 0, 0), step_mv=0.0):
    """Lay the heart's leads out as a page would print them, exactly; the columns are `column_s` wide."""
    record = simulate(HeartSpec(), np.random.default_rng(3)).record
    rows = []
    for number in range(layout.n_rows):
        parts = []
        for slot in layout.slots():
            if slot.row != number:
                continue
            seconds = column_s if slot.column is not None else slot.seconds
            first = round(slot.start_s * FS_HZ)
            samples = record.lead(slot.lead)[first : first + round(seconds * FS_HZ)]
            t = np.arange(len(samples)) / FS_HZ + column_s * (slot.column or 0) + shifts_ms[number] / 1000
            zero = PITCH_PX * (number + 1) + step_mv * PX_PER_MV * ((slot.column or 0) % 2)
            parts.append(np.stack([START_PX + t * PX_PER_S, zero - samples * PX_PER_MV], axis=1))
        points = np.concatenate(parts).astype(np.float64)
        n = len(points)
        row = RowTrace(
            PITCH_PX * (number + 1), points, np.ones(n), np.full(n, 0.1), np.zeros(n, bool), np.zeros(n, bool)
        )
        rows.append(replace(row, ink_ends_px=(float(points[0, 0]), float(points[-1, 0]))))
    return rows


def scale_of(rows):
    """Return the scale that printed rows have."""
    return Scale(PX_PER_MM, 25.0, 10.0, 10.0, tuple(row.baseline_px for row in rows))


def interpretation_of(layout):
    """Return the interpretation that printed rows have."""
    return Interpretation(layout, START_PX, 1.0, 1.0, None, 1.0, has_usual_width=True)


def flat_row(n=2000):
    """Return a row of `n` px at 0 mV."""
    points = np.stack([np.arange(n, dtype=np.float64), np.zeros(n)], axis=1)
    return RowTrace(0.0, points, np.ones(n), np.zeros(n), np.zeros(n, bool), np.zeros(n, bool))


def gapped_rows(*, slant=0.0, lost=(), left_px=100.0, strip=True):
    """Return three rows of four columns of 200 px, 15 px apart, and a strip; 5 px a mm; `lost`: (row, from, to) px."""
    rows = []
    for index in range(3 + strip):
        x = np.arange(left_px, 945.0 if index < 3 else 900.0)
        column, inside = np.divmod(x - 100, 215)
        kept = (inside < 200) & (column < 4) if index < 3 else np.ones(len(x), bool)
        for row, start, end in lost:
            kept &= (row != index) | (x < start) | (x > end)
        x = x[kept] + slant * 100 * index
        points = np.stack([x, np.full(len(x), 100.0 + 100 * index)], axis=1)
        no = np.zeros(len(x), bool)
        rows.append(RowTrace(100.0 + 100 * index, points, np.ones(len(x)), np.ones(len(x)), no, no))
    return rows
