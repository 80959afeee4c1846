"""Dewarp a page without a grid along x, where columns get narrower to one side, by the separators between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ecgimg.digitization.interpretation.column_spacing import SAME_PLACE_MM
from ecgimg.digitization.interpretation.column_starts import with_column_starts
from ecgimg.digitization.interpretation.separators import SeparatorFinder, separator_finder
from ecgimg.digitization.interpretation.shared_row_ends import shared_end_px
from ecgimg.digitization.model import FlatPage, Interpretation, LeadLabel, Pulse, RowTrace, Scale
from ecgimg.digitization.numerics import Floats, Mask, densest_cluster

_REACH_SHARE, _REACH_MM = 0.04, 1.6  # from the usual start, of the separators of a column; the share grows along x
_SAME_PLACE_MM = 0.8  # separators of several rows that are nearer to each other are one; looser than with a grid
_MIN_SEPARATORS, _MIN_BORDERS = 2, 2  # at a border, and borders that must have some
_LETTERING, _SCAN_STEP_MM = 60, 1.2  # of 255, above which a pixel is lettering; step in which separators are sought
_END_WEIGHT, _PULSE_END_WEIGHT = 0.3, 0.1  # of the ends of the rows in the fit, a separator's being 1
_PULSE_REACH_MM = 5.0  # rows that end so near to a pulse may have run on into its base
_MAX_EVEN_OFF_MM, _MAX_EVEN_END_OFF_MM = 0.2, 0.6  # separators, and ends, that lie off even columns by no more
_MAX_OFF_MM = 3.0  # an end that is farther off than that is none of the columns'
_MAX_UNEVENNESS, _MAX_STRETCH = 0.2, 0.05  # a page that is warped by more was not fitted well
_MAX_DEGREE, _STEPS_PER_COLUMN = 3, 50  # of the polynomial, and at which it is tabulated


@dataclass(frozen=True, eq=False)
class ColumnDewarp:
    """The map along x from the flat page to a page with even columns.

    Parameters
    ----------
    columns : (m,) float64
        Column coordinates, rising: k is where column k starts, from 0, and `n_columns` where the last one ends.
    flat_px : (m,) float64
        Where these lie on the flat page.
    n_columns : int
        The first column starts, and the last one ends, at the same place on both pages.
    """

    columns: Floats
    flat_px: Floats
    n_columns: int

    @property
    def start_px(self) -> float:
        """Return where the first column starts."""
        return float(np.interp(0, self.columns, self.flat_px))

    @property
    def spacing_px(self) -> float:
        """Return how far apart the even columns start."""
        return (float(np.interp(self.n_columns, self.columns, self.flat_px)) - self.start_px) / self.n_columns

    def flat_to_even(self, x_px: Floats) -> Floats:
        """Map x of the flat page (n,) to x of the page with even columns."""
        columns = np.interp(x_px, self.flat_px, self.columns)
        return np.asarray(self.start_px + self.spacing_px * columns, np.float64)

    def even_to_image(self, flat_to_image: Callable[[Floats], Floats]) -> Callable[[Floats], Floats]:
        """Return the map of points (n, 2) from the page with even columns to the picture, by that of the flat page."""

        def to_image(points_px: Floats) -> Floats:
            x = np.interp((points_px[:, 0] - self.start_px) / self.spacing_px, self.columns, self.flat_px)
            return flat_to_image(np.stack([x, points_px[:, 1]], axis=1))

        return to_image

    def with_flat_starts(self, rows: Sequence[RowTrace], interpretation: Interpretation) -> tuple[RowTrace, ...]:
        """Return the rows, of which those of several columns have the column starts of the flat page."""
        starts_px = np.interp(np.arange(self.n_columns), self.columns, self.flat_px)
        return with_column_starts(rows, range(interpretation.layout.rows), starts_px)

    def dewarp_row(self, row: RowTrace) -> RowTrace:
        """Return a row of the flat page as it lies on the page with even columns."""
        x, y = row.points_px.T
        left_px, right_px = self.flat_to_even(np.array(row.ink_ends_px)).tolist()
        return replace(
            row,
            points_px=np.stack([self.flat_to_even(x), y], axis=1),
            ink_ends_px=(left_px, right_px),
            column_starts_px=tuple(self.flat_to_even(np.array(row.column_starts_px)).tolist()),
        )

    def dewarp_label(self, label: LeadLabel) -> LeadLabel:
        """Return a lead label of the flat page as it lies on the page with even columns."""
        x_px, left_px = self.flat_to_even(np.array([label.x_px, label.left_px])).tolist()
        return replace(label, x_px=x_px, left_px=left_px)


def fit_column_dewarp(
    page: FlatPage,
    rows: Sequence[RowTrace],
    interpretation: Interpretation,
    separators_px: Floats,
    pulses: Sequence[Pulse],
    scale: Scale,
) -> ColumnDewarp | None:
    """Fit the map to the separators between columns and to the ends of the rows.

    Ends next to pulses count little. Where the columns are even within the measuring error, the separators alone count.

    Parameters
    ----------
    page : FlatPage
        Without a grid.
    rows : sequence of RowTrace
    interpretation : Interpretation
        Its layout tells about where the columns start.
    separators_px : (n,) float64
        Those that the network marks. Others are sought in the darkness of the page.
    pulses : sequence of Pulse
    scale : Scale

    Returns
    -------
    ColumnDewarp or None
        None where the separators are too few or contradict each other.
    """
    layout, mm = interpretation.layout, scale.px_per_mm
    n_columns, usual_spacing_px = layout.columns, layout.seconds_per_column * scale.px_per_s
    if n_columns < 2:
        return None
    # a page of two columns has a single border, so the network itself must mark the separator there
    find_separator: SeparatorFinder = _finder_without_lettering(page, rows) if n_columns > 2 else lambda _: None
    borders = _separators_by_column(interpretation, separators_px, find_separator, scale)
    if len(borders) < min(n_columns - 1, _MIN_BORDERS):
        return None
    ends, is_at_pulse = _column_ends(rows, interpretation, pulses, mm)
    polynomial = _fit_polynomial(borders, ends, is_at_pulse, mm)
    if polynomial is None:
        return None
    columns = np.linspace(-1, n_columns + 1, _STEPS_PER_COLUMN * (n_columns + 2) + 1)
    dewarp = ColumnDewarp(columns, np.asarray(np.polyval(polynomial, columns), np.float64), n_columns)
    widths = np.diff(dewarp.flat_px) * _STEPS_PER_COLUMN / dewarp.spacing_px
    is_plausible = (
        np.abs(widths - 1).max() < _MAX_UNEVENNESS and abs(dewarp.spacing_px / usual_spacing_px - 1) < _MAX_STRETCH
    )
    return dewarp if is_plausible else None


def _column_ends(
    rows: Sequence[RowTrace], interpretation: Interpretation, pulses: Sequence[Pulse], px_per_mm: float
) -> tuple[Floats, Mask]:
    """Return column and px (2, 2) of the start of the first and the end of the last, and which are at a pulse (2,)."""
    layout = interpretation.layout
    right_px = shared_end_px(np.array([row.right_px for row in rows[: layout.rows]]), px_per_mm)
    ends = np.array([(0, interpretation.start_px), (layout.columns, right_px)], np.float64)
    pulse_sides_px = np.array([side for pulse in pulses for side in pulse.extent_px])
    distances_px = np.abs(ends[:, 1:] - pulse_sides_px).min(axis=1, initial=np.inf)
    return ends, np.asarray(distances_px < _PULSE_REACH_MM * px_per_mm, bool)


def _finder_without_lettering(page: FlatPage, rows: Sequence[RowTrace]) -> SeparatorFinder:
    """Return the function that finds separators in the darkness of the page, lettering left out."""
    is_lettering = page.segmentation.label > _LETTERING
    return separator_finder(replace(page, darkness=np.where(is_lettering, np.float32(0), page.darkness)), rows)


def _separators_by_column(
    interpretation: Interpretation, separators_px: Floats, find_separator: SeparatorFinder, scale: Scale
) -> Floats:
    """Return the columns that have a separator before them, and where it stands: (borders, 2) column and px."""
    mm, spacing_px = scale.px_per_mm, interpretation.layout.seconds_per_column * scale.px_per_s
    borders = []
    for column in range(1, interpretation.layout.columns):
        usual_px = interpretation.start_px + column * spacing_px
        reach_px = max(_REACH_MM * mm, _REACH_SHARE * column * spacing_px)
        near_px = separators_px[np.abs(separators_px - usual_px) < reach_px]
        agreeing_px = densest_cluster(near_px, _SAME_PLACE_MM * mm)
        if len(agreeing_px) >= _MIN_SEPARATORS:
            borders.append((column, float(np.median(agreeing_px))))
        elif (nearest_px := _nearest_separator(find_separator, usual_px, reach_px, _SCAN_STEP_MM * mm)) is not None:
            borders.append((column, nearest_px))
    return np.array(borders, np.float64).reshape(-1, 2)


def _fit_polynomial(borders: Floats, ends: Floats, is_at_pulse: Mask, px_per_mm: float) -> Floats | None:
    """Fit where columns start on the flat page by a polynomial of the column, None where it misses the separators.

    Parameters
    ----------
    borders, ends : (k, 2) and (2, 2) float64
        Columns, and where separators before them, or else the ends of the rows, say that they start.
    is_at_pulse : (2,) bool
        Which ends are next to a pulse.
    px_per_mm : float

    Returns
    -------
    (degree + 1,) float64 or None
        Coefficients for `numpy.polyval`, which gives px.
    """
    column, x = np.concatenate([borders, ends]).T
    is_separator = np.arange(len(x)) < len(borders)
    max_off_mm = np.where(is_separator, _MAX_EVEN_OFF_MM, _MAX_EVEN_END_OFF_MM)
    max_off_mm[len(borders) :][is_at_pulse] = np.inf
    if len(borders) > _MIN_BORDERS:
        line = np.polyfit(column[is_separator], x[is_separator], 1)
        off_mm = np.abs(np.polyval(line, column) - x) / px_per_mm
        if (off_mm < max_off_mm).all():
            return np.asarray(line, np.float64) if off_mm.max() < _MAX_OFF_MM else None
    weights = np.where(is_separator, 1.0, _END_WEIGHT)
    weights[len(borders) :][is_at_pulse] = _PULSE_END_WEIGHT
    polynomial = np.polyfit(column, x, min(max(len(borders), 2), _MAX_DEGREE), w=weights)
    off_mm = np.abs(np.polyval(polynomial, column) - x) / px_per_mm
    is_met = off_mm[is_separator].max() < SAME_PLACE_MM and off_mm.max() < _MAX_OFF_MM
    return np.asarray(polynomial, np.float64) if is_met else None


def _nearest_separator(
    find_separator: SeparatorFinder, usual_px: float, reach_px: float, step_px: float
) -> float | None:
    """Return the middle of the separator nearest to a place, or None where none is within reach."""
    offsets_px = np.arange(-reach_px, reach_px + step_px / 2, step_px)
    for offset_px in sorted(offsets_px.tolist(), key=abs):
        edges_px = find_separator(usual_px + offset_px)
        if edges_px is not None:
            return sum(edges_px) / 2
    return None
