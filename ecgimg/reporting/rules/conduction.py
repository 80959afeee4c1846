"""PR, QRS, QTc and axis."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ecgimg.measurement import Measurements
from ecgimg.measurement.rhythm.beat_classes import BeatClass
from ecgimg.reporting.rules.limits import grade_above, grade_below, statement_of
from ecgimg.reporting.statement import Basis, Grade, Patient, Statement, StatementCode

LONGEST_PR_MS = 200.0
# What lies less far beyond its limit is possible: readers call it normal as often as not. Of 786 normal records of
# PTB-XL, 5.9 % have a PR above 200 ms and 0.1 % above 220; 2.4 % an axis below -30° and 0.5 % below -40°; 1.1 % one
# above 90° and 0.3 % above 100°; 1.9 % a QTc above 460 ms and 0.4 % above 475.
_SURE_PR_MS, _SURE_QTC_MS, _SURE_AXIS_DEG = 220.0, 15.0, (-40.0, 100.0)  # that of QTc is from its limit
SHORTEST_PR_MS = 110.0  # 120 in the guideline: PR from the first of twelve P onsets of the usual beat
WIDE_QRS_MS = 120.0
LONGEST_QTC_MS = {True: 450.0, False: 460.0, None: 460.0}
"""By whether the patient is male."""

SHORTEST_QTC_MS = 340.0
_AXIS_DEG = (-30.0, 90.0)
_NO_Q_OR_S_MV = 0.1
_LEFT_BLOCK_MS = 130.0  # Strauss et al. 2011, Am J Cardiol 107:927: 140 of men, 130 of women


def conduction_statements(measured: Measurements, patient: Patient) -> Iterator[Statement]:
    """Yield what is said of PR, QRS, QTc and axis."""
    values = measured.values
    if grade := grade_above(values["pr_ms"], LONGEST_PR_MS, "ms"):
        grade = grade if measured.number("pr_ms") > _SURE_PR_MS else Grade.POSSIBLE
        yield statement_of(StatementCode.LONG_PR, grade, "PR interval", values["pr_ms"], LONGEST_PR_MS, "ms")
    if grade := grade_below(values["pr_ms"], SHORTEST_PR_MS, "ms"):
        yield statement_of(StatementCode.SHORT_PR, grade, "PR interval", values["pr_ms"], SHORTEST_PR_MS, "ms")
    yield from _wide_qrs(measured)
    yield from _qtc(measured, patient)
    yield from _axis(measured)


def is_wide(measured: Measurements) -> bool:
    """Return whether the usual QRS is wide: its ST segment and Q waves follow from that, then."""
    return measured.number("qrs_ms") >= WIDE_QRS_MS


def _wide_qrs(measured: Measurements) -> Iterator[Statement]:
    number = measured.values["qrs_ms"]
    grade = grade_above(number, WIDE_QRS_MS, "ms")
    if grade is None:
        return
    yield statement_of(shape_of_wide_qrs(measured), grade, "QRS duration", number, WIDE_QRS_MS, "ms")


def shape_of_wide_qrs(measured: Measurements) -> StatementCode:
    """Return the shape of a wide QRS: right where V1 is upright, left where it is not and I and V6 show R alone."""
    area = measured.number("qrs_area_mv_ms", "V1")
    if is_paced(measured) or np.isnan(area):
        return StatementCode.WIDE_QRS
    if area > 0:
        return StatementCode.RIGHT_BUNDLE_BRANCH_BLOCK
    shows_r_alone = [
        measured.number("r_mv", lead) > 0
        and not any(abs(measured.number(name, lead)) >= _NO_Q_OR_S_MV for name in ("q_mv", "s_mv"))
        for lead in ("I", "V6")
        if lead in measured.leads
    ]
    is_left = shows_r_alone and all(shows_r_alone) and measured.number("qrs_ms") > _LEFT_BLOCK_MS
    return StatementCode.LEFT_BUNDLE_BRANCH_BLOCK if is_left else StatementCode.WIDE_QRS


def is_paced(measured: Measurements) -> bool:
    """Return whether most beats are paced: shape and axis are those of the pacemaker's place, then."""
    kinds = [beat.kind for beat in measured.beats]
    return 2 * kinds.count(BeatClass.PACED) > len(kinds)


def _qtc(measured: Measurements, patient: Patient) -> Iterator[Statement]:
    number, limit = measured.values["qtc_fridericia_ms"], LONGEST_QTC_MS[patient.male]
    # a wide QRS lengthens QT by what it is wider
    if not is_wide(measured) and (grade := grade_above(number, limit, "ms")):
        grade = grade if measured.number("qtc_fridericia_ms") > limit + _SURE_QTC_MS else Grade.POSSIBLE
        yield statement_of(StatementCode.LONG_QTC, grade, "QTc", number, limit, "ms")
    if grade := grade_below(number, SHORTEST_QTC_MS, "ms"):
        yield statement_of(StatementCode.SHORT_QTC, grade, "QTc", number, SHORTEST_QTC_MS, "ms")


def _axis(measured: Measurements) -> Iterator[Statement]:
    number = measured.values["qrs_axis_deg"]
    if number.value is None or _AXIS_DEG[0] <= number.value <= _AXIS_DEG[1] or is_paced(measured):
        return
    is_left = -90 < number.value < _AXIS_DEG[0]
    limit = _AXIS_DEG[0] if is_left else _AXIS_DEG[1]
    sure = _SURE_AXIS_DEG[0] if is_left else _SURE_AXIS_DEG[1]
    beyond = abs((number.value - limit + 180) % 360 - 180)
    code = StatementCode.LEFT_AXIS if is_left else StatementCode.RIGHT_AXIS
    if number.value <= -90:
        code = StatementCode.EXTREME_AXIS
    grade = Grade.LIKELY if beyond > abs(sure - limit) else Grade.POSSIBLE
    yield Statement(code, grade, (Basis("QRS axis", number.value, limit, "°"),))
