"""The desk at which a person's pages are taken in, read and corrected: sessions and service, without a browser."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from ecgimg.app.service import Reading, Sheet, check_layout, download_path, open_sheets, read_sheet, reading_steps
from ecgimg.app.sessions import Session, Sessions
from ecgimg.app.settings import AppSettings
from ecgimg.digitize.correct import Corrections
from ecgimg.errors import BadRequest, UnreadablePage

FILES_PATH = "/files"
_PICTURES = frozenset(
    {"original.jpg", "overlay.jpg", "paper.svg", "corners.jpg", *(f"evidence-{k}.jpg" for k in (1, 2, 3))}
)


@dataclass(frozen=True)
class Step:
    """What is being done to which page."""

    what: str
    done: int
    total: int
    name: str


class Desk:
    """Where the app's requests end: every method is for one person, named by the key of a session."""

    def __init__(self, settings: AppSettings, sessions: Sessions) -> None:
        self.settings, self.sessions = settings, sessions

    def add(self, key: str, files: Sequence[tuple[Path, str]]) -> Generator[Step | Reading, None, None]:
        """Take in (file, its name) of every file and read all their pages; yields each step and each reading.

        Raises
        ------
        BadRequest
            For a file that is no upload, or more pages than a session holds.
        """
        session = self.sessions.of(key)
        with session.busy():
            sheets: list[Sheet] = []
            for file, name in files:
                yield Step("opening the file", 0, len(files), name)
                sheets += self._opened(key, session, file, name, len(session.pages) + len(sheets) + 1)
            for done, sheet in enumerate(sheets):
                steps = reading_steps(sheet, Corrections())
                reading = yield from _told(steps, done, len(sheets), sheet.name)
                session.pages.append(reading)
                yield reading

    def _opened(self, key: str, session: Session, file: Path, name: str, first: int) -> list[Sheet]:
        if first > self.settings.max_pages:
            raise BadRequest(f"{self.settings.max_pages} pages are the most at a time; start over with fewer")
        taken = self.sessions.take_in(key, file)
        try:
            return list(open_sheets(taken, name, session.folder, first, self.settings))
        finally:
            taken.unlink(missing_ok=True)

    def correct(self, key: str, number: int, corrections: Corrections) -> Generator[Step | Reading, None, None]:
        """Read a page again as corrected; yields each step, and last the reading, which takes the page's place."""
        old = self.reading(key, number)
        session = self.sessions.of(key)
        with session.busy():
            reading = yield from _told(reading_steps(old.sheet, corrections), 0, 1, old.sheet.name)
            session.pages[number - 1] = replace(reading, version=old.version + 1)
        yield session.pages[number - 1]

    def read_once(self, key: str, file: Path, page: int, corrections: Corrections) -> Reading:
        """Read one page of a file for a program, beside the pages of the session; only the last few are kept.

        Raises
        ------
        BadRequest, UnreadablePage
            For a file that can not be opened, or has no such page.
        """
        check_layout(corrections)
        folder = self.sessions.of(key).new_call()
        taken = self.sessions.take_in(key, file)
        try:
            sheets = open_sheets(taken, "the file", folder, 1, self.settings)
            sheet = next(islice(sheets, max(page - 1, 0), None), None)
        finally:
            taken.unlink(missing_ok=True)
        if sheet is None or page < 1:
            raise BadRequest(f"the file has no page {page}; pages are counted from 1")
        if sheet.error:
            raise UnreadablePage(sheet.error)
        return read_sheet(sheet, corrections)

    def reading(self, key: str, number: int) -> Reading:
        """Return a page's reading; `BadRequest` where its session has ended."""
        pages = self.sessions.of(key).pages
        if not 1 <= number <= len(pages):
            raise BadRequest("this page is no longer here, since its session has ended; drop the file again")
        reading: Reading = pages[number - 1]
        return reading

    def readings(self, key: str) -> tuple[Reading, ...]:
        """Return all pages of a session."""
        return tuple(self.sessions.of(key).pages)

    def link(self, key: str, reading: Reading) -> str:
        """Return the address below which a reading's files are served; another one after every correction."""
        session = self.sessions.of(key)
        return f"{self.settings.root_path}{FILES_PATH}/{session.token}/{reading.sheet.number}.{reading.version}"

    def file(self, token: str, page: str, name: str) -> Path | None:
        """Return the file that a link of `link` names, or None: only what was made for that page is ever given."""
        session = self.sessions.with_token(token)
        reading = _of_session(session, page)
        if reading is None:
            return None
        path = reading.sheet.folder / name if name in _PICTURES else None
        if name in reading.downloads:
            path = download_path(reading, name)
        return path if path is not None and path.is_file() else None


def _of_session(session: Session | None, page: str) -> Reading | None:
    number = page.partition(".")[0]
    if session is None or not number.isdecimal() or not 1 <= int(number) <= len(session.pages):
        return None
    reading: Reading = session.pages[int(number) - 1]
    return reading


def _told(
    steps: Generator[str, None, Reading], done: int, total: int, name: str
) -> Generator[Step | Reading, None, Reading]:
    """Pass the steps of a reading on, and return the reading."""
    while True:
        try:
            yield Step(next(steps), done, total, name)
        except StopIteration as stopped:
            reading: Reading = stopped.value
            return reading
