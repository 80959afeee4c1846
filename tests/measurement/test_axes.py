"""Axes and voltages are those of the definitions."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.measurement.axes import LIMB_LEADS, measure_axis, measure_voltages
from ecgimg.measurement.results import Measured
from ecgimg.reasons import ReasonCode


def areas_of(angle_deg, leads, beats=4, size=20.0):
    i, avf = size * np.cos(np.radians(angle_deg)), size * np.sqrt(3) / 2 * np.sin(np.radians(angle_deg))
    every = {"I": i, "II": i / 2 + avf, "III": avf - i / 2, "aVR": -0.75 * i - avf / 2, "aVL": 0.75 * i - avf / 2}
    row = [(every | {"aVF": avf, "V1": 9.0})[lead] for lead in leads]
    return np.tile(row, (beats, 1))


@pytest.mark.parametrize("angle", [-170, -60, 0, 45, 90, 179])
@pytest.mark.parametrize("leads", [LIMB_LEADS, ("I", "aVF"), ("aVL", "V1", "III")])
def test_axis_of_leads(angle, leads):
    """Any two limb leads give the axis that all six give."""
    found = measure_axis("qrs_axis_deg", areas_of(angle, leads), leads, None)
    assert (found.value - angle + 180) % 360 - 180 == pytest.approx(0, abs=0.5)
    assert found.spread == pytest.approx(0, abs=0.5)


def test_axis_of_one_lead():
    """One limb lead gives no axis."""
    found = measure_axis("qrs_axis_deg", areas_of(30, ("II", "V1")), ("II", "V1"), None)
    assert found.value is None
    assert found.reason.code is ReasonCode.LEADS_NEEDED


def test_axis_of_two_beats():
    """Two beats give no axis."""
    found = measure_axis("qrs_axis_deg", areas_of(30, LIMB_LEADS, beats=2), LIMB_LEADS, None)
    assert found.reason.code is ReasonCode.TOO_FEW_BEATS


def test_axis_of_nothing():
    """A wave without area in the limb leads has no axis."""
    found = measure_axis("t_axis_deg", areas_of(30, LIMB_LEADS, size=0.5), LIMB_LEADS, None)
    assert found.reason.code is ReasonCode.AXIS_UNDEFINED


def lead(r=None, s=None, q=None):
    values = {"r_mv": r, "s_mv": s, "q_mv": q, "qrs_ms": 90.0}
    return {name: Measured(value, 0.03, 9, 0.01) for name, value in values.items()}


def test_voltages():
    """Sokolow-Lyon is S in V1 and the taller R of V5 and V6; Cornell R in aVL and S in V3."""
    leads = {"V1": lead(0.2, -1.5), "V5": lead(2.0), "V6": lead(1.4), "aVL": lead(1.1), "V3": lead(q=-2.2)}
    found = measure_voltages(leads, {}, None)
    assert found["sokolow_lyon_mv"].value == pytest.approx(3.5)
    assert found["cornell_mv"].value == pytest.approx(3.3)
    assert found["sokolow_lyon_mv"].n == 9
    assert found["sokolow_lyon_mv"].expected_error == pytest.approx(0.01 * np.sqrt(2))
    assert found["limb_voltage_mv"].reason.code is ReasonCode.LEADS_NEEDED


def test_voltages_without_v1():
    """A sum is not given where one of its leads is not seen."""
    assert measure_voltages({"V5": lead(2.0)}, {}, None)["sokolow_lyon_mv"].reason.code is ReasonCode.LEADS_NEEDED


def test_largest_voltage_of_limb_leads():
    """The voltage of the limb leads is that of the largest QRS."""
    heights = {name: Measured(0.1 * k) for k, name in enumerate(LIMB_LEADS, 1)}
    assert measure_voltages({}, heights, None)["limb_voltage_mv"].value == pytest.approx(0.6)
