"""Draw a plausible page of a layout at random: paper, ruling, pen, lettering, scale."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar, cast, get_args

import numpy as np

from layouts import Layout, Separator
from synth.degradation import Kind
from synth.page_geometry import GAP_MM
from synth.page_spec import PAPER_MM, Colour, GridStyle, LabelStyle, PageSpec, TraceStyle, Vendor

T = TypeVar("T")

_GRID_COLOURS: dict[str, tuple[Colour, ...]] = {
    "red": ((226, 90, 90), (214, 70, 80), (240, 120, 110)),
    "pink": ((244, 160, 175), (236, 150, 190), (250, 180, 180)),
    "green": ((110, 190, 120), (140, 210, 130)),
    "blue": ((130, 170, 220), (150, 190, 235)),
    "grey": ((150, 150, 150), (175, 175, 178)),
    "black": ((60, 60, 60), (90, 90, 90)),
    "orange": ((240, 150, 70), (246, 170, 110)),
}
_GRID_COLOUR_WEIGHTS = {
    "red": 0.3,
    "pink": 0.25,
    "green": 0.06,
    "blue": 0.06,
    "grey": 0.12,
    "black": 0.08,
    "orange": 0.06,
}
_FONTS = (
    "LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf", "LiberationSerif-Regular.ttf", "LiberationSerif-Bold.ttf",
    "LiberationMono-Regular.ttf", "DejaVuSans.ttf", "RobotoCondensed-Regular.ttf",
)  # fmt: skip
# Space kept below the traces, and the least in which a footer is printed.
_FOOTER_MM, _FOOTER_ROOM_MM = 12.0, 8.0
_SINGLE_GAIN_VENDORS: tuple[Vendor, ...] = ("monitor",)
"""Vendors that print one gain for all leads."""


def weighted_choice(rng: np.random.Generator, weights: dict[T, float]) -> T:
    """Choose a key with probability proportional to its weight."""
    values = list(weights)
    shares = np.array(list(weights.values()), np.float64)
    return values[int(rng.choice(len(values), p=shares / shares.sum()))]


@dataclass(frozen=True)
class _Paper:
    size_mm: tuple[float, float]
    plot_mm: tuple[float, float, float, float]
    layout: Layout


def make_random_page_spec(layout: Layout, rng: np.random.Generator, kind: Kind = "none") -> PageSpec:
    """Draw the look of one page of `layout`.

    Scans have 100 dpi or more, photos what a phone gives. Where the seconds of the layout do not fit on the paper, each
    column shows fewer of them, as devices do. A separate chest gain is drawn only where the page prints it.

    Parameters
    ----------
    layout : Layout
    rng : numpy.random.Generator
    kind : {"none", "scan", "photo", "screen", "aged"}

    Returns
    -------
    PageSpec
    """
    # 25 mm/s and 10 mm/mV are the standard; half and double are what devices offer besides.
    speed = weighted_choice(rng, {25.0: 0.88, 50.0: 0.07, 12.5: 0.05})
    gain = weighted_choice(rng, {10.0: 0.85, 5.0: 0.07, 20.0: 0.08})
    pulse = weighted_choice(rng, {"left": 0.6, "right": 0.2, "none": 0.2})
    separator = _random_separator(layout, rng)
    vendor = cast(Vendor, weighted_choice(rng, dict.fromkeys(get_args(Vendor), 1.0)))
    header = layout.style.header and rng.random() < 0.85
    # A child generator: pulses were added later, and the other draws of a seed had to stay.
    pulse_s, pulse_lean_mm, pulse_foot_mm = _random_pulse(rng.spawn(1)[0])
    pulse_mm = pulse_s * speed + 2 * pulse_foot_mm if pulse != "none" else 0.0
    paper = _random_paper(layout, speed, pulse_mm, separator, header, rng)
    pitch = (paper.plot_mm[3] - paper.plot_mm[1]) / paper.layout.n_rows
    jitter = _random_baseline_jitter(layout, pitch, rng)
    spec = PageSpec(
        layout=paper.layout,
        size_mm=paper.size_mm,
        px_per_mm=_random_resolution(kind, rng),
        speed_mm_s=speed,
        gain_mm_mv=gain,
        chest_gain_mm_mv=gain / 2 if rng.random() < 0.06 else None,
        plot_mm=paper.plot_mm,
        baseline_jitter=jitter,
        **_random_styles(layout, pitch, rng),
        pulse=cast(Any, pulse),
        pulse_rows=cast(Any, weighted_choice(rng, {"every": 0.7, "first": 0.1, "last": 0.1, layout.pulse_rows: 0.1})),
        pulse_s=pulse_s,
        pulse_lean_mm=pulse_lean_mm,
        pulse_foot_mm=pulse_foot_mm,
        separator=separator,
        vendor=vendor,
        header=header,
        print_scale=rng.random() < 0.8,
    )
    return spec if _prints_chest_gain(spec) else replace(spec, chest_gain_mm_mv=None)


def _random_separator(layout: Layout, rng: np.random.Generator) -> Separator:
    weights = {"none": 0.3, "tick": 0.25, "bar": 0.12, "row-dashes": 0.12, "line": 0.22, "dashed": 0.08, "gap": 0.15}
    # What the layout file names is likelier, but devices can be set otherwise.
    weights[layout.separator] += 0.3
    return cast(Separator, weighted_choice(rng, weights) if layout.columns > 1 else "none")


def _random_styles(layout: Layout, pitch_mm: float, rng: np.random.Generator) -> dict[str, Any]:
    """Draw the fields of a `PageSpec` that hold colours, lines and lettering."""
    return {
        "paper": _random_paper_colour(rng),
        "grid": _random_grid(layout, rng),
        "trace": _random_trace(rng),
        "label": _random_label(layout, pitch_mm, rng),
    }


def _random_baseline_jitter(layout: Layout, pitch_mm: float, rng: np.random.Generator) -> tuple[float, ...]:
    # Hand-set pens do not stand exactly in the middle of their rows.
    jitter = rng.normal(0, 0.04 * pitch_mm, layout.n_rows) if rng.random() < 0.3 else np.zeros(0)
    return tuple(float(value) for value in jitter)


def _prints_chest_gain(spec: PageSpec) -> bool:
    # The footer is the only place that prints a chest gain.
    has_footer = spec.print_scale and spec.size_mm[1] - spec.plot_mm[3] > _FOOTER_ROOM_MM
    return has_footer and spec.vendor not in _SINGLE_GAIN_VENDORS


def _random_resolution(kind: Kind, rng: np.random.Generator) -> float:
    if kind in ("photo", "screen"):
        # Pixels per mm on the page; 6.2 is an A4 page over 1840 pixels.
        return float(np.clip(rng.lognormal(np.log(6.2), 0.35), 3.4, 13.0))
    if kind == "none":
        return float(rng.choice([150, 194, 200, 200, 250, 300]) / 25.4)
    return float(rng.choice([100, 120, 150, 150, 200, 200, 200, 300]) / 25.4)


def _random_paper(
    layout: Layout, speed: float, pulse_mm: float, separator: str, header: bool, rng: np.random.Generator
) -> _Paper:
    """Choose paper and place the plot on it, with fewer seconds a column where the sheet is too narrow."""
    margin = float(rng.uniform(5, 11))
    # What a row needs besides its seconds.
    extra = pulse_mm + 2 * margin
    extra += GAP_MM * (layout.columns - 1) if separator == "gap" else 0.0
    needed = layout.printed_s * speed + extra
    choice = weighted_choice(
        rng,
        {"a4-landscape": 0.4, "letter-landscape": 0.3, "a4-portrait": 0.04, "letter-portrait": 0.03, "roll": 0.12,
         layout.style.paper: 0.4},
    )  # fmt: skip
    if choice == "roll" or (needed > 1.6 * PAPER_MM["a4-landscape"][0] and rng.random() < 0.3):
        return _roll_paper(layout, needed, margin, header, rng)
    width, height = PAPER_MM[str(choice)]
    if needed > width:
        seconds = (width - extra) / speed / layout.columns
        # Devices print round numbers: quarters of a second, or twentieths of short columns.
        steps = 4 if seconds >= 1 else 20
        layout = layout.with_seconds(max(np.floor(seconds * steps) / steps, 0.2))
        needed = layout.printed_s * speed + extra
    top = float(rng.uniform(32, 48)) if header else float(rng.uniform(6, 14))
    bottom = height - _FOOTER_MM
    # Few rows do not fill a tall sheet: their pitch stays at what devices use.
    tallest = layout.n_rows * float(rng.uniform(28, 46))
    if bottom - top > tallest:
        top += (bottom - top - tallest) * float(rng.uniform(0, 1))
        bottom = top + tallest
    left = margin + float(rng.uniform(0, 1)) * max(width - needed, 0.0) * 0.5
    right = width - margin if rng.random() < 0.7 else min(left + needed - 2 * margin + 2, width - margin)
    return _Paper((width, height), (left, top, max(right, left + needed - 2 * margin), bottom), layout)


def _roll_paper(layout: Layout, needed: float, margin: float, header: bool, rng: np.random.Generator) -> _Paper:
    pitch = float(rng.uniform(16, 36)) if layout.n_rows > 3 else float(rng.uniform(20, 45))
    top = float(rng.uniform(14, 22)) if header else float(rng.uniform(3, 10))
    height = top + pitch * layout.n_rows + float(rng.uniform(5, 12))
    width = needed + float(rng.uniform(0, 20))
    plot = (margin, top, width - margin, top + pitch * layout.n_rows)
    return _Paper((width, height), plot, layout)


def _random_pulse(rng: np.random.Generator) -> tuple[float, float, float]:
    """Draw the length (s) of a pulse, how far its sides lean (mm), and its feet (mm)."""
    # A third of the pens need some time to rise; printers and plots do not.
    lean_mm = float(rng.uniform(0.2, 1.2)) if rng.random() < 0.3 else 0.0
    return weighted_choice(rng, {0.2: 0.93, 0.1: 0.07}), lean_mm, weighted_choice(rng, {1.5: 0.7, 0.0: 0.15, 0.6: 0.15})


def _random_paper_colour(rng: np.random.Generator) -> Colour:
    tint = weighted_choice(rng, {"white": 0.55, "cream": 0.15, "pink": 0.2, "grey": 0.1})
    base = {"white": (253, 253, 252), "cream": (252, 247, 232), "pink": (254, 236, 236), "grey": (240, 240, 241)}[tint]
    return cast(Colour, tuple(int(np.clip(value + rng.integers(-4, 3), 0, 255)) for value in base))


def _random_grid(layout: Layout, rng: np.random.Generator) -> GridStyle:
    weights = dict(_GRID_COLOUR_WEIGHTS)
    if layout.style.grid in weights:
        weights[layout.style.grid] += 0.15
    options = _GRID_COLOURS[weighted_choice(rng, weights)]
    style = weighted_choice(rng, {"lines": 0.8, "dotted": 0.09, "major": 0.07, "none": 0.04})
    thick = float(rng.uniform(0.4, 1.0))
    return GridStyle(
        style=cast(Literal["lines", "dotted", "major", "none"], style),
        colour=options[int(rng.integers(len(options)))],
        thin_opacity=thick * float(rng.uniform(0.2, 0.85)),
        thick_opacity=thick,
        thin_mm=float(rng.uniform(0.07, 0.18)),
        thick_mm=float(rng.uniform(0.12, 0.32)),
        whole_page=bool(rng.random() < 0.45),
    )


def _random_trace(rng: np.random.Generator) -> TraceStyle:
    ink = weighted_choice(rng, {(18, 18, 22): 0.72, (60, 60, 64): 0.12, (30, 40, 110): 0.1, (90, 50, 45): 0.06})
    return TraceStyle(
        colour=ink,
        width_mm=float(np.clip(rng.lognormal(np.log(0.26), 0.3), 0.12, 0.6)),
        opacity=float(rng.uniform(0.75, 1.0)),
        connected=bool(rng.random() < 0.7),
        join=cast(Any, weighted_choice(rng, {"round": 0.75, "bevel": 0.15, "miter": 0.1})),
    )


def _random_label(layout: Layout, pitch_mm: float, rng: np.random.Generator) -> LabelStyle:
    places = {"above-left": 0.5, "below-left": 0.2, "before": 0.15, "on-baseline": 0.2, layout.label: 0.3}
    # Cap height in mm, below a third of the row pitch so that labels do not meet the next row.
    size = float(np.clip(rng.uniform(1.9, 4.2), 1.5, max(0.35 * pitch_mm, 1.6)))
    return LabelStyle(
        font=_FONTS[int(rng.integers(len(_FONTS)))],
        size_mm=size,
        colour=(18, 18, 22) if rng.random() < 0.9 else (30, 40, 130),
        place=cast(Any, weighted_choice(rng, places)),
        distance_mm=float(rng.uniform(0.5, max(0.28 * pitch_mm, 1.0))),
    )
