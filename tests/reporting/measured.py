"""Measurements of a healthy heart, of which a test changes some numbers."""

from __future__ import annotations

from collections.abc import Mapping

from ecgimg.leads import STANDARD_LEADS
from ecgimg.measurement import LeadMeasurements, Measured, Measurements
from ecgimg.measurement.results import GLOBAL_NAMES, LEAD_NAMES
from ecgimg.measurement.rhythm.beat_classes import BeatClass
from ecgimg.reasons import ReasonCode
from tests.measurement.measured import CLEAN, beat

HEALTHY = {
    "rate_bpm": 70.0, "rr_ms": 857.0, "rr_irregularity": 0.02, "p_duration_ms": 100.0, "pr_ms": 160.0, "qrs_ms": 92.0,
    "qt_ms": 390.0, "qtc_fridericia_ms": 410.0, "qrs_axis_deg": 40.0, "sokolow_lyon_mv": 2.2, "cornell_mv": 1.0,
    "limb_voltage_mv": 1.2, "chest_voltage_mv": 2.0,
}  # fmt: skip
HEALTHY_LEAD = {
    "q_mv": -0.05, "q_duration_ms": 15.0, "r_mv": 1.0, "s_mv": -0.2, "t_mv": 0.3, "st_j_mv": 0.0, "st_j60_mv": 0.02,
    "qrs_area_mv_ms": 20.0,
}  # fmt: skip


def measured_heart(
    leads: Mapping[str, Mapping[str, float]] | None = None,
    beats: tuple[BeatClass, ...] = (BeatClass.DOMINANT,) * 12,
    missing: Mapping[str, ReasonCode] | None = None,
    **values: float,
) -> Measurements:
    """Return the measurements of a healthy heart with other numbers of some leads, other beats, and other values.

    Parameters
    ----------
    missing : mapping of a name to the reason why it is not given
    """
    numbers = {
        name: Measured((HEALTHY | values).get(name), None, 12, 0.05 if name.endswith("_mv") else 2.0, STANDARD_LEADS)
        for name in GLOBAL_NAMES
    }
    for name, code in (missing or {}).items():
        numbers[name] = Measured(reason=code.reason())
    by_lead = {}
    for lead in STANDARD_LEADS:
        own = HEALTHY_LEAD | dict((leads or {}).get(lead, {}))
        lead_numbers = {name: Measured(own.get(name), 0.01, 12, 0.003, (lead,)) for name in LEAD_NAMES}
        by_lead[lead] = LeadMeasurements(lead, lead_numbers, "positive", "positive", CLEAN, 10.0)
    return Measurements(values=numbers, leads=by_lead, beats=tuple(beat(kind) for kind in beats))
