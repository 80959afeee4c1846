"""A comparison in words, as rows of a table that a terminal and a browser show alike."""

from __future__ import annotations

from collections.abc import Mapping

from ecgimg.comparison.changes import Change, difference
from ecgimg.measurement.page_numbers import MAIN_NAMES
from ecgimg.reporting.measurement_text import NOT_GIVEN, TITLES

_LEAD_NAMES = {"q_mv": "Q", "r_mv": "R", "s_mv": "S", "st_j60_mv": "ST 60 ms after J", "t_mv": "T"}
_NBSP = "\N{NO-BREAK SPACE}"
_UNITS = {"bpm": f"{_NBSP}bpm", "ms": f"{_NBSP}ms", "mv": f"{_NBSP}mV", "deg": "°"}
EXCEEDS = "more than its error"
"""What is said of a change that its error does not explain."""


Row = tuple[str, str, str, str, str]
"""Name, old, new, change, and what the change is worth or why there is none."""


def main_rows(values: Mapping[str, Change]) -> list[Row]:
    """Return a row for each of the main numbers."""
    return [_row(TITLES[name], values[name]) for name in MAIN_NAMES if name in values]


def lead_rows(leads: Mapping[str, Mapping[str, Change]]) -> list[Row]:
    """Return a row for each amplitude and ST level of a lead whose change exceeds its error."""
    return [
        _row(f"{lead} {title}", values[name])
        for lead, values in leads.items()
        for name, title in _LEAD_NAMES.items()
        if name in values and values[name].exceeds_error
    ]


def _row(title: str, change: Change) -> Row:
    unit = _UNITS[change.name.rpartition("_")[2]]
    digits = 2 if change.name.endswith("_mv") else 0
    old, new = (_value(one.value, digits, unit) for one in (change.old, change.new))
    if change.change is None:
        return title, old, new, "", _why(change)
    worth = {None: "error not known", True: EXCEEDS, False: ""}[change.exceeds_error]
    return title, old, new, _value(_shown_change(change, digits), digits, unit, "+"), worth


def _shown_change(change: Change, digits: int) -> float:
    """Return the change of the numbers as they are shown, which would else not seem to be their difference."""
    assert change.old.value is not None
    assert change.new.value is not None
    return difference(change.name, round(change.old.value, digits), round(change.new.value, digits))


def _value(value: float | None, digits: int, unit: str, sign: str = "") -> str:
    if value is None:
        return NOT_GIVEN
    text = f"{value:{sign}.{digits}f}"
    # what rounds to zero has no sign
    return (text if text.strip("+-0.") else text.lstrip("+-")).replace("-", "\N{MINUS SIGN}") + unit


def _why(change: Change) -> str:
    """Return why a number is not given, and in which ECG where both have different reasons."""
    numbers = {"old": change.old, "new": change.new}
    texts = {which: one.reason.text for which, one in numbers.items() if one.value is None and one.reason is not None}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return " ".join(f"{which.capitalize()}: {text}" for which, text in texts.items())
