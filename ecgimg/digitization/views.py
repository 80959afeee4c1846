"""See a picture as a flat, upright page: by its ruling, else by the sheet and its traces; and in other ways."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.dewarp.grid_fit import fit_map_to_grid, fit_map_to_traces
from ecgimg.digitization.dewarp.page_map import PageMap
from ecgimg.digitization.dewarp.paper_outline import find_paper_outline
from ecgimg.digitization.dewarp.resample import dewarp_page
from ecgimg.digitization.dewarp.row_ends import align_row_ends
from ecgimg.digitization.model import PageView, ScaleReading, Segmentation
from ecgimg.digitization.preprocess.contrast import restore_contrast
from ecgimg.digitization.segmentation.segmenter import segment
from ecgimg.digitization.segmentation.threads import in_background
from ecgimg.digitization.stage_timer import StageTimer
from ecgimg.digitization.text.label_detection import find_labels, n_telling
from ecgimg.digitization.text.scale_text import read_printed_scale
from ecgimg.digitization.tracing.trace_rows import trace_rows

_FEW_NAMES = 3
_FEW_PIXELS = 50
_COARSE, _COARSE_INK = 0.25, 40
_MOST_TILT_DEG, _TILTED_DEG, _CLEARLY_TILTED = 40, 8, 1.2


def view_page(image: NDArray[np.uint8], clock: StageTimer) -> tuple[Segmentation, PageView | None]:
    """Mark the inks of a picture, find its ruling, and see the page flat; None where nothing tells how it lies."""
    marked = segment(image)
    clock.lap("segment")
    ruling = fit_map_to_grid(image, marked.ink, marked.trace)
    clock.lap("rectify")
    return marked, _see(image, marked, ruling, clock)


def _see(image: NDArray[np.uint8], marked: Segmentation, ruling: PageMap | None, clock: StageTimer) -> PageView | None:
    """Flatten a picture by its ruling, else by sheet and traces, and turn it upright; None where nothing tells how."""
    sheet = find_paper_outline(image, marked.trace) if ruling is None else None
    found = ruling or fit_map_to_traces(marked.trace, sheet)
    if found is None:
        return None
    page = dewarp_page(image, marked, found)
    quarters = upright_quarter_turns(page.segmentation.trace)
    if quarters and ruling is None:  # then a millimetre was taken from the wrong side of the page
        across = fit_map_to_traces(marked.trace, sheet, upwards=True) or found
        page = dewarp_page(image, marked, across.turned(-quarters))
    page = page.turned(quarters)
    if ruling is not None and has_tilted_rows(page.segmentation.trace):  # moiré, or what lies below the page
        unruled = _see(image, marked, None, clock)
        if unruled is not None:
            return unruled
    rows = trace_rows(page) if ruling is None else None
    even = align_row_ends(page, rows) if rows is not None else None
    if even is not None:
        page, rows = dewarp_page(image, marked, even), None
    clock.lap("flatten")
    with in_background(lambda: (find_labels(page), read_printed_scale(page))) as print_of_page:
        rows = trace_rows(page) if rows is None else rows
        clock.lap("trace")
        labels, printed = print_of_page()
    seen = _upright_by_print(PageView(page, labels, printed, ruling is not None, rows))
    clock.lap("read")
    return seen


def alternative_views(
    image: NDArray[np.uint8], marked: Segmentation, seen: PageView | None, refused: bool, clock: StageTimer
) -> Iterator[PageView]:
    """Yield other ways to see a picture: turned and with its contrast restored, where it was refused, and unruled."""
    if seen is not None:
        yield from (turned_view(seen, turns) for turns in ((2, 1, 3) if refused else ()))
        yield from _unruled(image, marked, seen, clock)
    if refused:
        clear = restore_contrast(image)
        marked, seen = view_page(clear, clock)
        if seen is not None:
            yield seen
            yield from _unruled(clear, marked, seen, clock)


def _unruled(image: NDArray[np.uint8], marked: Segmentation, seen: PageView, clock: StageTimer) -> Iterator[PageView]:
    """Yield a page that was seen by a ruling without it, where it can be."""
    unruled = _see(image, marked, None, clock) if seen.has_grid else None
    if unruled is not None:
        yield unruled


def upright_quarter_turns(trace: NDArray[np.uint8]) -> int:
    """Return the quarter turns that lay the rows of a flat page along x: 0 or 3.

    A line across the rows meets each of them once, whatever the heart does; a line along them meets many or none.
    """
    ink = trace > 128
    bounds = []
    for axis in (0, 1):
        share = np.cumsum(ink.sum(axis=axis, dtype=np.float64))
        if share[-1] < _FEW_PIXELS:
            return 0
        first, last = np.searchsorted(share / share[-1], (0.01, 0.99))
        bounds.append(slice(first, last + 1))
    ink = ink[bounds[1], bounds[0]]
    met = [(ink[1:] & ~ink[:-1]).sum(axis=0) + ink[0], (ink[:, 1:] & ~ink[:, :-1]).sum(axis=1) + ink[:, 0]]
    across, along = (float(counts.std() / max(counts.mean(), 1e-9)) for counts in met)
    return 0 if across <= along else 3


def has_tilted_rows(trace: NDArray[np.uint8]) -> bool:
    """Tell whether the rows of a flat page lie aslant, as no printer lays them on its ruling."""
    y, x = np.nonzero(cv2.resize(trace, None, fx=_COARSE, fy=_COARSE, interpolation=cv2.INTER_AREA) > _COARSE_INK)
    if len(y) < _FEW_PIXELS:
        return False
    degrees = np.arange(-_MOST_TILT_DEG, _MOST_TILT_DEG + 1, 2)
    gathered = []
    for slope in np.tan(np.deg2rad(degrees)):
        heights = np.rint(y - slope * x).astype(int)
        gathered.append(float((np.bincount(heights - heights.min()) ** 2).sum()))
    straight = max(each for each, angle in zip(gathered, degrees, strict=True) if abs(angle) < _TILTED_DEG)
    return max(gathered) > _CLEARLY_TILTED * straight


def _upright_by_print(seen: PageView) -> PageView:
    """Turn a page on which few names are telling and no scale is legible as its print reads best."""
    if n_telling(seen.labels) >= _FEW_NAMES or _is_legible(seen.printed_scale):
        return seen
    best, most = seen, n_telling(seen.labels)
    for turns in (2, 1, 3):
        other = turned_view(seen, turns)
        legible = n_telling(other.labels) + (2 if turns == 2 and _is_legible(other.printed_scale) else 0)
        if legible > most + 1:
            best, most = other, legible
    return best


def _is_legible(printed: ScaleReading) -> bool:
    """Tell whether speed or gain was read, which they can only be upright."""
    return printed.speed_mm_s is not None or printed.gain_mm_mv is not None


def turned_view(view: PageView, quarters: int) -> PageView:
    """Return a page turned clockwise by quarters, with its labels and its scale read anew."""
    page = view.page.turned(quarters)
    return PageView(page, find_labels(page), read_printed_scale(page), view.has_grid)
