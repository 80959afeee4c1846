"""The choices of options, shown by ``--help``. They stand here again so that help loads no library; a test compares."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal


class Format(StrEnum):
    """The formats of records, an enumeration because typer takes no list of another kind of choice."""

    CSV = "csv"
    WFDB = "wfdb"
    EDF = "edf"
    DICOM = "dicom"
    PARQUET = "parquet"


Degradation = Literal["none", "scan", "photo", "screen", "aged", "mixed"]
Engine = Literal["local", "ray"]
OperatingPoint = Literal["likely", "possible", "youden", "sens90", "spec90"]
Sex = Literal["male", "female"]
Device = Literal["cpu", "cuda"]
AutoDevice = Literal["auto", "cpu", "cuda"]
ShownVia = Literal["mask", "page"]
MeasuredVia = Literal["record", "page"]
