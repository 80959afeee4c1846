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
CORNELL_MV = {True: 2.8, False: 2.0, None: 2.8}
"""By whether the patient is male."""

LOW_LIMB_MV, LOW_CHEST_MV = 0.5, 1.0


def voltage_statements(measured: Measurements, patient: Patient) -> Iterator[Statement]:
    """Yield what is said of high and low voltage; none of it where the gain of a page is assumed."""
    values = measured.values
    sums = (("sokolow_lyon_mv", "Sokolow-Lyon", SOKOLOW_LYON_MV), ("cornell_mv", "Cornell", CORNELL_MV[patient.male]))
    high = [(Basis(title, values[name].value or 0.0, limit, "mV"), grade_above(values[name], limit, "mV"))
            for name, title, limit in sums]  # fmt: skip
    grades = [grade for _, grade in high if grade is not None]
    # bundle branch blocks change the heights themselves
    if grades and not is_wide(measured):
        basis = tuple(item for item, grade in high if grade is not None)
        highest = Grade.LIKELY if Grade.LIKELY in grades else Grade.POSSIBLE
        yield Statement(StatementCode.HIGH_VOLTAGE, highest, basis)
    usable = set(usable_leads(measured))
    groups = (
        ("limb_voltage_mv", "limb leads", LOW_LIMB_MV, LIMB_LEADS),
        ("chest_voltage_mv", "chest leads", LOW_CHEST_MV, CHEST_LEADS),
    )
    for name, where, limit, leads in groups:
        if set(leads) <= usable and (grade := grade_below(values[name], limit, "mV")):
            basis = (Basis("largest QRS", values[name].value or 0.0, limit, "mV"),)
            yield Statement(StatementCode.LOW_VOLTAGE, grade, basis, where)
