"""Tell the traces of a vector page from its other paths, and put them into reading order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ecgimg.formats.vector_pdf.elements import VectorPath
from ecgimg.formats.vector_pdf.line_shapes import is_trace, runs_across

_ROW_MM = 8.0  # zero lines of one row lie closer than this
_OVERLAP = 0.2  # share of a trace's width that may overlap its neighbour's in a row


def trace_candidates(paths: Sequence[VectorPath]) -> tuple[list[VectorPath], list[VectorPath]]:
    """Return (those that are traces, the rest); a flat line is a trace where wiggly ones look like it."""
    pens = {(path.colour, path.width_mm) for path in paths if is_trace(path)}
    traces: list[VectorPath] = []
    rest: list[VectorPath] = []
    for path in paths:
        # a lead that was off is printed as a flat line with the pen of the others
        flat_trace = (path.colour, path.width_mm) in pens and runs_across(path)
        (traces if is_trace(path) or flat_trace else rest).append(path)
    return traces, rest


def unrepeated(traces: Sequence[VectorPath]) -> Iterator[VectorPath]:
    """Yield each line once that is drawn several times over itself, as bold print may be."""
    drawn = set()
    for trace in traces:
        key = np.round(trace.points_mm, 3).tobytes()
        if key not in drawn:
            drawn.add(key)
            yield trace


def in_reading_order(traces: Iterator[VectorPath]) -> list[VectorPath]:
    """Sort by rows and within them; what lies above each other is never one row."""
    rows: list[tuple[float, list[VectorPath]]] = []
    placed = sorted(((_baseline_mm(trace), trace) for trace in traces), key=lambda pair: pair[0])
    for baseline, trace in placed:
        fitting = [row for row in rows if baseline - row[0] < _ROW_MM and _beside(trace, row[1])]
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
    return bool(max(overlaps) < _OVERLAP * (right - left))
