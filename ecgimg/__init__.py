"""ecgimg digitizes pictures of paper ECGs, and measures and classifies their signals. Research use only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, overload

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # onnxruntime reads it when it is imported

from ecgimg._version import __version__
from ecgimg.errors import (
    BadOutput,
    BadRecord,
    BadRequest,
    BadWeights,
    EcgImgError,
    MissingExtra,
    UnknownLayout,
    UnreadablePage,
)
from ecgimg.formats import iter_records, read_record, write_record
from ecgimg.leads import STANDARD_LEADS
from ecgimg.record import EcgRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ecgimg.classification import Classifier
    from ecgimg.comparison import Comparison
    from ecgimg.digitization import Digitization
    from ecgimg.formats.pages import PageInput, Picture
    from ecgimg.measurement import Measurements
    from ecgimg.open_ecg import Ecg
    from ecgimg.reporting import Patient, Report

__all__ = [
    "STANDARD_LEADS",
    "BadOutput",
    "BadRecord",
    "BadRequest",
    "BadWeights",
    "EcgImgError",
    "EcgRecord",
    "MissingExtra",
    "UnknownLayout",
    "UnreadablePage",
    "__version__",
    "classify",
    "compare",
    "digitize",
    "iter_records",
    "measure",
    "pages",
    "read_record",
    "write_record",
]


def pages(picture: Picture) -> Iterator[PageInput]:
    """Open the pages of a file one at a time, so that each can be digitized, measured or classified.

    Parameters
    ----------
    picture : str, Path, bytes, binary file object, PIL.Image.Image or array
        A PDF or TIFF has any number of pages, all else one.

    Yields
    ------
    PageInput
        Its ``image`` (height, width, 3) uint8 RGB, ``number`` from 1, and ``n_pages``.

    Raises
    ------
    UnreadablePage
        When the iteration comes to a file or page that cannot be opened.
    BadRequest
        For what is no picture.
    """
    from ecgimg.formats.pages import iter_pages  # loaded here, so that importing ecgimg stays fast

    return iter_pages(picture)


def digitize(
    picture: Picture,
    layout: str = "auto",
    *,
    page: int | None = None,
    speed_mm_s: float | None = None,
    gain_mm_mv: float | None = None,
) -> Digitization:
    """Digitize one page: read its calibrated leads.

    Parameters
    ----------
    picture : str, Path, bytes, binary file object, PIL.Image.Image, array or PageInput
        A file or its content, or a page of `pages`. An array is (height, width) grey, (height, width, 3) RGB or
        (height, width, 4) RGBA, of bool, uint8, uint16, or floats from 0 to 1 or from 0 to 255.
    layout : str
        ``"auto"``, a name of `layouts.layout_names`, or a user's own YAML file.
    page : int, optional
        Which page of a PDF or TIFF, from 1. Without it the first is read, and a reason says where there are more.
    speed_mm_s, gain_mm_mv : float, optional
        Paper speed (5 to 200) and gain (1 to 80) if you know them; otherwise they are found.

    Returns
    -------
    Digitization
        Its ``record`` is an `EcgRecord`, its ``status`` is ``ok``, ``limited`` or ``refused``, and its
        ``lead_confidence`` says how far each lead can be trusted. A page that can be opened but not read is
        ``refused``, which is no error.

    Raises
    ------
    UnreadablePage
        When the file cannot be opened.
    UnknownLayout, BadRequest
        For an unknown layout, an impossible scale, a page that the file does not have, or what is no picture.
    """
    from ecgimg.digitization import digitize as run  # loaded here, so that importing ecgimg stays fast

    return run(picture, layout, page=page, speed_mm_s=speed_mm_s, gain_mm_mv=gain_mm_mv)


@overload
def classify(
    ecg: Ecg,
    *,
    page: int | None = None,
    fs_hz: float | None = None,
    leads: Sequence[str] | None = None,
    operating_point: str = "likely",
    explain: bool = False,
    classifier: Classifier | None = None,
    patient: Patient | None = None,
) -> Report: ...


@overload
def classify(
    ecg: list[Ecg] | tuple[Ecg, ...],
    *,
    page: int | None = None,
    fs_hz: float | None = None,
    leads: Sequence[str] | None = None,
    operating_point: str = "likely",
    explain: bool = False,
    classifier: Classifier | None = None,
    patient: Patient | None = None,
) -> list[Report]: ...


def classify(
    ecg: Ecg | list[Ecg] | tuple[Ecg, ...],
    *,
    page: int | None = None,
    fs_hz: float | None = None,
    leads: Sequence[str] | None = None,
    operating_point: str = "likely",
    explain: bool = False,
    classifier: Classifier | None = None,
    patient: Patient | None = None,
) -> Report | list[Report]:
    """Classify and measure a record or a page, whichever part of the twelve leads it shows.

    Parameters
    ----------
    ecg : EcgRecord, Digitization, str, Path, array, anything that `digitize` takes, or a list of these
        The file of a record is read; any other file or picture is digitized. An array is a picture, or, with `fs_hz`,
        signals (leads, samples) in mV with NaN where nothing is known.
    page, fs_hz, leads : optional
        Which page of a PDF or TIFF, from 1; samples a second and rows of signals, by default the twelve leads.
    operating_point : {"likely", "possible", "youden", "sens90", "spec90"}
        Which thresholds decide that a finding is present.
    explain : bool
        Whether the patches are found that the top findings rest on.
    classifier : Classifier, optional
        By default the shipped one.
    patient : Patient, optional
        Whose age and sex decide some limits. Without them ST elevation has the lowest limit, and QTc and voltages the
        highest.

    Returns
    -------
    Report or list of Report
        Its ``conclusion`` is what a person reads; it holds for each label a calibrated probability, or the reason why
        it is not judged, and what was measured; ``seen_s`` names the leads that were used. Of a list each item has its
        report, in order; one that cannot be read has a report without findings that gives the reason.

    Raises
    ------
    BadRecord, UnreadablePage
        When the file cannot be read, or holds no ECG (flat, absurd voltages, none of the twelve leads).
    BadRequest
        For anything else, and for an unknown operating point.
    """
    from ecgimg.reporting.report import report, report_each

    run: Any = report_each if isinstance(ecg, list | tuple) else report
    options = {"operating_point": operating_point, "explain": explain, "classifier": classifier, "patient": patient}
    return run(ecg, page=page, fs_hz=fs_hz, leads=leads, **options)  # type: ignore[no-any-return]


def measure(
    ecg: Ecg, *, page: int | None = None, fs_hz: float | None = None, leads: Sequence[str] | None = None
) -> Measurements:
    """Measure rate, intervals, axes, amplitudes, ST levels and noise of a record or a page.

    Parameters
    ----------
    ecg : EcgRecord, Digitization, str, Path, array, or anything else that `digitize` takes
        The file of a record is read; any other file or picture is digitized. An array is a picture, or, with `fs_hz`,
        signals (leads, samples) in mV with NaN where nothing is known.
    page : int, optional
        Which page of a PDF or TIFF, from 1.
    fs_hz : float, optional
        Samples a second of an array of signals.
    leads : sequence of str, optional
        The rows of that array; the twelve standard ones by default.

    Returns
    -------
    Measurements
        Each number with its spread, how many beats and which leads it rests on, an expected error, or the reason why
        it is not given.

    Raises
    ------
    BadRecord, UnreadablePage
        When the file cannot be read, or a record has fewer than 100 samples a second.
    BadRequest
        For anything else.
    """
    from ecgimg.measurement import measure as run

    return run(ecg, page=page, fs_hz=fs_hz, leads=leads)


def compare(
    old: Ecg,
    new: Ecg,
    *,
    patient: Patient | None = None,
) -> Comparison:
    """Compare two ECGs of one person: each is measured and classified, and what changed is said.

    Parameters
    ----------
    old, new : EcgRecord, Digitization, str, Path, array, or anything else that `digitize` takes
        The file of a record is read; any other file or picture is digitized.
    patient : Patient, optional
        Whose age and sex decide some limits of both, as of `classify`.

    Returns
    -------
    Comparison
        Its ``values`` and ``leads`` hold each number of both with its change, its ``statements`` what is new, gone
        and unchanged, and its ``plot()`` draws the usual beats on each other.

    Raises
    ------
    BadRecord, UnreadablePage
        When a file cannot be read, or holds no ECG (flat, absurd voltages, none of the twelve leads).
    BadRequest
        For anything else.
    """
    from ecgimg.comparison import compare as run

    return run(old, new, patient=patient)
