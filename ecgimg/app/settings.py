"""How the app is served: one validated set of values for command line, container and tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ecgimg.errors import BadRequest

PASSWORD_VARIABLE = "ECGIMG_PASSWORD"
DEFAULT_USER = "ecg"


@dataclass(frozen=True)
class AppSettings:
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

    Raises
    ------
    BadRequest
        For values that can not work.
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

    def __post_init__(self) -> None:
        for name in ("max_mb", "max_megapixels", "max_pages", "workers", "queue_size"):
            if not getattr(self, name) > 0:
                raise BadRequest(f"{name.replace('_', ' ')} must be above 0, got {getattr(self, name):g}")
        if not 0 <= self.port <= 65535:
            raise BadRequest(f"there is no port {self.port}; choose one from 1024 to 65535")
        if self.root_path and not self.root_path.startswith("/"):
            raise BadRequest(f"the root path must begin with a slash, got {self.root_path!r}")
        if min(self.keep_min, self.idle_min) < 0:
            raise BadRequest("minutes to keep files can not be below 0")

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the app."""
        return self.host in ("127.0.0.1", "localhost", "::1")


def read_password(file: Path | None, environment: str | None) -> str:
    """Return the password from a file's first line, else from the environment's value, else none.

    Raises
    ------
    BadRequest
        For a file that can not be read or is empty.
    """
    if file is None:
        return environment or ""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise BadRequest(f"the password file {file} can not be read; name a text file") from None
    if not lines or not lines[0].strip():
        raise BadRequest(f"the password file {file} is empty; write the password on its first line")
    return lines[0].strip()
