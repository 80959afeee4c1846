"""Simulation: flat segments, plausible sizes, seeds, and records that are refused."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.errors import BadRequest
from synth.heart import HeartSpec, make_random_heart_spec, simulate
from tests.synth.heart.measurements import EXACT, FS, QUIET, heart, quiet, rr


def test_simulate_flat_segments():
    """The segments before P and QRS are flat, and nothing jumps."""
    beats = heart(4, rate_bpm=55, **(EXACT | {"variety": 1.0}))
    f, x = beats.fiducials, beats.record.signals.astype(float)
    for n in range(1, 5):
        pr = x[:, round((f.p_offset_s[n] + 0.012) * FS) : round((f.qrs_onset_s[n] - 0.004) * FS)]
        tp = x[:, round((f.t_offset_s[n] + 0.03) * FS) : round((f.p_onset_s[n + 1] - 0.02) * FS)]
        assert np.abs(pr).max() < 0.012
        assert np.abs(tp).max() < 0.012
    fine = simulate(HeartSpec(**QUIET), np.random.default_rng(4), 4.0, 4000.0).record.signals.astype(float)
    assert np.abs(np.diff(fine, axis=1)).max() < 0.12  # 0.25 ms apart: a step would be as tall as its wave


def test_simulate_high_rates():
    """High rates stay plausible."""
    for options in ({"rate_bpm": 180}, {"rhythm": "svt", "rate_bpm": 220}, {"rhythm": "af", "rate_bpm": 190}):
        beats = quiet(1, **options)
        assert 60 / rr(beats).mean() == pytest.approx(options["rate_bpm"], rel=0.12)
        assert np.abs(beats.record.signals).max() < 4
        assert np.abs(np.median(beats.record.signals, axis=1)).max() < 0.6


def test_simulate_seeds():
    """The same seed gives the same bytes, and another seed another patient."""
    spec = HeartSpec(rhythm="af", motion_steps_per_min=10.0, mains_mv=0.01)
    one, two, other = (simulate(spec, np.random.default_rng(seed)) for seed in (7, 7, 8))
    assert one.record.signals.tobytes() == two.record.signals.tobytes()
    assert one.labels == two.labels
    assert one.record.signals.tobytes() != other.record.signals.tobytes()
    assert make_random_heart_spec(np.random.default_rng(3)) == make_random_heart_spec(np.random.default_rng(3))
    r = [simulate(HeartSpec(**QUIET), np.random.default_rng(seed)).record.lead("V5").max() for seed in range(8)]
    assert np.std(r) > 0.08
    assert hash(HeartSpec(st_mv={"inferior": 0.2})) == hash(HeartSpec(st_mv=(("inferior", 0.2),)))


def test_simulate_beat_variation():
    """The beats of one record differ a little."""
    beats = quiet(1)
    peaks = np.array([beats.record.lead("V5")[round(t * FS)] for t in beats.fiducials.r_peak_s[1:-1]])
    assert 0.005 < peaks.std() / peaks.mean() < 0.12


@pytest.mark.parametrize(
    "values",
    [
        {"duration_s": 0},
        {"fs_hz": 1},
        {"duration_s": float("inf")},
        {"leads": ("X",)},
        {"leads": ()},
        {"leads": ("I", "I")},
    ],
)
def test_simulate_refusals(values):
    """A record that cannot be simulated is refused."""
    with pytest.raises(BadRequest):
        simulate(HeartSpec(), np.random.default_rng(0), **values)
