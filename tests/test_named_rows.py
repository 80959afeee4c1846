"""Rows that the names at their starts tell of, where they were not found or taken for two."""

from types import SimpleNamespace

import numpy as np
import pytest

from ecgimg.digitization.model import LeadLabel
from ecgimg.digitization.text import rows_from_labels
from ecgimg.digitization.text.rows_from_labels import baselines_by_labels, retrace_rows_by_labels

MM = 8.0
NAMES = ("I", "II", "III", "V1")


def names_at(heights, left_px=100.0, names=NAMES, confidence=0.95):
    return [
        LeadLabel(left_px + 10, height, left_px, name, confidence) for name, height in zip(names, heights, strict=False)
    ]


HEIGHTS = (200.0, 420.0, 640.0, 860.0)


def test_rows_as_the_names_tell_are_left_alone():
    found = np.array(HEIGHTS) + 30
    assert baselines_by_labels(found, names_at(HEIGHTS), MM) is None
    assert baselines_by_labels(found, names_at(HEIGHTS[:3]), MM) is None  # a strip without a name
    near = np.array([*found[:3], found[2] + 110])  # a strip nearer to its neighbour than the others are
    assert baselines_by_labels(near, names_at(HEIGHTS[:3]), MM) is None
    assert baselines_by_labels(np.array(HEIGHTS[:3]) + 115, names_at(HEIGHTS[:3]), MM) is None  # names far above


@pytest.mark.parametrize("lost", [0, 1, 3])
def test_a_row_that_has_a_name_only_is_sought_there(lost):
    found = np.delete(np.array(HEIGHTS) + 30, lost)
    told = baselines_by_labels(found, [*names_at(HEIGHTS), *names_at(HEIGHTS, 700, ("aVR", "aVL", "aVF"))], MM)
    assert told == pytest.approx(np.array(HEIGHTS) + 30)


@pytest.mark.parametrize(("unread", "told"), [((3, 5), True), ((1, 2, 3, 5, 6), False)])
def test_a_row_between_others_is_sought_though_its_name_was_not_found(unread, told):
    heights = 100.0 + 220 * np.arange(9)
    names = names_at(np.delete(heights, unread), names=("I",) * 9)
    rows = baselines_by_labels(np.delete(heights, 5) + 30, names, MM)
    assert rows == (pytest.approx(heights + 30) if told else None)


def test_a_row_that_was_taken_for_two_is_one():
    found = np.array([230.0, 400.0, 470.0, 670.0, 890.0])
    assert len(baselines_by_labels(found, names_at(HEIGHTS), MM)) == 4


def test_names_that_are_illegible_or_in_two_parts_tell_rows_as_well():
    labels = names_at(HEIGHTS, names=("I", "", "III", "V1"))
    labels.append(LeadLabel(115, HEIGHTS[2] + 5, 112, "I", 0.8))
    assert len(baselines_by_labels(np.array([230.0, 670.0, 890.0]), labels, MM)) == 4


def test_names_at_uneven_distances_or_unsure_ones_tell_nothing():
    found = np.array([230.0, 450.0, 890.0])
    assert baselines_by_labels(found, names_at((200.0, 420.0, 550.0, 860.0)), MM) is None
    assert baselines_by_labels(found, names_at(HEIGHTS, confidence=0.5), MM) is None
    assert baselines_by_labels(found, [], MM) is None
    assert baselines_by_labels(np.zeros(0), names_at(HEIGHTS), MM) is None


@pytest.mark.parametrize("n_traced", [3, 4])
def test_rows_are_traced_again_where_all_that_names_tell_are_found(monkeypatch, n_traced):
    rows = tuple(SimpleNamespace(baseline_px=height + 30) for height in HEIGHTS[1:])
    again = tuple(range(n_traced))
    monkeypatch.setattr(rows_from_labels, "trace_rows", lambda page, baselines: again)
    page = SimpleNamespace(px_per_mm=MM)
    assert retrace_rows_by_labels(page, rows, names_at(HEIGHTS)) == (again if n_traced == 4 else rows)
