"""PR, QRS, QTc and axis."""

from __future__ import annotations

from collections.abc import Iterator

from ecgimg.measurement import Measurements
from ecgimg.reporting.rules.limits import grade_above, grade_below, statement_of
from ecgimg.reporting.statement import Basis, Grade, Patient, Statement, StatementCode

LONGEST_PR_MS = 200.0
SHORTEST_PR_MS = 110.0  # 120 in the guideline: PR from the first of twelve P onsets of the usual beat
WIDE_QRS_MS = 120.0
LONGEST_QTC_MS = {True: 450.0, False: 460.0, None: 460.0}
"""By whether the patient is male."""

SHORTEST_QTC_MS = 340.0
_AXIS_DEG = (-30.0, 90.0)


def conduction_statements(measured: Measurements, patient: Patient) -> Iterator[Statement]:
    """Yield what is said of PR, QRS, QTc and axis."""
    values = measured.values
    if grade := grade_above(values["pr_ms"], LONGEST_PR_MS, "ms"):
        yield statement_of(StatementCode.LONG_PR, grade, "PR interval", values["pr_ms"], LONGEST_PR_MS, "ms")
    if grade := grade_below(values["pr_ms"], SHORTEST_PR_MS, "ms"):
        yield statement_of(StatementCode.SHORT_PR, grade, "PR interval", values["pr_ms"], SHORTEST_PR_MS, "ms")
    yield from _wide_qrs(measured)
    yield from _qtc(measured, patient)
    yield from _axis(measured)


def is_wide(measured: Measurements) -> bool:
    """Return whether the usual QRS is wide: its ST segment and Q waves follow from that, then."""
    qrs_ms = measured.values["qrs_ms"].value
    return qrs_ms is not None and qrs_ms >= WIDE_QRS_MS


def _wide_qrs(measured: Measurements) -> Iterator[Statement]:
    number = measured.values["qrs_ms"]
    grade = grade_above(number, WIDE_QRS_MS, "ms")
    if grade is None:
        return
    code = StatementCode.WIDE_QRS
    v1 = measured.leads.get("V1")
    area = v1["qrs_area_mv_ms"].value if v1 is not None else None
    lateral = [measured.leads[lead]["qrs_area_mv_ms"].value for lead in ("I", "V6") if lead in measured.leads]
    if area is not None and area > 0:
        code = StatementCode.RIGHT_BUNDLE_BRANCH_BLOCK
    elif area is not None and lateral and all(value is not None and value > 0 for value in lateral):
        code = StatementCode.LEFT_BUNDLE_BRANCH_BLOCK
    yield statement_of(code, grade, "QRS duration", number, WIDE_QRS_MS, "ms")


def _qtc(measured: Measurements, patient: Patient) -> Iterator[Statement]:
    number, limit = measured.values["qtc_fridericia_ms"], LONGEST_QTC_MS[patient.male]
    # a wide QRS lengthens QT by what it is wider
    if not is_wide(measured) and (grade := grade_above(number, limit, "ms")):
        yield statement_of(StatementCode.LONG_QTC, grade, "QTc", number, limit, "ms")
    if grade := grade_below(number, SHORTEST_QTC_MS, "ms"):
        yield statement_of(StatementCode.SHORT_QTC, grade, "QTc", number, SHORTEST_QTC_MS, "ms")


def _axis(measured: Measurements) -> Iterator[Statement]:
    number = measured.values["qrs_axis_deg"]
    if number.value is None or _AXIS_DEG[0] <= number.value <= _AXIS_DEG[1]:
        return
    is_left = -90 < number.value < _AXIS_DEG[0]
    limit = _AXIS_DEG[0] if is_left else _AXIS_DEG[1]
    error = max(number.expected_error or 0.0, 5.0)
    beyond = abs((number.value - limit + 180) % 360 - 180)
    code = StatementCode.LEFT_AXIS if is_left else StatementCode.RIGHT_AXIS
    grade = Grade.LIKELY if beyond > error else Grade.POSSIBLE
    yield Statement(code, grade, (Basis("QRS axis", number.value, limit, "°"),))
