"""The measurements of a page in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ecgimg.digitization import Digitization
from ecgimg.measurement import Measured, Measurements
from ecgimg.measurement.rhythm.beat_classes import BeatClass
from ecgimg.reasons import ReasonCode
from ecgimg.reporting.measurement_text import (
    AXES,
    INTERVALS,
    NOISE,
    NOT_GIVEN,
    RHYTHM,
    ST,
    VOLTAGES,
    NumberRow,
    in_one_line,
    nothing_text,
    number_groups,
)
from tests.measurement.measured import CLEAN, lead, measured_page

DOMINANT, WIDE, PACED = BeatClass.DOMINANT, BeatClass.PREMATURE_WIDE, BeatClass.PACED


def plain(rows: tuple[NumberRow, ...]) -> list[tuple[str, str, str]]:
    """Return rows with ordinary blanks, as they read."""
    return [tuple(text.replace("\xa0", " ") for text in (row.name, row.value, row.detail)) for row in rows]


def test_rhythm():
    """The rate comes with its range, and the beats are counted by their classes, artefacts apart."""
    rows = number_groups(measured_page((DOMINANT, DOMINANT, WIDE, BeatClass.ARTEFACT)))[RHYTHM]
    assert plain(rows) == [
        ("Heart rate", "78 bpm", "76 to 80, 12 RR intervals"),
        ("Beats", "3", "2 dominant, 1 premature wide, 1 artefact"),
    ]


@pytest.mark.parametrize(
    ("beats", "spikes", "shown"),
    [((DOMINANT,), 1, False), ((DOMINANT,), 2, True), ((DOMINANT,) * 12, 2, False), ((PACED,), 1, True)],
    ids=["one spike", "two spikes", "two spikes among many beats", "paced beat"],
)
def test_pacing(beats, spikes, shown):
    """Spikes are shown where a beat is paced, or where they are several for the beats."""
    rows = number_groups(measured_page(beats, spikes_s=(0.4,) * spikes))[RHYTHM]
    assert (("Pacing spikes", str(spikes), "") in plain(rows)) == shown


def test_intervals():
    """An interval has spread, beats and error; neighbours that are missing for one reason share a row."""
    no_p = ReasonCode.NO_P_WAVE.text
    assert plain(number_groups(measured_page())[INTERVALS]) == [
        ("P duration, PR interval", NOT_GIVEN, no_p),
        ("QRS duration", "104 ms", "± 4, 12 beats; error 12 ms"),
        ("QT interval", "381 ms", "2 beats; error 12 ms"),
    ]


def test_number_with_limit():
    """What limits a number stands behind it."""
    limited = Measured(90.0, 1.0, 3, reason=ReasonCode.NO_T_WAVE.reason())
    row = number_groups(measured_page(qt_ms=limited))[INTERVALS][-1]
    assert row.value == "90\xa0ms"
    assert row.detail.endswith(f"3\xa0beats. {ReasonCode.NO_T_WAVE.text}")


def test_axes_and_voltages():
    """An axis has a true minus sign, and what rounds to zero has none; a voltage says what it is."""
    groups = number_groups(measured_page(t_axis_deg=Measured(-0.3, None, 5)))
    assert plain(groups[AXES]) == [("QRS axis", "−5°", "± 0.4°, 12 beats"), ("T axis", "0°", "5 beats")]
    assert plain(groups[VOLTAGES]) == [("Largest limb QRS", "1.20 mV", "low below 0.5 mV")]


def test_voltages_of_assumed_gain():
    """Where no voltage can be judged, one row says so, and so does one for the ST levels."""
    uncertain = Measured(reason=ReasonCode.VOLTAGES_UNCERTAIN.reason())
    level = {"st_j60_mv": Measured(0.3, 0.01, 4)}
    names = ("sokolow_lyon_mv", "cornell_mv", "limb_voltage_mv")
    leads = {name: lead(name, **level) for name in ("I", "II")}
    groups = number_groups(measured_page(leads=leads, **dict.fromkeys(names, uncertain)))
    text = ReasonCode.VOLTAGES_UNCERTAIN.text
    assert plain(groups[VOLTAGES]) == [("All voltages", NOT_GIVEN, text)]
    assert plain(groups[ST]) == [("All leads", NOT_GIVEN, text)]
    assert in_one_line(groups[ST]) == text


def test_st_levels():
    """Leads from 0.1 mV on are shown, the others counted, and those without a level have a reason."""
    levels = {"I": 0.02, "V2": 0.1, "V5": -0.25}
    leads = {name: lead(name, st_j60_mv=Measured(mv, 0.02, 4)) for name, mv in levels.items()} | {"V6": lead("V6")}
    rows = number_groups(measured_page(leads=leads))[ST]
    assert plain(rows) == [
        ("V2", "+0.10 mV", "± 0.02, 4 beats"),
        ("V5", "−0.25 mV", "± 0.02, 4 beats"),
        ("Other leads", "below 0.1 mV", "1 lead"),
        ("V6", NOT_GIVEN, "Only 0 beats could be used; at least 1 are needed."),
    ]
    assert in_one_line(rows).replace("\xa0", " ") == "V2 +0.10 mV, V5 −0.25 mV, other leads below 0.1 mV"


def test_noise():
    """Leads that are noisy or show no heart are named with what disturbs them, and clean ones are not."""
    noisy = replace(CLEAN, muscle_uv=30.0)
    leads = {
        "I": lead("I", replace(CLEAN, state="flat")), "II": lead("II"), "V1": lead("V1", noisy),
        "V2": lead("V2", noisy), "V3": lead("V3", replace(CLEAN, state="not_seen")),
    }  # fmt: skip
    assert plain(number_groups(measured_page(leads=leads))[NOISE]) == [
        ("I", "unusable", "flat line"),
        ("V1, V2", "noisy", "muscle noise"),
    ]
    assert NOISE not in number_groups(measured_page(leads={"II": lead("II")}))


def test_nothing_measured():
    """Where nothing was measured, a sentence says why."""
    page = Digitization("ok")
    assert number_groups(Measurements()) == {}
    assert nothing_text(Measurements(), page) == "Nothing was measured."
    reason = ReasonCode.NOT_MEASURED.reason(error="the weights are missing")
    assert nothing_text(Measurements((reason,)), page) == "Nothing could be measured: the weights are missing."
    assert nothing_text(measured_page(), page) == ""
