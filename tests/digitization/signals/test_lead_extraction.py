"""What a lead shows, between the starts of its column and the next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ecgimg.digitization.signals.lead_extraction import FS_HZ, slot_signal_mv
from tests.digitization.printed_rows import PX_PER_S, START_PX, printed_rows, scale_of


def test_slot_signal_beyond_next_column(layout):
    """A lead is blank beyond the start of the next column."""
    spacing = 2.475 * PX_PER_S
    starts = tuple((START_PX + spacing * np.arange(4)).tolist())
    rows = [replace(row, column_starts_px=starts) for row in printed_rows(layout, column_s=2.475)]
    slots = [slot for slot in layout.slots() if slot.row == 0]
    blanks = []
    for slot in slots:
        signal = slot_signal_mv(slot, layout, rows[0], START_PX, scale_of(rows), rows[0].baseline_px)
        blanks.append(int(np.isnan(signal).sum()))
        assert np.isfinite(signal[: round(2.47 * FS_HZ)]).all()
    assert blanks == pytest.approx([11, 11, 11, 0], abs=1)


def test_slot_signal_after_base_of_pulse(layout):
    """The base of a pulse that breaks off at the start is no part of the lead."""
    row = printed_rows(layout)[0]
    x, y = row.points_px.T
    begun = START_PX + 0.04 * PX_PER_S  # the lead follows a millimetre later, and higher
    base = x < START_PX + 0.004 * PX_PER_S
    broken = replace(row, points_px=np.stack([x, np.where(base, y + 30, y)], axis=1)).select(base | (x > begun))
    slot = next(slot for slot in layout.slots() if slot.row == 0)
    scale = scale_of([row])
    signals = [slot_signal_mv(slot, layout, trace, START_PX, scale, row.baseline_px) for trace in (row, broken)]
    n = round(0.05 * FS_HZ)
    assert np.abs(signals[1][:n] - signals[0][n]).max() < 0.05
    assert signals[1][n:] == pytest.approx(signals[0][n:], abs=1e-6)
