"""Interpret the rows of a page: its scale, its layout, and where every column starts.

The scale comes first, as the width of a column depends on it; then the layout that explains the page best; then the
starts of its columns, to a fraction of a pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.interpretation.column_gaps import find_column_gaps
from ecgimg.digitization.interpretation.column_starts import set_starts_by_row_ends, set_starts_by_separators
from ecgimg.digitization.interpretation.gapped_column_starts import (
    complete_column_starts,
    gapped_extent,
    refine_gapped_starts,
)
from ecgimg.digitization.interpretation.gridless_column_dewarp import ColumnDewarp, fit_column_dewarp
from ecgimg.digitization.interpretation.layout_matching import match_layout
from ecgimg.digitization.interpretation.recording_extent import RECORD_S, find_column_extent
from ecgimg.digitization.interpretation.scale import resolve_scale
from ecgimg.digitization.interpretation.separators import detect_separators, remove_separators, separator_finder
from ecgimg.digitization.interpretation.shared_row_ends import shared_width_px, uncropped_extents
from ecgimg.digitization.model import (
    Interpretation,
    LeadLabel,
    PageView,
    Pulse,
    ResolvedScale,
    RowTrace,
    Scale,
    ScaleReading,
)
from ecgimg.digitization.numerics import Floats
from ecgimg.digitization.signals.row_alignment import align_rows
from ecgimg.digitization.signals.zero_level import with_zero_levels
from ecgimg.digitization.text.label_matching import column_seconds_by_labels
from ecgimg.digitization.text.traces_hidden_by_labels import label_stretch_test, starts_on_label
from ecgimg.digitization.tracing.recover_plotted_samples import interpolate_plot_samples
from layouts import Layout


@dataclass(frozen=True)
class Given:
    """What is known of a page before it is read.

    Parameters
    ----------
    layouts : tuple of Layout
        Those that the page may have.
    scale : ScaleReading
        Speed and gain, where a person gave them.
    has_own_columns : bool
        Whether the layout is a user's own file, whose `seconds_per_column` is not adapted to the page.
    """

    layouts: tuple[Layout, ...]
    scale: ScaleReading
    has_own_columns: bool = False

    @property
    def layout(self) -> Layout | None:
        """The layout that a person gave, None where it is to be found."""
        return self.layouts[0] if len(self.layouts) == 1 else None

    def match(
        self, rows: Sequence[RowTrace], extent_px: tuple[float, float], labels: Sequence[LeadLabel], scale: Scale
    ) -> Interpretation | None:
        """Choose the layout that explains the page best; see `match_layout`."""
        return match_layout(rows, extent_px, labels, scale, self.layouts, has_own_columns=self.has_own_columns)


@dataclass(frozen=True, eq=False)
class InterpretedRows:
    """Rows with what they show.

    Parameters
    ----------
    rows : tuple of RowTrace
        Their columns start where `RowTrace.column_starts_px` says, and simultaneous rows are aligned.
    interpretation : Interpretation or None
        None where no layout has this many rows.
    resolved : ResolvedScale
        With the zero level of each row.
    to_image : callable
        Maps (…, 2) of the rows' coordinates to pixels of the picture.
    """

    rows: tuple[RowTrace, ...]
    interpretation: Interpretation | None
    resolved: ResolvedScale
    to_image: Callable[[Floats], Floats]


@dataclass(frozen=True, eq=False)
class _Columns:
    """What shows where columns start: separators (px), the gaps between columns (px in all), and labels on traces."""

    separators_px: Floats
    gaps_px: float
    starts_on_label: NDArray[np.bool_]


def interpret(
    view: PageView, rows: tuple[RowTrace, ...], pulses: Sequence[Pulse], given: Given
) -> InterpretedRows | None:
    """Find scale, layout and column starts of rows whose calibration pulses are trimmed.

    Returns
    -------
    InterpretedRows or None
        None where the rows do not lie above each other.
    """
    page, labels_on_traces = view.page, starts_on_label(view.page, rows)
    separators_px = detect_separators(page, [row.baseline_px for row in rows])
    rows, gaps_px = find_column_gaps(rows, page.px_per_mm, label_stretch_test(page), has_grid=view.has_grid)
    width_px = shared_width_px(rows, page.px_per_mm) - gaps_px
    if width_px <= 0:
        return None
    scales = given.scale, view.printed_scale
    resolved = resolve_scale(page.px_per_mm, width_px, rows, pulses, scales, has_grid=view.has_grid)
    columns = _Columns(separators_px, gaps_px, labels_on_traces)
    interpretation = _choose_layout(view, rows, pulses, columns, resolved.scale, given)
    if interpretation is None:
        return InterpretedRows(rows, None, resolved, page.flat_to_image)
    interpreted = _start_columns(view, rows, pulses, columns, interpretation, resolved, given)
    return _align_in_time(interpreted, pulses, has_gaps=bool(gaps_px) and view.has_grid)


def _choose_layout(
    view: PageView,
    rows: Sequence[RowTrace],
    pulses: Sequence[Pulse],
    columns: _Columns,
    scale: Scale,
    given: Given,
) -> Interpretation | None:
    """Return the layout that explains the rows best, on columns that may be cropped by the picture."""
    page, labels = view.page, view.labels
    if columns.gaps_px:  # gaps show how wide columns are, cropped or not
        return given.match(rows, gapped_extent(rows, columns.gaps_px, page.px_per_mm), labels, scale)
    separator_at = separator_finder(page, rows)
    extent_px = find_column_extent(
        rows, pulses, columns.separators_px, scale, page.darkness.shape[1], columns.starts_on_label,
        lambda x: separator_at(x) is not None, labels,
    )  # fmt: skip

    def best_on(extents_px: Iterable[tuple[float, float]]) -> Interpretation | None:
        matches = [given.match(rows, extent, labels, scale) for extent in extents_px]
        return max((match for match in matches if match is not None), key=lambda match: match.score, default=None)

    best = best_on([extent_px, *uncropped_extents(page, rows, extent_px, RECORD_S * scale.px_per_s)])
    if best is None or best.has_usual_width:
        return best
    # The picture may cut off more than a side; then the distance between labels shows how long a column is.
    seconds = column_seconds_by_labels(best.layout, rows, labels, scale)
    if seconds is None:
        return best
    by_labels = best_on(uncropped_extents(page, rows, extent_px, best.layout.columns * seconds * scale.px_per_s))
    return by_labels if by_labels is not None and by_labels.score > best.score else best


def _start_columns(
    view: PageView,
    rows: tuple[RowTrace, ...],
    pulses: Sequence[Pulse],
    columns: _Columns,
    interpretation: Interpretation,
    resolved: ResolvedScale,
    given: Given,
) -> InterpretedRows:
    """Set where the columns start by gaps or separators, and remove the separators from the rows."""
    page, scale, dewarp = view.page, resolved.scale, None
    if columns.gaps_px:
        rows = complete_column_starts(rows, interpretation.layout)
    elif not view.has_grid:
        dewarp = fit_column_dewarp(page, rows, interpretation, columns.separators_px, pulses, scale)
    if dewarp is None:
        rows = set_starts_by_separators(rows, interpretation, columns.separators_px, scale)
        rows = remove_separators(page, rows, interpretation.borders_px(rows, scale))
        return InterpretedRows(rows, interpretation, resolved, page.flat_to_image)
    rows = dewarp.with_flat_starts(rows, interpretation)
    rows = remove_separators(page, rows, interpretation.borders_px(rows, scale))
    return _dewarp_columns(view, rows, interpretation, resolved, dewarp, given)


def _dewarp_columns(
    view: PageView,
    rows: Sequence[RowTrace],
    interpretation: Interpretation,
    resolved: ResolvedScale,
    dewarp: ColumnDewarp,
    given: Given,
) -> InterpretedRows:
    """Make the columns of a page without a grid equally wide, and find its scale and its layout anew on them."""
    spacing_px = interpretation.layout.seconds_per_column * resolved.scale.px_per_s
    resolved = resolved.stretched(dewarp.spacing_px / spacing_px)
    even_rows = tuple(dewarp.dewarp_row(row) for row in rows)
    extent_px = dewarp.start_px, dewarp.start_px + dewarp.n_columns * dewarp.spacing_px
    labels = [dewarp.dewarp_label(label) for label in view.labels]
    again = given.match(even_rows, extent_px, labels, resolved.scale)
    if again is None or again.layout.columns != dewarp.n_columns:
        again = replace(interpretation, start_px=dewarp.start_px)
    return InterpretedRows(even_rows, again, resolved, dewarp.even_to_image(view.page.flat_to_image))


def _align_in_time(interpreted: InterpretedRows, pulses: Sequence[Pulse], *, has_gaps: bool) -> InterpretedRows:
    """Set where each row's columns start to a fraction of a pixel, and align simultaneous rows with each other."""
    rows, interpretation, scale = interpreted.rows, interpreted.interpretation, interpreted.resolved.scale
    assert interpretation is not None
    if has_gaps:
        rows = refine_gapped_starts(rows, interpretation.layout, scale)
        first_starts = [row.column_starts_px[0] for row in rows if row.column_starts_px]
        interpretation = replace(interpretation, start_px=float(np.median(first_starts)))
    rows = set_starts_by_row_ends(rows, interpretation, scale)
    rows = interpolate_plot_samples(rows, interpretation.borders_px(rows, scale))
    rows = align_rows(rows, interpretation, with_zero_levels(rows, pulses, interpretation, scale))
    return replace(interpreted, rows=rows, interpretation=interpretation)
