"""From values of many beats to one number with its spread, its expected error and its provenance."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ecgimg.measurement.delineation.model import Floats, Ints
from ecgimg.measurement.order_statistics import known_median
from ecgimg.measurement.results import Measured
from ecgimg.reasons import Reason, ReasonCode

LEAST_BEATS = 3
"""Beats below which no interval of a record is given: of two, neither can tell that the other is wrong."""

_MAD_TO_SD = 1.4826  # of a normal distribution


def summarize(
    values: ArrayLike,
    leads: tuple[str, ...] = (),
    errors: ArrayLike | None = None,
    *,
    least: int = LEAST_BEATS,
    reason: Reason | None = None,
) -> Measured:
    """Return the median of values, one a beat, NaN where a beat has none.

    Parameters
    ----------
    errors : (beats,) float, optional
        Error to be expected of each value; by default it follows from their spread.
    least : int
        Values below which nothing is given.
    reason : Reason, optional
        Why nothing is given, whatever the values; by default that there are too few.
    """
    array = np.asarray(values, np.float64)
    known = np.isfinite(array)
    kept: Floats = array[known]
    if reason is not None or len(kept) < least:
        return missing(reason or ReasonCode.TOO_FEW_BEATS.reason(count=len(kept), least=least), len(kept), leads)
    deviation = spread(kept)
    expected = error_of_median(deviation, len(kept))
    if errors is not None:
        expected = float(np.median(np.asarray(errors, np.float64)[known]))
    return Measured(float(np.median(kept)), deviation, len(kept), expected, leads)


def spread(values: Floats) -> float | None:
    """Return the standard deviation, by the median absolute deviation; None for fewer than three values."""
    if len(values) < 3:
        return None
    return _MAD_TO_SD * float(np.median(np.abs(values - np.median(values))))


def error_of_median(deviation: float | None, n: int) -> float | None:
    """Return the mean error of the median of `n` normal values of a standard deviation; None where that is not known.

    It leaves out what all beats share, as a wrong baseline or gain.
    """
    # the factors of a median's standard error, sqrt(pi / 2), and of a mean error, sqrt(2 / pi), cancel out
    return None if deviation is None else float(deviation / np.sqrt(n))


def medians(values: Floats) -> tuple[Floats, Floats, Ints]:
    """Return the medians along the second axis, the standard deviations by `spread`, and how many values each has.

    All columns at once: a record has some two hundred numbers.

    Parameters
    ----------
    values : (names, beats, leads) float64
        NaN where a beat has none.
    """
    count = np.isfinite(values).sum(axis=1)
    middle = known_median(values, axis=1)
    deviation = _MAD_TO_SD * known_median(np.abs(values - middle[:, None]), axis=1)
    return middle, np.where(count >= 3, deviation, np.nan), count


def missing(reason: Reason, n: int = 0, leads: tuple[str, ...] = ()) -> Measured:
    """Return a number that is not given."""
    return Measured(n=n, leads=leads, reason=reason)
