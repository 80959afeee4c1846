"""ecgimg: from the picture of an ECG to its signals, and from the signals to findings. Research use only."""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

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
from ecgimg.formats import iter_records, read_record
from ecgimg.record import STANDARD_LEADS, EcgRecord

if TYPE_CHECKING:
    from ecgimg.classify import classify as classify
    from ecgimg.digitize import digitize as digitize

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
]


def __getattr__(name: str) -> Any:
    """Load the two verbs when they are first used: importing ecgimg stays light."""
    if name in ("classify", "digitize"):
        return import_module(f"ecgimg.{name}")
    raise AttributeError(f"module 'ecgimg' has no attribute {name!r}")
