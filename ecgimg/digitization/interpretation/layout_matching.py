"""Tell which lead stands where: score every layout on rows, width, printed names and the physics of the limb leads.

Every limb lead is a fixed mixture of I and II (Einthoven, Goldberger). Limb leads printed at the same time must
therefore fit one pair of signals; a layout that names them wrongly leaves a residual. A rhythm strip must equal its
lead's cell. Both need no printed name at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.interpretation.beat_matching import repetition
from ecgimg.digitization.interpretation.simultaneous_columns import coincidence
from ecgimg.digitization.model import Interpretation, LeadLabel, RowTrace, Scale
from ecgimg.digitization.signals.lead_extraction import FS_HZ, slot_signal_mv
from ecgimg.digitization.signals.limb_leads import LIMB_LEAD_MIX, fit_limb_leads
from ecgimg.digitization.text.label_matching import count_labels_beside_rows, score_labels
from layouts import Layout, Slot

Floats = NDArray[np.float64]

_RARE = 0.8  # columns that repeat the same seconds are seldom printed
_REPEATS, _CHANGES, _SPAN, _CONTRADICTED = 0.6, 0.5, 0.3, 1.5
_HALVED_S = 4.0
_LOST = 0.02
_SIDES: tuple[Literal["top", "bottom"], ...] = ("top", "bottom")
_NAMED_CUT = 0.5
_FEW_NAMES = 3  # so many may be read by mistake
_USUAL = 0.15  # most pages have no rhythm strip, or lead II


_Cells = tuple[float, tuple[tuple[int, int | None], ...]]


def place(
    rows: Sequence[RowTrace],
    extent_px: tuple[float, float],
    labels: Sequence[LeadLabel],
    scale: Scale,
    candidates: Sequence[Layout],
) -> Interpretation | None:
    """Choose the layout that explains the page best, or None when none has this many rows.

    One whose first or last row the picture may have cut off is taken where the names tell it, and no whole one.
    """
    width_s = (extent_px[1] - extent_px[0]) / scale.px_per_mm / scale.speed_mm_s
    if width_s <= 0:  # the rows have nothing in common
        return None
    signals = _Signals(rows, extent_px[0], scale)
    whole = [layout for layout in candidates if layout.n_rows == len(rows)]
    fits = _ranked(whole, signals, labels, width_s)
    if not fits or fits[0].labels_read < _NAMED_CUT:
        cut = _ranked(_cut_to(len(rows), candidates), signals, labels, width_s)
        if cut and cut[0].labels_read >= _NAMED_CUT and not (fits and fits[0].score > cut[0].score):
            fits = [replace(fit, is_cut=True) for fit in cut]
    if not fits:
        return None
    best = fits[0]
    rivals = [other for other in fits[1:] if _differs(other.layout, best.layout)]
    margin = best.score - rivals[0].score if rivals else best.score
    agreed = round(best.labels_read * len(best.layout.slots()))
    elsewhere = count_labels_beside_rows(rows, labels, scale.px_per_mm) - agreed
    return replace(best, margin=margin, is_contradicted=elsewhere > max(agreed, _FEW_NAMES))


def _ranked(
    candidates: Sequence[Layout], signals: _Signals, labels: Sequence[LeadLabel], width_s: float
) -> list[Interpretation]:
    """Return every layout laid on the rows, the best first."""
    placements = []
    same_seconds: dict[_Cells, float] = {}  # the same for all layouts with the same cells
    contradicted: dict[_Cells, float] = {}
    for layout in candidates:
        fitted, width_score = _fit_width(layout, width_s)
        physics = _physics_db(fitted, signals)
        agreed, name_score = score_labels(fitted, signals.rows, labels, signals.start_px, signals.scale)
        cells = fitted.seconds_per_column, tuple((slot.row, slot.column) for slot in fitted.slots())
        if cells not in contradicted:
            contradicted[cells] = _contradicted(fitted, signals)
        score = width_score + name_score + _strip_score(fitted, signals) - contradicted[cells]
        if fitted.columns > 1:
            if cells not in same_seconds:
                same_seconds[cells] = _coincidence(fitted, signals)
            simultaneous = fitted.columns_in_time == "simultaneous"
            score += same_seconds[cells] - _RARE if simultaneous else -max(same_seconds[cells], 0.0)
        score += _USUAL * (layout.rhythm in ((), ("II",)))
        if physics is not None:
            score += float(np.clip(physics / 12, -0.5, 1.5))
        strips = [named for slot, named in zip(fitted.slots(), agreed, strict=True) if slot.column is None]
        named, is_wide_so = sum(agreed) / len(agreed), width_score > 0
        placements.append(
            Interpretation(fitted, signals.start_px, score, score, physics, named, is_wide_so, all(strips))
        )
    return sorted(placements, key=lambda placement: -placement.score)


def _cut_to(n_rows: int, candidates: Sequence[Layout]) -> list[Layout]:
    """Return the layouts of a row more without their first, or their last, row."""
    cut = [layout.cut(side) for layout in candidates if layout.n_rows == n_rows + 1 for side in _SIDES]
    return [layout for layout in cut if layout is not None]


def _differs(first: Layout, second: Layout) -> bool:
    ours = [(slot.row, slot.column, slot.printed_name, round(slot.start_s, 1)) for slot in first.slots()]
    return ours != [(slot.row, slot.column, slot.printed_name, round(slot.start_s, 1)) for slot in second.slots()]


def _fit_width(layout: Layout, width_s: float) -> tuple[Layout, float]:
    """Keep the seconds of the layout where they fit the page; otherwise take what the page is wide."""
    share = width_s / layout.printed_s
    if 0.97 < share < 1.04:
        return layout, 1.0
    seconds = width_s / layout.columns
    rounded = round(seconds * 4) / 4
    if rounded > 0 and abs(rounded / seconds - 1) < 0.03:
        return layout.with_seconds(rounded), 0.3
    return layout.with_seconds(seconds), -0.4


class _Signals:
    """The signals (samples,) mV of slots, each cut out of its row once: layouts have most of them in common."""

    def __init__(self, rows: Sequence[RowTrace], start_px: float, scale: Scale) -> None:
        self.rows, self.start_px, self.scale = rows, start_px, scale
        self._cut: dict[tuple[object, ...], Floats] = {}

    def of(self, layout: Layout, slot: Slot) -> Floats:
        """Return the signal of a slot of a layout."""
        column = (slot.column, layout.columns, layout.seconds_per_column)
        key = slot.row, slot.sign, slot.lead.startswith("V"), slot.start_s, slot.end_s, column
        if key not in self._cut:
            zero_px = self.scale.zero_px[slot.row]
            self._cut[key] = slot_signal_mv(slot, layout, self.rows[slot.row], self.start_px, self.scale, zero_px)
        return self._cut[key]


def _physics_db(layout: Layout, signals: _Signals) -> float | None:
    """Return the dB by which simultaneous limb leads exceed what no pair of signals I and II explains."""
    groups: dict[float, list[tuple[Floats, tuple[float, float]]]] = {}
    for slot in layout.slots():
        if slot.lead in LIMB_LEAD_MIX and slot.column is not None:
            groups.setdefault(slot.start_s, []).append((signals.of(layout, slot), LIMB_LEAD_MIX[slot.lead]))
    power = residual = 0.0
    for group in groups.values():
        if len(group) < 3:
            continue
        together = np.stack([signal for signal, _ in group])
        known = np.isfinite(together).all(axis=0)
        if known.sum() < 100:
            continue
        fit = fit_limb_leads(np.array([mix for _, mix in group]), together[:, known])
        power += fit.power
        residual += fit.residual
    return 10 * float(np.log10(power / max(residual, 1e-12))) if power else None


def _strip_score(layout: Layout, signals: _Signals) -> float:
    """Score how well each rhythm strip repeats its lead's cell."""
    cells = {slot.lead: slot for slot in layout.slots() if slot.column is not None}
    score = 0.0
    for strip in (slot for slot in layout.slots() if slot.column is None and slot.lead in cells):
        cell = cells[strip.lead]
        long, short = signals.of(layout, strip), signals.of(layout, cell)
        first = round(cell.start_s * FS_HZ)
        part = long[first : first + len(short)]
        short = short[: len(part)]
        known = np.isfinite(part) & np.isfinite(short)
        if known.sum() > 100:
            a, b = part[known] - part[known].mean(), short[known] - short[known].mean()
            error = min(_trimmed((a - np.roll(b, k)) ** 2) for k in range(-12, 13, 3))
            score += float(np.clip(10 * np.log10(float((b**2).sum()) / max(error, 1e-9)) / 12, -0.5, 1.5))
    return score


def _trimmed(squares: Floats) -> float:
    """Return the sum of squares, the largest left out: a spike that one of two traces lost."""
    count = len(squares) - round(_LOST * len(squares))
    return float(np.partition(squares, count - 1)[:count].sum())


def _contradicted(layout: Layout, signals: _Signals) -> float:
    """Return how clearly the rows show that their leads change elsewhere, 0 to 1.5.

    Neighbouring columns show different leads, so one's beats do not recur in the other; within a cell they do.
    """
    cells: dict[int, list[Floats]] = {}
    for slot in layout.slots():
        cells.setdefault(slot.row, []).append(signals.of(layout, slot))
    changes = [pair for row in cells.values() for pair in pairwise(row)]
    halves = [
        (signal[: len(signal) // 2], signal[len(signal) // 2 :])
        for row in cells.values()
        for signal in row
        if len(signal) > _HALVED_S * FS_HZ
    ]
    repeats, recurs = (
        [share for first, second in pairs if (share := repetition(first, second, FS_HZ)) is not None]
        for pairs in (changes, halves)
    )
    doubt = (float(np.median(repeats)) - _CHANGES) / _SPAN if repeats else 0.0
    missing = (_REPEATS - float(np.median(recurs))) / _SPAN if recurs else 0.0
    return _CONTRADICTED * float(np.clip(max(doubt, missing), 0.0, 1.0))


def _coincidence(layout: Layout, signals: _Signals) -> float:
    """Return how clearly the columns show the same seconds, by the leads in them and the strips below them."""
    leads: dict[int, list[Floats]] = {}
    strips: list[Floats] = []
    for slot in layout.slots():
        (strips if slot.column is None else leads.setdefault(slot.column, [])).append(signals.of(layout, slot))
    return coincidence([leads[column] for column in sorted(leads)], FS_HZ, strips)
