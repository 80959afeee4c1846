"""The paper speed and the gain that a caller gives: one check for Python, the command line, archives and the app."""

from __future__ import annotations

from numbers import Real
from typing import Any

from ecgimg.errors import BadRequest

SPEED_RANGE_MM_S, GAIN_RANGE_MM_MV = (5.0, 200.0), (1.0, 80.0)
"""What recorders print, with room: 5 to 100 mm/s, and 2.5 to 40 mm/mV."""


def check_scale(speed_mm_s: Any, gain_mm_mv: Any) -> None:
    """Refuse a speed or a gain that is neither None nor a number within its range (`BadRequest`)."""
    for name, unit, value, (low, high) in (
        ("speed", "mm/s", speed_mm_s, SPEED_RANGE_MM_S),
        ("gain", "mm/mV", gain_mm_mv, GAIN_RANGE_MM_MV),
    ):
        # True is 1 in Python, and NaN is within no range
        is_number = isinstance(value, Real) and not isinstance(value, bool)
        if value is not None and not (is_number and low <= float(value) <= high):
            raise BadRequest(f"the {name} must be between {low:g} and {high:g} {unit}, got {value!r:.40}")
