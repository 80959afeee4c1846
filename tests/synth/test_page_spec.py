"""Specs of pages."""

from __future__ import annotations

import pytest

from ecgimg import BadRequest
from tests.synth.plain_pages import plain


@pytest.mark.parametrize(
    "wrong",
    [
        {"size_mm": (0, 210)},
        {"size_mm": (297, -1)},
        {"px_per_mm": 0},
        {"px_per_mm": float("nan")},
        {"px_per_mm": 1000},
        {"speed_mm_s": -25},
        {"gain_mm_mv": 0},
        {"chest_gain_mm_mv": 0},
    ],
)
def test_page_spec_refusals(wrong):
    """An impossible page is refused."""
    with pytest.raises(BadRequest):
        plain(**wrong)
