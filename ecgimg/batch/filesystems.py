"""File systems of archives and outputs: this machine's, or one that fsspec opens by URL."""

from __future__ import annotations

from typing import Any

from ecgimg._optional_packages import import_optional
from ecgimg.errors import BadRequest


def open_filesystem(url: str) -> tuple[Any, str]:
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
    return "file" in _protocols(fs)


def is_in_memory(fs: Any) -> bool:
    """Tell whether a file system lives in this process alone (``memory://``), so that others cannot read it."""
    return "memory" in _protocols(fs)


def _protocols(fs: Any) -> tuple[str, ...]:
    # fsspec gives one name, or all aliases of a protocol
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)
