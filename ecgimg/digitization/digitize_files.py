"""Digitize files, and write a record, a JSON and an overlay for each page, each whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

from ecgimg._atomic_files import atomic_path, check_stems
from ecgimg._pictures import write_png
from ecgimg.digitization.interpretation.given_scale import check_scale
from ecgimg.digitization.overlay import draw_overlay
from ecgimg.digitization.result import Digitization
from ecgimg.digitization.single_page import digitize_page
from ecgimg.errors import BadOutput, BadRequest
from ecgimg.formats import write_record
from ecgimg.formats.input_files import InputFile, input_files
from ecgimg.formats.pages import PageInput, open_pages
from ecgimg.formats.wfdb import record_name
from ecgimg.inference.threads import one_thread_pool
from ecgimg.reasons import Reason, reason_of
from layouts import load_layout

FORMATS = {"csv": ".csv", "wfdb": ".hea", "edf": ".edf", "dicom": ".dcm", "parquet": ".parquet"}
"""The formats of records, and the suffix of each."""

COMPANIONS = {"wfdb": (".dat",), "edf": (".mask.csv",)}
"""Suffixes of what a format writes beside the file of a record."""


@dataclass(frozen=True)
class Settings:
    """How every page is read, and what is written for it.

    Parameters
    ----------
    layout, speed_mm_s, gain_mm_mv
        As `ecgimg.digitize` takes them.
    formats : tuple of str
        Keys of `FORMATS`; a CSV is written in any case.
    overlay : bool
        Whether the overlay picture is written.
    """

    layout: str = "auto"
    speed_mm_s: float | None = None
    gain_mm_mv: float | None = None
    formats: tuple[str, ...] = ("csv",)
    overlay: bool = True


@dataclass(frozen=True)
class PageOutcome:
    """The outcome of one page; its status is ``failed`` where the file could not be opened."""

    stem: str
    status: str
    reasons: tuple[Reason, ...] = ()
    layout: str = ""


def check_settings(pages: Sequence[Path | InputFile], settings: Settings) -> None:
    """Refuse unknown formats, stems that collide and absurd scales before any work (`BadRequest`)."""
    unknown = [name for name in settings.formats if name not in FORMATS]
    if unknown:
        raise BadRequest(f"there is no format {unknown[0]!r}; choose from {', '.join(FORMATS)}")
    check_scale(settings.speed_mm_s, settings.gain_mm_mv)
    check_stems((file.name for file in input_files(pages, records=False)), ".csv")


def digitize_files(
    pages: Sequence[Path | InputFile], out: Path, settings: Settings, jobs: int = 1
) -> Iterator[list[PageOutcome]]:
    """Digitize files and folders into a folder; yields the outcomes of each file in order, as soon as it is done.

    Raises
    ------
    BadRequest, UnknownLayout, BadOutput
        Before any work.
    """
    files = input_files(pages, records=False, apart_from=out)
    check_settings(files, settings)
    if settings.layout != "auto":
        load_layout(settings.layout)
    if jobs < 1:
        raise BadRequest(f"at least one process is needed, got jobs = {jobs}")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadOutput(f"cannot write to {out}: {error.strerror}; choose a folder that can be written") from None
    if jobs == 1:
        for file in files:
            yield _outcomes_of_file(file, out, settings)
        return
    with one_thread_pool(jobs) as pool:
        yield from pool.map(_outcomes_of_file, files, repeat(out), repeat(settings))


def _outcomes_of_file(file: InputFile, out: Path, settings: Settings) -> list[PageOutcome]:
    """Return the outcomes of a file as a list, which unlike an iterator travels between processes."""
    return list(digitize_file(file, out, settings))


def digitize_file(file: InputFile, out: Path, settings: Settings) -> Iterator[PageOutcome]:
    """Digitize every page of a file; a page that cannot be opened or read is an outcome, not an exception."""
    try:
        for page in open_pages(file.path):
            yield _digitize_page(page, out / file.output_stem(page.stem), file.output_stem(page.stem), settings)
    except Exception as error:  # pages before the damaged one keep their outcomes
        yield PageOutcome(file.name, "failed", (reason_of(error),))


def _digitize_page(page: PageInput, target: Path, stem: str, settings: Settings) -> PageOutcome:
    digitization = digitize_page(page, settings.layout, settings.speed_mm_s, settings.gain_mm_mv)
    write_page(digitization, page, target, settings)
    return PageOutcome(stem, digitization.status, digitization.reasons, digitization.layout or "")


def write_page(digitization: Digitization, page: PageInput, target: Path, settings: Settings) -> None:
    """Write the record in the formats of the settings, the overlay, and last the JSON, which marks the page as done.

    Parameters
    ----------
    target : Path
        The files without their suffixes.
    """
    summary_file = target.with_name(f"{target.name}.json")
    earlier = _files_of(summary_file)
    names: list[str] = []
    if digitization.record is not None:
        # a CSV is written whatever else is asked for
        for name in dict.fromkeys(("csv", *settings.formats)):
            stem = record_name(target.name) if name == "wfdb" else target.name
            names.append(write_record(digitization.record, target.with_name(f"{stem}{FORMATS[name]}")).name)
    if settings.overlay:
        names.append(f"{target.name}.overlay.png")
        write_png(draw_overlay(page.image, digitization), target.with_name(names[-1]))
    with atomic_path(summary_file) as temporary:
        summary = {**digitization.summary(), "files": names}
        temporary.write_text(json.dumps(summary, indent=1), encoding="utf-8")
    # a record of an earlier run must not stand beside a page that is refused now
    for name in _with_companions(earlier) - _with_companions(names):
        target.with_name(name).unlink(missing_ok=True)


def _files_of(summary_file: Path) -> set[str]:
    """Return the names of the files that an earlier run wrote for a page; none where its JSON does not tell."""
    try:
        names = json.loads(summary_file.read_text(encoding="utf-8")).get("files", [])
    except (OSError, ValueError, AttributeError):
        return set()
    return {name for name in names if isinstance(name, str) and name == Path(name).name}


def _with_companions(names: Iterable[str]) -> set[str]:
    """Return the names of files, and of those that a format writes beside them."""
    return {*names} | {
        str(Path(name).with_suffix(suffix))
        for name in names
        for format_name, suffixes in COMPANIONS.items()
        for suffix in suffixes
        if name.endswith(FORMATS[format_name])
    }
