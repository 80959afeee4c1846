"""Records are measured through drawn and digitized pages."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ecgimg import BadRequest
from ecgimg.digitization import Digitization
from ecgimg.evaluate.measuring import through_pages
from ecgimg.evaluate.measuring.through_pages import evaluate_through_pages
from ecgimg.measurement.results import GLOBAL_NAMES
from ecgimg.reasons import ReasonCode
from synth.heart import HeartSpec, simulate
from tests.annotated_hearts import measured_as


def heart(seed=0):
    return simulate(HeartSpec(rate_bpm=66), np.random.default_rng(seed))


@pytest.mark.slow
def test_evaluate_through_undamaged_page(delineator):
    """An undamaged page gives the rate, the intervals and the ST levels of its record."""
    items = [("one", heart().record)]
    (change,) = evaluate_through_pages(items, layouts="3x4+II", degradation="none", seed=3)
    assert (change.name, change.status) == ("one", "ok")
    assert tuple(change.values) == GLOBAL_NAMES
    for name, tolerance in (("rate_bpm", 1), ("qrs_ms", 20), ("qt_ms", 40), ("qrs_axis_deg", 20)):
        page, record = change.values[name]
        assert page == pytest.approx(record, abs=tolerance)
    assert len(change.st_mv) == 12
    assert np.abs(np.subtract(*np.array(change.st_mv).T)).max() < 0.1


def test_evaluate_through_refused_page(monkeypatch):
    """A page that was refused gives no number; those of the record are kept."""
    refused = Digitization("refused", (ReasonCode.NO_TRACE_FOUND.reason(),))
    record = heart().record
    own = measured_as(record, (), {"rate_bpm": 66.0, "qt_ms": 400.0, "pr_ms": None})
    monkeypatch.setattr(through_pages, "digitize_image", lambda image: refused)
    monkeypatch.setattr(through_pages, "measure_record", lambda record: own)
    (change,) = evaluate_through_pages([("one", record)], layouts="3x4+II", degradation="none", seed=3)
    assert change.status == "refused"
    assert math.isnan(change.values["rate_bpm"][0])
    assert change.values["rate_bpm"][1] == 66
    assert change.st_mv == ()
    assert change.said == {}


def test_evaluate_through_page_with_reasons(monkeypatch):
    """The code says why the page does not give a number."""
    record = heart().record
    own = measured_as(record, (), {"rate_bpm": 66.0, "pr_ms": 150.0})
    seen = measured_as(record, (), {"rate_bpm": 65.5, "pr_ms": None})
    monkeypatch.setattr(through_pages, "digitize_image", lambda image: Digitization("ok"))
    monkeypatch.setattr(through_pages, "measure_record", lambda record: own)
    monkeypatch.setattr(through_pages, "measure", lambda page: seen)
    (change,) = evaluate_through_pages([("one", record)], layouts="12x1", degradation="none", seed=0)
    assert change.values["rate_bpm"] == (65.5, 66.0)
    assert change.said == {"pr_ms": "no_p_wave"}


def test_evaluate_through_pages_without_process():
    """Fewer than one process is refused, as are impossible pages, before a page is drawn."""
    with pytest.raises(BadRequest, match="at least one process"):
        next(evaluate_through_pages([("one", heart().record)], layouts="12x1", degradation="none", seed=0, jobs=0))
    with pytest.raises(BadRequest, match="coffee"):
        next(evaluate_through_pages([], layouts="12x1", degradation="coffee", seed=0))
