"""The change of one number from an old ECG to a new one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ecgimg.measurement import Measured
from ecgimg.measurement.results import digits_of
from ecgimg.reporting.rules.limits import LEAST_ERROR

# Of independent errors, whose mean is 0.8 of their standard deviation, one of twenty exceeds it. Of the halves of 60
# records of LUDB, 2 % of QTc and no other interval, 3 % of axes, below 1 % of ST levels, 7 % of R and 4 % of S do.
_ERRORS = 2.5
_UNITS = {"ms": "ms", "bpm": "bpm", "mv": "mV", "deg": "°"}


@dataclass(frozen=True)
class Change:
    """One number in both ECGs.

    Parameters
    ----------
    name : str
        Of `GLOBAL_NAMES` or `LEAD_NAMES`.
    old, new : Measured
        With the reason where one of them is not given.
    change : float or None
        New less old, of an axis within (−180°, 180°]; None where one of them is not given.
    expected_error : float or None
        Mean error to be expected of the change, as both numbers err independently; None where that of one is not known.
    exceeds_error : bool or None
        Whether the change is larger than 2.5 times its expected error, which errors alone give in one of twenty. It
        does not tell whether the change matters.
    """

    name: str
    old: Measured
    new: Measured
    change: float | None = None
    expected_error: float | None = None
    exceeds_error: bool | None = None

    def summary(self) -> dict[str, Any]:
        """Return the change as the JSON holds it."""
        digits = digits_of(self.name)
        return {
            "old": self.old.summary(digits), "new": self.new.summary(digits), "change": _rounded(self.change, digits),
            "expected_error": _rounded(self.expected_error, digits), "exceeds_error": self.exceeds_error,
        }  # fmt: skip


def difference(name: str, old: float, new: float) -> float:
    """Return new less old, the shorter way round for an angle."""
    return 180.0 - (180.0 - (new - old)) % 360.0 if name.endswith("_deg") else new - old


def change_of(name: str, old: Measured, new: Measured) -> Change:
    """Return the change of a number, and whether it exceeds what both may err."""
    if old.value is None or new.value is None:
        return Change(name, old, new)
    change = difference(name, old.value, new.value)
    if old.expected_error is None or new.expected_error is None:
        return Change(name, old, new, change)
    least = LEAST_ERROR.get(_UNITS.get(name.rpartition("_")[2], ""), 0.0)
    error = math.hypot(max(old.expected_error, least), max(new.expected_error, least))
    return Change(name, old, new, change, error, abs(change) > _ERRORS * error)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
