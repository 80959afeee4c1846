"""The layout of a page: which lead stands where, and which part of the recording it shows."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from ecgimg.leads import KNOWN_LEADS

Separator = Literal["none", "tick", "bar", "row-dashes", "line", "dashed", "gap"]
"""What parts two columns: short strokes in each row, a thick bar, dashes in each row, one long line, or white space."""

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)]
Count = Annotated[int, Field(ge=1, le=16, strict=True)]
Name = Annotated[str, Field(max_length=80)]

# Limits of what a page can hold; a layout file beyond them is a mistake or an attack on memory.
MAX_STRIPS = 8
MAX_COLUMN_S = 3600.0


class PageStyle(BaseModel):
    """How the manufacturers that use this layout draw the page; defaults for `synth`, hints for the digitizer.

    Parameters
    ----------
    paper : {"a4-landscape", "a4-portrait", "letter-landscape", "letter-portrait", "roll"}
    header : bool
    grid : {"red", "pink", "green", "blue", "grey", "black", "none"}
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    paper: Literal["a4-landscape", "a4-portrait", "letter-landscape", "letter-portrait", "roll"] = "a4-landscape"
    header: Annotated[bool, Field(strict=True)] = True
    grid: Literal["red", "pink", "green", "blue", "grey", "black", "none"] = "red"


class Slot(BaseModel):
    """One lead at one place of the page.

    Parameters
    ----------
    lead : str
    sign : {1, -1}
        −1 where the page prints the lead upside down (−aVR).
    row : int
        From the top, from 0.
    column : int or None
        From the left, from 0; None for a rhythm strip, which runs along the whole row.
    start_s, end_s : float
        Seconds of the recording.
    """

    model_config = ConfigDict(frozen=True)

    lead: str
    sign: Literal[1, -1]
    row: int
    column: int | None
    start_s: float
    end_s: float

    @property
    def printed_name(self) -> str:
        """The name as printed: ``"-aVR"`` for an inverted lead."""
        return self.lead if self.sign > 0 else f"-{self.lead}"

    @property
    def seconds(self) -> float:
        """Seconds of the recording that are shown here."""
        return self.end_s - self.start_s


class Layout(BaseModel):
    """A layout, as read from its YAML file; see ``layouts/README.md`` for every key.

    The name is rows x columns + rhythm strips in printed order, then ``-`` and a word where two layouts would share
    that name (``3x4+II-cabrera``).

    Parameters
    ----------
    name, description : str
    rows, columns : int
        1 to 16.
    leads : tuple of tuple of str
        One tuple for each row, from the top; ``"-aVR"`` prints a lead upside down.
    rhythm : tuple of str
        Strips below, from the top.
    columns_in_time : {"sequential", "simultaneous"}
        Whether each column shows the seconds after those of the column before, or all show the same.
    rows_in_time : {"simultaneous", "consecutive"}
        Whether the rows of a column show the same seconds, or each row goes on where the one above ends, as a watch
        prints the half minute of its one lead.
    seconds_per_column : float
    speed_mm_s, gain_mm_mv : float
        What the page is read with when nothing on it says otherwise.
    pulse, pulse_rows, label, separator, style
        How it is usually printed: for drawing, and hints for reading.

    Raises
    ------
    UnknownLayout
        By `load_layout` and `parse_layout`, for a key that is unknown, missing or wrong.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    description: Annotated[str, Field(max_length=500)]
    rows: Count
    columns: Count
    leads: Annotated[tuple[Annotated[tuple[Name, ...], Field(max_length=16)], ...], Field(max_length=16)]
    rhythm: Annotated[tuple[Name, ...], Field(max_length=MAX_STRIPS)] = ()
    columns_in_time: Literal["sequential", "simultaneous"] = "sequential"
    rows_in_time: Literal["simultaneous", "consecutive"] = "simultaneous"
    seconds_per_column: Annotated[Positive, Field(le=MAX_COLUMN_S)]
    speed_mm_s: Annotated[Positive, Field(ge=1, le=400)] = 25.0
    gain_mm_mv: Annotated[Positive, Field(ge=0.5, le=200)] = 10.0
    pulse: Literal["left", "right", "none"] = "left"
    pulse_rows: Literal["every", "first", "last"] = "every"
    label: Literal["above-left", "below-left", "before", "on-baseline"] = "above-left"
    separator: Separator = "none"
    style: PageStyle = PageStyle()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.leads) != self.rows:
            raise ValueError(f"rows is {self.rows}, but leads has {len(self.leads)} rows")
        for number, row in enumerate(self.leads, start=1):
            if len(row) != self.columns:
                raise ValueError(f"columns is {self.columns}, but row {number} of leads has {len(row)}")
        printed = [name for row in self.leads for name in row]
        for name in (*printed, *self.rhythm):
            if name.removeprefix("-") not in KNOWN_LEADS:
                raise ValueError(f"{name!r} is not a lead; known are {', '.join(KNOWN_LEADS)}, with - for upside down")
        cells = [name.removeprefix("-") for name in printed]
        if self.has_consecutive_rows and (self.rhythm or self.columns_in_time == "simultaneous"):
            raise ValueError("consecutive rows leave no room for rhythm strips or simultaneous columns")
        if len(set(cells)) != len(cells) and not self.has_consecutive_rows:
            raise ValueError("each lead may stand in one cell only; repeat it under rhythm")
        # The name must tell the content: users and results refer to layouts by it.
        expected = f"{self.rows}x{self.columns}" + "".join(f"+{name}" for name in self.rhythm)
        if not re.fullmatch(re.escape(expected) + r"(-[a-z0-9]+)*", self.name):
            raise ValueError(f"the name must be {expected!r}, with -word after it where needed, not {self.name!r}")
        return self

    @property
    def has_consecutive_rows(self) -> bool:
        """Whether each row goes on where the one above ends."""
        return self.rows_in_time == "consecutive"

    @property
    def duration_s(self) -> float:
        """Seconds of recording the page stands for: the canvas of the record that is read from it."""
        if self.has_consecutive_rows:
            return self.printed_s * self.rows
        # Simultaneous columns show the same seconds, but a rhythm strip runs on under all of them.
        spans_page = self.columns_in_time == "sequential" or bool(self.rhythm)
        return self.seconds_per_column * (self.columns if spans_page else 1)

    @property
    def printed_s(self) -> float:
        """Seconds along a row of the page, all columns one after the other."""
        return self.seconds_per_column * self.columns

    @property
    def n_rows(self) -> int:
        """Rows of traces, rhythm strips included."""
        return self.rows + len(self.rhythm)

    @property
    def record_leads(self) -> tuple[str, ...]:
        """Every lead shown, each once, in the order of `KNOWN_LEADS`."""
        shown = {slot.lead for slot in self.slots()}
        return tuple(name for name in KNOWN_LEADS if name in shown)

    def slots(self) -> tuple[Slot, ...]:
        """Every place of the page in reading order: the rows from the top, each from the left, then the strips."""
        cells = [
            self._slot(name, row, column) for row, names in enumerate(self.leads) for column, name in enumerate(names)
        ]
        strips = [self._slot(name, self.rows + index, None) for index, name in enumerate(self.rhythm)]
        return (*cells, *strips)

    def _slot(self, printed: str, row: int, column: int | None) -> Slot:
        width_s = self.seconds_per_column
        if column is None:
            start_s, end_s = 0.0, self.duration_s
        elif self.has_consecutive_rows:
            start_s = (row * self.columns + column) * width_s
            end_s = start_s + width_s
        elif self.columns_in_time == "simultaneous":
            start_s, end_s = 0.0, width_s
        else:
            start_s, end_s = column * width_s, (column + 1) * width_s
        return Slot(
            lead=printed.removeprefix("-"),
            sign=-1 if printed.startswith("-") else 1,
            row=row,
            column=column,
            start_s=start_s,
            end_s=end_s,
        )

    def cut(self, side: Literal["top", "bottom"]) -> Layout | None:
        """Return the layout without its first or last row, as pictures that end there show it; None if that is all."""
        if self.n_rows < 2:
            return None
        if side == "bottom" and self.rhythm:
            return self.model_copy(update={"rhythm": self.rhythm[:-1]})
        leads = self.leads[1:] if side == "top" else self.leads[:-1]
        return self.model_copy(update={"leads": leads, "rows": len(leads)}) if leads else None

    def of_lead(self, lead: str) -> Layout:
        """Return a layout of consecutive rows with another lead in all of them."""
        return self.model_copy(update={"leads": ((lead,) * self.columns,) * self.rows})

    def with_seconds(self, seconds_per_column: float) -> Layout:
        """Return the same layout with other column widths, as a device prints it at another paper speed."""
        seconds = TypeAdapter(Positive).validate_python(seconds_per_column)
        return self.model_copy(update={"seconds_per_column": seconds})


def visible_window(
    layout: Layout, leads: tuple[str, ...], fs_hz: float, n_samples: int | None = None
) -> NDArray[np.bool_]:
    """Return which samples of a recording a layout shows.

    This is the one place where that is decided: the digitizer, the classifier's masks, the generator and the scorer
    all ask here. A sample at time ``t = k / fs_hz`` is visible in a slot when ``start_s <= t < end_s``, the limits
    rounded to whole samples.

    Parameters
    ----------
    layout : Layout
        From `load_layout`.
    leads : tuple of str
        Rows of the mask; a lead that the layout does not show is all False.
    fs_hz : float
    n_samples : int, optional
        Length of the canvas; by default that of the layout.

    Returns
    -------
    (leads, samples) bool
    """
    total = round(layout.duration_s * fs_hz) if n_samples is None else n_samples
    mask = np.zeros((len(leads), total), dtype=bool)
    for slot in layout.slots():
        if slot.lead in leads:
            mask[leads.index(slot.lead), slice(*sample_range(slot, fs_hz))] = True
    return mask


def sample_range(slot: Slot, fs_hz: float) -> tuple[int, int]:
    """Return the first sample of a slot and the one after its last.

    Parameters
    ----------
    slot : Slot
    fs_hz : float

    Returns
    -------
    (int, int)
    """
    return round(slot.start_s * fs_hz), round(slot.end_s * fs_hz)
