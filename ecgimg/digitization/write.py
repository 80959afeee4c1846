"""Digitize files to a folder: one record, one JSON and one overlay a page, each whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

from ecgimg._atomic_files import atomic_path, check_stems
from ecgimg._pictures import write_png
from ecgimg.digitization.overlay import draw_overlay
from ecgimg.digitization.pipeline import digitize_image
from ecgimg.digitization.result import Digitization
from ecgimg.digitization.segmentation.threads import one_thread_pool
from ecgimg.errors import BadOutput, BadRequest, EcgImgError
from ecgimg.formats import write_record
from ecgimg.formats.pages import PageInput, open_pages
from ecgimg.reasons import Reason, reason_of
from layouts import load_layout

FORMATS = {"csv": ".csv", "wfdb": ".hea", "edf": ".edf", "dicom": ".dcm", "parquet": ".parquet"}


@dataclass(frozen=True)
class Settings:
    """How pages are read and what is written, alike for every page."""

    layout: str = "auto"
    speed_mm_s: float | None = None
    gain_mm_mv: float | None = None
    formats: tuple[str, ...] = ("csv",)
    overlay: bool = True


@dataclass(frozen=True)
class PageOutcome:
    """What became of one page: its stem, its status (``failed`` where the file could not be opened), and why."""

    stem: str
    status: str
    reasons: tuple[Reason, ...] = ()
    layout: str = ""


def check_settings(pages: Sequence[Path], settings: Settings) -> None:
    """Refuse what can not work before any work (`BadRequest`): unknown formats, stems that collide, absurd scales."""
    unknown = [name for name in settings.formats if name not in FORMATS]
    if unknown:
        raise BadRequest(f"there is no format {unknown[0]!r}; choose from {', '.join(FORMATS)}")
    for name, value in (("speed", settings.speed_mm_s), ("gain", settings.gain_mm_mv)):
        if value is not None and not 1 <= value <= 200:
            raise BadRequest(f"the {name} must be between 1 and 200, got {value:g}")
    check_stems(pages, ".csv")


def digitize_files(pages: Sequence[Path], out: Path, settings: Settings, jobs: int = 1) -> Iterator[list[PageOutcome]]:
    """Digitize files into a folder; yields the outcomes of each file as it is done, in order.

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
            yield list(digitize_file(path, out, settings))
        return
    with one_thread_pool(jobs) as pool:
        yield from pool.map(_listed, pages, repeat(out), repeat(settings))


def _listed(path: Path, out: Path, settings: Settings) -> list[PageOutcome]:
    return list(digitize_file(path, out, settings))


def digitize_file(path: Path, out: Path, settings: Settings) -> Iterator[PageOutcome]:
    """Digitize every page of a file; what cannot be opened or read is an outcome, not an exception."""
    try:
        for page in open_pages(path):
            yield _digitize_page(page, out, settings)
    except EcgImgError as error:
        yield PageOutcome(path.stem, "failed", (reason_of(error),))


def _digitize_page(page: PageInput, out: Path, settings: Settings) -> PageOutcome:
    found = digitize_image(
        page.image,
        layout=settings.layout,
        speed_mm_s=settings.speed_mm_s,
        gain_mm_mv=settings.gain_mm_mv,
        vector=page.vector,
    )
    write_page(found, page, out, settings)
    return PageOutcome(page.stem, found.status, found.reasons, found.layout or "")


def write_page(found: Digitization, page: PageInput, out: Path, settings: Settings) -> None:
    """Write the record in every format asked for, the overlay, and last the JSON, which marks the page as done."""
    if found.record is not None:
        for name in dict.fromkeys(("csv", *settings.formats)):
            write_record(found.record, out / f"{page.stem}{FORMATS[name]}")
    if settings.overlay:
        write_png(draw_overlay(page.image, found), out / f"{page.stem}.overlay.png")
    with atomic_path(out / f"{page.stem}.json") as temporary:
        temporary.write_text(json.dumps(found.summary(), indent=1), encoding="utf-8")
