"""The place of a run's outputs, a folder or a URL; each file is written whole or not at all."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path, PurePosixPath

from ecgimg._atomic_files import atomic_paths
from ecgimg.batch.filesystems import is_local, open_filesystem
from ecgimg.errors import BadOutput

STATE_FOLDER = ".ecgimg"
"""Folder among local outputs that holds the ledger, the spool and drafts."""


class OutputStore:
    """A folder of outputs, on this machine or elsewhere."""

    def __init__(self, url: str) -> None:
        self.fs, self.root = open_filesystem(url)
        self.url = url
        self.local = is_local(self.fs)
        self._drafts = Path(self.path(STATE_FOLDER)) / "drafts"

    def path(self, name: str) -> str:
        """Return a file's path in the file system."""
        return f"{self.root.rstrip('/')}/{name}"

    def write(self, name: str, content: bytes) -> None:
        """Write a file; `BadOutput` where the file system refuses it."""
        if self.local:
            with atomic_paths(self.path(name), drafts_in=self._drafts) as (draft,):
                draft.write_bytes(content)
            return
        try:
            self.fs.pipe_file(self.path(name), content)  # object stores show a file only once it is whole
        except Exception as error:  # each store has errors of its own
            raise BadOutput(f"cannot write {name} to {self.url} ({error}); check connection and rights") from None

    def read(self, name: str) -> bytes | None:
        """Return a file's content, or None where there is no such file."""
        try:
            content: bytes = self.fs.cat_file(self.path(name))
        except FileNotFoundError:
            return None
        except Exception as error:
            raise BadOutput(f"cannot read {name} in {self.url} ({error}); check connection and rights") from None
        return content

    def remove(self, name: str) -> bool:
        """Remove a file, and the folders that are empty then; returns whether there was one."""
        try:
            if not self.fs.exists(self.path(name)):
                return False
            self.fs.rm_file(self.path(name))
        except Exception as error:
            raise BadOutput(f"cannot remove {name} from {self.url} ({error}); check connection and rights") from None
        if self.local:
            with contextlib.suppress(OSError):  # the first that still holds something stays
                for folder in PurePosixPath(name).parents[:-1]:
                    Path(self.path(str(folder))).rmdir()
        return True

    def clear_drafts(self) -> None:
        """Remove the half-written files of a run that was killed."""
        if self.local:
            shutil.rmtree(self._drafts, ignore_errors=True)
