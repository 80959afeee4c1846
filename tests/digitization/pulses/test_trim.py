"""Calibration pulses are trimmed off the rows."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.digitization.model import Pulse, RowTrace
from ecgimg.digitization.pulses.trim import equalise_bases, trim_pulses
from tests.digitization.printed_rows import PX_PER_MM, PX_PER_S, START_PX, printed_rows


@pytest.mark.parametrize("high_px", [4.0, 40.0])
def test_trim_side_of_pulse_at_end_of_row(high_px):
    """The side of a pulse at the very end of a row is no trace."""
    x = np.arange(100.0, 500.0, 0.25)
    y = np.where(x < 100.3, 200.0 - high_px, 200.0)
    row = RowTrace(200.0, np.stack([x, y], axis=1), *np.ones((2, len(x))), *np.zeros((2, len(x)), bool))
    (trimmed,), _ = trim_pulses([row], [], 8.0)
    assert trimmed.points_px[0, 0] == (100.0 if high_px < 20 else 100.5)
    assert trimmed.points_px[-1, 0] == x[-1]


@pytest.mark.parametrize("is_whole", [False, True])
def test_trim_incomplete_pulse_amid_trace(layout, is_whole):
    """An incomplete pulse amid a trace trims no row."""
    rows = printed_rows(layout)
    middle = START_PX + 5 * PX_PER_S  # where a trace steps from one column to the next
    pulse = Pulse(2, middle, middle + 20, 5.0, rows[2].baseline_px, (middle, middle + 40), is_whole)
    trimmed, pulses = trim_pulses(rows, [pulse], PX_PER_MM)
    assert bool(pulses) == is_whole
    assert (
        all(row.points_px[0, 0] < START_PX + 1 and row.points_px[-1, 0] > middle + 900 for row in trimmed) != is_whole
    )


@pytest.mark.parametrize(
    ("free_px", "facing_px", "expected_px"),
    [
        ((15, 14, 16), (45, 20, 15), 15),  # the trace begins as flat as a base
        ((15, 14, 16), (5, 6, 7), 15),  # the end of the base is taken for trace
        ((15, 2, 30), (45, 20, 15), None),  # the free bases tell nothing
        ((2, 2, 2), (45, 20, 15), 2),  # pulses without bases
        ((2, 2, 2), (15, 14, 15), None),  # with a base on the side of the trace alone
    ],
)
@pytest.mark.parametrize("before", [True, False])
def test_equalise_bases_of_free_and_facing_side(free_px, facing_px, expected_px, before):
    """Pulses get bases as long on both sides."""
    sides = [(free, facing) if before else (facing, free) for free, facing in zip(free_px, facing_px, strict=True)]
    pulses = [Pulse(row, 100.0, 150.0, 10.0, 0.0, (100.0 - a, 150.0 + b)) for row, (a, b) in enumerate(sides)]
    equalised = equalise_bases(pulses, [before] * 3, 10.0)
    for pulse, facing, free in zip(equalised, facing_px, free_px, strict=True):
        ends = (free, facing if expected_px is None else expected_px)
        bases_px = (pulse.left_px - pulse.extent_px[0], pulse.extent_px[1] - pulse.right_px)
        assert bases_px == (ends if before else ends[::-1])
