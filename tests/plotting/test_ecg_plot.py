"""The plot of a record: its seconds, its file, and what notebooks show."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg import BadOutput, BadRequest
from ecgimg.plotting import Mark, plot_leads
from synth import HeartSpec, simulate

SIGNALS = np.zeros((2, 5000), np.float32)
LEADS = ("I", "II")


@pytest.mark.parametrize(
    ("seconds_of_record", "part", "title"),
    [
        (10, {}, "2 leads, 0 to 10 s"),
        (600, {}, "2 leads, 0 to 10 s"),
        (600, {"start_s": 595}, "2 leads, 595 to 600 s"),
        (600, {"start_s": 20, "seconds": 30}, "2 leads, 20 to 50 s"),
        (2, {}, "2 leads, 0 to 2 s"),
    ],
)
def test_seconds_of_plot(seconds_of_record, part, title):
    """Ten seconds are drawn unless others are asked for; where some are left out, the footer says so."""
    signals = np.zeros((2, seconds_of_record * 100), np.float32)
    plot = plot_leads(signals, 100.0, LEADS, **part)
    assert repr(plot) == f"EcgPlot({title})"
    assert (f"of {seconds_of_record} s" in plot.svg) == (seconds_of_record == 600)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"start_s": 10.0}, "no second 10"),
        ({"start_s": -1.0}, "no second -1"),
        ({"start_s": float("nan")}, "no second nan"),
        ({"seconds": 0.0}, "0 seconds cannot be plotted"),
        ({"seconds": float("inf")}, "inf seconds"),
    ],
)
def test_refusals_of_plot(part, message):
    """Seconds that the record does not have are refused."""
    with pytest.raises(BadRequest, match=message):
        plot_leads(SIGNALS, 500.0, LEADS, **part)


def test_save(tmp_path):
    """A plot is written as it is shown; other suffixes are refused."""
    plot = plot_leads(SIGNALS, 500.0, LEADS)
    path = plot.save(tmp_path / "new" / "plot.svg")
    assert path.read_text(encoding="utf-8") == plot.svg == plot._repr_svg_()
    with pytest.raises(BadOutput, match=r"plot\.png; name a file that ends in \.svg"):
        plot.save(tmp_path / "plot.png")
    assert [file.name for file in tmp_path.rglob("*.*")] == ["plot.svg"]


def test_size_of_plot_with_marks():
    """Twelve leads with every wave of ten seconds marked are a small file."""
    ecg = simulate(HeartSpec(rate_bpm=120), np.random.default_rng(3))
    waves = {"p_onset": "p_onset_s", "p_end": "p_offset_s", "r_peak": "r_peak_s", "t_end": "t_offset_s"}
    marks = [
        Mark(lead, float(time_s), kind)
        for lead in ecg.record.leads
        for kind, field in waves.items()
        for time_s in getattr(ecg.fiducials, field)
        if np.isfinite(time_s)
    ]
    plot = ecg.record.plot(marks)
    assert len(plot.svg) < 400_000
    assert all(f">{wave}</text>" in plot.svg for wave in ("P", "QRS", "T"))
