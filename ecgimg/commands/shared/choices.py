"""The choices of options, shown by ``--help``. They stand here again so that help loads no library; a test compares."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import typer


class Format(StrEnum):
    """The formats of records, an enumeration because typer takes no list of another kind of choice."""

    CSV = "csv"
    WFDB = "wfdb"
    EDF = "edf"
    DICOM = "dicom"
    PARQUET = "parquet"


Formats = Annotated[
    list[Format] | None, typer.Option("--format", help="Also write each record in this format; may be repeated.")
]
Degradation = Literal["none", "scan", "photo", "screen", "aged", "mixed"]
Engine = Literal["local", "ray"]
OperatingPoint = Literal["likely", "possible", "youden", "sens90", "spec90"]
Sex = Literal["male", "female"]
Device = Literal["cpu", "cuda"]
AutoDevice = Literal["auto", "cpu", "cuda"]
ShownVia = Literal["mask", "page"]
MeasuredVia = Literal["record", "page"]


def names_of(formats: list[Format] | None) -> tuple[str, ...]:
    """Return formats by their names, as the library takes them."""
    return tuple(each.value for each in formats or ())
