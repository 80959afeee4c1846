"""Rows that lead labels tell of, where they were not found or taken for two."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ecgimg.digitization.model import LeadLabel
from ecgimg.digitization.text import rows_missed_by_tracing as rows_from_labels
from ecgimg.digitization.text.rows_missed_by_tracing import baselines_by_labels, retrace_rows_by_labels

MM = 8.0
LEADS = ("I", "II", "III", "V1")
HEIGHTS = (200.0, 420.0, 640.0, 860.0)


def labels_at(heights, left_px=100.0, leads=LEADS, confidence=0.95):
    return [
        LeadLabel(left_px + 10, height, left_px, lead, confidence) for lead, height in zip(leads, heights, strict=False)
    ]


def test_baselines_by_labels_of_all_rows():
    """Rows that stand as the lead labels tell are left alone."""
    baselines = np.array(HEIGHTS) + 30
    assert baselines_by_labels(baselines, labels_at(HEIGHTS), MM) is None
    assert baselines_by_labels(baselines, labels_at(HEIGHTS[:3]), MM) is None  # a strip without a label
    near = np.array([*baselines[:3], baselines[2] + 110])  # a strip nearer to its neighbour than the others are
    assert baselines_by_labels(near, labels_at(HEIGHTS[:3]), MM) is None
    assert baselines_by_labels(np.array(HEIGHTS[:3]) + 115, labels_at(HEIGHTS[:3]), MM) is None  # labels far above


@pytest.mark.parametrize("lost", [0, 1, 3])
def test_baselines_by_labels_of_missing_row(lost):
    """A row of which only the label was found is sought there."""
    baselines = np.delete(np.array(HEIGHTS) + 30, lost)
    completed = baselines_by_labels(
        baselines, [*labels_at(HEIGHTS), *labels_at(HEIGHTS, 700, ("aVR", "aVL", "aVF"))], MM
    )
    assert completed == pytest.approx(np.array(HEIGHTS) + 30)


@pytest.mark.parametrize(("unlabelled", "is_sought"), [((3, 5), True), ((1, 2, 3, 5, 6), False)])
def test_baselines_by_labels_of_missing_row_and_label(unlabelled, is_sought):
    """A row between others is sought though its label was not found."""
    heights = 100.0 + 220 * np.arange(9)
    labels = labels_at(np.delete(heights, unlabelled), leads=("I",) * 9)
    rows = baselines_by_labels(np.delete(heights, 5) + 30, labels, MM)
    assert rows == (pytest.approx(heights + 30) if is_sought else None)


def test_baselines_by_labels_of_split_row():
    """A row that was taken for two is one."""
    baselines = np.array([230.0, 400.0, 470.0, 670.0, 890.0])
    assert len(baselines_by_labels(baselines, labels_at(HEIGHTS), MM)) == 4


def test_baselines_by_labels_of_illegible_or_split_labels():
    """Labels that are illegible or in two parts tell rows as well."""
    labels = labels_at(HEIGHTS, leads=("I", "", "III", "V1"))
    labels.append(LeadLabel(115, HEIGHTS[2] + 5, 112, "I", 0.8))
    assert len(baselines_by_labels(np.array([230.0, 670.0, 890.0]), labels, MM)) == 4


def test_baselines_by_labels_of_uneven_or_unsure_labels():
    """Labels at uneven distances, or unsure ones, tell nothing."""
    baselines = np.array([230.0, 450.0, 890.0])
    assert baselines_by_labels(baselines, labels_at((200.0, 420.0, 550.0, 860.0)), MM) is None
    assert baselines_by_labels(baselines, labels_at(HEIGHTS, confidence=0.5), MM) is None
    assert baselines_by_labels(baselines, [], MM) is None
    assert baselines_by_labels(np.zeros(0), labels_at(HEIGHTS), MM) is None


@pytest.mark.parametrize("n_traced", [3, 4])
def test_retrace_rows_by_labels_where_all_are_found(monkeypatch, n_traced):
    """Rows are traced again where all rows that labels tell of are found."""
    rows = tuple(SimpleNamespace(baseline_px=height + 30) for height in HEIGHTS[1:])
    again = tuple(range(n_traced))
    monkeypatch.setattr(rows_from_labels, "trace_rows", lambda page, baselines: again)
    page = SimpleNamespace(px_per_mm=MM)
    assert retrace_rows_by_labels(page, rows, labels_at(HEIGHTS)) == (again if n_traced == 4 else rows)
