"""ecgimg: from the picture of an ECG to its signals, and from the signals to findings. Research use only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # onnxruntime reports to its maker unless told before its import

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
from ecgimg.record import STANDARD_LEADS, EcgRecord

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ecgimg.classification import Classifier, Findings
    from ecgimg.digitization import Digitization

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
    "digitize",
    "iter_records",
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
    """Read the calibrated leads off one page.

    Parameters
    ----------
    page : str, Path or (height, width, 3) uint8 array
        A picture or PDF, of which the first page is read, or an RGB picture.
    layout : str
        ``"auto"``, a name of `layouts.layout_names`, or a user's own YAML file.
    speed_mm_s, gain_mm_mv : float, optional
        Paper speed and gain where you know them; else they are found.

    Returns
    -------
    Digitization
        With ``record`` (an `EcgRecord`), ``status`` (``ok``, ``limited`` or ``refused``) and how far each lead can be
        trusted. A page that can be opened but not read is a result with status ``refused``.

    Raises
    ------
    UnreadablePage
        When the file cannot be opened.
    UnknownLayout, BadRequest
        For a layout or a scale that cannot be.
    """
    from ecgimg.digitization import digitize as run  # verbs load what they need: importing ecgimg stays light

    return run(page, layout, speed_mm_s=speed_mm_s, gain_mm_mv=gain_mm_mv)


def classify(
    ecg: EcgRecord | Digitization | str | Path | NDArray[np.uint8],
    *,
    operating_point: str = "youden",
    explain: bool = False,
    classifier: Classifier | None = None,
) -> Findings:
    """Classify a record or a page, whatever part of the twelve leads it shows.

    Parameters
    ----------
    ecg : EcgRecord, Digitization, str, Path or (height, width, 3) uint8 array
        A path is read as a record where its suffix says so, and digitized otherwise; so is an RGB picture.
    operating_point : {"youden", "sens90", "spec90"}
        Which thresholds decide that a finding is present.
    explain : bool
        Also find the patches that the top findings rest on.
    classifier : Classifier, optional
        By default the one that travels with the package.

    Returns
    -------
    Findings
        A calibrated probability for each label, or why nothing is said of it.

    Raises
    ------
    BadRecord, UnreadablePage
        When the file cannot be read, or is no ECG (flat, absurd voltages, none of the twelve leads).
    """
    from ecgimg.classification import classify as run

    return run(ecg, operating_point=operating_point, explain=explain, classifier=classifier)
