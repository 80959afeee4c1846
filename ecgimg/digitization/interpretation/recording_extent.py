"""Where the columns of a page start and end as a whole: by the ends of the rows, pulses, separators and lead labels.

Each end of a row, each pulse and each separator votes for a start of the columns. The start with most votes wins, and
is then refined to a fraction of a pixel by the ends that lie there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ecgimg.digitization.interpretation.column_spacing import (
    MAX_SEPARATORS,
    SAME_PLACE_MM,
    spacing_by_labels,
    spacing_by_separators,
)
from ecgimg.digitization.interpretation.shared_row_ends import modal_end_px, shared_end_px
from ecgimg.digitization.model import LeadLabel, Pulse, RowTrace, Scale
from ecgimg.digitization.numerics import Floats, Mask
from ecgimg.digitization.signals.lead_extraction import FS_HZ

RECORD_S = 10.0
"""The length of a usual record, and of the pages that show it."""

_EDGE_PX = -0.25  # where rows that the left edge of the picture crops are taken to start
_MIN_PAGE_S = 4.0  # pages that show less are not told by their ends
_MAX_OFF_MM = 12.0  # from the end of a row, of a start that may be meant by it
_HIDDEN_MM = 1.0  # a start that lettering hides lies up to so much earlier than it looks
_PULSE_BASE_MM = 4.5  # longest flat base of a pulse, on which the trace of the row may run on
_AT_PULSE_MM = 0.4  # the end of a row that is so near to a pulse's end is at its base
_LABEL_TOLERANCE = 0.018  # spacing of separators may differ from that of labels by this; evenly spaced beats do more

_LEFT_VOTE, _UNSURE_VOTE = 1.1, 0.5  # of a row's left end; of an end at a pulse or one that lettering hides
_RIGHT_VOTE = 0.75  # records end early more often than they start late
_PULSE_VOTE = 0.5  # for each row, where a pulse stands just beside the columns
_OUTSIDE_VOTE, _OUTSIDE_MM = 0.3, 1.2  # taken off for each row that reaches so far beyond the columns
_VOTE_REACH_MM = 0.8  # where a vote has fallen to nothing
_RIVAL_VOTES, _SEPARATOR_VOTE = 1.0, 0.5  # among starts that are nearly as good, separators in the darkness vote too
_SAME_START_MM = 0.6  # starts that are nearer to each other are one
_CAP_SLACK_PX = 0.3  # error of both ends together, beyond what caps explain


@dataclass(frozen=True, eq=False)
class _RowEnds:
    """Where the rows start and end, and what is known of these ends.

    Parameters
    ----------
    left_px, right_px : (rows,) float64
    is_cropped_left, is_cropped_right : (rows,) bool
        Whether the row runs to the left, or the right, edge of the picture.
    is_hidden : (rows,) bool
        Whether it starts in lettering.
    starts_at_pulse, ends_at_pulse : (rows,) bool
        Whether it starts, or ends, at the base of a pulse.
    is_on_ink : (rows, 2) bool
        Whether it starts, and ends, where its ink does.
    cap_px : float
        How far the round caps of a pen go beyond the ends.
    """

    left_px: Floats
    right_px: Floats
    is_cropped_left: Mask
    is_cropped_right: Mask
    is_hidden: Mask
    starts_at_pulse: Mask
    ends_at_pulse: Mask
    is_on_ink: Mask
    cap_px: float


@dataclass(frozen=True, eq=False)
class _Evidence:
    """What, beside the ends of the rows, tells where the columns lie, in px.

    Parameters
    ----------
    width_px : float
        Of all columns together.
    border_offsets_px : (3,) float64
        How far from the start of the first of four columns the others start.
    separators_px : (n,) float64
    pulse_rights_px, pulse_lefts_px : list of float
        The sides, facing the columns, of pulses before and after them.
    """

    px_per_mm: float
    width_px: float
    border_offsets_px: Floats
    separators_px: Floats
    pulse_rights_px: list[float]
    pulse_lefts_px: list[float]

    def starts_px(self, around_px: float) -> Floats:
        """Return the starts (n,) of the columns if a separator stands at any of the borders."""
        if len(self.separators_px) > MAX_SEPARATORS:
            return np.zeros(0)
        starts = (self.separators_px[:, None] - self.border_offsets_px).ravel()
        return starts[np.abs(starts - around_px) < _MAX_OFF_MM * self.px_per_mm]


def find_column_extent(
    rows: Sequence[RowTrace],
    pulses: Sequence[Pulse],
    separators_px: Floats,
    scale: Scale,
    image_width_px: int,
    is_hidden: Mask,
    is_separator: Callable[[float], bool] = lambda _: False,
    labels: Sequence[LeadLabel] = (),
) -> tuple[float, float]:
    """Return where the columns start and end: by the start for which most row ends, pulses and separators vote.

    A row that starts late has lost ink; one that starts early has picked some up. Where the page shows ten seconds, the
    right ends vote for the start as well. Beside a pulse the trace runs on into the base of the pulse.

    Parameters
    ----------
    rows : sequence of RowTrace
    pulses : sequence of Pulse
    separators_px : (n,) float64
        See `detect_separators`.
    scale : Scale
    image_width_px : int
        Of the flat page.
    is_hidden : (rows,) bool
        Whether lettering hides the start of a row.
    is_separator : callable
        Whether a separator is seen at a place along x, whatever the network takes it for. It decides between starts
        with about as many votes.
    labels : sequence of LeadLabel
        Their distances confirm those of the separators.

    Returns
    -------
    (float, float)
        In px of the flat page.
    """
    mm, px_per_s = scale.px_per_mm, scale.px_per_s
    ends = _row_ends(rows, pulses, mm, image_width_px, is_hidden)
    left_px, right_px = shared_end_px(ends.left_px, mm), shared_end_px(ends.right_px, mm)
    middle_px = (left_px + right_px) / 2
    bases_px = np.array([pulse.extent_px[1] for pulse in pulses if pulse.extent_px[1] < middle_px])
    seconds = _page_seconds(ends, left_px, right_px, bases_px, px_per_s, mm)
    if seconds is None:
        return _unhidden_start_px(ends.left_px, left_px, right_px, px_per_s, mm), right_px
    spacing_px = _column_spacing_px(seconds / 4 * px_per_s, separators_px, labels, rows, mm)
    evidence = _gather_evidence(spacing_px, separators_px, pulses, middle_px, scale)
    start_px = _find_start(ends, evidence, left_px, is_separator)
    return start_px, start_px + evidence.width_px


def _gather_evidence(
    spacing_px: float, separators_px: Floats, pulses: Sequence[Pulse], middle_px: float, scale: Scale
) -> _Evidence:
    """Return the evidence for four columns of the given spacing, whose middle is about at `middle_px`."""
    return _Evidence(
        scale.px_per_mm,
        4 * spacing_px - scale.px_per_s / FS_HZ,  # a record ends with its last sample
        np.asarray(spacing_px * np.arange(1, 4), np.float64),
        separators_px,
        [pulse.right_px for pulse in pulses if pulse.right_px < middle_px],
        [pulse.left_px for pulse in pulses if pulse.left_px > middle_px],
    )


def _find_start(ends: _RowEnds, evidence: _Evidence, left_px: float, is_separator: Callable[[float], bool]) -> float:
    """Return where the columns start: elected among what row ends and separators say, then refined."""
    by_separators_px = evidence.starts_px(left_px)
    by_ends_px = [*ends.left_px, *(ends.right_px[~ends.is_cropped_right] - evidence.width_px)]
    coarse_px = _elect_start([*by_ends_px, *by_separators_px], ends, evidence, is_separator)
    return _refine_start(coarse_px, ends, evidence, by_separators_px)


def _column_spacing_px(
    usual_px: float, separators_px: Floats, labels: Sequence[LeadLabel], rows: Sequence[RowTrace], px_per_mm: float
) -> float:
    """Return the spacing of four columns by separators, unless labels contradict: evenly spaced beats look alike."""
    spacing_px = spacing_by_separators(separators_px, usual_px, px_per_mm)
    labels_px = spacing_by_labels(labels, rows, usual_px, px_per_mm)
    is_contradicted = labels_px is not None and abs(spacing_px / labels_px - 1) > _LABEL_TOLERANCE
    return usual_px if is_contradicted else spacing_px


def _page_seconds(
    ends: _RowEnds, left_px: float, right_px: float, bases_px: Floats, px_per_s: float, px_per_mm: float
) -> float | None:
    """Return how long a page shows: ten seconds, or less in quarters of one, or None if its ends contradict that.

    Where lead labels hide the starts of most rows, the columns start earlier than the traces: at the bases of the
    pulses (`bases_px`, their right ends), or at a length that fits.
    """
    lefts_px = np.append(ends.left_px, left_px)
    if np.abs(lefts_px - (right_px - RECORD_S * px_per_s)).min() <= _MAX_OFF_MM * px_per_mm:
        return RECORD_S
    if ends.is_cropped_left.any() or ends.is_cropped_right.any():
        return None
    quarters, are_hidden = 4 * (right_px - left_px) / px_per_s, ends.is_hidden.mean() > 1 / 2
    slack = 4 * _HIDDEN_MM * px_per_mm / px_per_s
    seconds = float(np.ceil(quarters - slack) if are_hidden else round(quarters)) / 4
    early_mm = (lefts_px - (right_px - seconds * px_per_s)) / px_per_mm
    is_confirmed = np.abs(early_mm).min() < _HIDDEN_MM or (are_hidden and 0 < early_mm.min() < _PULSE_BASE_MM)
    if are_hidden and len(bases_px):
        quarters = 4 * (right_px - shared_end_px(bases_px, px_per_mm)) / px_per_s
        if abs(quarters - round(quarters)) * px_per_s / 4 < SAME_PLACE_MM * px_per_mm:
            seconds, is_confirmed = round(quarters) / 4, True
    return seconds if is_confirmed and _MIN_PAGE_S <= seconds < RECORD_S else None


def _row_ends(
    rows: Sequence[RowTrace], pulses: Sequence[Pulse], px_per_mm: float, image_width_px: int, is_hidden: Mask
) -> _RowEnds:
    """Measure the ends of the rows; those at the edge of the picture are taken to lie on that edge."""
    lefts_px = np.array([row.left_px for row in rows])
    rights_px = np.array([row.right_px for row in rows])
    is_cropped_left, is_cropped_right = lefts_px < px_per_mm, rights_px > image_width_px - px_per_mm
    is_on_ink = np.array([row.ends_on_ink for row in rows], bool)

    def is_at_pulse(row: int, end: int) -> bool:
        """Tell whether a row's end is at the base of its own pulse, or of another row's if it was cut there."""
        end_px = (lefts_px[row], rights_px[row])[end]
        near = [pulse for pulse in pulses if abs(pulse.extent_px[1 - end] - end_px) < _AT_PULSE_MM * px_per_mm]
        return any(pulse.row == row or not is_on_ink[row, end] for pulse in near)

    return _RowEnds(
        np.where(is_cropped_left, _EDGE_PX, lefts_px),
        np.where(is_cropped_right, image_width_px - 0.5, rights_px),
        is_cropped_left,
        is_cropped_right,
        is_hidden,
        np.array([is_at_pulse(row, 0) for row in range(len(rows))], bool),
        np.array([is_at_pulse(row, 1) for row in range(len(rows))], bool),
        is_on_ink,
        float(np.median([row.cap_px for row in rows])),
    )


def _elect_start(
    starts_px: Sequence[float], ends: _RowEnds, evidence: _Evidence, is_separator: Callable[[float], bool]
) -> float:
    """Return the start with most votes; of several with about as many, the one with most separators."""
    votes = {start: _count_votes(start, ends, evidence) for start in starts_px}
    most = max(votes.values())
    rivals = [start for start in votes if votes[start] > most - _RIVAL_VOTES]
    if max(rivals) - min(rivals) > _SAME_START_MM * evidence.px_per_mm:
        for start in rivals:
            votes[start] += _SEPARATOR_VOTE * sum(map(is_separator, start + evidence.border_offsets_px))
    return max(rivals, key=votes.__getitem__)


def _count_votes(start_px: float, ends: _RowEnds, evidence: _Evidence) -> float:
    """Return how many rows, separators and pulses vote for a start."""
    mm, end_px, n_rows = evidence.px_per_mm, start_px + evidence.width_px, len(ends.left_px)
    is_unsure, is_right_seen = ends.starts_at_pulse | ends.is_hidden, ~ends.is_cropped_right
    left_off_px, right_off_px = ends.left_px - start_px, ends.right_px - start_px - evidence.width_px
    votes = _UNSURE_VOTE * _nearness(left_off_px[is_unsure], mm) + _LEFT_VOTE * _nearness(left_off_px[~is_unsure], mm)
    votes += _UNSURE_VOTE * _nearness(right_off_px[is_right_seen & ends.ends_at_pulse], mm)
    votes += _RIGHT_VOTE * _nearness(right_off_px[is_right_seen & ~ends.ends_at_pulse], mm)
    borders_px = start_px + evidence.border_offsets_px
    votes += min(sum(_nearness(evidence.separators_px - border, mm) for border in borders_px), n_rows)
    is_early, is_late = ends.left_px < start_px - _OUTSIDE_MM * mm, ends.right_px > end_px + _OUTSIDE_MM * mm
    votes -= _OUTSIDE_VOTE * float(is_early.sum() + is_late.sum())
    gaps_before = [start_px - side for side in evidence.pulse_rights_px]
    gaps_after = [side - end_px for side in evidence.pulse_lefts_px]
    return votes + sum(
        n_rows * _PULSE_VOTE * any(-0.3 * mm < gap < _PULSE_BASE_MM * mm for gap in gaps)
        for gaps in (gaps_before, gaps_after)
    )


def _nearness(offsets_px: Floats, px_per_mm: float) -> float:
    """Return the sum of votes, each 1 where an offset is 0 and falling linearly to 0."""
    return float(np.maximum(1 - np.abs(offsets_px) / (_VOTE_REACH_MM * px_per_mm), 0).sum())


def _refine_start(coarse_px: float, ends: _RowEnds, evidence: _Evidence, by_separators_px: Floats) -> float:
    """Return the start to a fraction of a pixel by the row ends, else the separators, at the coarse one."""
    reach_px = _SAME_START_MM * evidence.px_per_mm
    is_left = np.abs(ends.left_px - coarse_px) < reach_px
    is_right = ~ends.is_cropped_right & (np.abs(ends.right_px - coarse_px - evidence.width_px) < reach_px)

    def nearest_first(starts_px: Floats) -> Floats:  # where no two agree, the mode is then the nearest
        return np.asarray(starts_px[np.argsort(np.abs(starts_px - coarse_px))], np.float64)

    ink_left = nearest_first(ends.left_px[is_left & ends.is_on_ink[:, 0] & ~ends.is_cropped_left])
    ink_right = nearest_first(ends.right_px[is_right & ends.is_on_ink[:, 1]] - evidence.width_px)
    start_px = _start_between_caps(ink_left, ink_right, ends.cap_px)
    if start_px is not None:
        return start_px
    by_left, by_right = nearest_first(ends.left_px[is_left]), nearest_first(ends.right_px[is_right] - evidence.width_px)
    if not len(by_left) and not len(by_right):
        by_left = by_separators_px[np.abs(by_separators_px - coarse_px) < reach_px]
    are_at_pulse = not is_left.any() or float(ends.starts_at_pulse[is_left].mean()) > 0.5
    return _start_by_sides(by_left, by_right, evidence, are_left_at_pulse=are_at_pulse)


def _start_by_sides(by_left: Floats, by_right: Floats, evidence: _Evidence, *, are_left_at_pulse: bool) -> float:
    """Return the start by the side whose ends tell it best, or in the middle of what both sides say."""
    is_left_doubtful = bool(len(by_left) and evidence.pulse_rights_px) and are_left_at_pulse
    if not is_left_doubtful and not evidence.pulse_lefts_px and min(len(by_left), len(by_right)) > 1:
        return (modal_end_px(by_left) + modal_end_px(by_right)) / 2
    # left ends that run into a pulse must outnumber the right ones; they win where those may run into one
    min_ratio = 1.5 if is_left_doubtful else 0.0 if evidence.pulse_lefts_px else 0.5
    use_left = len(by_left) > min_ratio * len(by_right)
    return modal_end_px(by_left if use_left or not len(by_right) else by_right)


def _start_between_caps(by_left_px: Floats, by_right_px: Floats, cap_px: float) -> float | None:
    """Return the start in the middle of what both ends of the traces say, None where they contradict each other.

    Pens end round, flat or in between. This shows at both ends alike, so it cancels in the middle.
    """
    if not len(by_left_px) or not len(by_right_px):
        return None
    left_px, right_px = modal_end_px(by_left_px), modal_end_px(by_right_px)
    is_explained = -2 * cap_px - _CAP_SLACK_PX < right_px - left_px < 1.4 * cap_px + _CAP_SLACK_PX
    return (left_px + right_px) / 2 if is_explained else None


def _unhidden_start_px(lefts_px: Floats, left_px: float, right_px: float, px_per_s: float, px_per_mm: float) -> float:
    """Return the left end, or an earlier one that makes columns of usual seconds: labels hide the start of most.

    Columns are quarters of a second wide, and two or more of them make halves.
    """

    def off_mm(start_px: float) -> float:
        halves = 2 * (right_px - start_px) / px_per_s
        return float(abs(halves - round(halves))) * px_per_s / 2 / px_per_mm

    is_early = lefts_px < left_px - SAME_PLACE_MM * px_per_mm
    early_px = lefts_px[is_early & (lefts_px > left_px - _PULSE_BASE_MM * px_per_mm)]
    if off_mm(left_px) < _HIDDEN_MM or not len(early_px):
        return left_px
    start_px = float(min(early_px, key=off_mm))
    return start_px if off_mm(start_px) < SAME_PLACE_MM else left_px
