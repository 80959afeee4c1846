"""Pathological Q waves."""

from __future__ import annotations

from collections.abc import Iterator

from ecgimg.measurement import LeadMeasurements, Measurements
from ecgimg.reporting.rules.conduction import is_wide
from ecgimg.reporting.rules.contiguous_leads import LEAST_SURE_BEATS, contiguous_groups, usable_leads, wall_of
from ecgimg.reporting.rules.limits import has_known_gain
from ecgimg.reporting.statement import Basis, Grade, Patient, Statement, StatementCode

Q_MS = {"V2": 20.0, "V3": 20.0}
OTHER_Q_MS, LEAST_Q_MV = 30.0, 0.1
_SURE_MS = 40.0  # a Q of two contiguous leads that lasts as long is likely, a shorter one possible


def q_wave_statements(measured: Measurements, _: Patient) -> Iterator[Statement]:
    """Yield Q waves of two contiguous leads, which only a QRS of usual width has for a scar."""
    if is_wide(measured) or not has_known_gain(measured):
        return
    leads = usable_leads(measured)
    over = {lead: q_ms for lead, numbers in leads.items() if (q_ms := _pathological_ms(lead, numbers)) is not None}
    for group in contiguous_groups(over):
        if set(group) <= {"V1", "V2"}:
            continue  # V1 has a QS complex in many healthy people
        long = [lead for lead in group if over[lead] >= _SURE_MS and leads[lead]["q_duration_ms"].n >= LEAST_SURE_BEATS]
        grade = Grade.LIKELY if len(long) > 1 else Grade.POSSIBLE
        basis = tuple(Basis("Q duration", over[lead], Q_MS.get(lead, OTHER_Q_MS), "ms", lead) for lead in group)
        yield Statement(StatementCode.PATHOLOGICAL_Q, grade, basis, wall_of(group))


def _pathological_ms(lead: str, numbers: LeadMeasurements) -> float | None:
    """Return the duration of a Q wave that is too long for its lead, None for another."""
    q_ms, q_mv = numbers["q_duration_ms"].value, numbers["q_mv"].value
    if q_ms is None or q_mv is None or lead == "aVR":
        return None
    return q_ms if q_ms >= Q_MS.get(lead, OTHER_Q_MS) and -q_mv >= LEAST_Q_MV else None
