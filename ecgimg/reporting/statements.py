"""Find what can be said of an ECG because it was measured."""

from __future__ import annotations

from typing import Any

from ecgimg.measurement import Measurements
from ecgimg.reporting.rules import RULES
from ecgimg.reporting.statement import Grade, Patient, Statement

_ORDER = tuple(Grade)


def find_statements(measured: Measurements, patient: Patient | None = None) -> tuple[Statement, ...]:
    """Return the statements of all rules, the gravest first; none where nothing was measured.

    Parameters
    ----------
    measured : Measurements
    patient : Patient, optional
        Whose age and sex decide some limits. Without them ST elevation has the lowest limit, and QTc and voltages the
        highest.

    Returns
    -------
    tuple of Statement
    """
    if not measured.values:
        return ()
    said = [statement for rule in RULES for statement in rule(measured, patient or Patient())]
    return tuple(sorted(said, key=lambda statement: _ORDER.index(statement.grade)))


def measurements_summary(measured: Measurements, *, per_beat: bool = False) -> dict[str, Any]:
    """Return the content of ``STEM.measurements.json``: the numbers, and what is said of them.

    Parameters
    ----------
    measured : Measurements
    per_beat : bool
        Whether it holds every beat.

    Returns
    -------
    dict
    """
    statements = [statement.summary() for statement in find_statements(measured)]
    return {**measured.summary(per_beat=per_beat), "statements": statements}
