"""What is measured of an ECG as the classifier reads it: numbers, and the usual beat of every lead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecgimg.classification.tokens import FS_HZ
from ecgimg.leads import STANDARD_LEADS
from ecgimg.measurement import LeadMeasurements, Measurements, measure_record
from ecgimg.measurement.order_statistics import known_median
from ecgimg.measurement.results import GLOBAL_NAMES, LEAD_NAMES
from ecgimg.measurement.rhythm.beat_classes import BeatClass
from ecgimg.reasons import ReasonCode
from ecgimg.record import EcgRecord

Numbers = NDArray[np.float32]

BEAT_RATE_HZ = 100.0
BEAT_SAMPLES, BEFORE_ONSET = 96, 36
"""Samples of a usual beat, and how many of them lie before the QRS onset."""

_SHAPES = ("p_shape", "t_shape")
_SHAPE_VALUES = {"positive": 1.0, "negative": -1.0, "positive-negative": 0.3, "negative-positive": -0.3}
_RHYTHM_NAMES = (
    *(f"share_{kind.value}" for kind in BeatClass), "beats", "spikes", "lone_p", "share_with_p", "rr_spread",
    "rr_shortest", "rr_longest", "has_p",
)  # fmt: skip
_ZERO_LEVEL = slice(BEFORE_ONSET - 4, BEFORE_ONSET)  # the 40 ms before the QRS

NUMBER_NAMES = (
    *GLOBAL_NAMES, *(f"{lead}.{name}" for lead in STANDARD_LEADS for name in (*LEAD_NAMES, *_SHAPES)), *_RHYTHM_NAMES,
)  # fmt: skip
"""The numbers in the order in which the network takes them: of the record, of each lead, and of its rhythm."""


@dataclass(frozen=True, eq=False)
class MeasuredInputs:
    """What was measured of some records.

    Parameters
    ----------
    numbers : (records, numbers) float32
        In the order of `NUMBER_NAMES`; NaN where one is not given.
    beats : (records, 12, BEAT_SAMPLES) float32
        The usual beat of each lead in mV at 100 Hz, above its level before the QRS; NaN where nothing is known.
    """

    numbers: Numbers
    beats: Numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def subset(self, chosen: NDArray[np.bool_] | NDArray[np.intp] | slice) -> MeasuredInputs:
        """Return the records at indices, or where a mask is True."""
        return MeasuredInputs(self.numbers[chosen], self.beats[chosen])


def join_measured(parts: Sequence[MeasuredInputs]) -> MeasuredInputs:
    """Return the records of all parts, one after the other."""
    return MeasuredInputs(
        np.concatenate([part.numbers for part in parts]), np.concatenate([part.beats for part in parts])
    )


def measured_inputs(measured: Sequence[Measurements]) -> MeasuredInputs:
    """Return what the classifier reads of the measurements of some records; nothing is known where they are empty."""
    return MeasuredInputs(
        np.stack([_numbers(item) for item in measured]), np.stack([_usual_beat(item) for item in measured])
    )


def measure_signals(signals_mv: Numbers) -> MeasuredInputs:
    """Measure records (records, 12, samples) mV at `FS_HZ`, NaN where nothing is known; about 70 ms each."""
    return measured_inputs([measure_record(EcgRecord(signals, FS_HZ)) for signals in signals_mv])


def _numbers(measured: Measurements) -> Numbers:
    values = [measured.number(name) if measured.values else np.nan for name in GLOBAL_NAMES]
    for lead in STANDARD_LEADS:
        values += [measured.number(name, lead) for name in LEAD_NAMES]
        values += _shapes(measured.leads.get(lead))
    return np.array(values + _rhythm(measured), np.float32)


def _shapes(lead: LeadMeasurements | None) -> list[float]:
    """Return the shapes of P and T: 1 for upright, -1 for inverted, in between for those of two parts."""
    shapes = [getattr(lead, name, None) for name in _SHAPES]
    return [np.nan if shape is None else _SHAPE_VALUES[shape] for shape in shapes]


def _rhythm(measured: Measurements) -> list[float]:
    beats = measured.beats
    if not beats:
        return [np.nan] * len(_RHYTHM_NAMES)
    kinds = [beat.kind for beat in beats]
    shares = [kinds.count(kind) / len(kinds) for kind in BeatClass]
    rr_s = np.diff([beat.qrs_s[0] for beat in beats])
    spread = [np.nan] * 3
    if len(rr_s) > 1:
        spread = [rr_s.std() / rr_s.mean(), rr_s.min() / np.median(rr_s), rr_s.max() / np.median(rr_s)]
    reason = measured["p_duration_ms"].reason
    has_p = reason is None or reason.code is not ReasonCode.NO_P_WAVE
    counts = [len(beats), len(measured.spikes_s), len(measured.lone_p_s)]
    return [*shares, *counts, float(np.mean([beat.p_s is not None for beat in beats])), *spread, float(has_p)]


def _usual_beat(measured: Measurements) -> Numbers:
    """Return the median of the usual beats of each lead, (12, BEAT_SAMPLES), about their common QRS onset."""
    record = measured.record
    if record is None or not measured.beats:
        return np.full((len(STANDARD_LEADS), BEAT_SAMPLES), np.nan, np.float32)
    usual = [beat for beat in measured.beats if beat.kind in (BeatClass.DOMINANT, BeatClass.PACED)]
    onsets_s = np.array([beat.qrs_s[0] for beat in usual or measured.beats])
    windows = _windows(record, onsets_s)
    zero = known_median(windows[..., _ZERO_LEVEL], axis=2)
    return known_median(windows - zero[..., None], axis=1).astype(np.float32)


def _windows(record: EcgRecord, onsets_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (12, beats, BEAT_SAMPLES) mV about each onset, every sample the mean over a hundredth of a second."""
    signals = record.select(STANDARD_LEADS).signals.astype(np.float64)
    width = max(round(record.fs_hz / BEAT_RATE_HZ), 1)
    grid = (np.arange(BEAT_SAMPLES) - BEFORE_ONSET) / BEAT_RATE_HZ
    at = np.rint((onsets_s[:, None] + grid) * record.fs_hz).astype(int)
    at = at[..., None] + np.arange(width) - width // 2  # (beats, BEAT_SAMPLES, width)
    inside = (at >= 0) & (at < signals.shape[1])
    values = np.where(inside, signals[:, np.clip(at, 0, signals.shape[1] - 1)], np.nan)
    known = np.isfinite(values)
    count = known.sum(axis=-1)
    total = np.where(known, values, 0.0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
