"""High and low voltage."""

from __future__ import annotations

from collections.abc import Iterator

from ecgimg.measurement import Measurements
from ecgimg.measurement.axes import CHEST_LEADS, LIMB_LEADS
from ecgimg.reporting.rules.conduction import is_wide
from ecgimg.reporting.rules.contiguous_leads import usable_leads
from ecgimg.reporting.rules.limits import grade_above, grade_below
from ecgimg.reporting.statement import Basis, Grade, Patient, Statement, StatementCode

SOKOLOW_LYON_MV = 3.5
_SURE_SOKOLOW_LYON_MV = 4.0  # 3.5 mV are exceeded by 3.4 % of normal records of PTB-XL, 4 by 0.9 %; Cornell's by 0.3 %
CORNELL_MV = {True: 2.8, False: 2.0, None: 2.8}
"""By whether the patient is male."""

LOW_LIMB_MV, LOW_CHEST_MV = 0.5, 1.0


def has_high_voltage(measured: Measurements, patient: Patient) -> bool:
    """Return whether a sum of voltages exceeds its limit by more than its expected error."""
    return any(grade is Grade.LIKELY for _, grade in _high_sums(measured, patient))


def _high_sums(measured: Measurements, patient: Patient) -> list[tuple[Basis, Grade]]:
    """Return the sums of voltages that exceed their limits."""
    sums = (("sokolow_lyon_mv", "Sokolow-Lyon", SOKOLOW_LYON_MV), ("cornell_mv", "Cornell", CORNELL_MV[patient.male]))
    return [
        (Basis(title, measured.number(name), limit, "mV"), grade)
        for name, title, limit in sums
        if (grade := grade_above(measured.values[name], limit, "mV")) is not None
    ]


def voltage_statements(measured: Measurements, patient: Patient) -> Iterator[Statement]:
    """Yield what is said of high and low voltage; none of it where the gain of a page is assumed."""
    values = measured.values
    high = _high_sums(measured, patient)
    # bundle branch blocks change the heights themselves
    if high and not is_wide(measured):
        is_sure = any(
            grade is Grade.LIKELY and (basis.name == "Cornell" or basis.value > _SURE_SOKOLOW_LYON_MV)
            for basis, grade in high
        )
        highest = Grade.LIKELY if is_sure else Grade.POSSIBLE
        yield Statement(StatementCode.HIGH_VOLTAGE, highest, tuple(basis for basis, _ in high))
    usable = set(usable_leads(measured))
    groups = (
        ("limb_voltage_mv", "limb leads", LOW_LIMB_MV, LIMB_LEADS),
        ("chest_voltage_mv", "chest leads", LOW_CHEST_MV, CHEST_LEADS),
    )
    low = {
        where: (Basis("largest QRS", measured.number(name), limit, "mV"), grade)
        for name, where, limit, leads in groups
        if set(leads) <= usable and (grade := grade_below(values[name], limit, "mV"))
    }
    for where, (basis, grade) in low.items():
        # of 18 records of PTB-XL with low limb leads alone, readers called one low and two normal
        is_sure = len(low) == len(groups)
        yield Statement(StatementCode.LOW_VOLTAGE, grade if is_sure else Grade.POSSIBLE, (basis,), where)
