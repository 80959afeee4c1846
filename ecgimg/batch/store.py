"""Where outputs go: a folder or an fsspec URL, file by file, each whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from ecgimg._atomic_files import atomic_paths
from ecgimg._optional_packages import import_optional
from ecgimg.errors import BadOutput, BadRequest

OWN_FOLDER = ".ecgimg"
"""Among local outputs: ledger, spool and drafts."""


def filesystem(url: str) -> tuple[Any, str]:
    """Return the fsspec file system of a path or URL, and the path in it.

    Raises
    ------
    BadRequest
        For a protocol that fsspec does not know, or whose package is not installed.
    """
    fsspec = import_optional("fsspec.core", "fsspec", "working through an archive", extra="batch")
    try:
        fs, path = fsspec.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise BadRequest(f"{url} cannot be opened: {error}") from None
    return fs, str(path)


def is_local(fs: Any) -> bool:
    """Tell whether a file system is this machine's own."""
    return "file" in ((fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol))


def is_of_this_process(fs: Any) -> bool:
    """Tell whether other processes see nothing of a file system, as of ``memory://``."""
    return "memory" in ((fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol))


class Store:
    """A folder of outputs, here or elsewhere."""

    def __init__(self, url: str) -> None:
        self.fs, self.root = filesystem(url)
        self.url = url
        self.local = is_local(self.fs)
        self._drafts = Path(self.path(OWN_FOLDER)) / "drafts"

    def path(self, name: str) -> str:
        """Return a file's path in the file system."""
        return f"{self.root.rstrip('/')}/{name}"

    def write(self, name: str, content: bytes) -> None:
        """Write a file; `BadOutput` where that is refused."""
        if self.local:
            with atomic_paths(self.path(name), drafts_in=self._drafts) as (draft,):
                draft.write_bytes(content)
            return
        try:
            self.fs.pipe_file(self.path(name), content)  # object stores show a file when it is whole
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

    def clear_drafts(self) -> None:
        """Remove what a run that was killed left half-written."""
        if self.local:
            shutil.rmtree(self._drafts, ignore_errors=True)
