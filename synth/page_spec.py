"""What a page looks like, before anything happens to it: frozen settings, all in millimetres."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ecgimg.errors import BadRequest
from layouts import Layout, Separator

Colour = tuple[int, int, int]
"""Red, green, blue, 0-255."""

Join = Literal["round", "bevel", "miter"]
Vendor = Literal["plain", "ge", "philips", "mindray", "schiller", "nihon-kohden", "edan", "monitor"]

PAPER_MM = {
    "a4-landscape": (297.0, 210.0),
    "a4-portrait": (210.0, 297.0),
    "letter-landscape": (279.4, 215.9),
    "letter-portrait": (215.9, 279.4),
}


@dataclass(frozen=True, kw_only=True)
class GridStyle:
    """The grid of the paper: thin lines every 1 mm, thick ones every 5 mm.

    Parameters
    ----------
    style : {"lines", "dotted", "major", "none"}
        ``dotted`` draws the thin lines as dots, ``major`` leaves them out.
    colour : (red, green, blue)
    thin_opacity, thick_opacity : float
        Share of `colour` over the paper, 0-1.
    thin_mm, thick_mm : float
        Width of the lines.
    whole_page : bool
        Whether the grid covers the margins, too.
    """

    style: Literal["lines", "dotted", "major", "none"] = "lines"
    colour: Colour = (235, 120, 120)
    thin_opacity: float = 0.45
    thick_opacity: float = 0.9
    thin_mm: float = 0.12
    thick_mm: float = 0.2
    whole_page: bool = False


@dataclass(frozen=True, kw_only=True)
class TraceStyle:
    """The pen.

    Parameters
    ----------
    colour : (red, green, blue)
    width_mm : float
    opacity : float
        How dark the trace is, 0-1.
    connected : bool
        Whether the pen stays down between two columns of a row.
    join : {"round", "bevel", "miter"}
        Corners and ends. Recorders and most plotting programs draw round; a mitred pen stands out beyond sharp peaks.
    """

    colour: Colour = (20, 20, 24)
    width_mm: float = 0.28
    opacity: float = 0.95
    connected: bool = True
    join: Join = "round"


@dataclass(frozen=True, kw_only=True)
class LabelStyle:
    """Lead labels.

    Parameters
    ----------
    font : str
        A file of ``synth/fonts``.
    size_mm : float
        Height of the capitals.
    colour : (red, green, blue)
    place : {"above-left", "below-left", "before", "on-baseline"}
    distance_mm : float
        From the trace.
    """

    font: str = "LiberationSans-Regular.ttf"
    size_mm: float = 3.0
    colour: Colour = (20, 20, 24)
    place: Literal["above-left", "below-left", "before", "on-baseline"] = "above-left"
    distance_mm: float = 5.0


@dataclass(frozen=True, kw_only=True)
class PageSpec:
    """One page: the layout, the paper, the scale, and how everything on it is drawn.

    Parameters
    ----------
    layout : Layout
        Its `seconds_per_column` is what is printed.
    size_mm : (width, height)
    px_per_mm : float
        Resolution of the drawing; 7.874 is 200 dpi.
    speed_mm_s, gain_mm_mv : float
    chest_gain_mm_mv : float or None
        Gain of V1-V6 where it differs (half gain); None for the same.
    pulse_s, pulse_lean_mm, pulse_foot_mm : float
        Length of the calibration pulse; how far its sides lean to the right, which is what the pen needs to rise; and
        the length of its feet, of which the trace starts or ends.
    plot_mm : (left, top, right, bottom)
        Where rows of traces stand; baselines are spread evenly over its height.
    baseline_jitter : tuple of float
        How far the baseline of each row is moved down, mm; 0 for rows that are left out.
    paper : (red, green, blue)
    grid, trace, label
        `GridStyle`, `TraceStyle` and `LabelStyle`.
    pulse : {"left", "right", "none"}
    pulse_rows : {"every", "first", "last"}
    separator : Separator
    vendor : {"plain", "ge", "philips", "mindray", "schiller", "nihon-kohden", "edan", "monitor"}
        In whose manner header and footer are printed; their text is invented.
    header, print_scale : bool
        Whether header and footer are printed; the footer carries the scale.

    Raises
    ------
    BadRequest
        For sizes, speeds or gains that are not positive, or a page that would not fit into memory.
    """

    layout: Layout
    size_mm: tuple[float, float] = PAPER_MM["a4-landscape"]
    px_per_mm: float = 200 / 25.4
    speed_mm_s: float = 25.0
    gain_mm_mv: float = 10.0
    chest_gain_mm_mv: float | None = None
    plot_mm: tuple[float, float, float, float] = (8.0, 40.0, 290.0, 200.0)
    baseline_jitter: tuple[float, ...] = ()
    paper: Colour = (255, 252, 250)
    grid: GridStyle = field(default_factory=GridStyle)
    trace: TraceStyle = field(default_factory=TraceStyle)
    label: LabelStyle = field(default_factory=LabelStyle)
    pulse: Literal["left", "right", "none"] = "left"
    pulse_rows: Literal["every", "first", "last"] = "every"
    pulse_s: float = 0.2
    pulse_lean_mm: float = 0.0
    pulse_foot_mm: float = 1.5
    separator: Separator = "none"
    vendor: Vendor = "plain"
    header: bool = True
    print_scale: bool = True

    def __post_init__(self) -> None:
        numbers = {
            "width": self.size_mm[0],
            "height": self.size_mm[1],
            "px_per_mm": self.px_per_mm,
            "speed": self.speed_mm_s,
            "gain": self.gain_mm_mv,
            "length of the pulse": self.pulse_s,
            "chest gain": self.gain_mm_mv if self.chest_gain_mm_mv is None else self.chest_gain_mm_mv,
        }
        for name, value in numbers.items():
            if not (np.isfinite(value) and value > 0):
                raise BadRequest(f"a page needs a positive {name}, got {value}")
        width, height = self.size_px
        if width < 16 or height < 16 or width * height > 120_000_000:
            raise BadRequest(
                f"a page of {width}x{height} pixels cannot be drawn; choose between 16x16 and 120 megapixels"
            )

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the drawing in pixels."""
        return round(self.size_mm[0] * self.px_per_mm), round(self.size_mm[1] * self.px_per_mm)

    def gain_of(self, lead: str) -> float:
        """Millimetres per millivolt with which a lead is drawn."""
        is_chest = lead.startswith("V") and self.chest_gain_mm_mv is not None
        return float(self.chest_gain_mm_mv) if is_chest and self.chest_gain_mm_mv else self.gain_mm_mv
