"""ecgimg: from the picture of an ECG to its signals, and from the signals to findings. Research use only."""

from ecgimg._version import __version__
from ecgimg.errors import (
    BadOutput,
    BadRecord,
    BadRequest,
    EcgImgError,
    MissingExtra,
    UnknownLayout,
    UnreadablePage,
)
from ecgimg.formats import iter_records, read_record
from ecgimg.record import STANDARD_LEADS, EcgRecord

__all__ = [
    "STANDARD_LEADS",
    "BadOutput",
    "BadRecord",
    "BadRequest",
    "EcgImgError",
    "EcgRecord",
    "MissingExtra",
    "UnknownLayout",
    "UnreadablePage",
    "__version__",
    "iter_records",
    "read_record",
]
