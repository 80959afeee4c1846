"""What the app keeps of a person's pages: one folder a session, deleted when the session ends.

Everything lies below one temporary folder of the process::

    ROOT/sessions/TOKEN/           all that was made of a person's pages, under a name that can not be guessed
    ROOT/sessions/TOKEN/uploads/   files as they came in, until they are read or too old
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
from functools import partial
from pathlib import Path
from typing import Any

from ecgimg.app.http.temporary_folder import changed_s, folder_bytes, is_plain_file
from ecgimg.app.http.uploads import FILE_GONE, Upload, UploadLimits, UploadWriter, file_suffix, surplus
from ecgimg.errors import BadRequest

_REQUEST_FOLDERS = 8  # results of a program's last requests that are kept: it fetches the files after the answer
_FOREIGN_S = 3600.0  # age at which files of no session are deleted: a library may still be writing younger ones
_FULL = "the app holds as many files as it may just now; come again in a few minutes"


@dataclass(eq=False)
class Session:
    """One person's pages, by numbers that are never given twice, their own layouts, and the folder of all that."""

    token: str
    folder: Path
    pages: dict[int, Any] = field(default_factory=dict)
    last_number: int = 0
    layouts: dict[str, Path] = field(default_factory=dict)
    uploads: dict[Path, Upload] = field(default_factory=dict)
    last_used_s: float = 0.0
    closed_s: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _request_folders: list[Path] = field(default_factory=list)
    _request_lock: threading.Lock = field(default_factory=threading.Lock)

    def new_request_folder(self) -> Path:
        """Return a folder for one request of a program; that of the eighth request before is deleted."""
        folder = Path(tempfile.mkdtemp(prefix="request-", dir=self.folder))
        with self._request_lock:
            self._request_folders.append(folder)
            excess = len(self._request_folders) - _REQUEST_FOLDERS
            old = [self._request_folders.pop(0) for _ in range(excess)]
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
    limits : UploadLimits
    clock : callable
        Seconds that only grow.
    """

    def __init__(
        self,
        root: Path,
        keep_s: float,
        idle_s: float,
        limits: UploadLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.root, self.limits = root.resolve(), limits or UploadLimits()
        self._folder = self.root / "sessions"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._keep_s, self._idle_s, self._clock = keep_s, idle_s, clock
        self._sessions: dict[str, Session] = {}
        self._stored_bytes = 0
        self._lock = threading.RLock()

    def get_or_create(self, key: str) -> Session:
        """Return the session of a key, new where there is none; its use begins again.

        Raises
        ------
        BadRequest
            When there are too many sessions.
        """
        with self._lock:
            session = self._sessions.get(key)
            if session is None:
                if len(self._sessions) >= self.limits.sessions:
                    raise BadRequest(_FULL)
                token = secrets.token_urlsafe(24)
                folder = self._folder / token
                folder.mkdir(parents=True)  # a system that tidies its temporary folder may have taken it
                session = self._sessions[key] = Session(token, folder)
            session.last_used_s, session.closed_s = self._clock(), None
            return session

    def find(self, key: str) -> Session | None:
        """Return the session of a key, or None where it has no files."""
        with self._lock:
            return self._sessions.get(key)

    def find_by_token(self, token: str) -> Session | None:
        """Return the session that a link names, or None."""
        with self._lock:
            # compared in constant time: how long a refusal takes must not tell how much of a guess was right
            for session in self._sessions.values():
                if secrets.compare_digest(session.token.encode(), token.encode()):
                    session.last_used_s = self._clock()
                    return session
        return None

    @contextmanager
    def receive_upload(self, key: str, name: str) -> Iterator[UploadWriter]:
        """Take in one file as it comes; it is deleted where that does not end well.

        Parameters
        ----------
        name : str
            What the person calls it: only the suffix is kept.

        Raises
        ------
        BadRequest
            Where it is too large, or there is no room for it.
        """
        session = self.get_or_create(key)
        folder = session.folder / "uploads"
        folder.mkdir(exist_ok=True)
        handle, path = tempfile.mkstemp(prefix="page-", suffix=file_suffix(name), dir=folder)
        upload = Upload(Path(path), self._clock())
        with self._lock:
            session.uploads[upload.path] = upload
        try:
            with os.fdopen(handle, "wb") as file:
                yield UploadWriter(upload, file, partial(self._make_room, session, upload))
        except BaseException:
            self.discard_upload(key, upload.path)
            raise

    def upload_path(self, key: str, path: Path) -> Path:
        """Return an upload of a session, for reading.

        Raises
        ------
        BadRequest
            For whatever else lies anywhere, another session's uploads and links included: nothing is opened for it.
        """
        with self._lock:
            session = self._sessions.get(key)
            upload = session.uploads.get(path) if session is not None else None
        if upload is None or not is_plain_file(upload.path):
            raise BadRequest(FILE_GONE)
        self.get_or_create(key)
        return upload.path

    def discard_upload(self, key: str, path: Path) -> None:
        """Delete an upload, if it is still there."""
        with self._lock:
            session = self._sessions.get(key)
            if session is not None and path in session.uploads:
                self._remove(session, session.uploads[path])

    def _remove(self, session: Session, upload: Upload) -> None:
        del session.uploads[upload.path]
        self._stored_bytes = max(self._stored_bytes - upload.size, 0)
        upload.path.unlink(missing_ok=True)

    def _make_room(self, session: Session, upload: Upload, more: int) -> None:
        """Count bytes that come in, deleting a session's older uploads for them; `BadRequest` for too many."""
        with self._lock:
            if upload.size + more > self.limits.file_bytes:
                raise BadRequest(f"the file is larger than {self.limits.file_bytes / 1e6:g} MB; save it smaller")
            if self._stored_bytes + more > self.limits.total_bytes:
                raise BadRequest(_FULL)
            upload.size += more
            self._stored_bytes += more
            for old in list(surplus(session.uploads.values(), upload, self.limits)):
                self._remove(session, old)

    def hand_over(self, old_key: str, key: str) -> bool:
        """Give the session of an old key to a new one that has none, and tell whether there was one.

        A browser page that is loaded again has a new key, and names the one that it had before.
        """
        with self._lock:
            if key in self._sessions or old_key not in self._sessions:
                return False
            self._sessions[key] = self._sessions.pop(old_key)
            self.get_or_create(key)  # its use begins again
            return True

    def note_closed(self, key: str) -> None:
        """Note that a session's browser page was closed."""
        with self._lock:
            if key in self._sessions:
                self._sessions[key].closed_s = self._clock()

    def sweep(self) -> None:
        """Delete the sessions and uploads whose time is over, what else lies in the folder, and what is too much."""
        now = self._clock()
        with self._lock:
            # listed under the lock, deleted without it: deleting a folder may take long
            over = [key for key, session in self._sessions.items() if self._is_over(session, now)]
            old = [
                (key, upload.path)
                for key, session in self._sessions.items()
                for upload in session.uploads.values()
                if now - upload.sent_s >= self.limits.age_s
            ]
        for key in over:
            self.delete(key)
        for key, path in old:
            self.discard_upload(key, path)
        self._sweep_foreign()
        self._sweep_too_much()

    def delete(self, key: str) -> None:
        """Delete a session with all its files."""
        with self._lock:
            session = self._sessions.pop(key, None)
        if session is not None:
            shutil.rmtree(session.folder, ignore_errors=True)

    def delete_all(self) -> None:
        """Delete everything: the process ends."""
        with self._lock:
            self._sessions.clear()
        shutil.rmtree(self.root, ignore_errors=True)

    def _is_over(self, session: Session, now: float) -> bool:
        closed = session.closed_s is not None and now - session.closed_s >= self._keep_s
        return closed or now - session.last_used_s >= self._idle_s

    def _sweep_foreign(self) -> None:
        """Delete what is no session's, by its age: what a library left, and folders of sessions that are over."""
        with self._lock:
            known = {session.folder for session in self._sessions.values()} | {self._folder}
        for path in [*self.root.iterdir(), *self._folder.iterdir()] if self._folder.is_dir() else []:
            if path not in known and time.time() - changed_s(path) > _FOREIGN_S:
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)

    def _sweep_too_much(self) -> None:
        """Measure what all sessions hold; where it is too much, those used longest ago go, closed ones first."""
        with self._lock:
            sessions = sorted(self._sessions.items(), key=lambda item: (item[1].closed_s is None, item[1].last_used_s))
        sizes = {key: folder_bytes(session.folder) for key, session in sessions}
        total = sum(sizes.values())
        for key, _ in sessions[:-1]:  # the one used last stays: somebody is waiting for it
            if total <= self.limits.total_bytes:
                break
            self.delete(key)
            total -= sizes[key]
        with self._lock:  # what was counted as it came in does not know what was made of it
            self._stored_bytes = total


def sweep_until(sessions: Sessions, stopped: threading.Event, every_s: float) -> None:
    """Sweep again and again until told to stop; for a thread of its own."""
    while not stopped.wait(every_s):
        sessions.sweep()
