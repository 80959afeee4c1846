"""Settings of the app's server: address, login and limits, one validated set for command line, container and tests."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from ecgimg.app.http.uploads import UploadLimits
from ecgimg.app.process_page import PageLimits
from ecgimg.errors import BadRequest

PASSWORD_VARIABLE = "ECGIMG_PASSWORD"
DEFAULT_USER = "ecg"
# with 0 of any of these nothing could be read
_ABOVE_ZERO = (
    "max_mb", "max_megapixels", "max_pages", "workers", "queue_size", "upload_min", "max_uploads", "max_session_mb",
    "max_total_mb",
)  # fmt: skip


@dataclass(frozen=True)
class ServerSettings:
    """Where the app listens, who may use it, and how much at once.

    Parameters
    ----------
    host, port : str, int
        The address to listen on; this machine only by default.
    user, password : str
        What a login asks for; no login with an empty password.
    root_path : str
        The path under which a reverse proxy serves the app, as ``/ecg``.
    public_host : str
        The host name that a reverse proxy passes on; requests for another name are refused.
    max_mb : float
        Largest file.
    max_megapixels : float
        Largest picture or page.
    max_pages : int
        Pages held for one person at a time.
    workers : int
        Pages read at the same time, over all people.
    queue_size : int
        Requests that may wait; who comes later is asked to come again.
    keep_min : float
        Minutes after the page was closed until a person's files are deleted: a phone that was put away may come back.
    idle_min : float
        Minutes without a request after which they are deleted whatever the page does.
    upload_min : float
        Minutes after which an upload is deleted, read or not.
    max_uploads : int
        Uploads of one person that wait to be read; the oldest are deleted for new ones.
    max_session_mb, max_total_mb : float
        Most that the uploads of one person hold, and the files of all people; the oldest are deleted.

    Raises
    ------
    BadRequest
        For values that cannot work.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    user: str = DEFAULT_USER
    password: str = ""
    root_path: str = ""
    public_host: str = ""
    max_mb: float = 50.0
    max_megapixels: float = 60.0
    max_pages: int = 40
    workers: int = 2
    queue_size: int = 32
    keep_min: float = 5.0
    idle_min: float = 60.0
    upload_min: float = 10.0
    max_uploads: int = 80
    max_session_mb: float = 400.0
    max_total_mb: float = 8000.0

    def __post_init__(self) -> None:
        for name in _ABOVE_ZERO:
            if not 0 < getattr(self, name) < math.inf:
                raise BadRequest(f"{name.replace('_', ' ')} must be above 0 and finite, got {getattr(self, name):g}")
        for name in ("keep_min", "idle_min"):
            if not 0 <= getattr(self, name) < math.inf:
                raise BadRequest(f"{name.replace('_', ' ')} must be 0 or more and finite, got {getattr(self, name):g}")
        if not 0 <= self.port <= 65535:
            raise BadRequest(f"port {self.port} does not exist; choose one from 1024 to 65535")
        if self.root_path and not self.root_path.startswith("/"):
            raise BadRequest(f"the root path must begin with a slash, got {self.root_path!r}")

    @property
    def upload_limits(self) -> UploadLimits:
        """How long and how much uploads may lie around."""
        return UploadLimits(
            age_s=self.upload_min * 60,
            files=self.max_uploads,
            session_bytes=round(self.max_session_mb * 1e6),
            total_bytes=round(self.max_total_mb * 1e6),
            file_bytes=round(self.max_mb * 1e6),
        )

    @property
    def page_limits(self) -> PageLimits:
        """What may be opened."""
        return PageLimits(self.max_mb, self.max_megapixels, self.max_pages)

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the app."""
        return self.host in ("127.0.0.1", "localhost", "::1")


def read_password(file: Path | None, environment: str | None) -> str:
    """Return the password from a file's first line, else from the environment's value, else none.

    Raises
    ------
    BadRequest
        For a file that cannot be read or is empty.
    """
    if file is None:
        return environment or ""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise BadRequest(f"the password file {file} cannot be read; name a text file") from None
    if not lines or not lines[0].strip():
        raise BadRequest(f"the password file {file} is empty; write the password on its first line")
    return lines[0].strip()
