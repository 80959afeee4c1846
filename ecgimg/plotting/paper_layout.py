"""Leads laid out on ECG paper at true scale: a row for each, as far apart as their traces need."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from ecgimg.leads import STANDARD_LEADS, unbroken_runs
from ecgimg.plotting.footer import lay_out_footer
from ecgimg.plotting.marks import Mark, PaperRow, wave_shapes
from ecgimg.plotting.paper_page import GAIN_MM_MV, SPEED_MM_S, Floats, Lettering, PaperPage

ROW_MM = 15.0
"""Least distance of two rows; at it, ten seconds of twelve leads fill A4 in landscape."""

A4_MM = (297.0, 210.0)
"""Width and height of A4 in landscape."""

_MAX_ROW_MM = 45.0  # a trace that goes farther is an artefact, and may cross the next row
_LEFT_MM, _RIGHT_MM = 30.0, 17.0
_MIN_WIDTH_MM = 105.0  # what the lines of the footer need
_WIDEST_ROW_MM = 30.0  # to which the rows of a printed page are spread where there is room
_FIRST_ZERO_MM, _FOOTER_MM, _BOTTOM_MM = 25.0, 14.0, 6.0  # from the top; from the last zero level; below the footer
_HEADER_MM = 9.0  # above the highest trace, for the seconds
_CLEARANCE_MM = 2.0  # between the traces of two rows
_SNAP_MM = 5.0  # zero levels lie on thick lines of the grid
_BIN_S = 0.04  # traces are kept apart within a millimetre of each other
_MARK_GAP_MM = 1.0  # between the marks of two rows, which share the room between them
_PULSE_MM = (19.0, 21.0, 26.0, 28.0)  # x of the pulse: start, rise, fall, end
_TOLERANCE_MM = 0.02  # by which a straight piece may miss a sample: far below the width of the pen


def lay_out(
    signals: NDArray[np.float32],
    fs_hz: float,
    leads: Sequence[str],
    marks: Sequence[Mark] = (),
    *,
    start_s: float = 0.0,
    seconds: float | None = None,
    on_a4: bool = False,
) -> PaperPage:
    """Lay leads out, a row each, at 25 mm/s and 10 mm/mV; what is not known is left free.

    Parameters
    ----------
    signals : (leads, samples) float32
        Millivolt, NaN where nothing is known.
    fs_hz : float
    leads : sequence of str
        The standard twelve are drawn first, in their usual order.
    marks : sequence of Mark
        Those of other leads and seconds are left out.
    start_s, seconds : float
        The part to draw; by default all of it.
    on_a4 : bool
        Whether the paper is that of a printed page, which the rows are spread over. It is higher than A4 where the
        rows need more; `lay_out_on_a4` takes more pages instead.

    Returns
    -------
    PaperPage
    """
    part = _cut(signals, fs_hz, leads, start_s, seconds)
    zeros_mm, footer_mm = _zero_levels(part)
    if on_a4:
        zeros_mm, footer_mm = _spread(zeros_mm, footer_mm)
    rows = _rows(part, zeros_mm)
    width_mm = max(part.right_mm + _RIGHT_MM, A4_MM[0] if on_a4 else _MIN_WIDTH_MM)
    waves = wave_shapes(marks, rows, part.x_of_time)
    texts = [f"{SPEED_MM_S:g} mm/s · {GAIN_MM_MV:g} mm/mV", *part.extent_texts()]
    footer, swatches, last_line_mm = lay_out_footer(width_mm, footer_mm, texts, [shapes.wave for shapes in waves])
    lines = [line for row, zero_mm in zip(rows, zeros_mm, strict=True) for line in (_pulse(zero_mm), *_trace(row))]
    return PaperPage(
        (width_mm, last_line_mm + _BOTTOM_MM),
        tuple(lines),
        (*_row_lettering(part, zeros_mm), *_second_lettering(part), *footer),
        (*waves, *swatches),
    )


def lay_out_on_a4(
    signals: NDArray[np.float32], fs_hz: float, leads: Sequence[str], *, start_s: float = 0.0, seconds: float
) -> tuple[PaperPage, ...]:
    """Lay leads out on A4 in landscape: on as many pages, of as many leads each, as keep their rows apart.

    Parameters
    ----------
    signals, fs_hz, leads, start_s, seconds
        As of `lay_out`; ten seconds fill the width.

    Returns
    -------
    tuple of PaperPage
    """
    ordered = _usual_order(leads)
    rows = [list(leads).index(lead) for lead in ordered]
    pages: tuple[PaperPage, ...] = ()
    for count in range(1, len(ordered) + 1):
        pages = tuple(
            lay_out(
                signals[[rows[place] for place in group]],
                fs_hz,
                [ordered[place] for place in group],
                start_s=start_s,
                seconds=seconds,
                on_a4=True,
            )
            for group in np.array_split(np.arange(len(ordered)), count)
        )
        if all(page.size_mm[1] <= A4_MM[1] for page in pages):
            break
    return pages


@dataclass(frozen=True, eq=False)
class _Part:
    """The rows and samples that are drawn; `missing` names the leads that nothing is known of, drawn or not."""

    signals: NDArray[np.float32]
    fs_hz: float
    leads: tuple[str, ...]
    first: int
    start_s: float
    total_s: float
    missing: tuple[str, ...]

    @property
    def end_s(self) -> float:
        return (self.first + len(self.signals[0])) / self.fs_hz

    @property
    def right_mm(self) -> float:
        return self.x_of_time(self.end_s)

    def x_of_time(self, time_s: float) -> float:
        return _LEFT_MM + (time_s - self.start_s) * SPEED_MM_S

    def extent_texts(self) -> tuple[str, ...]:
        """Return which seconds are drawn, or nothing where all of them are."""
        if self.first == 0 and self.end_s >= self.total_s:
            return ()
        return (f"{self.start_s:.4g} to {self.end_s:.4g} s of {self.total_s:.4g} s",)


def _cut(
    signals: NDArray[np.float32], fs_hz: float, leads: Sequence[str], start_s: float, seconds: float | None
) -> _Part:
    total_s = signals.shape[1] / fs_hz
    end_s = total_s if seconds is None else min(start_s + seconds, total_s)
    first = min(round(start_s * fs_hz), signals.shape[1] - 1)
    end = max(round(end_s * fs_hz), first + 1)
    ordered = _usual_order(leads)
    rows = [signals[list(leads).index(lead)] for lead in ordered]
    missing = tuple(lead for lead, row in zip(ordered, rows, strict=True) if not np.isfinite(row).any())
    drawn = np.stack([row[first:end] for row in rows])
    return _Part(drawn, fs_hz, tuple(ordered), first, start_s, total_s, missing)


def _usual_order(leads: Sequence[str]) -> list[str]:
    """Return the standard leads in their order, and then the others in theirs."""
    return [lead for lead in STANDARD_LEADS if lead in leads] + [lead for lead in leads if lead not in STANDARD_LEADS]


def _zero_levels(part: _Part) -> tuple[list[float], float]:
    """Return the height of 0 mV of each row, and that of the first line of the footer, mm."""
    above, below = _reaches_mm(part)
    # two neighbours are compared where they meet: a high R wave may stand beside a deep S wave, not under it
    meets_mm = (below[:-1] + above[1:]).max(axis=1) + _CLEARANCE_MM
    first_mm = _snap(float(above[0].max()) + _HEADER_MM, _FIRST_ZERO_MM)
    zeros_mm = [first_mm, *(first_mm + np.cumsum([_snap(float(mm), ROW_MM) for mm in meets_mm])).tolist()]
    return zeros_mm, zeros_mm[-1] + _snap(float(below[-1].max()) + 5.0, _FOOTER_MM)


def _spread(zeros_mm: Sequence[float], footer_mm: float) -> tuple[list[float], float]:
    """Spread rows over A4 in steps of the grid, with the footer at its bottom where they leave the room."""
    gaps_mm, room_mm = np.diff(zeros_mm), A4_MM[1] - _BOTTOM_MM - footer_mm
    # the narrowest gap first, so that the rows come to lie evenly
    while len(gaps_mm) and gaps_mm.min() < _WIDEST_ROW_MM and room_mm >= _SNAP_MM:
        gaps_mm[gaps_mm.argmin()] += _SNAP_MM
        room_mm -= _SNAP_MM
    return np.cumsum([zeros_mm[0], *gaps_mm]).tolist(), max(footer_mm, A4_MM[1] - _BOTTOM_MM)


def _snap(needed_mm: float, least_mm: float) -> float:
    """Return a distance that is at least what is needed, in steps of the thick lines of the grid."""
    steps = math.ceil((min(needed_mm, _MAX_ROW_MM) - least_mm) / _SNAP_MM)
    return least_mm + max(steps, 0) * _SNAP_MM


def _reaches_mm(part: _Part) -> tuple[Floats, Floats]:
    """Return how far each row reaches above and below its zero level, (rows, bins) each, in bins of `_BIN_S`."""
    count = part.signals.shape[1]
    starts = np.unique(np.arange(0, count, max(_BIN_S * part.fs_hz, 1.0)).astype(int))
    signals_mm = part.signals.astype(np.float64) * GAIN_MM_MV
    above = np.nan_to_num(np.fmax.reduceat(signals_mm, starts, axis=1)).clip(0)
    below = np.nan_to_num(-np.fmin.reduceat(signals_mm, starts, axis=1)).clip(0)
    # neighbouring bins too, as a pen has a width
    return maximum_filter1d(above, 3, axis=1), maximum_filter1d(below, 3, axis=1)


def _rows(part: _Part, zeros_mm: Sequence[float]) -> list[PaperRow]:
    samples = part.first + np.arange(part.signals.shape[1])
    x_mm = _LEFT_MM + (samples / part.fs_hz - part.start_s) * SPEED_MM_S
    half_mm = [ROW_MM / 2, *(np.diff(zeros_mm) / 2).tolist(), ROW_MM / 2]
    return [
        PaperRow(
            lead,
            x_mm,
            zero_mm - signal.astype(np.float64) * GAIN_MM_MV,
            zero_mm - half_mm[number] + _MARK_GAP_MM / 2,
            zero_mm + half_mm[number + 1] - _MARK_GAP_MM / 2,
        )
        for number, (lead, signal, zero_mm) in enumerate(zip(part.leads, part.signals, zeros_mm, strict=True))
    ]


def _row_lettering(part: _Part, zeros_mm: Sequence[float]) -> list[Lettering]:
    """Return the name of each row, and why it is empty where it is."""
    lettering = []
    for lead, signal, zero_mm in zip(part.leads, part.signals, zeros_mm, strict=True):
        lettering.append(Lettering(8.0, zero_mm + 1.2, lead, 3.6))
        if not np.isfinite(signal).any():
            text = "not on the page" if lead in part.missing else "not in these seconds"
            lettering.append(Lettering(_LEFT_MM + 2, zero_mm + 1.2, text, quiet=True))
    return lettering


def _second_lettering(part: _Part) -> list[Lettering]:
    """Return the whole seconds, above the first row."""
    seconds = range(math.ceil(part.start_s), math.floor(part.end_s + 1e-6) + 1)
    return [
        Lettering(part.x_of_time(second), 5.6, f"{second} s", 2.6, quiet=True, anchor="middle") for second in seconds
    ]


def _pulse(zero_mm: float) -> Floats:
    """Return the calibration pulse of one millivolt, five millimetres wide."""
    foot, rise, fall, end = _PULSE_MM
    top = zero_mm - GAIN_MM_MV
    return np.array(
        [(foot, zero_mm), (rise, zero_mm), (rise, top), (fall, top), (fall, zero_mm), (end, zero_mm)], np.float64
    )


def _trace(row: PaperRow) -> list[Floats]:
    """Return a line for each unbroken part of a lead, without the points that a straight stroke does not need."""
    points = np.stack([row.x_mm, row.y_mm], axis=1)
    lines = []
    for first, end in unbroken_runs(np.isfinite(row.y_mm)):
        # a single sample has no line
        if end - first > 1:
            kept = cv2.approxPolyDP(points[first:end].astype(np.float32).reshape(-1, 1, 2), _TOLERANCE_MM, False)
            lines.append(np.asarray(kept, np.float64).reshape(-1, 2))
    return lines
