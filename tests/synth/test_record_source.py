"""Records for pages: in turn, filtered by layout, cut, or simulated."""

from __future__ import annotations

import numpy as np
import pytest

import synth
from ecgimg import STANDARD_LEADS, BadRecord, EcgRecord


def test_records_in_turn():
    """Records are taken in turn, and again from the first."""
    records = [(str(k), EcgRecord(np.full((12, 5000), 0.1 * k), 500.0)) for k in range(3)]
    pages = list(synth.pages(records, n=5, layouts="3x4", degradation="none", seed=1))
    assert [page.truth.parameters["record"]["record_id"] for page in pages] == ["0", "1", "2", "0", "1"]


def test_records_without_values():
    """A record without values is passed over, and refused where it is the only one."""
    dead = ("dead", EcgRecord(np.full((12, 5000), np.nan), 500.0))
    live = ("live", EcgRecord(np.zeros((12, 5000)), 500.0))
    pages = list(synth.pages([dead, live], n=2, layouts="3x4", degradation="none"))
    assert {page.truth.parameters["record"]["record_id"] for page in pages} == {"live"}
    with pytest.raises(BadRecord, match="dead has no value at all"):
        next(synth.pages([dead]))


def test_record_with_few_leads():
    """A record gets layouts that it can fill."""
    limb = EcgRecord(np.zeros((6, 5000)), 500.0, STANDARD_LEADS[:6])
    for page in synth.pages([("limb", limb)], n=6, degradation="none"):
        assert page.truth.layout.name in {"6x1-limb", "3x1", "1x1"}
    with pytest.raises(BadRecord, match="the record limb has no lead V1"):
        next(synth.pages([("limb", limb)], layouts="3x4+II"))


def test_fifteen_leads_of_simulated_heart():
    """A layout of fifteen leads is filled by a simulated heart."""
    page = next(synth.pages(n=1, layouts="3x5", degradation="none"))
    assert {"V4R", "V8", "V9"} <= {trace.slot.lead for trace in page.truth.traces}
    assert all(np.isfinite(page.truth.record.lead(name)).all() for name in ("V4R", "V8", "V9"))


def test_long_record_is_cut():
    """A long record is cut, and the truth tells where."""
    signals = np.tile(np.arange(30000, dtype=np.float32) / 30000, (12, 1))
    page = next(synth.pages([("long", EcgRecord(signals, 500.0))], layouts="12x1", degradation="none", seed=3))
    start = page.truth.parameters["record"]["start_s"]
    assert 0 < start <= 50
    assert page.truth.record.signals[0, 0] == pytest.approx(start * 500 / 30000, abs=1e-6)


def test_record_for_consecutive_rows(heart_record):
    """Rows that follow each other are drawn of a record that is long enough."""
    assert heart_record.duration_s == 10
    with pytest.raises(BadRecord, match="lasts 10 s, and the rows of 3x1-consecutive show 30 s"):
        next(synth.pages([("short", heart_record)], n=1, layouts="3x1-consecutive"))
    layouts = {
        page.truth.layout.name for page in synth.pages([("short", heart_record)], n=4, layouts="3x1-consecutive,3x1")
    }
    assert layouts == {"3x1"}
