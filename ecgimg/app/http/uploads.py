"""Uploads of a session: how many and how large they may be, and how one is written as it comes in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

FILE_GONE = "the file is no longer here; choose it again"
PAGES_GONE = "your pages were deleted; add them again"


@dataclass(frozen=True)
class UploadLimits:
    """How long and how much uploads may lie around.

    Parameters
    ----------
    age_s : float
        Seconds after which an upload is deleted, read or not.
    files, session_bytes : int
        Most of a session; the oldest are deleted for new ones.
    total_bytes : int
        Most of all sessions, with all that was made of their pages.
    file_bytes : int
        Largest file.
    sessions : int
        Most sessions with files at a time.
    """

    age_s: float = 600.0
    files: int = 80  # twice the pages of a session
    session_bytes: int = 400_000_000
    total_bytes: int = 8_000_000_000
    file_bytes: int = 50_000_000
    sessions: int = 1000


@dataclass(eq=False)
class Upload:
    """A file as it came in."""

    path: Path
    sent_s: float
    size: int = 0


class UploadWriter:
    """Writes one upload, within the limits."""

    def __init__(self, upload: Upload, file: IO[bytes], make_room: Callable[[int], None]) -> None:
        self._upload, self._file, self._make_room = upload, file, make_room

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return self._upload.path

    def write(self, data: bytes) -> None:
        """Write more of it (`BadRequest` where it is too much)."""
        self._make_room(len(data))  # before they are on the disk
        self._file.write(data)


def file_suffix(name: str) -> str:
    """Return the suffix of what a person calls a file, or ``""``: nothing else of the name reaches the disk."""
    suffix = re.search(r"\.[A-Za-z0-9]{1,5}$", name)
    return suffix.group().lower() if suffix else ""


def surplus(uploads: Iterable[Upload], newest: Upload, limits: UploadLimits) -> Iterator[Upload]:
    """Yield the oldest uploads of a session that must go for its newest one."""
    others = sorted((upload for upload in uploads if upload is not newest), key=lambda upload: upload.sent_s)
    held_bytes = newest.size + sum(upload.size for upload in others)
    for count, upload in zip(range(1 + len(others), 1, -1), others, strict=True):
        if count <= limits.files and held_bytes <= limits.session_bytes:
            return
        held_bytes -= upload.size
        yield upload
