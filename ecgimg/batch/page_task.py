"""A page of an archive, the task that is done with every page, and the result of one page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ecgimg.measurement.page_numbers import MAIN_NAMES
from ecgimg.record import EcgRecord

FACT_COLUMNS = (
    "layout",
    "layout_confidence",
    "speed_mm_s",
    "gain_mm_mv",
    "chest_gain_mm_mv",
    "px_per_mm",
    "rotation_deg",
)
"""What both tables hold of a page's summary: its layout and its scale."""

NUMBER_COLUMNS = (*MAIN_NAMES, "measurement_reason_codes")
"""What both tables hold of a page's measurements: its main numbers, and why some of them are not given."""

UNWRITTEN = "unwritten"
"""The status of a page whose files could not be written: it ends the run."""


@dataclass(frozen=True)
class Task:
    """What is done with every page of a run. A manifest may set layout, speed and gain of a file otherwise.

    Parameters
    ----------
    formats : tuple of str
        Files to write beside the dataset: wfdb, edf, dicom, csv, parquet.
    overlay : bool
        Whether pictures for review are written.
    classify : bool
        Whether the pages are classified, too.
    measure : bool
        Whether the pages are measured, too.
    out : str or None
        Folder or URL to which the reading process writes overlays and files of other formats. None where it sends
        them back instead.
    """

    layout: str = "auto"
    speed_mm_s: float | None = None
    gain_mm_mv: float | None = None
    formats: tuple[str, ...] = ()
    overlay: bool = True
    classify: bool = False
    measure: bool = True
    out: str | None = None


@dataclass(frozen=True)
class ArchivePage:
    """One page of one file of an archive.

    Parameters
    ----------
    number : int
        Its place in the archive, from 0; it decides which part of the dataset holds the page.
    name : str
        The file's name inside the archive, with ``-p2`` for its second page.
    url : str
        The file: a path, or a URL that fsspec opens.
    page : int
        Number of the page in its file, from 1.
    sha256 : str
        Of the file; empty where it could not be opened.
    layout, speed_mm_s, gain_mm_mv
        As a manifest gives them for this file; None where the task's hold.
    data : bytes or None
        The file's content, where other processes cannot read it themselves.
    """

    number: int
    name: str
    url: str
    page: int
    sha256: str
    layout: str | None = None
    speed_mm_s: float | None = None
    gain_mm_mv: float | None = None
    data: bytes | None = None


@dataclass(frozen=True, eq=False)
class PageResult:
    """What reading one page gave.

    Parameters
    ----------
    number : int
        The number of the page in the archive.
    row : mapping
        The page's row of the table of pages. ``status`` is ok, limited, refused or failed, or `UNWRITTEN`.
    record : EcgRecord or None
    probabilities : mapping
        From label to calibrated probability, None where the label is not judged. Empty where nothing was classified.
    files : mapping
        From name to content of the other outputs.
    """

    number: int
    row: Mapping[str, Any]
    record: EcgRecord | None = None
    probabilities: Mapping[str, float | None] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
