"""Intervals over leads, their corrections, and why they are not given."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.measurement.delineation.global_waves import GlobalWaves
from ecgimg.measurement.intervals import corrected_qt, measure_intervals, qt_dispersion, why_no_interval
from ecgimg.measurement.results import Measured
from ecgimg.reasons import ReasonCode


def waves_of(pr_s, beats=6, has_p=True, qt_s=0.4, rr_s=0.8):
    """Beats of a PR (one, or one each), QRS of 90 ms and a QT."""
    qrs = rr_s * np.arange(1, beats + 1)
    p = qrs - np.broadcast_to(pr_s, beats) if has_p else np.full(beats, np.nan)
    onset = np.stack([p, qrs, qrs + qt_s - 0.15])
    end = np.stack([p + 0.1, qrs + 0.09, qrs + qt_s])
    error = np.full((3, beats), 0.005)
    return GlobalWaves(onset, end, error, error)


def measured(waves, rr_ms=800.0, lone_p=0):
    usual = np.ones(waves.onset_s.shape[1], bool)
    reasons = why_no_interval(waves, usual, bool(np.isfinite(waves.onset_s[0]).any()), lone_p)
    middle = (waves.onset_s[1] + waves.end_s[1]) / 2
    beat = np.median(waves.onset_s - middle, axis=1), np.median(waves.end_s - middle, axis=1)
    return measure_intervals(waves, beat, usual, reasons, ("I",), Measured(rr_ms))


def test_intervals_of_beats():
    """Intervals are medians over beats, with the errors of both ends."""
    found = measured(waves_of(0.16))
    expected = {"p_duration_ms": 100, "pr_ms": 160, "qrs_ms": 90, "qt_ms": 400, "jt_ms": 310}
    assert {name: found[name].value for name in expected} == pytest.approx(expected)
    assert found["pr_ms"].expected_error == pytest.approx(0.49 * np.hypot(5, 5))
    assert found["pr_ms"].n == 6


@pytest.mark.parametrize(
    ("name", "value"),
    [("qtc_bazett_ms", 447.2), ("qtc_fridericia_ms", 430.9), ("qtc_framingham_ms", 430.8), ("qtc_hodges_ms", 426.25)],
)
def test_corrected_qt(name, value):
    """QT of 400 ms at 75 beats a minute, corrected by each formula."""
    assert corrected_qt(Measured(400.0), Measured(800.0))[name].value == pytest.approx(value, abs=0.1)


def test_corrected_qt_at_sixty():
    """At 60 beats a minute no formula changes QT."""
    assert [v.value for v in corrected_qt(Measured(400.0), Measured(1000.0)).values()] == pytest.approx([400.0] * 4)


@pytest.mark.parametrize(
    ("waves", "name", "code"),
    [
        (waves_of(0.16, has_p=False), "pr_ms", ReasonCode.NO_P_WAVE),
        (waves_of(np.array([0.1, 0.2, 0.3, 0.15, 0.25, 0.35])), "pr_ms", ReasonCode.P_NOT_CONDUCTED),
        (waves_of(0.16, beats=2), "qrs_ms", ReasonCode.TOO_FEW_BEATS),
        (waves_of(0.16, qt_s=np.nan), "qt_ms", ReasonCode.NO_T_WAVE),
        (waves_of(0.16, qt_s=0.65), "qt_ms", ReasonCode.T_RUNS_INTO_P),
    ],
)
def test_reason_of_missing_interval(waves, name, code):
    """An interval that cannot be told has no value, and the reason."""
    found = measured(waves)[name]
    assert found.value is None
    assert found.reason.code is code


def test_p_duration_where_p_is_not_conducted():
    """P waves that are not conducted still have a duration."""
    found = measured(waves_of(np.array([0.1, 0.2, 0.3, 0.15, 0.25, 0.35])))
    assert found["p_duration_ms"].value == pytest.approx(100)


def test_p_waves_without_beats():
    """Many P waves without a beat, and none before the beats, are not conducted rather than absent."""
    found = measured(waves_of(0.16, has_p=False), lone_p=4)
    assert found["pr_ms"].reason.code is ReasonCode.P_NOT_CONDUCTED


def test_qt_dispersion():
    """QT dispersion is the range of the leads' QT, and needs eight of them."""
    leads = {f"V{k}": Measured(400.0 + k, n=3) for k in range(1, 10)}
    assert qt_dispersion(leads).value == pytest.approx(8)
    assert qt_dispersion(dict(list(leads.items())[:7])).reason.code is ReasonCode.LEADS_NEEDED
