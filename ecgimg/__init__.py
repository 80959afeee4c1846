"""ecgimg digitizes pictures of paper ECGs, and measures and classifies their signals. Research use only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

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
    import numpy as np
    from numpy.typing import NDArray

    from ecgimg.classification import Classifier
    from ecgimg.comparison import Comparison
    from ecgimg.digitization import Digitization
    from ecgimg.measurement import Measurements
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
    "read_record",
    "write_record",
]


def digitize(
    page: str | Path | NDArray[np.uint8],
    layout: str = "auto",
    *,
    speed_mm_s: float | None = None,
    gain_mm_mv: float | None = None,
) -> Digitization:
    """Digitize one page: read its calibrated leads.

    Parameters
    ----------
    page : str, Path or (height, width, 3) uint8 array
        A file, of which the first page is read, or an RGB picture.
    layout : str
        ``"auto"``, a name of `layouts.layout_names`, or a user's own YAML file.
    speed_mm_s, gain_mm_mv : float, optional
        Paper speed and gain if you know them; otherwise they are found.

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
        For an unknown layout or an impossible scale.
    """
    from ecgimg.digitization import digitize as run  # loaded here, so that importing ecgimg stays fast

    return run(page, layout, speed_mm_s=speed_mm_s, gain_mm_mv=gain_mm_mv)


def classify(
    ecg: EcgRecord | Digitization | str | Path | NDArray[np.uint8],
    *,
    operating_point: str = "likely",
    explain: bool = False,
    classifier: Classifier | None = None,
    patient: Patient | None = None,
) -> Report:
    """Classify and measure a record or a page, whichever part of the twelve leads it shows.

    Parameters
    ----------
    ecg : EcgRecord, Digitization, str, Path or (height, width, 3) uint8 array
        The file of a record is read; any other file is digitized, as is an RGB picture.
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
    Report
        Its ``conclusion`` is what a person reads; it holds for each label a calibrated probability, or the reason why
        it is not judged, and what was measured.

    Raises
    ------
    BadRecord, UnreadablePage
        When the file cannot be read, or holds no ECG (flat, absurd voltages, none of the twelve leads).
    BadRequest
        For anything else, and for an unknown operating point.
    """
    from ecgimg.reporting.report import report

    return report(ecg, operating_point=operating_point, explain=explain, classifier=classifier, patient=patient)


def measure(ecg: EcgRecord | Digitization | str | Path | NDArray[np.uint8]) -> Measurements:
    """Measure rate, intervals, axes, amplitudes, ST levels and noise of a record or a page.

    Parameters
    ----------
    ecg : EcgRecord, Digitization, str, Path or (height, width, 3) uint8 array
        The file of a record is read; any other file is digitized, as is an RGB picture.

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

    return run(ecg)


def compare(
    old: EcgRecord | Digitization | str | Path | NDArray[np.uint8],
    new: EcgRecord | Digitization | str | Path | NDArray[np.uint8],
    *,
    patient: Patient | None = None,
) -> Comparison:
    """Compare two ECGs of one person: each is measured and classified, and what changed is said.

    Parameters
    ----------
    old, new : EcgRecord, Digitization, str, Path or (height, width, 3) uint8 array
        The file of a record is read; any other file is digitized, as is an RGB picture.
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
