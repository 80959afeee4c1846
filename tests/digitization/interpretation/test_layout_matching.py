"""Which lead stands where, by lead labels and without them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ecgimg.digitization.interpretation.layout_matching import _CellSignals, _lead_change_penalty, match_layout
from ecgimg.digitization.model import LeadLabel, RowTrace, Scale
from layouts import load_layout, load_layouts
from tests.digitization.printed_rows import PX_PER_MM, PX_PER_S, START_PX, printed_rows, scale_of


@pytest.mark.parametrize("printed", ["3x4+V1", "6x2-cabrera"])
def test_match_layout_contradicted_by_labels(printed):
    """Lead labels that stand elsewhere in the layout contradict it.

    The page has six rows, of which four were found: its labels contradict any layout of four rows.
    """
    layout = load_layout("3x4+V1")
    rows = printed_rows(layout)
    slots = [slot for slot in load_layout(printed).slots() if slot.row < 4 and slot.column is not None]
    step_px = 10 * PX_PER_S / load_layout(printed).columns
    labels = [
        LeadLabel(left + 12, rows[slot.row].baseline_px - 40, left, slot.lead, 0.99)
        for slot in slots
        for left in [START_PX + 8 + step_px * slot.column]
    ]
    matched = match_layout(rows, (START_PX, START_PX + 10 * PX_PER_S), labels, scale_of(rows), [layout])
    assert matched.is_contradicted == (printed == "6x2-cabrera")


@pytest.mark.parametrize("lead", ["II", "V5"])
def test_match_layout_of_strip_without_spike(lead):
    """A rhythm strip that lost a spike is still matched with its lead."""
    layout = load_layout(f"3x4+{lead}")
    rows = printed_rows(layout)
    cell = next(slot for slot in layout.slots() if slot.lead == lead and slot.column is not None)
    x, y = rows[3].points_px.T.copy()
    inside = (x > START_PX + cell.start_s * PX_PER_S) & (x < START_PX + (cell.start_s + 2.5) * PX_PER_S)
    peak = int(np.flatnonzero(inside)[np.abs(y[inside] - np.median(y)).argmax()])
    y[peak - 8 : peak + 9] = np.median(y)
    rows[3] = replace(rows[3], points_px=np.stack([x, y], axis=1))
    matched = match_layout(rows, (START_PX, START_PX + 10 * PX_PER_S), [], scale_of(rows), load_layouts("all"))
    assert matched.layout.rhythm == (lead,)


@pytest.mark.parametrize("side", ["top", "bottom"])
@pytest.mark.parametrize("labelled", [True, False])
def test_match_layout_of_cropped_row(side, labelled):
    """A row that the picture crops is noticed where lead labels tell of it."""
    layout = load_layout("12x1")
    kept = slice(1, None) if side == "top" else slice(0, -1)
    rows = printed_rows(layout, shifts_ms=(0,) * 12)[kept]
    leads = [slot.lead for slot in layout.slots()][kept]
    labels = [
        LeadLabel(START_PX + 12, row.baseline_px - 40, START_PX + 8, lead, 0.99)
        for row, lead in zip(rows, leads, strict=True)
        if labelled
    ]
    matched = match_layout(rows, (START_PX, START_PX + 10 * PX_PER_S), labels, scale_of(rows), load_layouts("all"))
    if not labelled:
        assert matched is None
        return
    assert matched.is_cut
    assert matched.layout.name == "12x1"
    assert [slot.lead for slot in matched.layout.slots()] == leads


def test_match_layout_of_cropped_row_beside_shorter_layout():
    """A cropped row is noticed though another layout has as many rows."""
    layout = load_layout("3x4+II+V1+V5")
    rows = printed_rows(layout, shifts_ms=(0,) * 6)[1:]
    labels = [
        LeadLabel(x + 12, rows[slot.row - 1].baseline_px - 40, x + 8, slot.printed_name, 0.99)
        for slot in layout.slots()
        if slot.row
        for x in [START_PX + slot.start_s * PX_PER_S]
    ]
    matched = match_layout(rows, (START_PX, START_PX + 10 * PX_PER_S), labels, scale_of(rows), load_layouts("all"))
    assert (matched.layout.name, matched.is_cut, matched.is_contradicted) == (layout.name, True, False)


def test_match_layout_of_single_lead_rows():
    """Rows of one lead each are not taken for columns."""
    layout = load_layout("6x1-limb")
    rows = printed_rows(layout, column_s=10.0, shifts_ms=(0,) * 6)
    extent = START_PX, START_PX + 10 * PX_PER_S
    assert _lead_change_penalty(layout, _CellSignals(rows, START_PX, scale_of(rows))) == 0
    assert _lead_change_penalty(load_layout("6x2"), _CellSignals(rows, START_PX, scale_of(rows))) > 1
    matched = match_layout(rows, extent, (), scale_of(rows), [load_layout("6x2"), layout])
    assert matched.layout.name == "6x1-limb"


def test_lead_change_penalty_of_columns():
    """Columns are not taken for rows of one lead."""
    layout = load_layout("6x2")
    rows = printed_rows(layout, column_s=5.0, shifts_ms=(0,) * 6)
    assert _lead_change_penalty(layout, _CellSignals(rows, START_PX, scale_of(rows))) == 0
    assert _lead_change_penalty(load_layout("6x1-limb"), _CellSignals(rows, START_PX, scale_of(rows))) > 1


def test_match_layout_of_rows_without_common_times():
    """Rows that share no times have no layout."""
    points = np.stack([np.arange(50.0, 90.0), np.zeros(40)], axis=1)
    row = RowTrace(0.0, points, np.ones(40), np.zeros(40), np.zeros(40, bool), np.zeros(40, bool))
    scale = Scale(PX_PER_MM, 25.0, 10.0, 10.0, (0.0,))
    assert match_layout([row], (90.0, 50.0), (), scale, [load_layout("1x1")]) is None


def test_match_layout_keeps_own_columns():
    """A user's own column width is kept, and what the page measures is told."""
    layout = load_layout("3x4+II").with_seconds(2.2)
    rows = printed_rows(load_layout("3x4+II"))
    where = rows, (START_PX, START_PX + 10 * PX_PER_S), [], scale_of(rows), [layout]
    own, adapted = match_layout(*where, has_own_columns=True), match_layout(*where)
    assert (own.layout.seconds_per_column, own.measured_column_s) == (2.2, 2.5)
    assert (adapted.layout.seconds_per_column, adapted.measured_column_s) == (2.5, None)
