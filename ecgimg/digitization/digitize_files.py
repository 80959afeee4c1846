"""Digitize files, and write a record, a JSON and an overlay for each page, each whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

from ecgimg._atomic_files import atomic_path, check_stems
from ecgimg._pictures import write_png
from ecgimg.digitization.given_scale import check_scale
from ecgimg.digitization.overlay import draw_overlay
from ecgimg.digitization.result import Digitization
from ecgimg.digitization.single_page import digitize_page
from ecgimg.errors import BadOutput, BadRequest, EcgImgError
from ecgimg.formats import write_record
from ecgimg.formats.pages import PageInput, open_pages
from ecgimg.inference.threads import one_thread_pool
from ecgimg.reasons import Reason, reason_of
from layouts import load_layout

FORMATS = {"csv": ".csv", "wfdb": ".hea", "edf": ".edf", "dicom": ".dcm", "parquet": ".parquet"}
"""The formats of records, and the suffix of each."""


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


def check_settings(pages: Sequence[Path], settings: Settings) -> None:
    """Refuse unknown formats, stems that collide and absurd scales before any work (`BadRequest`)."""
    unknown = [name for name in settings.formats if name not in FORMATS]
    if unknown:
        raise BadRequest(f"there is no format {unknown[0]!r}; choose from {', '.join(FORMATS)}")
    check_scale(settings.speed_mm_s, settings.gain_mm_mv)
    check_stems(pages, ".csv")


def digitize_files(pages: Sequence[Path], out: Path, settings: Settings, jobs: int = 1) -> Iterator[list[PageOutcome]]:
    """Digitize files into a folder; yields the outcomes of each file in order, as soon as it is done.

    Raises
    ------
    BadRequest, UnknownLayout, BadOutput
        Before any work.
    """
    check_settings(pages, settings)
    if settings.layout != "auto":
        load_layout(settings.layout)
    if jobs < 1:
        raise BadRequest(f"at least one process is needed, got jobs = {jobs}")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadOutput(f"cannot write to {out}: {error.strerror}; choose a folder that can be written") from None
    if jobs == 1:
        for path in pages:
            yield _outcomes_of_file(path, out, settings)
        return
    with one_thread_pool(jobs) as pool:
        yield from pool.map(_outcomes_of_file, pages, repeat(out), repeat(settings))


def _outcomes_of_file(path: Path, out: Path, settings: Settings) -> list[PageOutcome]:
    """Return the outcomes of a file as a list, which unlike an iterator travels between processes."""
    return list(digitize_file(path, out, settings))


def digitize_file(path: Path, out: Path, settings: Settings) -> Iterator[PageOutcome]:
    """Digitize every page of a file; a page that cannot be opened or read is an outcome, not an exception."""
    try:
        for page in open_pages(path):
            yield _digitize_page(page, out, settings)
    except EcgImgError as error:  # pages before the damaged one keep their outcomes
        yield PageOutcome(path.stem, "failed", (reason_of(error),))


def _digitize_page(page: PageInput, out: Path, settings: Settings) -> PageOutcome:
    digitization = digitize_page(page, settings.layout, settings.speed_mm_s, settings.gain_mm_mv)
    write_page(digitization, page, out, settings)
    return PageOutcome(page.stem, digitization.status, digitization.reasons, digitization.layout or "")


def write_page(digitization: Digitization, page: PageInput, out: Path, settings: Settings) -> None:
    """Write the record in the formats of the settings, the overlay, and last the JSON, which marks the page as done."""
    if digitization.record is not None:
        # a CSV is written whatever else is asked for
        for name in dict.fromkeys(("csv", *settings.formats)):
            write_record(digitization.record, out / f"{page.stem}{FORMATS[name]}")
    if settings.overlay:
        write_png(draw_overlay(page.image, digitization), out / f"{page.stem}.overlay.png")
    with atomic_path(out / f"{page.stem}.json") as temporary:
        temporary.write_text(json.dumps(digitization.summary(), indent=1), encoding="utf-8")
