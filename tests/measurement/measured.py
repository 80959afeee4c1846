"""Measurements that were never measured, for tests of what is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ecgimg.measurement import Beat, LeadMeasurements, Measured, Measurements
from ecgimg.measurement.noise import LeadNoise
from ecgimg.measurement.results import LEAD_NAMES
from ecgimg.measurement.rhythm.beat_classes import BeatClass
from ecgimg.reasons import ReasonCode
from ecgimg.record import EcgRecord

CLEAN = LeadNoise(wander_uv=10.0, muscle_uv=2.0, mains_uv=1.0, mains_hz=50.0, state="ok")


def lead(name: str, noise: LeadNoise = CLEAN, **values: Measured) -> LeadMeasurements:
    """Return a lead with some numbers; the others are not given."""
    missing = Measured(reason=ReasonCode.TOO_FEW_BEATS.reason(count=0, least=1))
    return LeadMeasurements(name, {key: values.get(key, missing) for key in LEAD_NAMES}, None, None, noise, 2.5)


def in_columns(record: EcgRecord) -> EcgRecord:
    """Return what a page of four columns and a rhythm strip of II shows of ten seconds of twelve leads."""
    shown = np.zeros(record.signals.shape, bool)
    for column, samples in enumerate(np.array_split(np.arange(record.n_samples), 4)):
        shown[3 * column : 3 * column + 3, samples] = True
    shown[1] = True
    return record.masked(shown)


def beat(kind: BeatClass) -> Beat:
    return Beat(kind, None, (0.5, 0.6), None, {})


def measured_page(
    beats: tuple[BeatClass, ...] = (BeatClass.DOMINANT,) * 3,
    leads: Mapping[str, LeadMeasurements] | None = None,
    spikes_s: tuple[float, ...] = (),
    **values: Any,
) -> Measurements:
    """Return the measurements of a page without P waves; `values` are numbers by name."""
    no_p = Measured(n=2, reason=ReasonCode.NO_P_WAVE.reason())
    numbers = {
        "rate_bpm": Measured(77.6, 2.0, 12, 0.1),
        "rate_min_bpm": Measured(75.9, None, 12),
        "rate_max_bpm": Measured(80.4, None, 12),
        "p_duration_ms": no_p,
        "pr_ms": no_p,
        "qrs_ms": Measured(104.4, 3.6, 12, 11.6, ("I", "II")),
        "qt_ms": Measured(381.2, None, 2, 12.0),
        "qrs_axis_deg": Measured(-5.4, 0.4, 12),
        "limb_voltage_mv": Measured(1.204, 0.02, 4),
    }
    return Measurements(
        values=numbers | values, leads=leads or {}, beats=tuple(beat(kind) for kind in beats), spikes_s=spikes_s
    )
