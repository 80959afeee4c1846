"""Layout matching: every layout is scored by rows, width, lead labels, beats and the laws of the limb leads.

Every limb lead is a fixed mixture of I and II (Einthoven, Goldberger). Limb leads printed at the same time must
therefore fit one pair of signals; a layout that names them wrongly leaves a residual. A rhythm strip must equal its
lead's cell. Neither needs a lead label.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal

import numpy as np

from ecgimg.digitization.interpretation.beats.same_lead_by_beats import matching_beat_share
from ecgimg.digitization.interpretation.beats.simultaneous_columns import simultaneity_score
from ecgimg.digitization.model import Interpretation, LeadLabel, RowTrace, Scale
from ecgimg.digitization.numerics import Floats
from ecgimg.digitization.signals.lead_extraction import FS_HZ, slot_signal_mv
from ecgimg.digitization.signals.limb_lead_laws import LIMB_LEAD_MIX, fit_limb_leads
from ecgimg.digitization.text.label_matching import count_labels_beside_rows, score_labels
from ecgimg.leads import KNOWN_LEADS
from layouts import Layout, Slot

_SIDES: tuple[Literal["top", "bottom"], ...] = ("top", "bottom")

_MIN_CROPPED_LABELS = 0.5  # share of labels that must agree before a row is taken to be cropped off
_FEW_LABELS = 3  # so many may be read by mistake
_FULL_WIDTH, _ROUNDED_WIDTH, _ODD_WIDTH = 1.0, 0.3, -0.4  # scores: as the layout says, quarter seconds, neither
_MIN_WIDTH_SHARE, _MAX_WIDTH_SHARE, _MAX_ROUNDING = 0.97, 1.04, 0.03  # within which a width is as the layout says
_COMMON_STRIP = 0.15  # most pages have no rhythm strip, or lead II
_SIMULTANEOUS_PENALTY = 0.8  # columns that show the same seconds, and rows that do not, are seldom printed
_MIN_OVERLAP = 100  # samples that signals must have in common before they are compared

_DB_PER_POINT, _MIN_POINTS, _MAX_POINTS = 12, -0.5, 1.5  # from dB of agreement to a score
_SHIFTS = range(-12, 13, 3)  # samples by which a strip may be printed aside of the cells above it
_TRIMMED_SHARE = 0.02  # of the squared errors, left out: a spike that one of two traces lost

_WITHIN_SHARE, _BETWEEN_SHARE = 0.6, 0.5  # beats recur by more within a lead, and by less between two leads
_SHARE_RANGE, _MAX_PENALTY = 0.3, 1.5  # so far beyond these the penalty is full
_MIN_HALVED_S = 4.0  # shorter cells have too few beats in a half

_CellPlaces = tuple[float, tuple[tuple[int, int | None], ...]]
"""Seconds per column, and the row and the column of every cell: layouts with the same share their scores by beats."""


def match_layout(
    rows: Sequence[RowTrace],
    extent_px: tuple[float, float],
    labels: Sequence[LeadLabel],
    scale: Scale,
    candidates: Sequence[Layout],
    *,
    has_own_columns: bool = False,
) -> Interpretation | None:
    """Choose the layout that explains the page best.

    A layout whose first or last row the picture crops is chosen where the lead labels say so, and no whole one.

    Parameters
    ----------
    rows : sequence of RowTrace
    extent_px : (float, float)
        Where the columns start and end.
    labels : sequence of LeadLabel
    scale : Scale
    candidates : sequence of Layout
    has_own_columns : bool
        Whether their `seconds_per_column` stay as they are, whatever the page measures.

    Returns
    -------
    Interpretation or None
        None where no layout has this many rows, or the rows have no extent in common.
    """
    width_s = (extent_px[1] - extent_px[0]) / scale.px_per_mm / scale.speed_mm_s
    if width_s <= 0:
        return None
    signals = _CellSignals(rows, extent_px[0], scale)
    candidates = list(_with_printed_leads(candidates, labels))
    whole = [layout for layout in candidates if layout.n_rows == len(rows)]
    scorer = _LayoutScorer(signals, labels, width_s, has_own_columns=has_own_columns)
    matches = _ranked_matches(whole, scorer)
    if not matches or matches[0].labels_read < _MIN_CROPPED_LABELS:
        cropped = _ranked_matches(_cropped_layouts(len(rows), candidates), scorer)
        is_whole_better = bool(matches and cropped) and matches[0].score > cropped[0].score
        if cropped and cropped[0].labels_read >= _MIN_CROPPED_LABELS and not is_whole_better:
            matches = [replace(match, is_cut=True) for match in cropped]
    return _compare_best(matches, rows, labels, scale) if matches else None


def _with_printed_leads(candidates: Sequence[Layout], labels: Sequence[LeadLabel]) -> Iterator[Layout]:
    """Yield the layouts, those of one lead in consecutive rows with each lead that is read anywhere on the page."""
    printed = {label.lead for label in labels if label.lead in KNOWN_LEADS}
    for layout in candidates:
        if layout.has_consecutive_rows and printed:
            yield from (layout.of_lead(lead) for lead in sorted(printed))
        else:
            yield layout


def _compare_best(
    matches: Sequence[Interpretation], rows: Sequence[RowTrace], labels: Sequence[LeadLabel], scale: Scale
) -> Interpretation:
    """Return the best match with its margin, and whether lead labels contradict it."""
    best = matches[0]
    rivals = [other for other in matches[1:] if _differ(other.layout, best.layout)]
    margin = best.score - rivals[0].score if rivals else best.score
    n_agreeing = round(best.labels_read * len(best.layout.slots()))
    n_contradicting = count_labels_beside_rows(rows, labels, scale.px_per_mm) - n_agreeing
    return replace(best, margin=margin, is_contradicted=n_contradicting > max(n_agreeing, _FEW_LABELS))


def _ranked_matches(candidates: Sequence[Layout], scorer: _LayoutScorer) -> list[Interpretation]:
    """Return every layout matched to the rows, the best first."""
    return sorted(map(scorer.match, candidates), key=lambda match: -match.score)


def _cropped_layouts(n_rows: int, candidates: Sequence[Layout]) -> list[Layout]:
    """Return the layouts with one row more, without their first or their last row."""
    cropped = [layout.cut(side) for layout in candidates if layout.n_rows == n_rows + 1 for side in _SIDES]
    return [layout for layout in cropped if layout is not None]


def _differ(first: Layout, second: Layout) -> bool:
    """Tell whether two layouts have another lead, or another time, somewhere."""
    first_cells, second_cells = (
        [(slot.row, slot.column, slot.printed_name, round(slot.start_s, 1)) for slot in layout.slots()]
        for layout in (first, second)
    )
    return first_cells != second_cells


def _fit_width(layout: Layout, width_s: float) -> tuple[Layout, float]:
    """Return a layout with the seconds that the page shows, and a score of how usual they are."""
    if _MIN_WIDTH_SHARE < width_s / layout.printed_s < _MAX_WIDTH_SHARE:
        return layout, _FULL_WIDTH
    seconds = width_s / layout.columns
    rounded = round(seconds * 4) / 4
    if rounded > 0 and abs(rounded / seconds - 1) < _MAX_ROUNDING:
        return layout.with_seconds(rounded), _ROUNDED_WIDTH
    return layout.with_seconds(seconds), _ODD_WIDTH


class _CellSignals:
    """The signals (samples,) mV of cells, each cut out of its row once: layouts have most of them in common."""

    def __init__(self, rows: Sequence[RowTrace], start_px: float, scale: Scale) -> None:
        self.rows, self.start_px, self.scale = rows, start_px, scale
        self._signals: dict[tuple[object, ...], Floats] = {}

    def of(self, layout: Layout, slot: Slot) -> Floats:
        """Return the signal of a cell of a layout."""
        column = (slot.column, layout.columns, layout.seconds_per_column)
        key = slot.row, slot.sign, slot.lead.startswith("V"), slot.start_s, slot.end_s, column
        if key not in self._signals:
            zero_px = self.scale.zero_px[slot.row]
            self._signals[key] = slot_signal_mv(slot, layout, self.rows[slot.row], self.start_px, self.scale, zero_px)
        return self._signals[key]


class _LayoutScorer:
    """Scores layouts on one page. What layouts with the same cells have in common is measured once."""

    def __init__(
        self, signals: _CellSignals, labels: Sequence[LeadLabel], width_s: float, *, has_own_columns: bool
    ) -> None:
        self._has_own_columns = has_own_columns
        self._signals, self._labels, self._width_s = signals, labels, width_s
        self._row_simultaneity: float | None = None
        self._simultaneity: dict[_CellPlaces, float] = {}
        self._lead_change_penalties: dict[_CellPlaces, float] = {}

    def match(self, layout: Layout) -> Interpretation:
        """Return a layout matched to the rows, its margin still the whole score."""
        signals = self._signals
        fitted, width_score = _fit_width(layout, self._width_s)
        measured_s = None
        if self._has_own_columns and fitted is not layout:
            fitted, measured_s = layout, fitted.seconds_per_column
        agreement_db = _limb_agreement_db(fitted, signals)
        agrees, label_score = score_labels(fitted, signals.rows, self._labels, signals.start_px, signals.scale)
        score = width_score + label_score + _strip_score(fitted, signals) - self._lead_change_penalty(fitted)
        if fitted.columns > 1:
            score += self._timing_score(fitted)
        elif fitted.n_rows > 1:
            score += self._row_timing_score(fitted)
        score += _COMMON_STRIP * (layout.rhythm in ((), ("II",)))
        if agreement_db is not None:
            score += _agreement_points(agreement_db)
        strip_agrees = [is_read for slot, is_read in zip(fitted.slots(), agrees, strict=True) if slot.column is None]
        return Interpretation(
            fitted,
            signals.start_px,
            score,
            margin=score,
            limb_agreement_db=agreement_db,
            labels_read=sum(agrees) / len(agrees),
            has_usual_width=width_score > 0,
            strip_labels_read=all(strip_agrees),
            measured_column_s=measured_s,
        )

    def _lead_change_penalty(self, layout: Layout) -> float:
        places = _cell_places(layout)
        if places not in self._lead_change_penalties:
            self._lead_change_penalties[places] = _lead_change_penalty(layout, self._signals)
        return self._lead_change_penalties[places]

    def _row_timing_score(self, layout: Layout) -> float:
        """Score whether the rows of a single column show the same seconds, as they do unless the layout says not."""
        if self._row_simultaneity is None:
            self._row_simultaneity = _rows_simultaneity(layout, self._signals)
        simultaneity = self._row_simultaneity
        return -_SIMULTANEOUS_PENALTY - simultaneity if layout.has_consecutive_rows else min(simultaneity, 0.0)

    def _timing_score(self, layout: Layout) -> float:
        """Score whether the columns show the same seconds if the layout says so, and do not otherwise."""
        places = _cell_places(layout)
        if places not in self._simultaneity:
            self._simultaneity[places] = _columns_simultaneity(layout, self._signals)
        simultaneity = self._simultaneity[places]
        is_simultaneous = layout.columns_in_time == "simultaneous"
        return simultaneity - _SIMULTANEOUS_PENALTY if is_simultaneous else -max(simultaneity, 0.0)


def _cell_places(layout: Layout) -> _CellPlaces:
    return layout.seconds_per_column, tuple((slot.row, slot.column) for slot in layout.slots())


def _limb_agreement_db(layout: Layout, signals: _CellSignals) -> float | None:
    """Return the dB by which simultaneous limb leads exceed what no pair of signals I and II explains."""
    groups: dict[float, list[tuple[Floats, tuple[float, float]]]] = {}
    for slot in layout.slots():
        if slot.lead in LIMB_LEAD_MIX and slot.column is not None:
            groups.setdefault(slot.start_s, []).append((signals.of(layout, slot), LIMB_LEAD_MIX[slot.lead]))
    power = residual = 0.0
    for group in groups.values():
        if len(group) < 3:  # any two leads are explained by some pair
            continue
        leads = np.stack([signal for signal, _ in group])
        is_known = np.isfinite(leads).all(axis=0)
        if is_known.sum() < _MIN_OVERLAP:
            continue
        fit = fit_limb_leads(np.array([mix for _, mix in group]), leads[:, is_known])
        power += fit.power
        residual += fit.residual
    return 10 * float(np.log10(power / max(residual, 1e-12))) if power else None


def _strip_score(layout: Layout, signals: _CellSignals) -> float:
    """Score how well each rhythm strip repeats the cell of its lead."""
    cells = {slot.lead: slot for slot in layout.slots() if slot.column is not None}
    score = 0.0
    for strip in (slot for slot in layout.slots() if slot.column is None and slot.lead in cells):
        cell = cells[strip.lead]
        strip_signal, cell_signal = signals.of(layout, strip), signals.of(layout, cell)
        first = round(cell.start_s * FS_HZ)
        excerpt = strip_signal[first : first + len(cell_signal)]
        cell_signal = cell_signal[: len(excerpt)]
        is_known = np.isfinite(excerpt) & np.isfinite(cell_signal)
        if is_known.sum() > _MIN_OVERLAP:
            score += _repetition_score(excerpt[is_known], cell_signal[is_known])
    return score


def _repetition_score(excerpt: Floats, cell: Floats) -> float:
    """Score how well a part of a strip repeats a cell (samples,), at the best shift along x and any zero level."""
    excerpt, cell = excerpt - excerpt.mean(), cell - cell.mean()
    error = min(_trimmed_sum((excerpt - np.roll(cell, shift)) ** 2) for shift in _SHIFTS)
    agreement_db = 10 * np.log10(float((cell**2).sum()) / max(error, 1e-9))
    return _agreement_points(agreement_db)


def _agreement_points(agreement_db: float) -> float:
    """Return what an agreement between signals that should be one counts in the score."""
    return float(np.clip(agreement_db / _DB_PER_POINT, _MIN_POINTS, _MAX_POINTS))


def _trimmed_sum(squares: Floats) -> float:
    """Return the sum of squares without the largest of them."""
    count = len(squares) - round(_TRIMMED_SHARE * len(squares))
    return float(np.partition(squares, count - 1)[:count].sum())


def _lead_change_penalty(layout: Layout, signals: _CellSignals) -> float:
    """Return how clearly the rows show that their leads change elsewhere, 0 to 1.5.

    Neighbouring columns show different leads, so one's beats do not recur in the other; within a cell they do.
    """
    cells: dict[int, list[Floats]] = {}
    for slot in layout.slots():
        cells.setdefault(slot.row, []).append(signals.of(layout, slot))
    neighbours = [pair for row in cells.values() for pair in pairwise(row)]
    halves = [
        (signal[: len(signal) // 2], signal[len(signal) // 2 :])
        for row in cells.values()
        for signal in row
        if len(signal) > _MIN_HALVED_S * FS_HZ
    ]
    between, within = (
        [share for first, second in pairs if (share := matching_beat_share(first, second, FS_HZ)) is not None]
        for pairs in (neighbours, halves)
    )
    excess = (float(np.median(between)) - _BETWEEN_SHARE) / _SHARE_RANGE if between else 0.0
    lack = (_WITHIN_SHARE - float(np.median(within))) / _SHARE_RANGE if within else 0.0
    return _MAX_PENALTY * float(np.clip(max(excess, lack), 0.0, 1.0))


def _columns_simultaneity(layout: Layout, signals: _CellSignals) -> float:
    """Return how clearly the columns show the same seconds, by the leads in them and the strips below them."""
    leads: dict[int, list[Floats]] = {}
    strips: list[Floats] = []
    for slot in layout.slots():
        (strips if slot.column is None else leads.setdefault(slot.column, [])).append(signals.of(layout, slot))
    return simultaneity_score([leads[column] for column in sorted(leads)], FS_HZ, strips)


def _rows_simultaneity(layout: Layout, signals: _CellSignals) -> float:
    """Return how clearly all rows show the same seconds."""
    rows: dict[int, list[Floats]] = {}
    for slot in layout.slots():
        rows.setdefault(slot.row, []).append(signals.of(layout, slot))
    return simultaneity_score([[np.concatenate(cells)] for cells in rows.values()], FS_HZ)
