"""ST elevation and depression, and inverted T waves, in contiguous leads.

Of 830 normal records of PTB-XL, age and sex not given, critical ST elevation is stated of 0.5 %, likely ST depression
of 0.4 % and likely inverted T waves of fewer.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping

import numpy as np

from ecgimg.measurement import LeadMeasurements, Measurements
from ecgimg.reporting.rules.conduction import is_wide, shape_of_wide_qrs
from ecgimg.reporting.rules.contiguous_leads import contiguous_groups, usable_leads, wall_of
from ecgimg.reporting.rules.limits import has_known_gain
from ecgimg.reporting.rules.voltages import has_high_voltage
from ecgimg.reporting.statement import Basis, Grade, Patient, Statement, StatementCode

ELEVATION_MV = 0.1
"""At the J point, in all leads but V2 and V3."""

OLD_YEARS = 40.0
DEPRESSION_MV, INVERSION_MV = 0.05, 0.1
CONCORDANT_MV = 0.12
_FASTEST_BPM = 180.0  # from which T, P and QRS run into each other
WIDESPREAD_LEADS, WIDESPREAD_MV = 6, 0.1
_ERROR_MV = 0.02  # of an ST level: two standard deviations on simulated hearts
# of the two or three beats of a column: with 0.02, twice as many normal records have a critical elevation on 3x4 pages
# as on twelve rows
_ERROR_OF_FEW_MV, _MANY_BEATS = 0.035, 5
_STRAIN_SHARE = 0.25  # of the depth of S; Armstrong et al. 2012, Am J Cardiol 110:977
_UNKNOWN_GAIN = 2.0  # pages are printed at 10 mm/mV, and a few at 20 or 5
_LEAST_BEATS = 3  # of all leads that show the same together; columns at 50 mm/s show one of each
_NO_T_LEADS = frozenset({"aVR", "V1", "III"})  # T is inverted there in healthy people

Leads = Mapping[str, LeadMeasurements]


def elevation_limit_mv(lead: str, patient: Patient) -> float:
    """Return the ST elevation at the J point from which two contiguous leads tell of injury.

    In V2 and V3 it is 0.15 mV of women, 0.2 mV of men and 0.25 mV of men below 40 years; the lowest of these where sex
    or age are not known.
    """
    if lead not in ("V2", "V3"):
        return ELEVATION_MV
    if not patient.male:
        return 0.15
    return 0.25 if patient.age_years is not None and patient.age_years < OLD_YEARS else 0.2


def st_statements(measured: Measurements, patient: Patient) -> Iterator[Statement]:
    """Yield what is said of ST segments and T waves; of a wide QRS only what its own ST shift does not explain.

    Where the gain of a page is assumed, elevation is judged as if it were known: nearly all pages are printed at
    10 mm/mV, and to miss an infarction is worse than to be told of one in vain. Depression and inverted T waves are
    likely only from twice their limits on, then.
    """
    leads = usable_leads(measured)
    if is_wide(measured):
        # right bundle branch block raises the ST segment of leads with a deep S alone
        if shape_of_wide_qrs(measured) is StatementCode.RIGHT_BUNDLE_BRANCH_BLOCK:
            upright = {lead: leads[lead] for lead in leads if _level(leads, lead, "qrs_area_mv_ms") > 0}
            yield from _elevation(measured, upright, patient)
        else:
            yield from _concordant_elevation(measured, leads)
        return
    yield from _elevation(measured, leads, patient)
    sure_share = 1.0 if has_known_gain(measured) else _UNKNOWN_GAIN
    yield from _depression(measured, leads, sure_share)
    heights_mv = {lead: _level(leads, lead, "t_mv") for lead in leads if lead not in _NO_T_LEADS}
    inverted = {lead: height_mv for lead, height_mv in heights_mv.items() if height_mv < -INVERSION_MV}
    for group in contiguous_groups(inverted):
        basis = tuple(Basis("T wave", inverted[lead], -INVERSION_MV, "mV", lead) for lead in group)
        is_sure = all(inverted[lead] < -INVERSION_MV * sure_share for lead in group)
        yield Statement(StatementCode.INVERTED_T, Grade.LIKELY if is_sure else Grade.POSSIBLE, basis, wall_of(group))


def _elevation(measured: Measurements, leads: Leads, patient: Patient) -> Iterator[Statement]:
    limits = {lead: elevation_limit_mv(lead, patient) for lead in leads}
    over = {lead: level for lead in leads if (level := _level(leads, lead, "st_j_mv")) > limits[lead] and lead != "aVR"}
    sure = {lead for lead, level in over.items() if level > limits[lead] + _error_mv(leads[lead])}
    is_high = has_high_voltage(measured, patient)
    for group in contiguous_groups(over, leads):
        is_sure = any(_beats(leads, part) >= _LEAST_BEATS for part in contiguous_groups(sure & set(group), leads))
        # hypertrophy lifts the ST segment where it deepens S, by a share of it
        is_strain = (
            is_high
            and set(group) <= {"V1", "V2", "V3"}
            and all(over[lead] < _STRAIN_SHARE * _depth_mv(leads[lead]) for lead in group)
        )
        grade = Grade.CRITICAL if is_sure and not is_strain and _has_baseline(measured) else Grade.POSSIBLE
        basis = tuple(Basis("ST at J", over[lead], limits[lead], "mV", lead) for lead in group)
        yield Statement(StatementCode.ST_ELEVATION, grade, basis, wall_of(group))


def _error_mv(lead: LeadMeasurements) -> float:
    """Return how far the ST level of a lead may be off, which is more where few beats show it."""
    return _ERROR_MV if lead["st_j_mv"].n >= _MANY_BEATS else _ERROR_OF_FEW_MV


def _depth_mv(lead: LeadMeasurements) -> float:
    """Return the depth of the deepest of Q and S, 0 where neither is given."""
    depths = [-lead.number(name) for name in ("q_mv", "s_mv")]
    return max((depth for depth in depths if depth > 0), default=0.0)


def _beats(leads: Leads, group: Collection[str]) -> int:
    """Return how many beats show the ST segments of some leads, all leads together."""
    return sum(leads[lead]["st_j_mv"].n for lead in group)


def _has_baseline(measured: Measurements) -> bool:
    """Return whether the ST segment has a level to be compared with: where T runs into the next beat, it has none."""
    return measured.values["qt_ms"].reason is None and not measured.number("rate_bpm") >= _FASTEST_BPM


def _depression(measured: Measurements, leads: Leads, sure_share: float) -> Iterator[Statement]:
    """Yield ST depression that still lasts 60 ms after J, as an upsloping one of a fast heart does not."""
    low: dict[str, float] = {}
    for lead in set(leads) - {"aVR"}:
        level = max(_level(leads, lead, "st_j_mv"), _level(leads, lead, "st_j60_mv"))
        if level < -DEPRESSION_MV:
            low[lead] = level
    raised = [lead for lead in ("aVR", "V1") if _level(leads, lead, "st_j_mv") >= DEPRESSION_MV]
    deep = [lead for lead, level in low.items() if level < -WIDESPREAD_MV * sure_share]
    if len(deep) >= WIDESPREAD_LEADS and raised:
        basis = tuple(Basis("ST", level, -DEPRESSION_MV, "mV", lead) for lead, level in sorted(low.items()))
        # without P waves, flutter waves may be what lies below the baseline
        is_sure = _has_baseline(measured) and measured.values["p_duration_ms"].value is not None
        grade = Grade.CRITICAL if is_sure else Grade.POSSIBLE
        yield Statement(StatementCode.ST_DEPRESSION_WIDESPREAD, grade, basis)
        return
    for group in contiguous_groups(low):
        basis = tuple(Basis("ST", low[lead], -DEPRESSION_MV, "mV", lead) for lead in group)
        is_sure = (
            _has_baseline(measured)
            and _beats(leads, group) >= _LEAST_BEATS
            and _median(low[lead] for lead in group) < -DEPRESSION_MV * sure_share
        )
        if _is_posterior(leads, group):
            grade = Grade.CRITICAL if is_sure else Grade.POSSIBLE
            yield Statement(StatementCode.ST_DEPRESSION_POSTERIOR, grade, basis)
        else:
            grade = Grade.LIKELY if is_sure else Grade.POSSIBLE
            yield Statement(StatementCode.ST_DEPRESSION, grade, basis, wall_of(group))


def _is_posterior(leads: Leads, group: tuple[str, ...]) -> bool:
    """Return whether depression is of V1 to V4 alone and T upright there, as leads at the back would show elevation."""
    is_upright = all(_level(leads, lead, "t_mv") > INVERSION_MV for lead in group)
    return is_upright and set(group) <= {"V1", "V2", "V3", "V4"} and len(set(group) & {"V1", "V2", "V3"}) > 1


def _median(levels_mv: Iterable[float]) -> float:
    return float(np.median(list(levels_mv)))


def _concordant_elevation(measured: Measurements, leads: Leads) -> Iterator[Statement]:
    """Yield ST elevation in leads whose wide QRS points upward, critical in two contiguous ones."""
    over = {
        lead: level
        for lead in leads
        if lead != "aVR"
        and (level := _level(leads, lead, "st_j_mv")) >= CONCORDANT_MV
        and _level(leads, lead, "qrs_area_mv_ms") > 0
    }
    sure = [lead for lead, level in over.items() if level > CONCORDANT_MV + _error_mv(leads[lead])]
    is_sure = any(_beats(leads, group) >= _LEAST_BEATS for group in contiguous_groups(sure, leads))
    grade = Grade.CRITICAL if is_sure and _has_baseline(measured) else Grade.POSSIBLE
    if over:
        basis = tuple(Basis("ST at J", level, CONCORDANT_MV, "mV", lead) for lead, level in over.items())
        yield Statement(StatementCode.ST_ELEVATION_WIDE_QRS, grade, basis)


def _level(leads: Leads, lead: str, name: str) -> float:
    """Return a number of a lead; NaN, which is neither above nor below anything, where it is not given."""
    return leads[lead].number(name) if lead in leads else math.nan
