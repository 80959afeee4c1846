"""A layout's cells and the window of time that each lead is shown in."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from ecgimg import STANDARD_LEADS
from layouts import Layout, load_layout, load_layouts, visible_window


@pytest.mark.parametrize("layout", load_layouts("all"), ids=lambda layout: layout.name)
def test_slots(layout):
    """The slots cover every cell and rhythm strip, each within the page's seconds."""
    slots = layout.slots()
    assert len(slots) == layout.rows * layout.columns + len(layout.rhythm)
    assert {slot.lead for slot in slots} == set(layout.record_leads)
    assert all(0 <= slot.start_s < slot.end_s <= layout.duration_s + 1e-9 for slot in slots)
    shown = visible_window(layout, layout.record_leads, 500)
    assert shown.shape == (len(layout.record_leads), round(layout.duration_s * 500))
    assert shown.any(axis=1).all()


def test_visible_window_of_3x4():
    """Each lead of a standard page is shown in its column, the rhythm strip throughout."""
    shown = visible_window(load_layout("3x4+II"), STANDARD_LEADS, 500)
    assert shown.shape == (12, 5000)
    for index, lead in enumerate(STANDARD_LEADS):
        where = np.flatnonzero(shown[index])
        column = index // 3
        expected = (0, 4999) if lead == "II" else (1250 * column, 1250 * column + 1249)
        assert (where[0], where[-1]) == expected
        assert len(where) == where[-1] - where[0] + 1


def test_visible_window_without_overlap():
    """The columns share every sample once, at every rate."""
    for name in ("3x4", "6x2", "4x3", "3x4+II-cabrera"):
        layout = load_layout(name)
        for fs_hz in (100, 257.3, 500):
            counts = visible_window(layout, layout.record_leads, fs_hz).sum(axis=0)
            strips = sum(layout.columns > 1 for _ in layout.rhythm)
            assert counts.min() >= layout.rows
            assert counts.max() <= layout.rows + strips


def test_visible_window_of_simultaneous_columns():
    """Simultaneous columns show the same seconds."""
    shown = visible_window(load_layout("6x2-simultaneous"), STANDARD_LEADS, 500)
    assert shown.shape == (12, 2500)
    assert shown.all()


def test_slots_of_cabrera():
    """The Cabrera order prints an inverted aVR."""
    slots = {slot.lead: slot for slot in load_layout("12x1-cabrera").slots()}
    assert slots["aVR"].sign == -1
    assert slots["aVR"].printed_name == "-aVR"
    order = [slot.lead for slot in load_layout("12x1-cabrera").slots()][:6]
    assert order == ["aVL", "I", "aVR", "II", "aVF", "III"]


def test_visible_window_against_scorer(data_folder):
    """The window agrees with that of the scoring script."""
    file = data_folder.parent / "tools" / "score_pages.py"
    module = importlib.util.module_from_spec(spec := importlib.util.spec_from_file_location("score_pages", file))
    spec.loader.exec_module(module)
    for name in ("3x4", "3x4+II", "3x4+V1+II+V5", "6x2+II", "12x1", "4x3", "3x4+II-cabrera", "6x2-cabrera"):
        shown = visible_window(load_layout(name), STANDARD_LEADS, 500)
        for lead, (first, end) in module.lead_windows(name).items():
            where = np.flatnonzero(shown[STANDARD_LEADS.index(lead)])
            assert (where[0], where[-1] + 1) == (first, end)


def test_cut_layout():
    """A layout that the picture cuts lacks a row."""
    layout = load_layout("3x4+II")
    assert layout.cut("bottom").rhythm == ()
    assert layout.cut("top").leads == layout.leads[1:]
    assert load_layout("12x1").cut("bottom").leads == load_layout("12x1").leads[:-1]
    assert load_layout("1x1").cut("top") is None
    assert layout.cut("top").with_seconds(2.0).seconds_per_column == 2.0
    with pytest.raises(ValueError, match="greater than 0"):
        layout.with_seconds(0.0)


def test_slots_of_consecutive_rows():
    """Each row goes on where the one above ends, in any lead."""
    layout = load_layout("3x1-consecutive")
    assert [(slot.lead, slot.start_s, slot.end_s) for slot in layout.slots()] == [
        ("I", 0, 10), ("I", 10, 20), ("I", 20, 30),
    ]  # fmt: skip
    assert layout.duration_s == 30
    assert layout.of_lead("V2").record_leads == ("V2",)


@pytest.mark.parametrize("change", [{"rhythm": ("II",)}, {"columns_in_time": "simultaneous"}])
def test_consecutive_rows_alone(change):
    """Consecutive rows go with neither strips nor simultaneous columns."""
    values = load_layout("3x1-consecutive").model_dump() | change
    with pytest.raises(ValueError, match="consecutive rows leave no room"):
        Layout(**values)
