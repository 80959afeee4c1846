"""Rules that make statements of measurements, one module for each part of an ECG."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ecgimg.measurement import Measurements
from ecgimg.reporting.rules.conduction import conduction_statements
from ecgimg.reporting.rules.q_waves import q_wave_statements
from ecgimg.reporting.rules.rhythm import rhythm_statements
from ecgimg.reporting.rules.st_segments import st_statements
from ecgimg.reporting.rules.voltages import voltage_statements
from ecgimg.reporting.statement import Patient, Statement

__all__ = ["RULES", "Rule"]

Rule = Callable[[Measurements, Patient], Iterator[Statement]]

RULES: tuple[Rule, ...] = (
    rhythm_statements,
    st_statements,
    q_wave_statements,
    conduction_statements,
    voltage_statements,
)
"""Every rule, in the order in which statements of one grade are read."""
