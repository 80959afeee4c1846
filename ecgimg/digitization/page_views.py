"""Page views: a picture as a flat, upright page, by its grid, else by the paper's outline and its traces.

Where a page is refused or doubtful, alternative views are tried: turned, with its contrast restored, without its grid.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.dewarp.map_from_grid import fit_map_to_grid
from ecgimg.digitization.dewarp.map_from_traces import fit_map_to_traces
from ecgimg.digitization.dewarp.page_map import PageMap
from ecgimg.digitization.dewarp.paper_outline import find_paper_outline
from ecgimg.digitization.dewarp.resample import dewarp_page
from ecgimg.digitization.dewarp.row_end_alignment import align_row_ends
from ecgimg.digitization.model import FlatPage, LeadLabel, PageView, RowTrace, ScaleReading, Segmentation
from ecgimg.digitization.numerics import bin_concentration
from ecgimg.digitization.preprocess.contrast import restore_contrast
from ecgimg.digitization.segmentation.segmenter import segment
from ecgimg.digitization.stage_timer import StageTimer
from ecgimg.digitization.text.label_detection import count_upright_labels, find_labels
from ecgimg.digitization.text.scale_text import read_printed_scale
from ecgimg.digitization.tracing.trace_rows import trace_rows
from ecgimg.inference.threads import in_background

Image8 = NDArray[np.uint8]

_IS_TRACE = 128  # of 255
_ENOUGH_LABELS = 3  # as many legible lead labels show that a page is upright
_FEWEST_PIXELS = 50  # fewer show no direction
_ENDS = (0.01, 0.99)  # of the ink along each axis; specks lie beyond
_REDUCTION, _IS_REDUCED_TRACE = 0.25, 40  # a reduced pixel has trace where a part of it has
_MAX_TILT_DEG, _TILTED_DEG = 40, 8
_CLEARLY_TILTED = 1.2  # times as much ink gathers along tilted lines as along level ones
_TURNS = (2, 1, 3)  # quarters, the likeliest first
_LEAST_RESTORED = 15  # levels by which a picture changes whose contrast was poor; clean ones change by up to 12
_SCALE_WORTH = 2  # lead labels that a legible scale is worth


def view_page(image: Image8, timer: StageTimer) -> tuple[Segmentation, PageView | None]:
    """Segment a picture, and view it as a flat page; None where neither grid nor traces show how it lies.

    Parameters
    ----------
    image : (height, width, 3) uint8
        RGB.
    timer : StageTimer
        Gets the time of each stage.
    """
    segmentation = segment(image)
    timer.lap("segmentation")
    grid_map = fit_map_to_grid(image, segmentation.ink, segmentation.trace)
    timer.lap("grid")
    return segmentation, _flat_view(image, segmentation, grid_map, timer)


def _flat_view(
    image: Image8, segmentation: Segmentation, grid_map: PageMap | None, timer: StageTimer
) -> PageView | None:
    """View a picture by its grid, else by outline and traces; None where nothing shows how it lies."""
    page, rows = _upright_page(image, segmentation, grid_map), None
    if page is None:
        return None
    if grid_map is None:
        page, rows = _with_aligned_row_ends(image, segmentation, page)
    elif has_tilted_rows(page.segmentation.trace):  # the grid is moiré, or that of something below the page
        gridless = _flat_view(image, segmentation, None, timer)
        if gridless is not None:
            return gridless
    timer.lap("dewarp")
    with in_background(partial(_read_print, page)) as print_of_page:
        rows = trace_rows(page) if rows is None else rows
        timer.lap("tracing")
        labels, printed_scale = print_of_page()
    view = _upright_by_print(PageView(page, labels, printed_scale, grid_map is not None, rows))
    timer.lap("text")
    return view


def _read_print(page: FlatPage) -> tuple[tuple[LeadLabel, ...], ScaleReading]:
    """Read the lead labels and the scale of a page."""
    return find_labels(page), read_printed_scale(page)


def _upright_page(image: Image8, segmentation: Segmentation, grid_map: PageMap | None) -> FlatPage | None:
    """Dewarp a picture by its grid, else by outline and traces, with its rows along x."""
    outline = find_paper_outline(image, segmentation.trace) if grid_map is None else None
    page_map = grid_map or fit_map_to_traces(segmentation.trace, outline)
    if page_map is None:
        return None
    page = dewarp_page(image, segmentation, page_map)
    quarters = upright_quarter_turns(page.segmentation.trace)
    if quarters and grid_map is None:  # the millimetre was taken from the wrong side of the page
        page_map = fit_map_to_traces(segmentation.trace, outline, along_columns=True) or page_map
        page = dewarp_page(image, segmentation, page_map.turned(-quarters))
    return page.turned(quarters)


def _with_aligned_row_ends(
    image: Image8, segmentation: Segmentation, page: FlatPage
) -> tuple[FlatPage, tuple[RowTrace, ...] | None]:
    """Return a page without a grid with its row ends below each other, and its rows, None where they changed."""
    rows = trace_rows(page)
    page_map = align_row_ends(page, rows)
    return (page, rows) if page_map is None else (dewarp_page(image, segmentation, page_map), None)


def alternative_views(
    image: Image8, segmentation: Segmentation, view: PageView | None, is_refused: bool, timer: StageTimer
) -> Iterator[PageView]:
    """Yield alternative views: without the grid, and of a refused page also turned and with its contrast restored.

    To read a page costs more than to view it, so only such views are yielded as can show more.

    Parameters
    ----------
    image : (height, width, 3) uint8
        RGB.
    segmentation : Segmentation
        Of the picture.
    view : PageView or None
        As the page was viewed first.
    is_refused : bool
        Whether the page was refused by that view.
    timer : StageTimer
        Gets the time of each stage.
    """
    if view is not None:
        yield from _turned_views(view) if is_refused else ()
        yield from _gridless_views(image, segmentation, view, timer)
    if is_refused:
        clear = restore_contrast(image)
        if cv2.absdiff(clear, image).mean() < _LEAST_RESTORED:
            return
        segmentation, view = view_page(clear, timer)
        if view is not None:
            yield view
            yield from _gridless_views(clear, segmentation, view, timer)


def _turned_views(view: PageView) -> Iterator[PageView]:
    """Yield a page turned where more of its lead labels are legible than before."""
    turned = (turned_view(view, quarters) for quarters in _TURNS if view.labels)
    n_legible = count_upright_labels(view.labels)
    yield from (other for other in turned if count_upright_labels(other.labels) > n_legible)


def _gridless_views(image: Image8, segmentation: Segmentation, view: PageView, timer: StageTimer) -> Iterator[PageView]:
    """Yield a page that was viewed by its grid without it, where that is possible."""
    gridless = _flat_view(image, segmentation, None, timer) if view.has_grid else None
    if gridless is not None:
        yield gridless


def upright_quarter_turns(trace: NDArray[np.uint8]) -> int:
    """Return the clockwise quarter turns, 0 or 3, that lay the rows of a flat page along x.

    A line across the rows meets each of them once, whatever the heart does; a line along them meets many or none.

    Parameters
    ----------
    trace : (height, width) uint8
        Trace probability, 255 for certain.
    """
    is_trace = trace > _IS_TRACE
    bounds = []
    for axis in (0, 1):
        cumulative = np.cumsum(is_trace.sum(axis=axis, dtype=np.float64))
        if cumulative[-1] < _FEWEST_PIXELS:
            return 0
        first, last = np.searchsorted(cumulative / cumulative[-1], _ENDS)
        bounds.append(slice(first, last + 1))
    is_trace = is_trace[bounds[1], bounds[0]]
    across, along = _variation(_crossings(is_trace)), _variation(_crossings(is_trace.T))
    return 0 if across <= along else 3


def _crossings(is_trace: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return how often each column of a mask meets trace from above."""
    return np.asarray((is_trace[1:] & ~is_trace[:-1]).sum(axis=0) + is_trace[0])


def _variation(counts: NDArray[np.int64]) -> float:
    """Return the coefficient of variation."""
    return float(counts.std() / max(counts.mean(), 1e-9))


def has_tilted_rows(trace: NDArray[np.uint8]) -> bool:
    """Tell whether the rows of a flat page lie aslant, as no printer lays them on its grid.

    Parameters
    ----------
    trace : (height, width) uint8
        Trace probability, 255 for certain.
    """
    reduced = cv2.resize(trace, None, fx=_REDUCTION, fy=_REDUCTION, interpolation=cv2.INTER_AREA)
    y, x = np.nonzero(reduced > _IS_REDUCED_TRACE)
    if len(y) < _FEWEST_PIXELS:
        return False
    degrees = np.arange(-_MAX_TILT_DEG, _MAX_TILT_DEG + 1, 2)
    slopes = np.tan(np.deg2rad(degrees))
    concentrations = np.array([bin_concentration(np.rint(y - slope * x).astype(np.int64)) for slope in slopes])
    level = concentrations[np.abs(degrees) < _TILTED_DEG].max()
    return bool(concentrations.max() > _CLEARLY_TILTED * level)


def _upright_by_print(view: PageView) -> PageView:
    """Turn a page with few legible lead labels and no legible scale so that its print reads best."""
    if count_upright_labels(view.labels) >= _ENOUGH_LABELS or _is_legible(view.printed_scale):
        return view
    best, most_legible = view, count_upright_labels(view.labels)
    for quarters in _TURNS:
        other = turned_view(view, quarters)
        has_scale = quarters == 2 and _is_legible(other.printed_scale)
        n_legible = count_upright_labels(other.labels) + (_SCALE_WORTH if has_scale else 0)
        if n_legible > most_legible + 1:
            best, most_legible = other, n_legible
    return best


def _is_legible(printed: ScaleReading) -> bool:
    """Tell whether paper speed or gain was read, which is possible on an upright page only."""
    return printed.speed_mm_s is not None or printed.gain_mm_mv is not None


def turned_view(view: PageView, quarters: int) -> PageView:
    """Return a page turned clockwise by quarters, with its lead labels and its scale read again."""
    page = view.page.turned(quarters)
    return PageView(page, *_read_print(page), view.has_grid)
