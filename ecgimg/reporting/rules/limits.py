"""How far a number is beyond its limit."""

from __future__ import annotations

from ecgimg.measurement import Measured, Measurements
from ecgimg.reasons import ReasonCode
from ecgimg.reporting.statement import Basis, Grade, Statement, StatementCode

LEAST_ERROR = {"ms": 8.0, "bpm": 1.0, "mV": 0.02, "°": 5.0}
"""Error that no measured number is below, as from picture to picture of one page."""


def has_known_gain(measured: Measurements) -> bool:
    """Return whether millivolts can be compared with limits: not of a page whose gain is assumed."""
    reason = measured["limb_voltage_mv"].reason
    return reason is None or reason.code is not ReasonCode.VOLTAGES_UNCERTAIN


def grade_above(number: Measured, limit: float, unit: str) -> Grade | None:
    """Return `LIKELY` above a limit by more than the expected error, `POSSIBLE` by less, None for a number below."""
    if number.value is None or number.value <= limit:
        return None
    error = max(number.expected_error or 0.0, LEAST_ERROR[unit])
    return Grade.LIKELY if number.value - limit > error else Grade.POSSIBLE


def grade_below(number: Measured, limit: float, unit: str) -> Grade | None:
    """Return the same for a number below its limit."""
    if number.value is None:
        return None
    mirrored = Measured(-number.value, number.spread, number.n, number.expected_error, number.leads)
    return grade_above(mirrored, -limit, unit)


def statement_of(code: StatementCode, grade: Grade, name: str, number: Measured, limit: float, unit: str) -> Statement:
    """Return the statement of one number of the whole record."""
    assert number.value is not None
    return Statement(code, grade, (Basis(name, number.value, limit, unit),))
