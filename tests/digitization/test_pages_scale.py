"""Pages of other gains and speeds, with and without what tells their scale."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ecgimg.digitization import digitize_image
from ecgimg.reasons import ReasonCode
from layouts import load_layout
from synth.page_spec import GridStyle
from tests.digitization.pages import clean_page, read_page, snr_db


def test_digitize_half_gain():
    """A page at 5 mm/mV is read."""
    page = clean_page(gain_mm_mv=5)
    digitization = digitize_image(page.image)
    assert digitization.gain_mm_mv == 5
    assert snr_db(page, digitization) > 12


def test_digitize_with_given_scale():
    """A given scale is used on a page without calibration pulse."""
    page = clean_page(gain_mm_mv=5, pulse="none")
    digitization = digitize_image(page.image, gain_mm_mv=5, speed_mm_s=25)
    assert digitization.sources["gain"] == "given"
    assert snr_db(page, digitization) > 12


@pytest.mark.parametrize("pulse", ["left", "right", "none"])
def test_digitize_page_with_pulses_left_right_or_none(pulse):
    """Pulses on either side give the gain, which is assumed without them."""
    page = clean_page(pulse=pulse, print_scale=False)
    digitization = read_page(page)
    assert digitization.layout == "3x4+II"
    assert digitization.sources["gain"] == ("assumed" if pulse == "none" else "pulse")
    assert digitization.status == ("limited" if pulse == "none" else "ok")
    assert snr_db(page, digitization) > 15


@pytest.mark.parametrize("gain", [5.0, 20.0])
@pytest.mark.parametrize("shown_by", ["pulse", "print"])
def test_digitize_other_gains_by_pulse_or_print(gain, shown_by):
    """Gains of 5 and 20 mm/mV are read from the pulse or from the print."""
    shown = {"print_scale": False} if shown_by == "pulse" else {"pulse": "none"}
    page = clean_page(gain_mm_mv=gain, **shown)
    digitization = read_page(page)
    assert digitization.gain_mm_mv == gain
    assert digitization.sources["gain"] == shown_by
    assert digitization.status == "ok"
    assert snr_db(page, digitization) > 12


def test_digitize_printed_chest_gain():
    """A printed gain of the chest leads is read beside that of the limb leads."""
    page = clean_page(chest_gain_mm_mv=5.0)
    digitization = read_page(page)
    assert (digitization.gain_mm_mv, digitization.chest_gain_mm_mv) == (10.0, 5.0)
    assert digitization.summary()["chest_gain_mm_mv"] == 5.0
    assert snr_db(page, digitization) > 12


def test_digitize_page_at_50_mm_s():
    """A page at 50 mm/s is read."""
    layout = load_layout("3x4+II").with_seconds(1.25)
    page = clean_page(layout=layout, speed_mm_s=50.0)
    digitization = read_page(page)
    assert (digitization.layout, digitization.speed_mm_s) == ("3x4+II", 50.0)
    assert snr_db(page, digitization) > 12


@pytest.mark.parametrize("pulse", ["left", "none"])
def test_digitize_page_without_grid(pulse):
    """A page without a grid is limited, and a pulse calibrates it."""
    page = clean_page(grid=replace(GridStyle(), style="none"), pulse=pulse)
    digitization = read_page(page)
    assert digitization.status == "limited"
    assert digitization.reasons[0].code is ReasonCode.TEN_SECONDS_ASSUMED
    assert digitization.sources["px_per_mm"] == "width"
    if pulse == "left":  # calibrated by the pulse
        assert digitization.layout == "3x4+II"
        assert snr_db(page, digitization) > 8
