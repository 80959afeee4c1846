"""The names of a page's files among the outputs: any name of a page gives names that every format and disk takes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from ecgimg.digitization.digitize_files import COMPANIONS, FORMATS
from ecgimg.formats.wfdb import record_name

_MAX_NAME_BYTES = 200  # disks take 255, of which suffixes need some


def overlay_path(page_name: str) -> str:
    """Return where the overlay of a page lies among the outputs."""
    return str(_with_short_name("overlays" / _inside(page_name).with_name(f"{PurePosixPath(page_name).name}.jpg")))


def record_path(page_name: str, format_name: str) -> str:
    """Return where the record of a page lies among the outputs, the same name in every format.

    The dot of the suffix becomes ``_``. A name that WFDB does not allow then is cleaned, and has a check sum.
    """
    page = _inside(page_name)
    # a name without a suffix is cleaned, too, or page_png would take the name of page.png
    stem = re.sub(r"\.([^._]+)$", r"_\1", page.name) if re.search(r"\.[^._]+$", page.name) else f"{page.name}."
    name = f"{record_name(stem)}{FORMATS[format_name]}"
    return str(_with_short_name(PurePosixPath(format_name) / page.parent / name))


def output_paths(page_name: str, overlay: bool, formats: Sequence[str]) -> Iterator[str]:
    """Yield the path of every file that a run with these settings may have written for a page."""
    if overlay:
        yield overlay_path(page_name)
    for format_name in formats:
        record = PurePosixPath(record_path(page_name, format_name))
        yield str(record)
        yield from (str(record.with_suffix(suffix)) for suffix in COMPANIONS.get(format_name, ()))


def _inside(page_name: str) -> PurePosixPath:
    """Return the name of a page as a path that stays below its folder: a manifest may name files beside its own."""
    return PurePosixPath(*("_" if part == ".." else part for part in PurePosixPath(page_name).parts))


def _with_short_name(path: PurePosixPath) -> PurePosixPath:
    """Return a path whose last name is not too long for a disk."""
    size = len(path.name.encode())
    if size <= _MAX_NAME_BYTES:
        return path
    check_sum = hashlib.sha256(path.name.encode()).hexdigest()[:8]
    start = path.stem.encode()[: _MAX_NAME_BYTES - 20].decode(errors="ignore")
    return path.with_name(f"{start}_{check_sum}{path.suffix}")
