"""How well records are measured: against annotated waves, and through a page against the record's own numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from onnxruntime import InferenceSession

from ecgimg.evaluate.measuring.wave_marks import (
    LeadMarks,
    MarkCounts,
    annotated_marks,
    count_marks,
    measured_marks,
    median_over_leads,
    over_all_leads,
    rate_bpm,
    usual_over_leads,
)
from ecgimg.formats.wave_annotations import AnnotatedWave
from ecgimg.measurement import Measurements, measure_record
from ecgimg.measurement.axes import LIMB_LEADS, measure_axis
from ecgimg.measurement.results import MEDIAN_NAMES
from ecgimg.record import EcgRecord

LEAST_ANNOTATED_BEATS = 4
"""Annotated beats from which on a record must not be left out."""

_REGULAR = 0.1  # relative range of the annotated RR up to which a rhythm is regular


@dataclass(frozen=True, eq=False)
class AnnotatedScore:
    """One annotated record: each interval as (measured, annotated) in ms, NaN where there is none.

    Parameters
    ----------
    name : str
    medians : mapping of interval to (measured, annotated)
        Per lead the median over beats, then the median over leads.
    usual : mapping of interval to (measured, annotated)
        Of the usual beat over all leads, which is what ecgimg calls global.
    over_leads : mapping of interval to (measured, annotated)
        The annotated ones from the earliest to the latest mark of all leads of a beat.
    rate_bpm, axis_deg : (measured, annotated)
    is_regular, has_p, says_p : bool
    beats : int
        Annotated ones of the lead that has most.
    """

    name: str
    medians: dict[str, tuple[float, float]]
    usual: dict[str, tuple[float, float]]
    over_leads: dict[str, tuple[float, float]]
    rate_bpm: tuple[float, float]
    axis_deg: tuple[float, float]
    is_regular: bool
    has_p: bool
    says_p: bool
    beats: int


@dataclass
class DelineationScores:
    """The scores of all records, and the marks counted over them by kind and edge."""

    records: list[AnnotatedScore] = field(default_factory=list)
    counts: dict[tuple[str, str], MarkCounts] = field(default_factory=dict)


def score_annotated(
    items: Iterable[tuple[str, EcgRecord, Sequence[AnnotatedWave]]],
    session: InferenceSession | None = None,
    scores: DelineationScores | None = None,
) -> DelineationScores:
    """Measure annotated records and compare.

    Parameters
    ----------
    items : iterable of (name, record, waves)
        See `ecgimg.formats.wave_annotations.iter_annotated`.
    session : onnxruntime.InferenceSession, optional
        Another delineator than the shipped one.
    scores : DelineationScores, optional
        To be continued, as over the parts of a cross-validation.
    """
    scores = scores or DelineationScores()
    for name, record, waves in items:
        measurements = measure_record(record, session=session)
        annotated = annotated_marks(waves)
        count_marks(waves, measured_marks(measurements), scores.counts)
        scores.records.append(_score(name, record, measurements, annotated))
    return scores


def _score(name: str, record: EcgRecord, measured: Measurements, annotated: LeadMarks) -> AnnotatedScore:
    truth, usual, extreme = (find(annotated) for find in (median_over_leads, usual_over_leads, over_all_leads))
    rate, first_s, last_s = rate_bpm(annotated)
    onsets_s = np.array([beat.qrs_s[0] for beat in measured.beats])
    within = onsets_s[(onsets_s > first_s - 0.15) & (onsets_s < last_s + 0.15)]
    rr_s = np.diff(within)
    own_rate = 60 / float(rr_s.mean()) if len(rr_s) else float("nan")
    return AnnotatedScore(
        name,
        {key: (_number(measured.median_over_leads.get(key)), truth[key]) for key in MEDIAN_NAMES},
        {key: (_value(measured, key), usual[key]) for key in MEDIAN_NAMES},
        {key: (_value(measured, key), extreme[key]) for key in MEDIAN_NAMES},
        (own_rate, rate),
        (_value(measured, "qrs_axis_deg"), annotated_axis_deg(record, annotated)),
        _is_regular(annotated),
        any(row.kind == "P" for rows in annotated.values() for row in rows),
        _value(measured, "p_duration_ms") > 0,
        max((sum(row.kind == "QRS" for row in rows) for rows in annotated.values()), default=0),
    )


def _value(measured: Measurements, name: str) -> float:
    return _number(measured.values[name].value) if name in measured.values else float("nan")


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _is_regular(annotated: LeadMarks) -> bool:
    """Return whether the RR of the lead with most annotated beats hardly changes."""
    rows = max(annotated.values(), key=lambda rows: sum(row.kind == "QRS" for row in rows), default=[])
    rr_s = np.diff([row.onset_s for row in rows if row.kind == "QRS"])
    return len(rr_s) >= 2 and float(np.ptp(rr_s)) < _REGULAR * float(rr_s.mean())


def annotated_axis_deg(record: EcgRecord, annotated: LeadMarks) -> float:
    """Return the QRS axis of the areas between annotated onsets and ends; NaN where there is none.

    Areas are about the mean level just before the onset, as those measured are: about the single sample at the onset,
    the axis of a small QRS turns by up to 15°.
    """
    leads = tuple(lead for lead in LIMB_LEADS if lead in record.leads and lead in annotated)
    beats = max((sum(row.kind == "QRS" for row in annotated[lead]) for lead in leads), default=0)
    areas = np.full((beats, len(leads)), np.nan)
    for column, lead in enumerate(leads):
        signal = record.lead(lead).astype(np.float64)
        for number, row in enumerate(row for row in annotated[lead] if row.kind == "QRS"):
            first, last = (round(time_s * record.fs_hz) for time_s in (row.onset_s, row.end_s))
            before = signal[max(first - round(0.018 * record.fs_hz), 0) : max(first, 1)]
            areas[number, column] = (signal[first : last + 1] - before.mean()).sum() * 1000 / record.fs_hz
    value = measure_axis("qrs_axis_deg", areas, leads, None).value
    return _number(value)


def bias_and_sd(pairs: Sequence[tuple[float, float]]) -> tuple[float, float, int]:
    """Return mean and standard deviation of measured less annotated, and of how many records."""
    error = np.array([measured - truth for measured, truth in pairs], np.float64)
    error = error[np.isfinite(error)]
    if not len(error):
        return float("nan"), float("nan"), 0
    return float(error.mean()), float(error.std()), len(error)


def left_out(scores: DelineationScores, interval: str) -> list[str]:
    """Return the records with four annotated beats and an annotated interval, for which none was given."""
    return [
        score.name
        for score in scores.records
        if score.beats >= LEAST_ANNOTATED_BEATS
        and np.isfinite(score.medians[interval][1])
        and not np.isfinite(score.medians[interval][0])
    ]
