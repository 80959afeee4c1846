"""The measurements on the first sheet of the report, in two columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from textwrap import wrap
from typing import Any

from ecgimg.digitization import Digitization
from ecgimg.measurement import Measurements
from ecgimg.plotting.svg import QUIET
from ecgimg.reporting.measurement_text import (
    AXES,
    INTERVALS,
    NOISE,
    NOT_GIVEN,
    RHYTHM,
    ST,
    VOLTAGES,
    NumberRow,
    in_one_line,
    nothing_text,
    number_groups,
)
from ecgimg.reporting.pdf.sheets import MARGIN_MM, underline, write

LINE_MM = 4.3
"""Distance of two lines."""

TITLE_MM = 12.0
"""Between what is above and the first line."""

_NAME_CHARACTERS = 18  # that fit between the beginnings of name and value
_MAX_LINES = 18  # so that half of the page is left for verdict and picture
_COLUMNS_MM = ((12.0, 39.0, 54.0, 95.0), (99.0, 126.5, 141.0, 166.0))  # name, value, detail and end of a column
_HINT = "±: spread from beat to beat; error: how far off a number may be"
_ONE_LINE = {"ST, J + 60 ms": ST, "Noise": NOISE}


@dataclass(frozen=True)
class NumberLine:
    """A line of the measurements; the detail stands beside the value, or in its place where the row has none."""

    name: str
    value: str
    detail: str
    begins_row: bool
    is_beside: bool


def number_columns(measurements: Measurements, page: Digitization) -> tuple[list[NumberLine], list[NumberLine]]:
    """Return the lines of the measurements in two columns."""
    groups = number_groups(measurements)
    if not groups:
        return list(_lines_of(NumberRow("", NOT_GIVEN, nothing_text(measurements, page)), (0, 42))), []
    left = [*groups.get(RHYTHM, ()), *groups.get(INTERVALS, ())]
    right = [*groups.get(AXES, ()), *groups.get(VOLTAGES, ())]
    # a lead a line would take the room of the picture
    right += [NumberRow(name, NOT_GIVEN, in_one_line(groups[key])) for name, key in _ONE_LINE.items() if key in groups]
    columns = ((left, (30, 42)), (right, (18, 27)))
    lines, more = ([line for row in rows for line in _lines_of(row, widths)] for rows, widths in columns)
    return _cut(lines), _cut(more)


def _cut(lines: list[NumberLine]) -> list[NumberLine]:
    """Return no more lines than the page has room for beside a picture."""
    rest = NumberLine("", "", "… the rest is in the JSON file", begins_row=False, is_beside=False)
    return lines if len(lines) <= _MAX_LINES else [*lines[: _MAX_LINES - 1], rest]


def _lines_of(row: NumberRow, widths: tuple[int, int]) -> Iterator[NumberLine]:
    """Yield the lines of a row, whose detail has so many characters beside a value, and so many in place of one."""
    has_value = row.value != NOT_GIVEN
    names, details = wrap(row.name, _NAME_CHARACTERS), wrap(row.detail, widths[0] if has_value else widths[1])
    for place, (name, detail) in enumerate(zip_longest(names, details, fillvalue="")):
        value = row.value if has_value and place == 0 else ""
        yield NumberLine(name, value, detail, place == 0, has_value)


def draw_numbers(axes: Any, columns: Sequence[Sequence[NumberLine]], y_mm: float) -> None:
    """Write the measurements below the picture, their first line at `y_mm`."""
    write(axes, MARGIN_MM, y_mm - 5.5, "Measurements", 3.6, weight="bold")
    write(axes, _COLUMNS_MM[1][-1], y_mm - 5.5, _HINT, 2.5, ha="right", color=QUIET)
    for lines, (left_mm, value_mm, detail_mm, end_mm) in zip(columns, _COLUMNS_MM, strict=True):
        for place, line in enumerate(lines):
            line_mm = y_mm + place * LINE_MM
            if line.begins_row:
                underline(axes, left_mm, end_mm, line_mm - 3.1)
            write(axes, left_mm, line_mm, line.name, 2.8)
            write(axes, value_mm, line_mm, line.value, 2.8, weight="bold")
            write(axes, detail_mm if line.is_beside else value_mm, line_mm, line.detail, 2.5, color=QUIET)
