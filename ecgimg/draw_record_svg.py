"""A record on clean ECG paper at true scale: laid out in millimetres, written as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.record import STANDARD_LEADS, EcgRecord, unbroken_runs

Floats = NDArray[np.float64]

SPEED_MM_S = 25.0
GAIN_MM_MV = 10.0
NOTICE = "Research use only, not a medical device"

PAPER, MINOR, MAJOR, INK, QUIET = "#fffaf6", "#f7d9d3", "#ecaaa1", "#1d1d24", "#7a6f6b"
"""Colours of the paper, its 1 mm and 5 mm ruling, the trace, and what is said beside it."""

PEN_MM, MINOR_MM, MAJOR_MM = 0.28, 0.1, 0.2  # widths of the trace and of both rulings
_LEFT_MM, _RIGHT_MM, _TOP_MM, _BOTTOM_MM, _ROW_MM = 30.0, 17.0, 15.0, 15.0, 15.0  # 10 s and 12 leads fill A4
_PULSE_MM = (19.0, 21.0, 26.0, 28.0)  # x of the pulse: start, rise, fall, end
_TOLERANCE_MM = 0.012  # by which a straight piece may miss a sample: far below the width of the pen


@dataclass(frozen=True, eq=False)
class Lettering:
    """Words on the paper: where they begin (or end, where `to_left`), mm, on their base line."""

    x_mm: float
    y_mm: float
    text: str
    height_mm: float = 3.2
    quiet: bool = False
    to_left: bool = False


@dataclass(frozen=True, eq=False)
class PaperPage:
    """What is on the paper.

    Parameters
    ----------
    size_mm : (width, height)
    lines_mm : tuple of (n, 2) float64
        Traces and calibration pulses, x right and y down from the top left of the paper.
    lettering : tuple of Lettering
    """

    size_mm: tuple[float, float]
    lines_mm: tuple[Floats, ...]
    lettering: tuple[Lettering, ...]


def lay_out(record: EcgRecord, start_s: float = 0.0, seconds: float | None = None) -> PaperPage:
    """Lay a record out, a row a lead, at 25 mm/s and 10 mm/mV; what is not known is left free.

    Parameters
    ----------
    start_s, seconds : float
        The part to draw; by default all of it. Ten seconds fill an A4 page in landscape, 297 × 210 mm.
    """
    seconds = record.duration_s - start_s if seconds is None else seconds
    leads = _ordered_leads(record)
    first, end = round(start_s * record.fs_hz), round((start_s + seconds) * record.fs_hz)
    size_mm = _LEFT_MM + seconds * SPEED_MM_S + _RIGHT_MM, _TOP_MM + _ROW_MM * len(leads) + _BOTTOM_MM
    lines: list[Floats] = []
    lettering: list[Lettering] = []
    for row, lead in enumerate(leads):
        zero_mm = _TOP_MM + _ROW_MM * (row + 0.5)
        signal = record.lead(lead)[first:end]
        lines += [_pulse(zero_mm), *_trace(signal, record.fs_hz, zero_mm)]
        lettering.append(Lettering(8.0, zero_mm + 1.2, lead, 3.6))
        if not np.isfinite(signal).any():
            lettering.append(Lettering(_LEFT_MM + 2, zero_mm + 1.2, "not on the page", quiet=True))
    return PaperPage(size_mm, tuple(lines), (*lettering, *_footer(size_mm)))


def _ordered_leads(record: EcgRecord) -> list[str]:
    """Return the leads of a record, the standard twelve first."""
    leads = [lead for lead in STANDARD_LEADS if lead in record.leads]
    return leads + [lead for lead in record.leads if lead not in STANDARD_LEADS]


def _footer(size_mm: tuple[float, float]) -> tuple[Lettering, Lettering]:
    """Return speed and gain, and the notice, below the rows of a page."""
    foot_mm = size_mm[1] - 6.0
    scale = Lettering(8.0, foot_mm, f"{SPEED_MM_S:g} mm/s   {GAIN_MM_MV:g} mm/mV")
    return scale, Lettering(size_mm[0] - 8.0, foot_mm, NOTICE, to_left=True)


def ruling_mm(size_mm: tuple[float, float], step_mm: float) -> list[tuple[float, float, float, float]]:
    """Return (x, y, x, y) of every line of a ruling, mm; those of 1 mm leave out what the 5 mm ruling draws."""
    width, height = size_mm
    every = [step_mm * k for k in range(1, int(max(size_mm) / step_mm) + 1)]
    # a minor line under a major one would darken it
    kept = [mm for mm in every if step_mm >= 5 or mm % 5]
    down = [(mm, 0.0, mm, height) for mm in kept if mm < width]
    return down + [(0.0, mm, width, mm) for mm in kept if mm < height]


def as_svg(page: PaperPage, title: str = "Twelve leads redrawn") -> str:
    """Return the paper as an SVG document whose units are millimetres."""
    width, height = page.size_mm
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}mm" height="{height:g}mm" '
        f'viewBox="0 0 {width:g} {height:g}" role="img"><title>{escape(title)}</title>',
        f'<rect width="{width:g}" height="{height:g}" fill="{PAPER}"/>',
        _ruling_path(ruling_mm(page.size_mm, 1.0), MINOR, MINOR_MM),
        _ruling_path(ruling_mm(page.size_mm, 5.0), MAJOR, MAJOR_MM),
        f'<path fill="none" stroke="{INK}" stroke-width="{PEN_MM}" stroke-linejoin="round" stroke-linecap="round" '
        f'd="{"".join(_path(line) for line in page.lines_mm)}"/>',
        *(_text(words) for words in page.lettering),
        "</svg>",
    ]
    return "".join(parts)


def draw_svg(record: EcgRecord, title: str = "Twelve leads redrawn") -> str:
    """Draw all of a record on ECG paper, as SVG at true scale."""
    return as_svg(lay_out(record), title)


def _pulse(zero_mm: float) -> Floats:
    """Return the calibration pulse of one millivolt, five millimetres wide."""
    foot, rise, fall, end = _PULSE_MM
    top = zero_mm - GAIN_MM_MV
    return np.array(
        [(foot, zero_mm), (rise, zero_mm), (rise, top), (fall, top), (fall, zero_mm), (end, zero_mm)], np.float64
    )


def _trace(signal_mv: NDArray[np.float32], fs_hz: float, zero_mm: float) -> list[Floats]:
    """Return a line for each unbroken part of a lead, without the points that a straight stroke does not need."""
    x_mm = _LEFT_MM + np.arange(len(signal_mv)) / fs_hz * SPEED_MM_S
    points = np.stack([x_mm, zero_mm - signal_mv.astype(np.float64) * GAIN_MM_MV], axis=1)
    lines = []
    for first, end in unbroken_runs(np.isfinite(signal_mv)):
        # a single sample has no line
        if end - first > 1:
            kept = cv2.approxPolyDP(points[first:end].astype(np.float32).reshape(-1, 1, 2), _TOLERANCE_MM, False)
            lines.append(np.asarray(kept, np.float64).reshape(-1, 2))
    return lines


def _ruling_path(lines: Sequence[tuple[float, float, float, float]], colour: str, pen_mm: float) -> str:
    strokes = "".join(f"M{x0:g} {y0:g}L{x1:g} {y1:g}" for x0, y0, x1, y1 in lines)
    return f'<path fill="none" stroke="{colour}" stroke-width="{pen_mm:g}" d="{strokes}"/>'


def _path(line: Floats) -> str:
    # 0.01 mm is below what a printer shows, and keeps the file small
    rounded = np.round(line, 2).tolist()
    return f"M{rounded[0][0]:g} {rounded[0][1]:g}L" + " ".join(f"{x:g} {y:g}" for x, y in rounded[1:])


def _text(words: Lettering) -> str:
    anchor = ' text-anchor="end"' if words.to_left else ""
    return (
        f'<text x="{words.x_mm:g}" y="{words.y_mm:g}" font-size="{words.height_mm:g}"{anchor} '
        f'font-family="Helvetica, Arial, sans-serif" fill="{QUIET if words.quiet else INK}">{escape(words.text)}</text>'
    )
