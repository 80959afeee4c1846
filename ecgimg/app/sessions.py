"""What the app keeps of a person's pages: one folder a session, deleted when the session ends.

Everything lies below one temporary folder of the process::

    ROOT/                 uploads, as they come in
    ROOT/sessions/TOKEN/  all that was made of them, under a name that can not be guessed
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecgimg.errors import BadRequest

_CALLS_KEPT = 8
_LENT = "samples"
_FOLDER = "ecgimg-app-"


@dataclass(eq=False)
class Session:
    """One person's pages, in the order they came, and the folder they lie in."""

    token: str
    folder: Path
    pages: list[Any] = field(default_factory=list)
    last_used_s: float = 0.0
    closed_s: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _calls: list[Path] = field(default_factory=list)
    _calls_lock: threading.Lock = field(default_factory=threading.Lock)

    def new_call(self) -> Path:
        """Return a folder for one request of a program; that of the eighth request before is deleted."""
        folder = Path(tempfile.mkdtemp(prefix="call-", dir=self.folder))
        with self._calls_lock:
            self._calls.append(folder)
            old = [self._calls.pop(0) for _ in range(len(self._calls) - _CALLS_KEPT)]
        for path in old:
            shutil.rmtree(path, ignore_errors=True)
        return folder

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Keep other work of the same person out; `BadRequest` where some is going on."""
        if not self._lock.acquire(blocking=False):
            raise BadRequest("your pages are still being read; wait until that is done")
        try:
            yield
        finally:
            self._lock.release()


@dataclass(frozen=True)
class _Upload:
    """A file as it was sent at one time, and the keys of the sessions that took it in.

    Equal files lie at one path whoever sends them, so what lies there may be another's, sent just now.
    """

    sent_ns: int
    users: set[str]

    def delete(self, path: Path) -> None:
        """Delete the file, unless it was sent again since and waits to be taken in."""
        if path.is_file() and path.stat().st_mtime_ns == self.sent_ns:
            path.unlink(missing_ok=True)


class Sessions:
    """All sessions of a process.

    Parameters
    ----------
    root : Path
        The process's own temporary folder.
    keep_s : float
        Seconds from a session's end to the deletion of its files, unless it is used again.
    idle_s : float
        Seconds without use after which a session is deleted whatever else.
    clock : callable
        Seconds that only grow.
    """

    def __init__(self, root: Path, keep_s: float, idle_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.root = root.resolve()
        self._folder = self.root / "sessions"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._keep_s, self._idle_s, self._clock = keep_s, idle_s, clock
        self._sessions: dict[str, Session] = {}
        self._uploads: dict[Path, _Upload] = {}
        self._lock = threading.Lock()

    def of(self, key: str) -> Session:
        """Return the session of a key, new where there is none; its use begins again."""
        with self._lock:
            session = self._sessions.get(key)
            if session is None:
                token = secrets.token_urlsafe(24)
                folder = self._folder / token
                folder.mkdir(parents=True)  # a system that tidies its temporary folder may have taken it
                session = self._sessions[key] = Session(token, folder)
            session.last_used_s, session.closed_s = self._clock(), None
            return session

    def with_token(self, token: str) -> Session | None:
        """Return the session that a link names, or None."""
        with self._lock:
            for session in self._sessions.values():
                if secrets.compare_digest(session.token.encode(), token.encode()):
                    session.last_used_s = self._clock()
                    return session
        return None

    def take_in(self, key: str, upload: Path) -> Path:
        """Copy an upload into its session's folder, under a name that tells nothing.

        Raises
        ------
        BadRequest
            For a path that is no upload of this process.
        """
        upload = upload.resolve()
        is_upload = upload.is_relative_to(self.root) and not upload.is_relative_to(self._folder)
        if not is_upload or not upload.is_file():
            raise BadRequest("the file is no longer here; choose it again")
        session = self.of(key)
        if not upload.is_relative_to(self.root / _LENT):
            with self._lock:
                users = self._uploads[upload].users if upload in self._uploads else set()
                self._uploads[upload] = _Upload(upload.stat().st_mtime_ns, users | {key})
        target = Path(tempfile.mkdtemp(prefix="in-", dir=session.folder)) / f"page{upload.suffix.lower()}"
        shutil.copyfile(upload, target)
        return target

    def lend(self, file: Path) -> Path:
        """Put a file of the package where uploads come in, and return it there."""
        target = self.root / _LENT / file.name
        if not target.is_file():
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(file, target)
        return target

    def close(self, key: str) -> None:
        """Note that a session's browser page was closed."""
        with self._lock:
            if key in self._sessions:
                self._sessions[key].closed_s = self._clock()

    def sweep(self) -> None:
        """Delete the sessions whose time is over."""
        now = self._clock()
        with self._lock:
            over = [key for key, session in self._sessions.items() if self._is_over(session, now)]
        for key in over:
            self.delete(key)

    def delete(self, key: str) -> None:
        """Delete a session with all its files, and the uploads that no other session uses."""
        with self._lock:
            session = self._sessions.pop(key, None)
            for each in self._uploads.values():
                each.users.discard(key)
            unused = [path for path, each in self._uploads.items() if not each.users]
            for path in unused:
                self._uploads.pop(path).delete(path)
        if session is not None:
            shutil.rmtree(session.folder, ignore_errors=True)

    def end(self) -> None:
        """Delete everything: the process ends."""
        with self._lock:
            self._sessions.clear()
            self._uploads.clear()
        shutil.rmtree(self.root, ignore_errors=True)

    def _is_over(self, session: Session, now: float) -> bool:
        closed = session.closed_s is not None and now - session.closed_s >= self._keep_s
        return closed or now - session.last_used_s >= self._idle_s


def sweep_until(sessions: Sessions, stopped: threading.Event, every_s: float) -> None:
    """Sweep again and again until told to stop; for a thread of its own."""
    while not stopped.wait(every_s):
        sessions.sweep()


@contextmanager
def own_folder(parent: Path) -> Iterator[Path]:
    """Give this process a folder that is deleted at the end, and delete those of processes that were killed.

    A living process holds a lock on its folder; where locks are not to be had (Windows), nothing is deleted for others.
    """
    for other in parent.glob(f"{_FOLDER}*"):
        with _locked(other) as is_free:
            if is_free:
                shutil.rmtree(other, ignore_errors=True)
    root = Path(tempfile.mkdtemp(prefix=_FOLDER, dir=parent))
    try:
        with _locked(root):
            yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Lock a folder while the block runs; yields whether nobody else had it."""
    try:
        import fcntl

        handle = os.open(folder, os.O_RDONLY)
    except (ImportError, OSError):
        yield False
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(handle)
