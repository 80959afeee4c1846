"""Specs of hearts."""

from __future__ import annotations

import pytest

from ecgimg.errors import BadRequest
from synth.heart import HeartSpec


@pytest.mark.parametrize(
    "options",
    [
        {"rate_bpm": 5}, {"rate_bpm": float("nan")}, {"rhythm": "tango"}, {"conduction": "clbbb", "qrs_ms": 90},
        {"conduction": "lafb", "axis_deg": 40}, {"conduction": "lpfb", "axis_deg": 10}, {"st_mv": {"renal": 0.1}},
        {"st_mv": {"inferior": 9.0}}, {"q_wave": ("apex",)}, {"av_block": "third", "rhythm": "af"},
        {"av_block": "first", "pr_ms": 150}, {"conduction": "wpw", "pr_ms": 180}, {"qt_ms": 200, "qrs_ms": 100},
        {"atria": "lae", "rhythm": "af"}, {"pacing": "atrial", "rhythm": "flutter"}, {"rhythm": "svt", "rate_bpm": 80},
        {"hypertrophy": "rvh", "axis_deg": 30}, {"muscle_mv": -1}, {"p_ms": 180, "pr_ms": 150},
        {"low_voltage": True, "hypertrophy": "lvh"}, {"hypertrophy": "rvh", "conduction": "clbbb", "axis_deg": 100},
        {"pacing": "dual", "av_block": "third"},
    ],
)  # fmt: skip
def test_heart_spec_refusals(options):
    """Values that no heart has are refused in one sentence."""
    with pytest.raises(BadRequest, match=r"^[^\n]{10,}$"):
        HeartSpec(**options)
