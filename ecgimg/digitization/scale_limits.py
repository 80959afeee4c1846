"""The paper speeds and gains that a person may give: the same in Python, on the command line and in the app."""

from __future__ import annotations

from ecgimg.errors import BadRequest

SPEED_RANGE_MM_S = (5.0, 200.0)
"""Paper speeds that a person may give, on the command line as in the app."""

GAIN_RANGE_MM_MV = (1.0, 80.0)
"""Gains that a person may give."""


def check_scales(speed_mm_s: float | None, gain_mm_mv: float | None) -> None:
    """Refuse a speed or gain that no recorder has (`BadRequest`); None is whatever the page says."""
    for name, value, (low, high), unit in (
        ("speed", speed_mm_s, SPEED_RANGE_MM_S, "mm/s"),
        ("gain", gain_mm_mv, GAIN_RANGE_MM_MV, "mm/mV"),
    ):
        if value is not None and not low <= value <= high:
            raise BadRequest(f"the {name} must be between {low:g} and {high:g} {unit}, got {value:g}")
