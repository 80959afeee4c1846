"""From a picture to a record: the stages in the order data flows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.interpretation.given_scale import check_scale
from ecgimg.digitization.interpretation.interpret import Given, interpret
from ecgimg.digitization.model import ImageGeometry, PageView, Pulse, RowTrace, ScaleReading
from ecgimg.digitization.page_views import alternative_views, view_page
from ecgimg.digitization.preprocess.contrast import ENLARGEMENT, strengthen_pale_ink
from ecgimg.digitization.preprocess.downscale import reduce_image
from ecgimg.digitization.preprocess.light_on_dark import to_dark_on_light
from ecgimg.digitization.preprocess.scanner_streaks import remove_scanner_streaks
from ecgimg.digitization.pulses.detect_by_network import find_pulses
from ecgimg.digitization.pulses.detect_by_shape import find_pulses_by_shape
from ecgimg.digitization.pulses.trim import trim_pulses
from ecgimg.digitization.quality.assess import assess_page
from ecgimg.digitization.result import Digitization
from ecgimg.digitization.signals.zero_level import with_zero_levels
from ecgimg.digitization.stage_timer import StageTimer
from ecgimg.digitization.text.rows_missed_by_tracing import retrace_rows_by_labels
from ecgimg.digitization.tracing.row_detection import unread_trace_share
from ecgimg.digitization.tracing.trace_rows import trace_rows
from ecgimg.digitization.tracing.vector_rows import read_vector_rows
from ecgimg.digitization.vector_page import digitize_vector_rows
from ecgimg.digitization.view_choice import (
    choose_reading,
    in_original_pixels,
    is_doubtful,
    is_worth_enlarging,
    shows_more,
)
from ecgimg.formats.vector_pdf import VectorPage
from ecgimg.reasons import ReasonCode
from layouts import is_layout_file, load_layout, load_layouts

_MUCH_UNREAD = 0.35  # share of what looks like a trace and belongs to no row; above it, rows may be missing


def digitize_image(
    image: NDArray[np.uint8],
    *,
    layout: str = "auto",
    speed_mm_s: float | None = None,
    gain_mm_mv: float | None = None,
    vector: VectorPage | None = None,
) -> Digitization:
    """Read the ECG off a picture.

    Preprocess, segmentation, dewarp and text give a flat view of the page; tracing, pulses, interpretation, signals and
    quality read it. Vector pages are read from their paths.

    Parameters
    ----------
    image : (height, width, 3) uint8
        RGB; more than 24 megapixels are read reduced. Pixels of the result are those of this picture.
    layout : str
        ``"auto"``, a name of `layouts.layout_names`, or a user's own file (`UnknownLayout` where there is none).
    speed_mm_s, gain_mm_mv : float, optional
        Used as they are where given (`BadRequest` where no recorder has them).
    vector : VectorPage, optional
        The page's own paths, where its file has them; read in place of the picture.

    Returns
    -------
    Digitization
    """
    check_scale(speed_mm_s, gain_mm_mv)
    layouts = load_layouts("all") if layout == "auto" else (load_layout(layout),)
    scale = ScaleReading(speed_mm_s, gain_mm_mv, gain_mm_mv, "given")
    given, timer = Given(layouts, scale, has_own_columns=is_layout_file(layout)), StageTimer()
    vector_rows = read_vector_rows(vector) if vector is not None else None
    if vector is not None and vector_rows is not None:
        return digitize_vector_rows(vector_rows, image.shape[1] / vector.size_mm[0], given, timer)
    reduced, factor = reduce_image(image)
    clean = remove_scanner_streaks(to_dark_on_light(reduced))
    return in_original_pixels(_digitize_picture(clean, given, timer), 1 / factor)


def _digitize_picture(image: NDArray[np.uint8], given: Given, timer: StageTimer) -> Digitization:
    """Read a picture as found; where that is refused or doubtful, in other views of it; small ones enlarged as well."""
    segmentation, view = view_page(image, timer)  # segmentation, dewarp and text
    reading = _read_view(view, given, timer)
    if any(reason.code is ReasonCode.LAYOUT_CONTRADICTED for reason in reading.reasons):
        return reading  # the page is read well, and no other view of it has the layout that was given
    is_refused = reading.status == "refused"
    if is_refused or is_doubtful(reading):
        views = alternative_views(image, segmentation, view, is_refused, timer)
        reading = choose_reading(reading, (_read_view(other, given, timer) for other in views))
    if is_worth_enlarging(reading, image[..., 0].size):
        _, enlarged_view = view_page(strengthen_pale_ink(image), timer)
        enlarged = _read_view(enlarged_view, given, timer)
        reading = in_original_pixels(enlarged, ENLARGEMENT) if shows_more(enlarged, reading) else reading
    return reading


def _read_view(view: PageView | None, given: Given, timer: StageTimer) -> Digitization:
    """Trace the rows of a flat page, trim their pulses, interpret them, and assess the leads."""
    if view is None:
        return Digitization("refused", (ReasonCode.NO_PAGE_FOUND.reason(),))
    page, image_px_per_mm = view.page, view.page.page_map.px_per_mm
    rows = retrace_rows_by_labels(page, trace_rows(page) if view.rows is None else view.rows, view.labels)
    timer.lap("tracing")
    if not rows:
        return Digitization("refused", (ReasonCode.NO_TRACE_FOUND.reason(),), px_per_mm=image_px_per_mm)
    is_part_unread = unread_trace_share(page, rows) > _MUCH_UNREAD
    rows, pulses = _trim_pulses(view, rows)
    interpreted = interpret(view, rows, pulses, given)
    if interpreted is None:
        return Digitization("refused", (ReasonCode.NO_COMMON_TIME.reason(),), px_per_mm=image_px_per_mm)
    rows, resolved = interpreted.rows, interpreted.resolved
    if is_part_unread:
        resolved = replace(resolved, warnings=(*resolved.warnings, ReasonCode.TRACE_OUTSIDE_ROWS.reason()))
    seen = None
    if interpreted.interpretation is None and given.layout is not None:
        looks_like = interpret(view, rows, pulses, replace(given, layouts=load_layouts("all")))
        seen = looks_like.interpretation if looks_like is not None else None
    scale = with_zero_levels(rows, pulses, interpreted.interpretation, resolved.scale)
    timer.lap("interpretation")
    # Without a grid, a millimetre is as long as the page's width or a pulse says, and not as the page map was made.
    image_px_per_mm *= scale.px_per_mm / page.px_per_mm
    geometry = ImageGeometry(interpreted.to_image, image_px_per_mm, page.grid_lines_px() if view.has_grid else ())
    resolved = replace(resolved, scale=scale)
    return assess_page(geometry, rows, interpreted.interpretation, resolved, timer.laps_s, given.layout, seen)


def _trim_pulses(view: PageView, rows: tuple[RowTrace, ...]) -> tuple[tuple[RowTrace, ...], tuple[Pulse, ...]]:
    """Find the calibration pulses, by their shape where the network marked none, and trim them off the rows."""
    baselines_px = [row.baseline_px for row in rows]
    pulses = find_pulses(view.page, baselines_px)
    if not any(pulse.is_whole for pulse in pulses):
        pulses = find_pulses_by_shape(view.page, baselines_px, has_grid=view.has_grid) or pulses
    return trim_pulses(rows, pulses, view.page.px_per_mm)
