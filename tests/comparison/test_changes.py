"""Changes of numbers, and what they are worth."""

from __future__ import annotations

import pytest

from ecgimg.comparison.changes import change_of
from ecgimg.measurement import Measured
from ecgimg.reasons import ReasonCode


def number(value: float | None, error: float | None = 10.0) -> Measured:
    return Measured(value, None, 5, error)


def test_change_beyond_its_error():
    """A change exceeds its error from two and a half times what both numbers together may err."""
    change = change_of("qt_ms", number(400.0, 30.0), number(524.0, 40.0))
    assert (change.change, change.expected_error, change.exceeds_error) == (124.0, 50.0, False)
    change = change_of("qt_ms", number(400.0, 30.0), number(274.0, 40.0))
    assert (change.change, change.exceeds_error) == (-126.0, True)


def test_error_is_never_below_that_of_pictures():
    """A tiny expected error does not make a picture's own error a change."""
    change = change_of("st_j_mv", number(0.10, 0.001), number(0.16, 0.001))
    assert change.expected_error == pytest.approx(0.02 * 2**0.5)
    assert change.exceeds_error is False
    assert change_of("st_j_mv", number(0.10, 0.001), number(0.18, 0.001)).exceeds_error is True


@pytest.mark.parametrize(
    ("old", "new", "moved"), [(170.0, -170.0, 20.0), (-170.0, 170.0, -20.0), (0.0, 180.0, 180.0), (-30.0, 60.0, 90.0)]
)
def test_axis_turns_the_shorter_way(old, new, moved):
    assert change_of("qrs_axis_deg", number(old), number(new)).change == pytest.approx(moved)


def test_number_that_is_not_given():
    """Where one number is not given there is no change, and the reason stands beside it; nothing is invented."""
    reason = ReasonCode.NO_P_WAVE.reason()
    change = change_of("pr_ms", number(160.0), Measured(reason=reason))
    assert (change.change, change.expected_error, change.exceeds_error) == (None, None, None)
    assert change.summary()["new"]["reason"]["code"] == "no_p_wave"
    change = change_of("pr_ms", number(160.0, None), number(200.0))
    assert (change.change, change.expected_error, change.exceeds_error) == (40.0, None, None)
