"""Measurements show themselves."""

from __future__ import annotations

import json

import pytest

from ecgimg import BadRequest
from ecgimg.measurement import Measurements
from ecgimg.reasons import ReasonCode


def test_summary_is_json(measured):
    """The summary is plain JSON, with every beat where it is asked for."""
    _, numbers = measured(7)
    text = json.dumps(numbers.summary(per_beat=True), allow_nan=False)
    content = json.loads(text)
    assert content["beat_classes"]["dominant"] == len(content["beats"])
    assert set(content["leads"]["II"]["st_j_mv"]) >= {"value", "spread", "n", "mm"}


def test_repr_is_short(measured):
    """The repr is one line with rate, PR, QRS and QT."""
    _, numbers = measured(7)
    assert "QRS" in repr(numbers)
    assert len(repr(numbers)) < 120


def test_repr_html_is_safe(measured):
    """The HTML of a notebook holds a table and a picture, and no script."""
    _, numbers = measured(7)
    html = numbers._repr_html_()
    assert "<table" in html
    assert "<img" in html
    assert "<script" not in html


def test_marks_of_waves(measured):
    """Every wave of every lead is marked at onset, peak and end, in order."""
    _, numbers = measured(7)
    kinds = [mark.kind for mark in numbers.marks() if mark.lead == "II"]
    assert kinds.count("qrs_onset") == kinds.count("r_peak") == kinds.count("qrs_end") == len(numbers.beats)
    waves = numbers.beats[2].leads["II"]
    for times in (waves.p_s, waves.qrs_s, waves.t_s):
        assert times[0] < times[1] < times[2]


def test_plot_of_nothing():
    """Without a record there is nothing to draw."""
    with pytest.raises(BadRequest):
        Measurements((ReasonCode.NO_BEAT_FOUND.reason(),)).plot()
