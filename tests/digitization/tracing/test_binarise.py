"""Which pixels are trace: pale strokes, but no dots and lines of the grid."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.digitization.model import FlatPage, Segmentation
from ecgimg.digitization.tracing.binarise import binarise_trace
from tests.digitization.printed_rows import PX_PER_MM


def test_binarise_pale_stroke_and_grid_dot():
    """A pale fast stroke is trace, and a dot of the grid beside the trace is not."""
    shape = (200, 400)
    trace, darkness = np.zeros(shape, np.uint8), np.zeros(shape, np.float32)
    trace[120:123, 10:390], darkness[120:123, 10:390] = 255, 100
    darkness[60:120, 200:202] = 42  # a spike of 7.5 mm, which the network sees only here and there
    trace[60:120:10, 200:202] = 80
    darkness[112:120, 300:302] = 42  # a piece of a grid line, 1 mm
    trace[112:120:3, 300:302] = 80
    none = np.zeros(shape, np.uint8)
    page = FlatPage(darkness, Segmentation(trace, none, none, none), none, PX_PER_MM, (0, 0), None)
    mask = binarise_trace(page, full_darkness=115.0)
    assert mask[62:119, 200].all()
    assert not mask[112:119, 300].any()


@pytest.mark.parametrize(
    ("dark", "certainty", "pulse_certainty", "joined"),
    [(0, 0, 0, False), (45, 0, 0, False), (45, 30, 0, True), (70, 0, 0, True), (70, 0, 120, False)],
)
def test_binarise_spike_on_paler_strokes(dark, certainty, pulse_certainty, joined):
    """Strokes paler than a spike join it to the trace."""
    shape = (200, 400)
    trace, darkness = np.zeros(shape, np.uint8), np.zeros(shape, np.float32)
    trace[120:123, 10:390], darkness[120:123, 10:390] = 255, 115
    trace[60:100, 200:204], darkness[60:100, 200:204] = 255, 75
    for stroke in (slice(199, 201), slice(203, 205)):
        darkness[100:120, stroke], trace[100:120, stroke] = dark, certainty
    none, pulse = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    pulse[60:100, 200:204] = pulse_certainty
    page = FlatPage(darkness, Segmentation(trace, none, pulse, none), none, PX_PER_MM, (0, 0), None)
    mask = binarise_trace(page, full_darkness=115.0)
    assert mask[62:99, 201].all()
    for column in (200, 203):
        assert mask[100:120, column].all() == joined
    assert not mask[102:118, 202].any()


@pytest.mark.parametrize("has_beat", [False, True])
def test_binarise_grid_line_and_beat_at_label(has_beat):
    """A grid line from a lead label to the trace is no trace, and a beat through the label is."""
    shape = (200, 400)
    trace, label, darkness = (np.zeros(shape, np.uint8) for _ in range(3))
    trace[100:103, 10:390], darkness[100:103, 10:390] = 255, 115
    label[118:132, 200:212], darkness[118:132, 200:212] = 255, 115  # a letter, 2 mm below the trace
    line = slice(205, 207 if has_beat else 206)  # what the network sees of it: more of a beat
    darkness[103:118, line], trace[103:118:4, line] = 70, 130 if has_beat else 30
    none = np.zeros(shape, np.uint8)
    page = FlatPage(darkness.astype(np.float32), Segmentation(trace, label, none, none), none, PX_PER_MM, (0, 0), None)
    mask = binarise_trace(page, full_darkness=115.0)
    assert mask[101, 12:388].all()
    assert mask[104:116, 205].all() == has_beat
