"""Values of beats become one number with its spread."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.measurement.summarize import medians, spread, summarize
from ecgimg.reasons import ReasonCode


def test_summarize_values():
    """The median, the spread and the count are those of the known values."""
    found = summarize([100, np.nan, 104, 96, 400], ("II",), [5, 50, 6, 7, 8])
    assert (found.value, found.n, found.leads) == (102, 4, ("II",))
    assert found.expected_error == pytest.approx(6.5)
    assert found.spread == pytest.approx(1.4826 * 4)


def test_summarize_too_few():
    """Fewer values than are needed give none."""
    found = summarize([100, 101, np.nan])
    assert found.value is None
    assert found.reason.code is ReasonCode.TOO_FEW_BEATS


def test_summarize_with_reason():
    """A reason keeps a number back whatever the values."""
    reason = ReasonCode.NO_P_WAVE.reason()
    assert summarize([1, 2, 3], reason=reason).reason is reason


def test_spread_of_two():
    """Two values have no spread."""
    assert spread(np.array([1.0, 2.0])) is None


def test_medians_of_columns():
    """Medians of many columns at once are those of each."""
    values = np.random.default_rng(0).normal(size=(4, 7, 3))
    values[0, 2:, 1] = np.nan
    values[2, :, 0] = np.nan
    middle, deviation, count = medians(values)
    known = [[values[a, :, b][np.isfinite(values[a, :, b])] for b in range(3)] for a in range(4)]
    for a in range(4):
        for b in range(3):
            assert count[a, b] == len(known[a][b])
            if len(known[a][b]):
                assert middle[a, b] == pytest.approx(np.median(known[a][b]))
            if len(known[a][b]) >= 3:
                assert deviation[a, b] == pytest.approx(spread(known[a][b]))
            else:
                assert np.isnan(deviation[a, b])
