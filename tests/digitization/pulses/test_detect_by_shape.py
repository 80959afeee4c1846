"""Calibration pulses that the network took for trace."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ecgimg.digitization.model import FlatPage, Segmentation
from ecgimg.digitization.pulses.detect_by_network import find_pulses
from ecgimg.digitization.pulses.detect_by_shape import find_pulses_by_shape
from tests.digitization.printed_rows import PX_PER_MM


def pulses_of_drawn_rows(
    pulse_mm=10.0, hollow=True, at_right=False, complex_mm=0.0, n_pulses=2, has_grid=True, labelled=False, unsure_top=0
):
    """Find the pulses before rows 30 mm apart, which the network took for trace, or in part for a lead label.

    The network is unsure of the upper `unsure_top` mm, and sees only half of the top, which is as dark as the rest.
    """
    trace = np.zeros((round(95 * PX_PER_MM), 1200), np.uint8)
    baselines = [25.0 * PX_PER_MM, 55.0 * PX_PER_MM, 85.0 * PX_PER_MM]
    for row, base in enumerate(baselines):
        x = np.arange(100, 1100.0)
        y = base - 12 * np.exp(-0.5 * (np.remainder(x, 160) - 80) ** 2 / 200)
        if row < n_pulses:
            left, right, top = 92 - 5 * PX_PER_MM, 92, base - pulse_mm * PX_PER_MM
            x, y = np.append([left - 8, left, left, right, right], x), np.append([base, base, top, top, base], y)
            y[5] -= complex_mm * PX_PER_MM
            if not hollow:
                cv2.rectangle(trace, (int(left), int(base - 3)), (right, int(base + 3)), 255, -1)
        points = np.rint(np.stack([x, y], axis=1)).astype(np.int32)
        cv2.polylines(trace, [points.reshape(-1, 1, 2)], False, 255, 2)
    trace = np.ascontiguousarray(trace[:, ::-1]) if at_right else trace
    none = np.zeros_like(trace)
    darkness, label = trace.astype(np.float32), none
    if labelled:  # the side away from the trace, as high as letters are
        label = trace.copy()
        label[:, 56:] = 0
        trace = trace - label
    if unsure_top:
        pulse = trace[:, :98]
        for base in baselines:
            top = round(base - pulse_mm * PX_PER_MM)
            tip = pulse[top - 3 : top + round(unsure_top * PX_PER_MM)]
            tip[tip > 0] = 40
            pulse[top - 3 : top + 4, 62:82] = 0
    page = FlatPage(darkness, Segmentation(trace, label, none, none), none, PX_PER_MM, (0, 0), None)
    assert find_pulses(page, baselines) == ()
    return find_pulses_by_shape(page, baselines, has_grid=has_grid)


@pytest.mark.parametrize("at_right", [False, True])
@pytest.mark.parametrize("pulse_mm", [5.0, 10.0, 20.0])
def test_find_pulses_by_shape_at_either_end(pulse_mm, at_right):
    """Pulses at either end are found by their shape."""
    pulses = pulses_of_drawn_rows(pulse_mm, at_right=at_right)
    assert [pulse.row for pulse in pulses] == [0, 1]
    for pulse in pulses:
        assert pulse.height_mm == pytest.approx(pulse_mm, abs=0.15)
        left = 52 if not at_right else 1199 - 92
        assert pulse.left_px == pytest.approx(left, abs=1.5)
        assert pulse.right_px == pytest.approx(left + 40, abs=1.5)


def test_find_pulses_by_shape_with_unsure_top():
    """A pulse is found though the network is unsure of its top."""
    pulses = pulses_of_drawn_rows(20.0, unsure_top=4.0)
    assert [pulse.row for pulse in pulses] == [0, 1]
    assert all(pulse.height_mm == pytest.approx(20.0, abs=0.15) for pulse in pulses)


@pytest.mark.parametrize("labelled", [False, True])
def test_find_pulses_by_shape_single_or_of_odd_height(labelled):
    """One pulse is enough, but without a grid two of an odd height must agree."""
    assert [pulse.row for pulse in pulses_of_drawn_rows(n_pulses=1, labelled=labelled)] == [0]
    assert [pulse.row for pulse in pulses_of_drawn_rows(n_pulses=1, has_grid=False, labelled=labelled)] == [0]
    assert pulses_of_drawn_rows(14.0, n_pulses=1, has_grid=False, labelled=labelled) == ()
    # of any height, as the mm are not known
    assert len(pulses_of_drawn_rows(14.0, has_grid=False, labelled=labelled)) == 2


def test_find_pulses_by_shape_of_last_wave():
    """A wave at the end of its trace is no pulse."""
    trace = np.zeros((round(65 * PX_PER_MM), 1200), np.uint8)
    baselines = [25.0 * PX_PER_MM, 55.0 * PX_PER_MM]
    for base in baselines:
        x = np.arange(100, 1100.0)
        y = base - 60 * np.clip(1 - np.abs((x - 1075) / 14) ** 3, 0, None)
        cv2.polylines(trace, [np.rint(np.stack([x, y], axis=1)).astype(np.int32).reshape(-1, 1, 2)], False, 255, 2)
    none = np.zeros_like(trace)
    page = FlatPage(trace.astype(np.float32), Segmentation(trace, none, none, none), none, PX_PER_MM, (0, 0), None)
    assert find_pulses_by_shape(page, baselines, has_grid=False) == ()


def test_find_pulses_by_shape_beside_complex():
    """A pulse at whose side a tall complex begins is left alone."""
    assert len(pulses_of_drawn_rows(complex_mm=8.0)) == 2
    assert pulses_of_drawn_rows(complex_mm=13.0) == ()  # the complex would be cut with the pulse


def test_find_pulses_by_shape_of_solid_or_odd_shape():
    """A shape that is not hollow, or of no usual height, is no pulse."""
    assert pulses_of_drawn_rows(hollow=False) == ()
    assert pulses_of_drawn_rows(14.0) == ()
