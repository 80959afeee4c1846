"""What an archive consists of: a folder tree, a glob, a manifest or a URL becomes a sorted list of files."""

from __future__ import annotations

import csv
import hashlib
import io
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ecgimg.batch.store import filesystem, is_local
from ecgimg.errors import BadRequest, EcgImgError, UnreadablePage
from ecgimg.formats.pages import MAX_BYTES, count_pages

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".heic", ".heif", ".pdf")
"""Of the files of a folder that are taken for pages; a glob or a manifest may name others."""

_MANIFEST = ("file", "layout", "speed_mm_s", "gain_mm_mv")
_BLOCK = 1 << 20


@dataclass(frozen=True)
class SourceFile:
    """One file of an archive.

    Parameters
    ----------
    url : str
        Where it is: a path, or a URL that fsspec opens.
    name : str
        Its path inside the archive, with ``/``: what outputs are named after.
    stamp : str
        Size and time of change, which tell whether the file is still the one that was read.
    layout, speed_mm_s, gain_mm_mv
        As a manifest gives them for this file.
    """

    url: str
    name: str
    stamp: str
    layout: str | None = None
    speed_mm_s: float | None = None
    gain_mm_mv: float | None = None

    @property
    def given(self) -> tuple[str | None, float | None, float | None]:
        """What the manifest says of how to read it."""
        return self.layout, self.speed_mm_s, self.gain_mm_mv


def find_files(source: str) -> tuple[list[SourceFile], int]:
    """List an archive in the order of its names; returns also how many files were passed over as no pages.

    Parameters
    ----------
    source : str
        A file, a folder (read to its depths; hidden files and folders are left out), a glob, a manifest
        (``NAME.csv`` with a column ``file``, relative to itself, and if wanted ``layout``, ``speed_mm_s`` and
        ``gain_mm_mv``), or a URL of one of these (``s3://…``).

    Raises
    ------
    BadRequest
        Where there is nothing of that name, nothing in it, or a manifest that cannot be understood.
    """
    fs, root = filesystem(source)
    try:
        if source.lower().endswith(".csv"):
            return _manifest(fs, root), 0
        if any(mark in root for mark in "*?[") and not fs.exists(root):
            found, passed, base = dict(fs.glob(root, detail=True)), 0, _fixed_part(root)
            found = {path: about for path, about in found.items() if about["type"] == "file"}
        elif fs.isfile(root):
            found, passed, base = {root: fs.info(root)}, 0, str(PurePosixPath(root).parent)
        else:
            found, passed = _tree(fs, root)
            base = root
    except (OSError, ValueError) as error:
        raise BadRequest(f"the source {source} cannot be listed ({error}); check the name and the rights") from None
    if not found:
        raise BadRequest(f"there is no page in {source}; give a folder, glob, manifest or URL of pictures or PDFs")
    return [_file(fs, path, base, found[path]) for path in sorted(found)], passed


@contextmanager
def local_copy(url: str, data: bytes | None = None) -> Iterator[Path]:
    """Give a path where a file can be read: its own, or that of a copy of what is elsewhere, or of `data`."""
    fs, path = filesystem(url)
    if data is None and is_local(fs):
        yield Path(path)
        return
    with tempfile.TemporaryDirectory(prefix="ecgimg-") as folder:
        copy = Path(folder) / PurePosixPath(path).name
        if data is not None:
            copy.write_bytes(data)
        else:
            try:
                fs.get_file(path, str(copy))
            except OSError as error:
                raise UnreadablePage(
                    f"{url} cannot be fetched ({error}); check the connection and the rights"
                ) from None
        yield copy


def fingerprint(file: SourceFile) -> tuple[str, int]:
    """Return a file's SHA-256 and its number of pages; 1 for what cannot be opened, which its reader will tell."""
    try:
        with local_copy(file.url) as path:
            if not path.is_file() or path.stat().st_size > MAX_BYTES:
                return "", 1
            digest = hashlib.sha256()
            with path.open("rb") as stream:
                while block := stream.read(_BLOCK):
                    digest.update(block)
            try:
                return digest.hexdigest(), count_pages(path)
            except EcgImgError:
                return digest.hexdigest(), 1
    except (OSError, EcgImgError):
        return "", 1


def _tree(fs: Any, root: str) -> tuple[dict[str, Any], int]:
    """Return the pages below a folder, path to what is known of each, and how many other files there are."""
    files = {
        path: about
        for path, about in fs.find(root, detail=True).items()
        if not any(part.startswith(".") for part in PurePosixPath(_inside(path, root)).parts)
    }
    pages = {path: about for path, about in files.items() if PurePosixPath(path).suffix.lower() in SUFFIXES}
    return pages, len(files) - len(pages)


def _manifest(fs: Any, path: str) -> list[SourceFile]:
    try:
        text = fs.cat_file(path).decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadRequest(f"the manifest {path} cannot be read ({error}); it must be a CSV in UTF-8") from None
    if not rows or "file" not in rows[0]:
        raise BadRequest(f"the manifest {path} needs a column 'file' and a row for every file")
    if unknown := sorted(set(map(str, rows[0])) - set(_MANIFEST)):
        raise BadRequest(f"the manifest {path} has an unknown column {unknown[0]!r}; known are {', '.join(_MANIFEST)}")
    base = str(PurePosixPath(path).parent)
    files = [_of_row(fs, base, path, number, row) for number, row in enumerate(rows, start=2)]
    if len({file.name for file in files}) < len(files):
        raise BadRequest(f"the manifest {path} names a file twice; each file is read once")
    return files


def _of_row(fs: Any, base: str, manifest: str, line: int, row: Mapping[str, str | None]) -> SourceFile:
    name = (row["file"] or "").strip()
    if not name:
        raise BadRequest(f"line {line} of {manifest} names no file")
    elsewhere = "://" in name or Path(name).is_absolute()
    own, path = filesystem(name) if elsewhere else (fs, f"{base}/{name}")
    try:
        about = own.info(path)
    except OSError:
        about = {}  # its reader will say that it is missing
    try:
        speed, gain = (float(value) if (value := row.get(key)) else None for key in _MANIFEST[2:])
    except ValueError:
        raise BadRequest(f"line {line} of {manifest} has a speed or gain that is no number") from None
    return SourceFile(
        _url(own, path), path.lstrip("/") if elsewhere else name, _stamp(about), row.get("layout") or None, speed, gain
    )


def _file(fs: Any, path: str, base: str, about: Mapping[str, Any]) -> SourceFile:
    return SourceFile(_url(fs, path), _inside(path, base), _stamp(about))


def _inside(path: str, base: str) -> str:
    return path.removeprefix(base.rstrip("/") + "/")


def _url(fs: Any, path: str) -> str:
    return path if is_local(fs) else str(fs.unstrip_protocol(path))


def _stamp(about: Mapping[str, Any]) -> str:
    changed = about.get("mtime") or about.get("ETag") or about.get("LastModified") or about.get("created") or ""
    return f"{about.get('size', '')} {changed}"


def _fixed_part(pattern: str) -> str:
    """Return the folder of a glob above its first mark."""
    parts = pattern.split("/")
    first = next(index for index, part in enumerate(parts) if any(mark in part for mark in "*?["))
    return "/".join(parts[:first])
