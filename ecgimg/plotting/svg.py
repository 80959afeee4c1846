"""ECG paper as an SVG document whose units are millimetres."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from ecgimg.plotting.marks import Wave, WaveShapes
from ecgimg.plotting.paper_page import Floats, Lettering, PaperPage

PAPER, MINOR, MAJOR, INK, QUIET = "#fffaf6", "#f7d9d3", "#ecaaa1", "#1d1d24", "#7a6f6b"
"""Colours of the paper, its 1 mm and 5 mm ruling, the trace, and what is said beside it."""

OLD_INK = "#1f6fb4"
"""Colour of the trace of an older ECG."""

PEN_MM, MINOR_MM, MAJOR_MM = 0.28, 0.1, 0.2  # widths of the trace and of both rulings
_TICK_MM, _DOT_MM, _HALO_MM = 0.15, 0.6, 0.1  # width of a tick, radius of a dot, and the paper around it
_TICK_OPACITY = 0.6
_STEPS = 100  # in a millimetre: 0.01 mm is below what a printer shows, and keeps the file small

_BANDS: dict[Wave, tuple[str, float]] = {"P": ("#56b4e9", 0.35), "QRS": ("#e69f00", 0.3), "T": ("#009e73", 0.2)}
"""Colour and opacity of the band of a wave; the T wave is the widest, and the palest."""
_LINE_COLOURS: dict[Wave, str] = {"P": "#0b5c94", "QRS": "#9c4f00", "T": "#00664a", "pacing spike": "#7b1fa2"}
"""After Okabe and Ito (2008), whose colours remain apart for the colour-blind; the lines are darker."""


def ruling_mm(size_mm: tuple[float, float], step_mm: float) -> list[tuple[float, float, float, float]]:
    """Return (x, y, x, y) of every line of a ruling, mm; those of 1 mm leave out what the 5 mm ruling draws."""
    width, height = size_mm
    every = [step_mm * k for k in range(1, int(max(size_mm) / step_mm) + 1)]
    # a minor line under a major one would darken it
    kept = [mm for mm in every if step_mm >= 5 or mm % 5]
    down = [(mm, 0.0, mm, height) for mm in kept if mm < width]
    return down + [(0.0, mm, width, mm) for mm in kept if mm < height]


def as_svg(page: PaperPage, title: str) -> str:
    """Return the paper as an SVG document at true scale."""
    width, height = page.size_mm
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}mm" height="{height:g}mm" '
        f'viewBox="0 0 {width:g} {height:g}" role="img"><title>{escape(title)}</title>',
        f'<rect width="{width:g}" height="{height:g}" fill="{PAPER}"/>',
        _ruling_path(ruling_mm(page.size_mm, 1.0), MINOR, MINOR_MM),
        _ruling_path(ruling_mm(page.size_mm, 5.0), MAJOR, MAJOR_MM),
        *(_bands_and_ticks(shapes) for shapes in page.waves),
        _traces(page.old_lines_mm, OLD_INK),
        _traces(page.lines_mm, INK),
        *(_peaks(shapes) for shapes in page.waves if shapes.peaks_mm),
        '<g font-family="Helvetica, Arial, sans-serif">',
        *(_text(words) for words in page.lettering),
        "</g></svg>",
    ]
    return "".join(parts)


def _ruling_path(lines: Sequence[tuple[float, float, float, float]], colour: str, pen_mm: float) -> str:
    strokes = "".join(f"M{x0:g} {y0:g}" + (f"V{y1:g}" if x0 == x1 else f"H{x1:g}") for x0, y0, x1, y1 in lines)
    return f'<path fill="none" stroke="{colour}" stroke-width="{pen_mm:g}" d="{strokes}"/>'


def _traces(lines: Sequence[Floats], colour: str) -> str:
    if not lines:
        return ""
    return (
        f'<path transform="scale({1 / _STEPS:g})" fill="none" stroke="{colour}" stroke-width="{PEN_MM * _STEPS:g}" '
        f'stroke-linejoin="round" stroke-linecap="round" d="{"".join(map(_path, lines))}"/>'
    )


def _path(line: Floats) -> str:
    """Return a line as steps from point to point, in hundredths of a millimetre."""
    points = np.round(line * _STEPS).astype(int)
    steps = np.diff(points, axis=0).tolist()
    return f"M{points[0, 0]} {points[0, 1]}l" + " ".join(f"{x} {y}" for x, y in steps)


def _bands_and_ticks(shapes: WaveShapes) -> str:
    bands = "".join(
        f"M{left:.2f} {top:.2f}H{right:.2f}V{bottom:.2f}H{left:.2f}z" for left, right, top, bottom in shapes.bands_mm
    )
    ticks = "".join(f"M{x:.2f} {top:.2f}V{bottom:.2f}" for x, top, bottom in shapes.ticks_mm)
    drawn = ""
    if bands:
        colour, opacity = _BANDS[shapes.wave]
        drawn += f'<path fill="{colour}" fill-opacity="{opacity:g}" d="{bands}"/>'
    if ticks:
        stroke = f'stroke="{_LINE_COLOURS[shapes.wave]}" stroke-width="{_TICK_MM:g}" stroke-opacity="{_TICK_OPACITY:g}"'
        drawn += f'<path fill="none" {stroke} d="{ticks}"/>'
    return drawn


def _peaks(shapes: WaveShapes) -> str:
    """Return a dot for each peak, of another form for each wave."""
    dots = "".join(f"M{x:.2f} {y:.2f}{_DOTS[shapes.wave]}" for x, y in shapes.peaks_mm)
    return f'<path fill="{_LINE_COLOURS[shapes.wave]}" stroke="{PAPER}" stroke-width="{_HALO_MM:g}" d="{dots}"/>'


def _dot(points: Sequence[tuple[float, float]]) -> str:
    """Return a polygon as steps from the centre of the dot, its points in radii."""
    steps = np.diff(np.array([(0.0, 0.0), *points]), axis=0) * _DOT_MM
    return f"m{steps[0, 0]:.2f} {steps[0, 1]:.2f}l" + " ".join(f"{x:.2f} {y:.2f}" for x, y in steps[1:]) + "z"


_HALF_CIRCLE = f"a{_DOT_MM:g} {_DOT_MM:g} 0 1 0"
_CIRCLE = f"m-{_DOT_MM:g} 0{_HALF_CIRCLE} {2 * _DOT_MM:g} 0{_HALF_CIRCLE} {-2 * _DOT_MM:g} 0z"
_DOTS: dict[Wave, str] = {
    "P": _CIRCLE,
    "QRS": _dot([(0, -1.3), (1.15, 0.8), (-1.15, 0.8)]),
    "T": _dot([(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
    "pacing spike": _dot([(-1.2, -1.2), (1.2, -1.2), (0, 0.9)]),
}
"""A circle, a triangle, a square, and a triangle that points down to its tick."""


def _text(words: Lettering) -> str:
    anchor = "" if words.anchor == "start" else f' text-anchor="{words.anchor}"'
    return (
        f'<text x="{words.x_mm:g}" y="{words.y_mm:g}" font-size="{words.height_mm:g}"{anchor} '
        f'fill="{QUIET if words.quiet else INK}">{escape(words.text)}</text>'
    )
