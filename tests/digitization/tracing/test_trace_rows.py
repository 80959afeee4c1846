"""Which ink belongs to rows: not form lines, but what stands beside a pulse."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from ecgimg.digitization.model import FlatPage, Segmentation
from ecgimg.digitization.pulses.detect_by_network import find_pulses
from ecgimg.digitization.tracing.trace_rows import _ink_beside_pulses, _is_form_line
from tests.digitization.printed_rows import PX_PER_MM


def test_ink_beside_pulses_beyond_sides():
    """What the network calls pulse beyond the sides of a pulse may be trace."""
    pulse, darkness = np.zeros((400, 900), np.uint8), np.zeros((400, 900), np.float32)
    for plane, end in ((pulse, 140), (darkness, 880)):
        corners = np.array([(52, 300), (60, 300), (60, 220), (100, 220), (100, 300), (end, 300)], np.int32)
        cv2.polylines(plane, [corners.reshape(-1, 1, 2)], False, 255, 2)
    none = np.zeros_like(pulse)
    page = FlatPage(darkness, Segmentation(none, none, pulse, none), none, PX_PER_MM, (0, 0), None)
    beyond = _ink_beside_pulses(page, find_pulses(page, [300.0]), 255.0)
    assert beyond[298:303, 106:136].any(axis=0).all()
    assert not beyond[:, 60:100].any()
    assert not beyond[:, 150:].any()


@pytest.mark.parametrize(("crossed", "certainty", "is_form_line"), [(0, 0.9, True), (20, 0.7, True), (20, 0.9, False)])
def test_is_form_line_with_trace_into_it(crossed, certainty, is_form_line):
    """A form line is no trace though a trace runs into it."""
    middle = np.full(1000, 300.0)
    middle[500 : 500 + crossed] -= 40
    strokes = SimpleNamespace(
        upper=middle - 1,
        lower=middle + 1,
        has_ink=np.ones(1000, bool),
        certainty=np.full(1000, certainty),
        px_per_mm=PX_PER_MM,
    )
    assert _is_form_line(strokes) == is_form_line
