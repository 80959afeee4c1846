"""Which speed, gain and pixels per mm a page has, by what it prints, its pulses, its width and its beats."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ecgimg.digitization.interpretation.beats.beat_spacing_and_width import measure_beats
from ecgimg.digitization.interpretation.scale import resolve_scale
from ecgimg.digitization.model import Pulse, RowTrace, ScaleReading
from ecgimg.reasons import ReasonCode
from tests.digitization.printed_rows import PITCH_PX, PX_PER_MM, flat_row


def test_resolve_scale_of_incomplete_pulse():
    """The height of an incomplete pulse gives the gain, but its width gives no speed."""
    pulse = Pulse(0, 10, 50, 10.0, 0, (9, 51))  # 5 mm wide: 25 mm/s
    for whole, source in ((True, "pulse"), (False, "assumed")):
        resolved = resolve_scale(8.0, 1440.0, [flat_row()], [replace(pulse, is_whole=whole)], ())
        assert (resolved.sources["gain"], resolved.sources["speed"]) == ("pulse", source)


@pytest.mark.parametrize("chest", [5.0, None])
def test_resolve_scale_of_limb_gain_alone(chest):
    """A printed gain of the limb leads alone is used for the chest leads, with a warning."""
    readings = (
        ScaleReading(None, None, None, "given"),
        ScaleReading(25.0, 10.0, chest, "print", limb_only=chest is None),
    )
    resolved = resolve_scale(8.0, 2000.0, [flat_row()], [], readings)
    assert resolved.scale.chest_gain_mm_mv == (chest or 10.0)
    assert resolved.warnings == (() if chest else (ReasonCode.CHEST_GAIN_UNREAD.reason(),))


def test_resolve_scale_of_pulse_against_print():
    """A pulse that contradicts the printed gain gives a warning."""
    resolved = resolve_scale(
        8.0, 2000.0, [flat_row()], [Pulse(0, 10, 50, 20.0, 0, (9, 51))], (ScaleReading(25.0, 10.0, None, "print"),)
    )
    assert resolved.scale.gain_mm_mv == 10.0
    assert resolved.warnings == (ReasonCode.GAIN_CONTRADICTS_PULSE.reason(gain_mm_mv=10, pulse_mm=20),)


def test_resolve_scale_given_by_user():
    """The scale that the user gives comes before the printed one."""
    readings = (ScaleReading(50.0, 5.0, 5.0, "given"), ScaleReading(25.0, 10.0, 20.0, "print"))
    resolved = resolve_scale(8.0, 2000.0, [flat_row()], [], readings)
    assert (resolved.scale.speed_mm_s, resolved.scale.gain_mm_mv, resolved.scale.chest_gain_mm_mv) == (50.0, 5.0, 5.0)
    assert resolved.sources["gain"] == resolved.sources["speed"] == "given"
    assert not resolved.warnings


@pytest.mark.parametrize(("width_mm", "speed"), [(250.0, 25.0), (500.0, 50.0), (375.0, 25.0), (125.0, 12.5)])
def test_resolve_scale_without_speed(width_mm, speed):
    """A speed that nothing tells is the one at which the page shows about ten seconds."""
    resolved = resolve_scale(8.0, 8.0 * width_mm, [flat_row()], [], ())
    assert resolved.scale.speed_mm_s == speed
    assert resolved.sources["speed"] == ("width" if width_mm == 250 else "assumed")


@pytest.mark.parametrize(
    ("wide_px", "printed", "seconds"),
    [
        (40, 10.0, 5.0),  # a short pulse, which may be of any width
        (40, None, 10.0),
        (80, None, 5.0),  # 0.4 s if the page showed ten, and none is as wide
        (134, None, 3.0),
        (1800, None, 1.0),  # no pulse is, and no page is shorter
    ],
)
def test_resolve_scale_at_50_mm_s_without_grid(wide_px, printed, seconds):
    """Without a grid, a page at 50 mm/s is as short as its pulses tell."""
    pulse = Pulse(0, 10, 10 + wide_px, 80.0 / 6.0, 0, (9, 91))  # 10 mm high if the page shows five seconds
    readings = (ScaleReading(50.0, printed, None, "print"),)
    resolved = resolve_scale(6.0, 2000.0, [flat_row()], [pulse], readings, has_grid=False)
    assert resolved.scale.px_per_s == pytest.approx(2000.0 / seconds)


def points_of_beats(width_px, spacing_px, wide_px, baseline_px):
    """Return the points (width_px, 2) of a row that is flat but for a sharp peak in the middle of every spacing."""
    x = np.arange(float(width_px))
    from_beat = np.abs(x % spacing_px - spacing_px / 2)
    return np.stack([x, baseline_px - 40 * np.clip(1 - from_beat / (wide_px / 2), 0, None)], axis=1)


@pytest.mark.parametrize(
    ("speed", "n_rows", "beat_px", "wide_px", "seconds"),
    [
        (50.0, 3, 240, 32, 5.0),  # at ten seconds each 1.2 s a beat as wide as 0.16 s, at five half of it
        (50.0, 3, 160, 16, 10.0),  # or each 0.4 s one of 0.04 s
        (50.0, 1, 240, 32, 10.0),  # strips are long
        (25.0, 3, 240, 16, 10.0),
    ],
)
def test_resolve_scale_at_50_mm_s_without_grid_and_pulse(speed, n_rows, beat_px, wide_px, seconds):
    """Without grid and pulse, a page at 50 mm/s shows five seconds where its beats allow it."""
    rows = [replace(flat_row(), points_px=points_of_beats(2000, beat_px, wide_px, 100.0 * k)) for k in range(n_rows)]
    resolved = resolve_scale(6.0, 2000.0, rows, [], (ScaleReading(speed, None, None, "print"),), has_grid=False)
    assert resolved.scale.px_per_s == pytest.approx(2000.0 / seconds)
    assert resolved.sources["px_per_mm"] == "width"


@pytest.mark.parametrize("chest", [10.0, 5.0])
def test_resolve_scale_chest_gain_without_grid(chest):
    """Without a grid, the chest gain keeps its printed ratio to the gain of the pulse."""
    pulse = Pulse(0, 10, 50, 84.0 / 6.0, 0, (9, 51))  # 10.5 mm high if the page shows ten seconds
    readings = (ScaleReading(25.0, 10.0, chest, "print"),)
    scale = resolve_scale(6.0, 2000.0, [flat_row()], [pulse], readings, has_grid=False).scale
    assert scale.gain_mm_mv == pytest.approx(10.5)
    assert scale.chest_gain_mm_mv == pytest.approx(1.05 * chest)


@pytest.mark.parametrize(
    ("pulse_px", "printed", "seconds"),
    [
        (80.0, None, 10.0),  # 10 mm if the page shows ten seconds
        (88.9, None, 9.0),  # 11.1 mm then, and 10 if it shows nine
        (97.0, None, 8.0),
        (106.0, None, 7.5),  # columns are quarters of seconds, pages halves
        (229.0, 20.0, 7.0),
        (229.0, None, 7.0),
        (160.0, None, 10.0),  # 20 mm
        (140.0, None, 10.0),  # 17.5 mm are more likely 20 seen from aside than 10 on a page of 5.7 seconds
    ],
)
def test_resolve_scale_of_short_page_without_grid(pulse_px, printed, seconds):
    """Without a grid, a pulse tells that a page shows less than ten seconds."""
    pulses = [Pulse(0, 10, 10 + 50 * 10 / seconds, pulse_px / 6.0, 0, (9, 51))]  # at a guess of 6 px/mm
    readings = (ScaleReading(None, printed, None, "print"),)
    resolved = resolve_scale(6.0, 2000.0, [flat_row()], pulses, readings, has_grid=False)
    assert resolved.sources["px_per_mm"] == ("width" if seconds == 10 else "pulse")
    assert resolved.scale.px_per_s == pytest.approx(2000.0 / seconds)
    assert resolved.scale.gain_mm_mv == pytest.approx(pulse_px / resolved.scale.px_per_mm)


def rows_of_beats(width_mm, beat_mm, n_rows=3, wide_mm=2.0):
    """Return rows with a spike of 8 mm, `wide_mm` wide, every `beat_mm`."""
    x = np.arange(0, width_mm * PX_PER_MM, 0.5)
    from_beat = np.remainder(x / PX_PER_MM, beat_mm) - beat_mm / 2
    y = -8 * PX_PER_MM * np.clip(1 - np.abs(from_beat) / (wide_mm / 2), 0, None)
    no = np.zeros(len(x), bool)
    points = [np.stack([x, y + PITCH_PX * row], axis=1) for row in range(n_rows)]
    return [RowTrace(PITCH_PX * row, points[row], np.ones(len(x)), np.ones(len(x)), no, no) for row in range(n_rows)]


@pytest.mark.parametrize(
    ("width_mm", "beat_mm", "wide_mm", "speed_mm_s", "source"),
    [
        (250, 20, 2, 25.0, "width"),
        (175, 20, 2, 25.0, "assumed"),
        (467, 40, 4, 50.0, "assumed"),
        (175, 66, 4, 50.0, "assumed"),
        (220, 42, 4, 50.0, "assumed"),
        (125, 10.5, 1, 12.5, "assumed"),
        (125, 15.4, 0.8, 12.5, "assumed"),  # likely at 25 mm/s, but ten seconds are likelier
        (125, 20, 2, 25.0, "assumed"),
        (400, 11, 2, 25.0, "assumed"),
        (250, 60, 4, 50.0, "assumed"),
        (250, 44, 4, 50.0, "assumed"),  # both are rare at 25 mm/s
        (250, 44, 2, 25.0, "width"),  # a slow heart
        (250, 20, 4, 25.0, "width"),  # a block
    ],
)
def test_resolve_scale_speed_by_beats(width_mm, beat_mm, wide_mm, speed_mm_s, source):
    """The beats tell a speed that nothing prints."""
    rows = rows_of_beats(width_mm, beat_mm, wide_mm=wide_mm)
    assert measure_beats(rows, PX_PER_MM) == pytest.approx((beat_mm, wide_mm + 0.3), abs=0.4)  # blurred
    resolved = resolve_scale(PX_PER_MM, width_mm * PX_PER_MM, rows, [], ())
    assert resolved.scale.speed_mm_s == speed_mm_s
    assert resolved.sources["speed"] == source


@pytest.mark.parametrize(
    ("width_mm", "pulse_mm", "beat_mm", "n_rows", "speed_mm_s"),
    [
        (225, 2.5, 20, 3, 25.0),
        (225, 2.5, 20, 1, 12.5),
        (500, 5.0, 41, 6, 50.0),
        (500, 5.0, 41, 1, 25.0),
        (500, 5.0, 12, 6, 25.0),  # a heart would race at 50 mm/s
    ],
)
def test_resolve_scale_of_narrow_pulse(width_mm, pulse_mm, beat_mm, n_rows, speed_mm_s):
    """A narrow pulse tells no slow speed where several rows would be long."""
    pulse = Pulse(0, 0.0, pulse_mm * PX_PER_MM, 10.0, 0.0, (0.0, pulse_mm * PX_PER_MM))
    rows = rows_of_beats(width_mm, beat_mm, n_rows)
    resolved = resolve_scale(PX_PER_MM, width_mm * PX_PER_MM, rows, [pulse], ())
    assert (resolved.scale.speed_mm_s, resolved.sources["speed"]) == (speed_mm_s, "pulse")


@pytest.mark.parametrize(("pulse_mm", "seconds"), [(10.0, 10.0), (13.4, 7.5), (14.3, 7.0), (10.5, 10.0)])
def test_resolve_scale_page_length_by_pulse(pulse_mm, seconds):
    """A page without a grid is as long as its pulses tell."""
    pulse = Pulse(0, 0.0, 40.0, pulse_mm, 0.0, (0.0, 40.0))
    resolved = resolve_scale(PX_PER_MM, 250 * PX_PER_MM, rows_of_beats(250, 20), [pulse], (), has_grid=False)
    assert 250 * PX_PER_MM / resolved.scale.px_per_s == pytest.approx(seconds)
    assert resolved.sources["px_per_mm"] == ("width" if seconds == 10 else "pulse")
