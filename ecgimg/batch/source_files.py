"""The files of an archive: a folder tree, a glob, a manifest or a URL becomes a sorted list."""

from __future__ import annotations

import csv
import hashlib
import io
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ecgimg.batch.filesystems import is_local, open_filesystem
from ecgimg.digitization.interpretation.given_scale import check_scale
from ecgimg.errors import BadRequest, EcgImgError, UnreadablePage
from ecgimg.formats.pages import MAX_BYTES, PAGE_SUFFIXES, count_pages
from layouts import load_layout

_MANIFEST_COLUMNS = ("file", "layout", "speed_mm_s", "gain_mm_mv")
FINGERPRINT_THREADS = 4
"""Files that are hashed at the same time, as file systems elsewhere answer slowly."""

_HASH_BLOCK_BYTES = 1 << 20
_WILDCARDS = "*?["


@dataclass(frozen=True)
class SourceFile:
    """One file of an archive.

    Parameters
    ----------
    url : str
        Where it is: a path, or a URL that fsspec opens.
    name : str
        Its path inside the archive, with ``/``. Outputs are named after it.
    stamp : str
        Size and time of change. They tell whether the file is still the one that was read.
    layout, speed_mm_s, gain_mm_mv
        As a manifest gives them for this file.
    exists : bool
        Whether it is there; a manifest may name files that are not.
    """

    url: str
    name: str
    stamp: str
    layout: str | None = None
    speed_mm_s: float | None = None
    gain_mm_mv: float | None = None
    exists: bool = True

    @property
    def reading_settings(self) -> tuple[str | None, float | None, float | None]:
        """Layout, speed and gain of the manifest."""
        return self.layout, self.speed_mm_s, self.gain_mm_mv


@dataclass(frozen=True)
class Preview:
    """What a run over an archive would read.

    Parameters
    ----------
    files, pages : int
    duplicates : int
        Pages with the content of another one, which are read once.
    passed_over : int
        Files of the source that are no pages.
    problems : tuple of str
        One line for each file of a manifest that is missing, and for each of its layouts that is unknown or wrong.
    """

    files: int
    pages: int
    duplicates: int
    passed_over: int
    problems: tuple[str, ...] = ()


def preview(source: str) -> Preview:
    """Look at what a run would read, and write nothing."""
    files, n_others = find_files(source)
    with ThreadPoolExecutor(FINGERPRINT_THREADS) as threads:
        fingerprints = list(threads.map(fingerprint, files))
    n_pages = sum(pages for _, pages in fingerprints)
    contents = {
        (sha256, file.reading_settings): pages
        for file, (sha256, pages) in zip(files, fingerprints, strict=True)
        if sha256
    }
    # a file that could not be opened has no hash, and is never a duplicate
    n_distinct = sum(contents.values()) + sum(pages for sha256, pages in fingerprints if not sha256)
    return Preview(len(files), n_pages, n_pages - n_distinct, n_others, tuple(_problems(files)))


def _problems(files: list[SourceFile]) -> Iterator[str]:
    """Yield what a manifest names and is not there."""
    for file in files:
        if not file.exists:
            yield f"{file.name} does not exist"
    for layout in dict.fromkeys(file.layout for file in files if file.layout and file.layout != "auto"):
        try:
            load_layout(layout)
        except EcgImgError as error:
            first = next(file.name for file in files if file.layout == layout)
            yield f"{first}: {error}"


def find_files(source: str) -> tuple[list[SourceFile], int]:
    """List the files of an archive by name; returns also how many files were passed over because they are no pages.

    Parameters
    ----------
    source : str
        A file, a folder, a glob, a manifest, or a URL of one of these (``s3://…``). Of a folder all subfolders are
        read, but for hidden ones. A manifest is ``NAME.csv`` with a column ``file``, relative to the manifest, and
        optional columns ``layout``, ``speed_mm_s`` and ``gain_mm_mv``.

    Raises
    ------
    BadRequest
        Where the source does not exist, holds no page, or is a manifest that cannot be understood.
    """
    fs, root = open_filesystem(source)
    try:
        if source.lower().endswith(".csv"):
            return _manifest_files(fs, root), 0
        infos, n_others, base = _list_files(fs, root)
    except (OSError, ValueError) as error:
        raise BadRequest(f"the source {source} cannot be listed ({error}); check the name and the rights") from None
    if not infos:
        raise BadRequest(f"there is no page in {source}; give a folder, glob, manifest or URL of pictures or PDFs")
    files = [
        SourceFile(_url(fs, path), as_text(_name_inside(path, base)), _stamp(infos[path])) for path in sorted(infos)
    ]
    return files, n_others


def _list_files(fs: Any, root: str) -> tuple[dict[str, Any], int, str]:
    """Return (path to fsspec's info of each page, number of other files, folder that names are relative to)."""
    # a file's own name may hold what looks like a glob
    if any(wildcard in root for wildcard in _WILDCARDS) and not fs.exists(root):
        matches = dict(fs.glob(root, detail=True))
        return {path: info for path, info in matches.items() if info["type"] == "file"}, 0, _folder_of_glob(root)
    if fs.isfile(root):
        return {root: fs.info(root)}, 0, str(PurePosixPath(root).parent)
    pages, n_others = _folder_tree(fs, root)
    return pages, n_others, root


@contextmanager
def local_copy(url: str, data: bytes | None = None) -> Iterator[Path]:
    """Give a local path of a file: its own, or that of a copy, made of `data` where that is given."""
    fs, path = open_filesystem(url)
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
    """Return a file's SHA-256 and its number of pages.

    A file that cannot be opened counts as one page: reading it gives the reason later.
    """
    try:
        with local_copy(file.url) as path:
            # a file too large to be opened is refused later, so it is not worth hashing
            if not path.is_file() or path.stat().st_size > MAX_BYTES:
                return "", 1
            digest = hashlib.sha256()
            with path.open("rb") as stream:
                while block := stream.read(_HASH_BLOCK_BYTES):
                    digest.update(block)
            try:
                return digest.hexdigest(), count_pages(path)
            except EcgImgError:
                return digest.hexdigest(), 1
    except (OSError, EcgImgError):
        return "", 1


def _folder_tree(fs: Any, root: str) -> tuple[dict[str, Any], int]:
    """Return (path to fsspec's info of each page below a folder, number of other files)."""
    # hidden files are not counted either: macOS writes a ._NAME beside every file on foreign disks
    infos = {
        path: info
        for path, info in fs.find(root, detail=True).items()
        if not any(part.startswith(".") for part in PurePosixPath(_name_inside(path, root)).parts)
    }
    pages = {path: info for path, info in infos.items() if PurePosixPath(path).suffix.lower() in PAGE_SUFFIXES}
    return pages, len(infos) - len(pages)


def _manifest_files(fs: Any, path: str) -> list[SourceFile]:
    try:
        text = fs.cat_file(path).decode("utf-8-sig")  # spreadsheets begin a CSV with a byte order mark
        rows = list(csv.DictReader(io.StringIO(text), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadRequest(f"the manifest {path} cannot be read ({error}); it must be a CSV in UTF-8") from None
    if not rows or "file" not in rows[0]:
        raise BadRequest(f"the manifest {path} needs a column 'file' and a row for every file")
    if unknown := sorted(set(map(str, rows[0])) - set(_MANIFEST_COLUMNS)):
        raise BadRequest(
            f"the manifest {path} has an unknown column {unknown[0]!r}; known are {', '.join(_MANIFEST_COLUMNS)}"
        )
    base = str(PurePosixPath(path).parent)
    # the first line holds the names of the columns
    files = [_manifest_file(fs, base, f"line {number} of {path}", row) for number, row in enumerate(rows, start=2)]
    if len({file.name for file in files}) < len(files):
        raise BadRequest(f"the manifest {path} names a file twice; each file is read once")
    return files


def _manifest_file(fs: Any, base: str, line: str, row: Mapping[str, str | None]) -> SourceFile:
    """Return the file of a row of a manifest; `line` says in errors which one it is."""
    name = (row["file"] or "").strip()
    if not name:
        raise BadRequest(f"{line} names no file")
    is_absolute = "://" in name or Path(name).is_absolute()
    file_fs, path = open_filesystem(name) if is_absolute else (fs, f"{base}/{name}")
    try:
        info = file_fs.info(path)
    except OSError:
        info = {}  # reading it gives the reason that it is missing
    try:
        speed, gain = (float(value) if (value := row.get(key)) else None for key in _MANIFEST_COLUMNS[2:])
    except ValueError:
        raise BadRequest(f"{line} has a speed or gain that is no number") from None
    try:
        check_scale(speed, gain)
    except BadRequest as error:
        raise BadRequest(f"{line}: {error}") from None
    name = path.lstrip("/") if is_absolute else name
    layout = (row.get("layout") or "").strip() or None
    return SourceFile(_url(file_fs, path), name, _stamp(info), layout, speed, gain, bool(info))


def _name_inside(path: str, base: str) -> str:
    return path.removeprefix(base.rstrip("/") + "/")


def as_text(path: str) -> str:
    """Return a path as text that every table and terminal takes, whatever bytes the disk has for it."""
    return path.encode("utf-8", "backslashreplace").decode()


def _url(fs: Any, path: str) -> str:
    return path if is_local(fs) else str(fs.unstrip_protocol(path))


def _stamp(info: Mapping[str, Any]) -> str:
    """Return size and time of change; file systems name the time differently, and S3 has a hash."""
    changed = info.get("mtime") or info.get("ETag") or info.get("LastModified") or info.get("created") or ""
    return f"{info.get('size', '')} {changed}"


def _folder_of_glob(pattern: str) -> str:
    """Return the folder of a glob above its first wildcard."""
    parts = pattern.split("/")
    first = next(index for index, part in enumerate(parts) if any(wildcard in part for wildcard in _WILDCARDS))
    return "/".join(parts[:first])
