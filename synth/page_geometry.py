"""Where everything of a page stands, in millimetres: decided once, then drawn and reported from the same numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgimg.errors import BadRequest
from ecgimg.record import EcgRecord
from layouts import Slot, sample_range
from synth.page_spec import PageSpec

# White space between two columns where the separator is a gap.
GAP_MM = 3.0


@dataclass(frozen=True)
class Cell:
    """One slot on paper: the trace starts at `x_mm` on the baseline `y_mm`; `box_mm` is (left, top, right, bottom)."""

    slot: Slot
    x_mm: float
    y_mm: float
    box_mm: tuple[float, float, float, float]


@dataclass(frozen=True)
class PageGeometry:
    """Cells in reading order, calibration pulses as polylines (n, 2) mm, and separators as segments (2, 2) mm."""

    cells: tuple[Cell, ...]
    pulses: tuple[NDArray[np.float64], ...]
    separators: tuple[NDArray[np.float64], ...]
    row_pitch_mm: float


def pulse_space_mm(spec: PageSpec) -> float:
    """Width of a calibration pulse with its feet."""
    return spec.pulse_s * spec.speed_mm_s + 2 * spec.pulse_foot_mm


def make_page_geometry(spec: PageSpec) -> PageGeometry:
    """Lay the rows, columns, pulses and separators of a page out.

    Raises
    ------
    BadRequest
        When the traces do not fit between the left and right edge of the plot.
    """
    left, top, _, bottom = spec.plot_mm
    layout = spec.layout
    pitch = (bottom - top) / layout.n_rows
    baselines = _baselines(spec, top, pitch)
    pulse_mm = pulse_space_mm(spec) if spec.pulse != "none" else 0.0
    start = left + (pulse_mm if spec.pulse == "left" else 0.0)
    gap = GAP_MM if spec.separator == "gap" else 0.0
    width = layout.printed_s * spec.speed_mm_s + gap * (layout.columns - 1)
    _check_width(spec, start + width + (pulse_mm if spec.pulse == "right" else 0.0))
    cells = tuple(_cell(slot, spec, start, baselines[slot.row], pitch, gap) for slot in layout.slots())
    pulse_x = left if spec.pulse == "left" else start + width
    pulses = tuple(_pulse_polyline(spec, pulse_x, baselines[row]) for row in _pulse_rows(spec))
    return PageGeometry(cells, pulses, tuple(_separator_strokes(spec, cells, baselines, pitch)), pitch)


def _baselines(spec: PageSpec, top: float, pitch: float) -> list[float]:
    n_rows = spec.layout.n_rows
    jitter = (*spec.baseline_jitter, *[0.0] * n_rows)
    return [top + pitch * (row + 0.5) + jitter[row] for row in range(n_rows)]


def _check_width(spec: PageSpec, end_mm: float) -> None:
    """Refuse rows that end at `end_mm`, to the right of the plot (`BadRequest`)."""
    left, _, right, _ = spec.plot_mm
    # Half a millimetre of tolerance covers the rounding of seconds and sizes.
    if end_mm > right + 0.5:
        raise BadRequest(
            f"{spec.layout.printed_s:g} s at {spec.speed_mm_s:g} mm/s need {end_mm - left:.0f} mm, the page has "
            f"{right - left:.0f} mm; choose wider paper, a slower speed or fewer seconds per column"
        )


def _cell(slot: Slot, spec: PageSpec, start: float, baseline: float, pitch: float, gap: float) -> Cell:
    column_mm = spec.layout.seconds_per_column * spec.speed_mm_s + gap
    x = start + (slot.column or 0) * column_mm
    end = x + slot.seconds * spec.speed_mm_s
    return Cell(slot, x, baseline, (x, baseline - pitch / 2, end, baseline + pitch / 2))


def _pulse_rows(spec: PageSpec) -> list[int]:
    rows = list(range(spec.layout.n_rows))
    if spec.pulse == "none":
        return []
    return {"every": rows, "first": rows[:1], "last": rows[-1:]}[spec.pulse_rows]


def _pulse_polyline(spec: PageSpec, x: float, baseline: float) -> NDArray[np.float64]:
    """A pulse with its feet; its sides lean as far to the right as the pen needed to rise and fall."""
    width, top, lean = spec.pulse_s * spec.speed_mm_s, baseline - spec.gain_mm_mv, spec.pulse_lean_mm
    rise, fall, end = x + spec.pulse_foot_mm, x + spec.pulse_foot_mm + width, x + pulse_space_mm(spec)
    xs = (x, rise, rise + lean, fall, min(fall + lean, end), end)
    return np.stack([xs, (baseline, baseline, top, top, baseline, baseline)], axis=1)


def _separator_strokes(
    spec: PageSpec, cells: tuple[Cell, ...], baselines: list[float], pitch: float
) -> list[NDArray[np.float64]]:
    if spec.separator in ("none", "gap"):
        return []
    # Column 0 (and None, a rhythm strip) has nothing to its left to be separated from.
    columns = {cell.slot.column: cell.x_mm for cell in cells if cell.slot.column}.values()
    # Separators end above the rhythm strips, which run through.
    rows = baselines[: spec.layout.rows]
    top, bottom = rows[0] - pitch / 2, rows[-1] + pitch / 2
    if spec.separator == "line":
        return [_segment(x, top, bottom) for x in columns]
    if spec.separator == "dashed":
        return [_segment(x, y, y + 1.5) for x in columns for y in np.arange(top, bottom, 3.0)]
    strokes = {
        "tick": [(-4.5, -1.5), (1.5, 4.5)],
        "bar": [(-2.5, 2.5)],
        "row-dashes": [(y, y + 1.4) for y in np.arange(-6.0, 6.0, 2.6)],
    }[spec.separator]
    return [_segment(x, y + above, y + below) for x in columns for y in rows for above, below in strokes]


def _segment(x: float, top: float, bottom: float) -> NDArray[np.float64]:
    return np.array([(x, top), (x, bottom)])


def trace_points(cell: Cell, record: EcgRecord, spec: PageSpec) -> tuple[int, NDArray[np.float64]]:
    """Return the first sample of a cell's trace and its points (samples, 2) mm on paper, NaN where the record has none.

    One point a sample: sample ``first + k`` of the record stands at the k-th point.
    """
    first, end = sample_range(cell.slot, record.fs_hz)
    end = min(end, record.n_samples)
    first = min(first, end)
    seconds = np.arange(first, end) / record.fs_hz - cell.slot.start_s
    # An inverted lead (-aVR) is printed upside down; the record keeps the usual sign.
    millivolt = cell.slot.sign * record.lead(cell.slot.lead)[first:end].astype(np.float64)
    x = cell.x_mm + seconds * spec.speed_mm_s
    y = cell.y_mm - millivolt * spec.gain_of(cell.slot.lead)
    return first, np.stack([np.where(np.isnan(y), np.nan, x), y], axis=-1)
