"""Marks of waves as tables: those that people annotated, and those that were measured, to be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgimg.formats.wave_annotations import AnnotatedWave
from ecgimg.measurement import Measurements
from ecgimg.measurement.delineation.model import BeatWaves
from ecgimg.measurement.delineation.usual_beat import usual_beat
from ecgimg.measurement.intervals import intervals_of_usual_beat
from ecgimg.measurement.results import MEDIAN_NAMES

Floats = NDArray[np.float64]

KINDS = ("P", "QRS", "T")
_LONGEST_PR_S = 0.5  # from a P wave to the QRS that it is taken to belong to
_MARGIN_S = 0.016  # around what is annotated in a lead: marks beyond it cannot be judged
TOLERANCE_S = 0.150
"""How far a mark may lie off the annotated one to count as found (ANSI/AAMI EC57)."""


@dataclass(frozen=True)
class MarkedWave:
    """A wave of one lead: its kind, and its onset and end in seconds."""

    kind: str
    onset_s: float
    end_s: float


LeadMarks = dict[str, list[MarkedWave]]
"""The waves of each lead, in order of time."""


def annotated_marks(waves: Sequence[AnnotatedWave]) -> LeadMarks:
    """Return the annotated waves whose onset and end are both marked; the others are in `half_marked`."""
    marks: LeadMarks = {}
    for wave in waves:
        if wave.onset_s is not None and wave.end_s is not None:
            marks.setdefault(wave.lead, []).append(MarkedWave(wave.kind, wave.onset_s, wave.end_s))
    return {lead: sorted(rows, key=lambda row: row.onset_s) for lead, rows in marks.items()}


def half_marked(waves: Sequence[AnnotatedWave]) -> dict[tuple[str, str], list[float]]:
    """Return the peaks (s) of the annotated waves of each lead and kind whose onset or end was not marked."""
    peaks: dict[tuple[str, str], list[float]] = {}
    for wave in waves:
        if wave.onset_s is None or wave.end_s is None:
            peaks.setdefault((wave.lead, wave.kind), []).append(wave.peak_s)
    return peaks


def measured_marks(measurements: Measurements) -> LeadMarks:
    """Return the waves that were measured in each lead."""
    marks: LeadMarks = {}
    for beat in measurements.beats:
        for lead, waves in beat.leads.items():
            for kind, times in zip(KINDS, (waves.p_s, waves.qrs_s, waves.t_s), strict=True):
                if times is not None:
                    marks.setdefault(lead, []).append(MarkedWave(kind, times[0], times[2]))
    return {lead: sorted(rows, key=lambda row: row.onset_s) for lead, rows in marks.items()}


def median_over_leads(marks: LeadMarks) -> dict[str, float]:
    """Return per lead the median over beats, then the median over leads, of each interval in ms; NaN where none."""
    per_lead: dict[str, list[float]] = {name: [] for name in MEDIAN_NAMES}
    for rows in marks.values():
        for name, values in _lead_intervals(rows).items():
            if values:
                per_lead[name].append(float(np.median(values)))
    return {name: float(np.median(values)) if values else float("nan") for name, values in per_lead.items()}


def _lead_intervals(rows: Sequence[MarkedWave]) -> dict[str, list[float]]:
    """Return the intervals of every beat of a lead, ms."""
    intervals: dict[str, list[float]] = {name: [] for name in MEDIAN_NAMES}
    for place, row in enumerate(rows):
        before = rows[place - 1] if place else None
        after = rows[place + 1] if place + 1 < len(rows) else None
        if row.kind == "P":
            intervals["p_duration_ms"].append(1000 * (row.end_s - row.onset_s))
        if row.kind != "QRS":
            continue
        intervals["qrs_ms"].append(1000 * (row.end_s - row.onset_s))
        if before is not None and before.kind == "P" and row.onset_s - before.onset_s < _LONGEST_PR_S:
            intervals["pr_ms"].append(1000 * (row.onset_s - before.onset_s))
        if after is not None and after.kind == "T":
            intervals["qt_ms"].append(1000 * (after.end_s - row.onset_s))
    return intervals


def over_all_leads(marks: LeadMarks) -> dict[str, float]:
    """Return the intervals from the earliest to the latest mark of all leads, medians over beats, ms.

    A beat counts where half of the leads have its QRS.
    """
    beats = _joined_beats(marks)
    intervals: dict[str, list[float]] = {name: [] for name in MEDIAN_NAMES}
    for beat in beats:
        p, qrs, t = (beat.get(kind, {}).values() for kind in KINDS)
        if len(qrs) < len(marks) / 2:
            continue
        onset_s = min(row.onset_s for row in qrs)
        intervals["qrs_ms"].append(1000 * (max(row.end_s for row in qrs) - onset_s))
        if p:
            first_s = min(row.onset_s for row in p)
            intervals["p_duration_ms"].append(1000 * (max(row.end_s for row in p) - first_s))
            intervals["pr_ms"].append(1000 * (onset_s - first_s))
        if t:
            intervals["qt_ms"].append(1000 * (max(row.end_s for row in t) - onset_s))
    return {name: float(np.median(values)) if values else float("nan") for name, values in intervals.items()}


def usual_over_leads(marks: LeadMarks) -> dict[str, float]:
    """Return the intervals of the usual beat over all leads, ms: what ecgimg calls global, of any marks."""
    beats, leads = _joined_beats(marks), tuple(marks)
    onset_s, end_s = (np.full((len(KINDS), len(beats), len(leads)), np.nan) for _ in range(2))
    for number, beat in enumerate(beats):
        for kind, rows in beat.items():
            for lead, row in rows.items():
                place = KINDS.index(kind), number, leads.index(lead)
                onset_s[place], end_s[place] = row.onset_s, row.end_s
    same = np.ones_like(onset_s)  # every mark counts alike
    seen, qrs_s = np.isfinite(onset_s[1]), np.zeros((len(beats), 2))
    waves = BeatWaves(qrs_s, onset_s, end_s, same, same, same, seen, seen, np.empty((0, 2)))
    return intervals_of_usual_beat(*usual_beat(waves, np.ones(len(beats), bool)))


def _joined_beats(marks: LeadMarks) -> list[dict[str, dict[str, MarkedWave]]]:
    """Return the waves of every beat by kind and lead: QRS that overlap, the P before each and the T after it."""
    everything = sorted(
        ((lead, row) for lead, rows in marks.items() for row in rows if row.kind == "QRS"), key=lambda it: it[1].onset_s
    )
    beats: list[dict[str, dict[str, MarkedWave]]] = []
    end_s = -np.inf
    owner: dict[tuple[str, MarkedWave], dict[str, dict[str, MarkedWave]]] = {}
    for lead, row in everything:
        if row.onset_s > end_s:
            beats.append({"QRS": {}})
        end_s = max(end_s, row.end_s)
        beats[-1]["QRS"][lead] = row
        owner[lead, row] = beats[-1]
    for lead, rows in marks.items():
        for place, row in enumerate(rows):
            neighbour = place + 1 if row.kind == "P" else place - 1
            if row.kind == "QRS" or not 0 <= neighbour < len(rows) or rows[neighbour].kind != "QRS":
                continue
            qrs = rows[neighbour]
            if row.kind == "T" or qrs.onset_s - row.onset_s <= _LONGEST_PR_S:
                owner[lead, qrs].setdefault(row.kind, {})[lead] = row
    return beats


def rate_bpm(marks: LeadMarks) -> tuple[float, float, float]:
    """Return the mean heart rate over the annotated span, and where that span begins and ends, s; NaN without beats."""
    beats = _joined_beats(marks)
    onsets_s = np.array([np.median([row.onset_s for row in beat["QRS"].values()]) for beat in beats])
    if len(onsets_s) < 2:
        return float("nan"), float("nan"), float("nan")
    return 60 / float(np.diff(onsets_s).mean()), float(onsets_s[0]), float(onsets_s[-1])


@dataclass
class MarkCounts:
    """Annotated marks that were found and missed, marks that are false, and the errors of those found (s)."""

    found: int
    missed: int
    false: int
    errors_s: list[float]

    @property
    def sensitivity(self) -> float:
        """Share of the annotated marks that were found."""
        return self.found / max(self.found + self.missed, 1)

    @property
    def precision(self) -> float:
        """Share of the marks that are annotated (positive predictive value)."""
        return self.found / max(self.found + self.false, 1)


def count_marks(waves: Sequence[AnnotatedWave], measured: LeadMarks, counts: dict[tuple[str, str], MarkCounts]) -> None:
    """Add the marks of a record to `counts`, by kind and ``onset`` or ``end``.

    A mark near the peak of a wave that was annotated by half is neither found nor false.
    """
    annotated, unmarked = annotated_marks(waves), half_marked(waves)
    for lead, rows in annotated.items():
        low_s = min(row.onset_s for row in rows) - _MARGIN_S
        high_s = max(row.end_s for row in rows) + _MARGIN_S
        for kind in KINDS:
            for edge in ("onset", "end"):
                count = counts.setdefault((kind, edge), MarkCounts(0, 0, 0, []))
                truth = _edges(rows, kind, edge)
                marks = _edges(measured.get(lead, []), kind, edge)
                _count(count, truth, marks, (low_s, high_s), np.array(unmarked.get((lead, kind), []), np.float64))


def _edges(rows: Sequence[MarkedWave], kind: str, edge: str) -> Floats:
    return np.array([row.onset_s if edge == "onset" else row.end_s for row in rows if row.kind == kind], np.float64)


def _count(
    count: MarkCounts, truth_s: Floats, marks_s: Floats, span_s: tuple[float, float], unmarked_s: Floats
) -> None:
    for time_s in truth_s:
        error_s = marks_s[np.abs(marks_s - time_s).argmin()] - time_s if len(marks_s) else np.inf
        if abs(error_s) <= TOLERANCE_S:
            count.found += 1
            count.errors_s.append(float(error_s))
        else:
            count.missed += 1
    known_s = np.concatenate([truth_s, unmarked_s])
    for time_s in marks_s[(marks_s >= span_s[0]) & (marks_s <= span_s[1])]:
        count.false += not len(known_s) or bool(np.abs(known_s - time_s).min() > TOLERANCE_S)
