"""The temporary folder of the app's process: locked while it runs, deleted at its end, measured and checked between."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "ecgimg-app-"


@contextmanager
def process_folder(parent: Path) -> Iterator[Path]:
    """Give this process a folder that is deleted at the end, and delete those of processes that were killed.

    A living process holds a lock on its folder; where locks are not to be had (Windows), nothing is deleted for others.
    """
    for other in parent.glob(f"{_PREFIX}*"):
        with _locked(other) as is_free:
            if is_free:
                shutil.rmtree(other, ignore_errors=True)
    root = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    try:
        with _locked(root):
            yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Lock a folder while the block runs; yields whether nobody else had it."""
    try:
        import fcntl  # not on Windows

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


def is_plain_file(path: Path) -> bool:
    """Tell whether there is a plain file, no link, at the very path."""
    try:
        # a link, or a folder on the way that is one, would lead out of the session's own folder
        return stat.S_ISREG(path.lstat().st_mode) and path.resolve(strict=True) == path
    except (OSError, ValueError):
        return False


def changed_s(path: Path) -> float:
    """Return when a file was last changed, seconds since 1970; now where it has just gone."""
    try:
        return path.lstat().st_mtime
    except OSError:
        return time.time()


def folder_bytes(folder: Path) -> int:
    """Return how many bytes the plain files of a folder hold."""
    total = 0
    for path in folder.rglob("*"):
        try:
            about = path.lstat()
        except OSError:  # just deleted
            continue
        total += about.st_size if stat.S_ISREG(about.st_mode) else 0
    return total
