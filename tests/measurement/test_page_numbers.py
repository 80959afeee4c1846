"""The main numbers of a page: an error of the measurement never harms the page."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg import EcgRecord
from ecgimg.digitization import Digitization
from ecgimg.errors import MissingWeights
from ecgimg.measurement import Measured, Measurements, page_numbers
from ecgimg.measurement.page_numbers import MAIN_NAMES, main_values, measure_page, reason_codes, st_levels, why_nothing
from ecgimg.measurement.results import GLOBAL_NAMES, LEAD_NAMES
from ecgimg.reasons import ReasonCode
from tests.measurement.measured import lead, measured_page

FLAT = EcgRecord(np.zeros((2, 5000), np.float32), 500.0, ("I", "II"))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MissingWeights("delineator.onnx"), "not_measured"),
        (ZeroDivisionError("/home/jane doe/page.png"), "internal_error"),
        (RuntimeError("std::bad_alloc"), "memory_limit_exceeded"),
    ],
    ids=["missing weights", "fault of ours", "no memory"],
)
def test_measure_page_with_error(monkeypatch, error, code):
    """An error of the measurement becomes a reason, which quotes no file of a person."""

    def fail(_page):
        raise error

    monkeypatch.setattr(page_numbers, "measure", fail)
    page = Digitization("ok", record=FLAT)
    measurements = measure_page(page)
    assert reason_codes(measurements, page) == [code]
    assert "jane" not in measurements.reasons[0].text
    assert set(main_values(measurements).values()) == {None}
    assert st_levels(measurements) == {}


def test_names_of_numbers():
    """The main numbers are numbers of the measurements."""
    assert set(MAIN_NAMES) <= set(GLOBAL_NAMES)
    assert page_numbers.ST_NAME in LEAD_NAMES


def test_reason_codes_of_numbers():
    """Each code is given once, for numbers that are not given, and values without a number are None."""
    page, measurements = Digitization("ok"), measured_page()
    assert reason_codes(measurements, page) == ["no_p_wave"]
    values = main_values(measurements)
    assert tuple(values) == MAIN_NAMES
    assert (values["qrs_ms"], values["pr_ms"]) == (104.4, None)


def test_why_nothing_is_measured():
    """What limits the page is no reason of the measurement."""
    limit = ReasonCode.GAIN_ASSUMED.reason(gain_mm_mv=10.0)
    page = Digitization("limited", (limit,))
    measurements = Measurements((limit, ReasonCode.NO_BEAT_FOUND.reason()))
    assert [reason.code for reason in why_nothing(measurements, page)] == [ReasonCode.NO_BEAT_FOUND]
    assert reason_codes(measurements, page) == ["no_beat_found"]
    assert why_nothing(measured_page(), page) == ()


def test_st_levels_of_assumed_gain():
    """Where the gain is assumed, no ST level is given."""
    leads = {"V2": lead("V2", st_j60_mv=Measured(0.2, 0.01, 4))}
    assert st_levels(measured_page(leads=leads))["V2"].value == 0.2
    uncertain = Measured(reason=ReasonCode.VOLTAGES_UNCERTAIN.reason())
    level = st_levels(measured_page(leads=leads, limb_voltage_mv=uncertain))["V2"]
    assert level.value is None
    assert level.reason.code is ReasonCode.VOLTAGES_UNCERTAIN
