"""Draw a page: paper, grid, traces, calibration pulses, lead labels, header and footer, each a layer of its own.

Pixel centres are at whole numbers everywhere; aggdraw counts from the pixel's corner, so half a pixel is added where
it draws. Coverage is 0-255.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ecgimg.errors import MissingExtra
from ecgimg.leads import unbroken_runs
from ecgimg.record import EcgRecord
from synth.header_footer import make_header_footer
from synth.page_geometry import Cell, PageGeometry, make_page_geometry, trace_points
from synth.page_spec import Colour, GridStyle, Join, PageSpec

Image8 = NDArray[np.uint8]
Points = NDArray[np.float64]

# Above this turn (40 degrees) a mitred corner stands out visibly beyond the pen's width.
_SHARP_TURN_RAD = 0.7
# Cap height over font size of the shipped fonts, about.
_CAP_HEIGHT = 0.72


@dataclass(frozen=True)
class Layer:
    """Ink of one kind: `coverage` (h, w) uint8 whose top-left pixel lies at (`left`, `top`) of the page's drawing."""

    kind: str
    coverage: Image8
    left: int
    top: int


@dataclass(frozen=True)
class PrintedText:
    """A line of print (``other``) or a lead label (``label``) as drawn, its box (left, top, right, bottom) in mm."""

    kind: str
    text: str
    box_mm: tuple[float, float, float, float]
    cell_index: int | None = None


@dataclass(frozen=True)
class DrawnTrace:
    """A cell's trace: sample ``first_sample + k`` of the record is at ``points_mm[k]`` (NaN where nothing is drawn)."""

    cell: Cell
    first_sample: int
    points_mm: Points


@dataclass(frozen=True)
class DrawnPage:
    """A page before any degradation: the picture (height, width, 3) RGB, and what is where in it."""

    spec: PageSpec
    geometry: PageGeometry
    image: Image8
    traces: tuple[DrawnTrace, ...]
    trace_layers: tuple[Layer, ...]
    layers: tuple[Layer, ...]
    texts: tuple[PrintedText, ...]


def draw_page(spec: PageSpec, record: EcgRecord, rng: np.random.Generator) -> DrawnPage:
    """Draw a record as `spec` says.

    Parameters
    ----------
    spec : PageSpec
    record : EcgRecord
        Must have every lead of the layout; NaN leaves a gap in the trace.
    rng : numpy.random.Generator
        For the invented numbers of header and footer, nothing else.
    """
    geometry = make_page_geometry(spec)
    grid = grid_coverage(spec)
    image = _paper_with_grid(spec, grid)
    traces = tuple(DrawnTrace(cell, *trace_points(cell, record, spec)) for cell in geometry.cells)
    trace_layers = tuple(_trace_layer(traces, index, spec) for index in range(len(traces)))
    print_layers, print_texts = _header_footer_layers(spec, rng)
    label_layers, label_texts = _label_layers(traces, spec)
    layers = [*_pulse_and_separator_layers(geometry, spec), *print_layers, *label_layers]
    # Traces come last: where they cross print, the pen has written over it.
    for layer in (*layers, *trace_layers):
        colour = spec.label.colour if layer.kind in {"label", "other"} else spec.trace.colour
        blend(image, layer, colour, spec.trace.opacity)
    # The grid is in the picture already; its layer only tells the masks where its lines are.
    layers = [Layer("grid", _grid_mask(grid), 0, 0), *layers]
    return DrawnPage(spec, geometry, image, traces, trace_layers, tuple(layers), (*print_texts, *label_texts))


def _pulse_and_separator_layers(geometry: PageGeometry, spec: PageSpec) -> list[Layer]:
    layers = [_polyline_layer("pulse", [pulse], spec.trace.width_mm, spec) for pulse in geometry.pulses]
    if geometry.separators:
        pen_mm = 3 * spec.trace.width_mm if spec.separator == "bar" else spec.trace.width_mm
        layers.append(_polyline_layer("other", geometry.separators, pen_mm, spec))
    return layers


def _header_footer_layers(spec: PageSpec, rng: np.random.Generator) -> tuple[list[Layer], list[PrintedText]]:
    lines, boxes = make_header_footer(spec, rng)
    layers = [_frame_layer(box.box_mm, box.filled, spec) for box in boxes]
    texts = []
    for line in lines:
        layer, printed = _text_layer("other", line.text, line.font, line.size_mm, (line.x_mm, line.y_mm), spec)
        layers.append(layer)
        texts.append(printed)
    return layers, texts


def _label_layers(traces: tuple[DrawnTrace, ...], spec: PageSpec) -> tuple[list[Layer], list[PrintedText]]:
    layers, texts = [], []
    for index, trace in enumerate(traces):
        layer, printed = _label_layer(trace, spec)
        layers.append(layer)
        texts.append(PrintedText("label", printed.text, printed.box_mm, index))
    return layers, texts


def blend(image: Image8, layer: Layer, colour: Colour, opacity: float) -> None:
    """Lay ink over `image` in place where the layer covers it."""
    height, width = layer.coverage.shape
    window = image[layer.top : layer.top + height, layer.left : layer.left + width]
    ys, xs = np.nonzero(layer.coverage)
    share = layer.coverage[ys, xs].astype(np.float32)[:, None] * np.float32(opacity / 255)
    under = window[ys, xs].astype(np.float32)
    window[ys, xs] = np.rint(under + (np.array(colour, np.float32) - under) * share).astype(np.uint8)


# ---------------------------------------------------------------- grid


def _line_profile(n_px: int, origin_px: float, pitch_px: float, width_px: float) -> NDArray[np.float32]:
    """Share of each of `n_px` pixels that lines at ``origin + k · pitch`` cover, exact for any width."""
    centres = np.arange(n_px, dtype=np.float64)
    nearest = origin_px + np.round((centres - origin_px) / pitch_px) * pitch_px
    low = np.maximum(centres - 0.5, nearest - width_px / 2)
    high = np.minimum(centres + 0.5, nearest + width_px / 2)
    return np.asarray(np.clip(high - low, 0, 1), np.float32)


def grid_area_px(spec: PageSpec) -> tuple[int, int, int, int]:
    """Part of the drawing with a grid: (left, top, right, bottom) in pixels, the last two exclusive."""
    width, height = spec.size_px
    if spec.grid.whole_page:
        return 0, 0, width, height
    # Two pixels more, so that the plot's outermost lines keep their full width.
    left, top, right, bottom = (round(edge * spec.px_per_mm) for edge in spec.plot_mm)
    return max(left - 2, 0), max(top - 2, 0), min(right + 2, width), min(bottom + 2, height)


def grid_coverage(spec: PageSpec) -> Image8:
    """Opacity of the grid over the whole drawing, (height, width) 0-255."""
    width, height = spec.size_px
    coverage = np.zeros((height, width), np.uint8)
    grid = spec.grid
    if grid.style == "none":
        return coverage
    left, top, right, bottom = grid_area_px(spec)
    inside = (slice(top, bottom), slice(left, right))
    thick = _line_profiles(spec, 5 * spec.px_per_mm, grid.thick_mm * spec.px_per_mm)
    thin = _line_profiles(spec, spec.px_per_mm, grid.thin_mm * spec.px_per_mm)
    across = _to_bytes(np.maximum(thick[0] * grid.thick_opacity, _thin_share(grid, thin[0])))[left:right]
    down = _to_bytes(np.maximum(thick[1] * grid.thick_opacity, _thin_share(grid, thin[1])))[top:bottom]
    # Where two lines cross, the ink is as dark as the darker of them, not as their sum.
    coverage[inside] = np.maximum(down[:, None], across[None, :])
    if grid.style == "dotted":
        coverage[inside] = np.maximum(coverage[inside], _dots(spec)[inside])
    return coverage


def _line_profiles(spec: PageSpec, pitch_px: float, width_px: float) -> list[NDArray[np.float32]]:
    """Shares of the columns, and of the rows, that lines counted from the plot's top-left corner cover."""
    origins = [edge * spec.px_per_mm - 0.5 for edge in spec.plot_mm[:2]]
    return [_line_profile(size, origin, pitch_px, width_px) for size, origin in zip(spec.size_px, origins, strict=True)]


def _dots(spec: PageSpec) -> Image8:
    """Dots at the crossings of the 1 mm lines, at least a pixel wide, (height, width) 0-255."""
    diameter_px = max(1.6 * spec.grid.thin_mm, 1 / spec.px_per_mm) * spec.px_per_mm
    across, down = (
        _to_bytes(profile * spec.grid.thick_opacity) for profile in _line_profiles(spec, spec.px_per_mm, diameter_px)
    )
    return np.minimum(down[:, None], across[None, :])


def _thin_share(grid: GridStyle, profile: NDArray[np.float32]) -> NDArray[np.float32]:
    return profile * np.float32(grid.thin_opacity if grid.style == "lines" else 0.0)


def _to_bytes(share: NDArray[np.float32]) -> Image8:
    return np.rint(255 * share).astype(np.uint8)


def _grid_mask(grid: Image8) -> Image8:
    """Where a line of the grid is, thin or thick: full coverage where half as dark as a typical inked pixel."""
    # Half of the median keeps pale thin lines, which a fixed level would lose, and drops the antialiased fringe.
    inked = grid[grid > 0]
    level = float(np.median(inked[:: max(len(inked) // 4096, 1)])) / 2 if len(inked) else 0.0
    return np.where(grid > level, np.uint8(255), np.uint8(0))


def _paper_with_grid(spec: PageSpec, grid: Image8) -> Image8:
    # A table of the 256 opacities is far cheaper than blending each pixel.
    image = np.empty((*grid.shape, 3), np.uint8)
    steps = np.arange(256, dtype=np.float32) / 255
    for channel in range(3):
        paper, ink = spec.paper[channel], spec.grid.colour[channel]
        image[..., channel] = np.rint(paper + (ink - paper) * steps).astype(np.uint8)[grid]
    return image


# ---------------------------------------------------------------- strokes


def _trace_layer(traces: tuple[DrawnTrace, ...], index: int, spec: PageSpec) -> Layer:
    runs = finite_runs(traces[index].points_mm)
    slot = traces[index].cell.slot
    follows = index > 0 and slot.column and traces[index - 1].cell.slot.row == slot.row
    # A pen that is not lifted between columns draws a line from the end of one lead to the start of the next.
    if spec.trace.connected and follows and runs and spec.separator != "gap":
        runs_before = finite_runs(traces[index - 1].points_mm)
        if runs_before:
            runs = [np.concatenate([runs_before[-1][-1:], runs[0]]), *runs[1:]]
    return _polyline_layer("trace", runs, spec.trace.width_mm, spec, spec.trace.join)


def finite_runs(points: Points) -> list[Points]:
    """Split (n, 2) points at NaN into unbroken runs of at least one point."""
    return [points[start:end] for start, end in unbroken_runs(np.asarray(np.isfinite(points).all(axis=1)))]


def _polyline_layer(kind: str, lines: Iterable[Points], width_mm: float, spec: PageSpec, join: Join = "miter") -> Layer:
    """Draw polylines (mm); lines off the page are cut at its edge."""
    width_px = width_mm * spec.px_per_mm
    shapes = [line * spec.px_per_mm - 0.5 for line in lines if len(line)]
    if not shapes:
        return Layer(kind, np.zeros((0, 0), np.uint8), 0, 0)
    window = _drawn_window(np.concatenate(shapes), width_px + 2, spec.size_px)
    if window is None:
        return Layer(kind, np.zeros((0, 0), np.uint8), 0, 0)
    left, top, right, bottom = window
    shifted = [shape - (left, top) + 0.5 for shape in shapes]
    return Layer(kind, _rasterize(shifted, width_px, (right - left, bottom - top), join), left, top)


def _drawn_window(points_px: Points, margin: float, size_px: tuple[int, int]) -> tuple[int, int, int, int] | None:
    low = np.floor(points_px.min(axis=0) - margin).astype(int)
    high = np.ceil(points_px.max(axis=0) + margin).astype(int) + 1
    left, top = max(int(low[0]), 0), max(int(low[1]), 0)
    right, bottom = min(int(high[0]), size_px[0]), min(int(high[1]), size_px[1])
    return (left, top, right, bottom) if right > left and bottom > top else None


def _rasterize(lines: list[Points], width_px: float, size_px: tuple[int, int], join: Join = "miter") -> Image8:
    """Antialiased coverage (h, w) of polylines given in pixels counted from the corner of the first pixel."""
    agg = _aggdraw()
    surface = agg.Draw("L", size_px, 0)
    pen, brush = agg.Pen("white", width_px), agg.Brush("white")
    for line in lines:
        if len(line) == 1:  # a lone sample is a dot, but a line needs two points
            line = np.concatenate([line, [*line, [0.01, 0.0]]])
        corners = np.zeros(0, int) if join == "miter" else _sharp_corners(line)
        for part in np.split(np.arange(len(line)), corners):
            piece = line[part[0] : part[-1] + 2]  # up to the corner and with it
            surface.line(piece.ravel().tolist(), pen)
        for x, y in line[np.concatenate([[0], corners, [-1]])] if join == "round" else ():
            half = width_px / 2
            surface.ellipse([x - half, y - half, x + half, y + half], brush)
    surface.flush()
    return np.frombuffer(surface.tobytes(), np.uint8).reshape(size_px[1], size_px[0])


def _sharp_corners(line: Points) -> NDArray[np.int64]:
    """Return the points at which a polyline turns so sharply that a mitred pen would stand out beyond it."""
    steps = np.diff(line, axis=0)
    turn = np.angle(np.exp(1j * np.diff(np.arctan2(steps[:, 1], steps[:, 0]))))
    return np.flatnonzero(np.abs(turn) > _SHARP_TURN_RAD) + 1


@cache
def _aggdraw() -> Any:
    try:
        import aggdraw
    except ImportError:
        raise MissingExtra("aggdraw", "synth", "drawing pages") from None
    return aggdraw


def _frame_layer(box_mm: tuple[float, float, float, float], filled: bool, spec: PageSpec) -> Layer:
    left, top, right, bottom = box_mm
    if filled:
        middle = (top + bottom) / 2
        return _polyline_layer("other", [np.array([(left, middle), (right, middle)])], bottom - top, spec)
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)])
    return _polyline_layer("other", [corners], 0.25, spec)


# ---------------------------------------------------------------- text


@cache
def load_font(name: str, height_px: int) -> ImageFont.FreeTypeFont:
    """Load a font of ``synth/fonts`` so that its capitals are about `height_px` tall."""
    with as_file(files("synth") / "fonts" / name) as path:
        return ImageFont.truetype(str(path), max(round(height_px / _CAP_HEIGHT), 4))


def text_coverage(text: str, font: str, height_px: int) -> Image8:
    """Antialiased coverage (h, w) of one line of text, cut to its ink."""
    face = load_font(font, height_px)
    left, top, right, bottom = (int(edge) for edge in face.getbbox(text))
    picture = Image.new("L", (max(right - left, 1), max(bottom - top, 1)))
    ImageDraw.Draw(picture).text((-left, -top), text, font=face, fill=255)
    left, top, right, bottom = picture.getbbox() or (0, 0, 1, 1)
    return np.asarray(picture)[top:bottom, left:right]


def _text_layer(
    kind: str, text: str, font: str, size_mm: float, corner_mm: tuple[float, float], spec: PageSpec
) -> tuple[Layer, PrintedText]:
    scale = spec.px_per_mm
    coverage = text_coverage(text, font, max(round(size_mm * scale), 5))
    left, top = (round(edge * scale) for edge in corner_mm)
    width, height = spec.size_px
    left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    coverage = coverage[: height - top, : width - left]
    box = (left / scale, top / scale, (left + coverage.shape[1]) / scale, (top + coverage.shape[0]) / scale)
    return Layer(kind, coverage, left, top), PrintedText(kind, text, box)


def _label_layer(trace: DrawnTrace, spec: PageSpec) -> tuple[Layer, PrintedText]:
    cell, label = trace.cell, spec.label
    name = cell.slot.printed_name.replace("-", "\u2212")  # devices print a minus sign, not a hyphen
    wide = 0.75 * label.size_mm * len(name)  # about, for capitals
    if label.place == "before":
        starts_row = cell.slot.column in (0, None)
        corner = (max(spec.plot_mm[0] - wide - 1, 1.0) if starts_row else cell.x_mm + 1, cell.y_mm - label.size_mm / 2)
        # In later columns, and where the margin is too narrow, the label would stand on the trace: it moves above it.
        if not starts_row or corner[0] <= 1.0:
            corner = (max(corner[0], 1.0), cell.y_mm - label.size_mm - 2)
    elif label.place == "below-left":
        corner = (cell.x_mm + 0.8, cell.y_mm + label.distance_mm)
    elif label.place == "on-baseline":
        corner = (cell.x_mm + 0.8, cell.y_mm - label.size_mm / 2)
    else:
        corner = (cell.x_mm + 0.8, cell.y_mm - label.distance_mm - label.size_mm)
    return _text_layer("label", name, label.font, label.size_mm, corner, spec)
