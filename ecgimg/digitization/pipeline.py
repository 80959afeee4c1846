"""From a picture to a record: the stages in the order data flows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.interpretation.column_dewarp import ColumnDewarp, fit_column_dewarp
from ecgimg.digitization.interpretation.column_extent import RECORD_S, find_column_extent
from ecgimg.digitization.interpretation.column_gaps import find_column_gaps
from ecgimg.digitization.interpretation.column_starts import set_starts_by_row_ends, set_starts_by_separators
from ecgimg.digitization.interpretation.gapped_columns import (
    complete_column_starts,
    gapped_extent,
    refine_gapped_starts,
)
from ecgimg.digitization.interpretation.layout_matching import match_layout
from ecgimg.digitization.interpretation.row_extent import shared_width_px, uncropped_extents
from ecgimg.digitization.interpretation.scale import resolve_scale
from ecgimg.digitization.interpretation.separators import detect_separators, remove_separators, separator_finder
from ecgimg.digitization.model import (
    FlatPage,
    ImageGeometry,
    Interpretation,
    LeadLabel,
    PageView,
    Pulse,
    ResolvedScale,
    RowTrace,
    Scale,
    ScaleReading,
)
from ecgimg.digitization.preprocess.contrast import ENLARGEMENT, strengthen_pale_ink
from ecgimg.digitization.preprocess.scanner_streaks import remove_scanner_streaks
from ecgimg.digitization.pulses.detect import find_pulses
from ecgimg.digitization.pulses.detect_by_shape import find_unmarked
from ecgimg.digitization.pulses.trim import cut_pulses
from ecgimg.digitization.quality.assess import assess_page
from ecgimg.digitization.result import Digitization
from ecgimg.digitization.signals.row_alignment import align_rows
from ecgimg.digitization.signals.zero_level import fit_zero_levels
from ecgimg.digitization.stage_timer import StageTimer
from ecgimg.digitization.text.label_matching import column_seconds_by_labels
from ecgimg.digitization.text.labels_on_traces import label_stretch_test, starts_on_label
from ecgimg.digitization.text.rows_from_labels import retrace_rows_by_labels
from ecgimg.digitization.tracing.plot_averaging import without_averaging
from ecgimg.digitization.tracing.plot_samples import through_samples
from ecgimg.digitization.tracing.rows import unread_share
from ecgimg.digitization.tracing.trace_rows import trace_rows
from ecgimg.digitization.tracing.vector_paths import PathPage, read_paths
from ecgimg.digitization.views import alternative_views, view_page
from ecgimg.formats.pages.limits import reduction_factor
from ecgimg.formats.vector_pdf import VectorPage
from ecgimg.reasons import ReasonCode
from layouts import Layout, load_layout, load_layouts


def digitize_image(
    image: NDArray[np.uint8],
    *,
    layout: str = "auto",
    speed_mm_s: float | None = None,
    gain_mm_mv: float | None = None,
    vector: VectorPage | None = None,
) -> Digitization:
    """Read the ECG off a picture (height, width, 3) uint8 RGB.

    Pictures of more than 24 megapixels are read reduced; pixels of the result are those of the picture given.

    Parameters
    ----------
    image : (height, width, 3) uint8
        RGB.
    layout : str
        ``"auto"``, a name of `layouts.layout_names`, or a user's own file.
    speed_mm_s, gain_mm_mv : float, optional
        Where given, they are used as they are.
    vector : VectorPage, optional
        The page's own paths, where its file has them; read in place of the picture.

    Returns
    -------
    Digitization

    Raises
    ------
    UnknownLayout
        For a layout that there is not, or a layout file that is wrong.
    """
    factor = reduction_factor(image.shape[1], image.shape[0])
    if factor > 1:
        small = _reduced(image, factor)
        found = digitize_image(small, layout=layout, speed_mm_s=speed_mm_s, gain_mm_mv=gain_mm_mv, vector=vector)
        return _shrunk(found, 1 / factor)
    candidates = load_layouts("all") if layout == "auto" else (load_layout(layout),)
    given = ScaleReading(speed_mm_s, gain_mm_mv, gain_mm_mv, "given")
    clock = StageTimer()
    paths = read_paths(vector) if vector is not None else None
    if paths is not None and vector is not None:
        clock.lap("paths")
        return _place_paths(paths, vector, image, given, candidates, clock)
    image = remove_scanner_streaks(image)
    marked, seen = view_page(image, clock)
    read = _read(seen, given, candidates, clock) if seen is not None else _NOTHING
    if read.status == "refused" or _agrees_db(read) < _DOUBTFUL_DB:
        others = alternative_views(image, marked, seen, read.status == "refused", clock)
        read = _best(read, (_read(other, given, candidates, clock) for other in others))
    is_small = (read.px_per_mm or 0) < _FINE_PX_PER_MM and image[..., 0].size < _MOST_PX
    if is_small and (read.unread or _agrees_db(read) < _DOUBTFUL_DB):
        _, larger = view_page(strengthen_pale_ink(image), clock)
        tried = _read(larger, given, candidates, clock) if larger is not None else _NOTHING
        read = _shrunk(tried, ENLARGEMENT) if _shows_more(tried, read) else read
    return read


_DOUBTFUL_DB, _SURELY_DB, _MOST_NAMES = 5.0, 10.0, 0.5
_FINE_PX_PER_MM, _MOST_PX, _MUCH_DB, _SLIGHTLY_DB = 6.0, 4_000_000, 5.0, 1.0
_MUCH = 0.35
_NOTHING = Digitization("refused", (ReasonCode.NO_PAGE_FOUND.reason(),))


def _best(read: Digitization, others: Iterable[Digitization]) -> Digitization:
    """Return the first other reading of a refused or doubtful page whose leads surely agree, else the page as read."""
    refused = read.status == "refused"
    telling = ("einthoven", "strip") if refused else ("einthoven",)
    for tried in others:
        surely = max(tried.consistency_db.get(name, 0.0) for name in telling) > _SURELY_DB
        if surely or (refused and tried.status == "ok"):
            return tried
        if read.status == "refused" and tried.labels_read > _MOST_NAMES:
            read = tried
    return read


def _agrees_db(read: Digitization) -> float:
    """Return how well the leads agree that must, infinite where none have to."""
    agreement = read.consistency_db
    return max((agreement[law] for law in ("einthoven", "strip") if law in agreement), default=np.inf)


def _shows_more(tried: Digitization, read: Digitization) -> bool:
    """Tell whether another reading shows more of the same layout, or agrees much better and in it no less."""
    if tried.layout != read.layout:
        return tried.status != "refused" and _MUCH_DB < _agrees_db(tried) - _agrees_db(read) < np.inf
    better_db = [tried.consistency_db.get(law, -np.inf) - each for law, each in read.consistency_db.items()]
    more = len(tried.unread) < len(read.unread) or max(better_db, default=0.0) > _MUCH_DB
    return more and min(better_db, default=0.0) > -_SLIGHTLY_DB


def _reduced(image: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Return a picture each of whose pixels is the mean of `factor` by `factor` pixels; a rest at the edges is cut."""
    height, width = (side // factor for side in image.shape[:2])
    whole = image[: height * factor, : width * factor]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _shrunk(found: Digitization, by: float) -> Digitization:
    """Return what was found in a picture enlarged `by` so much, in pixels of the picture itself."""

    def shrunk(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return (points + 0.5) / by - 0.5

    readings = [replace(each, points_px=shrunk(each.points_px), box_px=shrunk(each.box_px)) for each in found.readings]
    return replace(
        found,
        readings=tuple(readings),
        grid_px=tuple(shrunk(line) for line in found.grid_px),
        px_per_mm=found.px_per_mm / by if found.px_per_mm else None,
    )


def _read(seen: PageView, given: ScaleReading, candidates: Sequence[Layout], clock: StageTimer) -> Digitization:
    """Trace, calibrate, place and assess_page a flat page."""
    page, px_per_mm = seen.page, seen.page.page_map.px_per_mm
    rows = retrace_rows_by_labels(page, trace_rows(page) if seen.rows is None else seen.rows, seen.labels)
    clock.lap("trace")
    if not rows:
        return Digitization("refused", (ReasonCode.NO_TRACE_FOUND.reason(),), px_per_mm=px_per_mm)
    is_part = unread_share(page, rows) > _MUCH
    baselines_px = [row.baseline_px for row in rows]
    pulses = find_pulses(page, baselines_px)
    if not any(pulse.is_whole for pulse in pulses):
        pulses = find_unmarked(page, baselines_px, ruled=seen.has_grid) or pulses
    rows, pulses = cut_pulses(rows, pulses, page.px_per_mm)
    hidden = starts_on_label(page, rows)
    rows, gaps_px = find_column_gaps(rows, page.px_per_mm, label_stretch_test(page), has_grid=seen.has_grid)
    width = shared_width_px(rows, page.px_per_mm) - gaps_px
    if width <= 0:
        return Digitization("refused", (ReasonCode.NO_COMMON_TIME.reason(),), px_per_mm=px_per_mm)
    settled = resolve_scale(page.px_per_mm, width, rows, pulses, (given, seen.printed_scale), has_grid=seen.has_grid)
    if is_part:
        settled = replace(settled, warnings=(*settled.warnings, ReasonCode.TRACE_OUTSIDE_ROWS.reason()))
    clock.lap("scale")
    scale, separators = settled.scale, detect_separators(page, baselines_px)
    if gaps_px:  # these tell how wide columns are, cut off or not
        placement = match_layout(rows, gapped_extent(rows, gaps_px, page.px_per_mm), seen.labels, scale, candidates)
    else:
        mark_at = separator_finder(page, rows)
        extent = find_column_extent(
            rows, pulses, separators, scale, page.darkness.shape[1], hidden, lambda x: mark_at(x) is not None,
            seen.labels,
        )  # fmt: skip
        placement = _placed(page, rows, extent, seen.labels, scale, candidates)
    to_image: Callable[[NDArray[np.float64]], NDArray[np.float64]] = page.flat_to_image
    if placement is not None:
        columns = None
        rows = complete_column_starts(rows, placement.layout) if gaps_px else rows
        if not seen.has_grid and not gaps_px:
            columns = fit_column_dewarp(page, rows, placement, separators, pulses, scale)
        rows = (
            columns.with_flat_starts(rows, placement)
            if columns
            else set_starts_by_separators(rows, placement, separators, scale)
        )
        rows = remove_separators(page, rows, placement.borders_px(rows, scale))
        if columns is not None:
            rows, placement, settled = _evened(rows, placement, settled, columns, seen.labels, candidates)
            to_image = columns.even_to_image(to_image)
        rows, placement = _timed(rows, pulses, placement, settled.scale, apart=bool(gaps_px) and seen.has_grid)
    scale = _levelled(rows, pulses, placement, settled.scale)
    clock.lap("place")
    px_per_mm *= scale.px_per_mm / page.px_per_mm  # which differ where the page's width or a pulse told a millimetre
    ground = ImageGeometry(to_image, px_per_mm, page.grid_lines_px() if seen.has_grid else ())
    return assess_page(ground, rows, placement, replace(settled, scale=scale), clock.laps_s)


def _placed(
    page: FlatPage,
    rows: Sequence[RowTrace],
    extent_px: tuple[float, float],
    labels: Sequence[LeadLabel],
    scale: Scale,
    candidates: Sequence[Layout],
) -> Interpretation | None:
    """Lay the best layout on the rows; the picture may cut these, as ten seconds tell, or what is between names."""

    def best(extents_px: Iterable[tuple[float, float]]) -> Interpretation | None:
        placements = [match_layout(rows, each, labels, scale, candidates) for each in extents_px]
        return max((each for each in placements if each is not None), key=lambda each: each.score, default=None)

    found = best([extent_px, *uncropped_extents(page, rows, extent_px, RECORD_S * scale.px_per_s)])
    seconds = (
        None if found is None or found.has_usual_width else column_seconds_by_labels(found.layout, rows, labels, scale)
    )
    if found is None or seconds is None:
        return found
    named = best(uncropped_extents(page, rows, extent_px, found.layout.columns * seconds * scale.px_per_s))
    return named if named is not None and named.score > found.score else found


def _evened(
    rows: Sequence[RowTrace],
    placement: Interpretation,
    settled: ResolvedScale,
    columns: ColumnDewarp,
    labels: Sequence[LeadLabel],
    candidates: Sequence[Layout],
) -> tuple[tuple[RowTrace, ...], Interpretation, ResolvedScale]:
    """Lay the rows of a page without ruling on even columns, by which its layout and its scale are told anew."""
    spacing_px = placement.layout.seconds_per_column * settled.scale.px_per_s
    settled = settled.stretched(columns.spacing_px / spacing_px)
    even = tuple(columns.dewarp_row(row) for row in rows)
    extent = columns.start_px, columns.start_px + columns.n_columns * columns.spacing_px
    again = match_layout(even, extent, [columns.dewarp_label(label) for label in labels], settled.scale, candidates)
    if again is None or again.layout.columns != columns.n_columns:
        again = replace(placement, start_px=columns.start_px)
    return even, again, settled


def _timed(
    rows: tuple[RowTrace, ...], pulses: Sequence[Pulse], placement: Interpretation, scale: Scale, *, apart: bool
) -> tuple[tuple[RowTrace, ...], Interpretation]:
    """Settle where each row's columns start, to a fraction of a pixel; they may stand `apart`, which tells them."""
    if apart:
        rows = refine_gapped_starts(rows, placement.layout, scale)
        placement = replace(placement, start_px=_first_start(rows))
    rows = set_starts_by_row_ends(rows, placement, scale)
    rows = through_samples(rows, placement.borders_px(rows, scale))
    return align_rows(rows, placement, _levelled(rows, pulses, placement, scale)), placement


def _first_start(rows: Sequence[RowTrace]) -> float:
    """Return where the first of columns that stand apart starts, px."""
    return float(np.median([row.column_starts_px[0] for row in rows if row.column_starts_px]))


def _place_paths(
    paths: PathPage,
    vector: VectorPage,
    image: NDArray[np.uint8],
    given: ScaleReading,
    candidates: Sequence[Layout],
    clock: StageTimer,
) -> Digitization:
    """Place the rows of a vector page; its coordinates are mm of ECG paper."""
    told = ScaleReading(paths.speed_mm_s, paths.gain_mm_mv, paths.chest_gain_mm_mv, "text")
    settled = resolve_scale(1.0, shared_width_px(paths.rows, 1.0), paths.rows, paths.pulses, (given, told))
    scale = settled.scale
    rows = without_averaging(paths.rows, scale)
    extent = (min(row.points_px[0, 0] for row in rows), max(row.points_px[-1, 0] for row in rows))
    placement = match_layout(rows, extent, paths.labels, scale, candidates)
    scale = _levelled(rows, paths.pulses, placement, scale)
    clock.lap("place")
    px_per_page_mm = image.shape[1] / vector.size_mm[0]
    to_px = np.array([paths.x_unit, paths.y_unit]) * px_per_page_mm
    ground = ImageGeometry(lambda points: points * to_px - 0.5, float(to_px[0]), ())
    return assess_page(ground, rows, placement, replace(settled, scale=scale), clock.laps_s)


def _levelled(
    rows: Sequence[RowTrace], pulses: Sequence[Pulse], placement: Interpretation | None, scale: Scale
) -> Scale:
    if placement is None:
        return scale
    feet = {pulse.row: pulse.base_px for pulse in pulses}
    return replace(scale, zero_px=tuple(fit_zero_levels(rows, placement, scale, feet).tolist()))
