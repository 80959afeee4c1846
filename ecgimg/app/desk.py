"""The desk at which a person's pages are taken in, read and corrected: sessions and service, without a browser."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from ecgimg.app.http.sessions import Session, Sessions, is_plain_file
from ecgimg.app.service import (
    DOWNLOAD_PREFIX,
    Reading,
    Sheet,
    check_layout,
    download_path,
    open_sheets,
    reading_steps,
    sample_pages,
    unread,
    warm_up,
)
from ecgimg.app.settings import AppSettings
from ecgimg.digitization.correct import Corrections
from ecgimg.errors import BadRequest, UnreadablePage
from ecgimg.isolation import CallFailed, Limits, Worker, WorkerPool, run_to_end

FILES_PATH = "/files"
READING = Limits(cpu_s=30.0, memory_gb=2.0)
"""What reading a page may use, all that is drawn and written of it included."""

_MORE_CPU_S = 1.0
_SAY = {
    "time": f"the page takes more than {READING.cpu_s:g} s to read; scan it at 200 to 300 dpi, or save it smaller",
    "memory": f"the page needs more than {READING.memory_gb:g} GB of memory; scan it at 200 to 300 dpi",
    "crash": "the page makes its reader fail; save it as a PNG or JPEG picture and try again",
}
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
    """Where the app's requests end: every method is for one person, named by the key of a session.

    Files are opened and pages read by worker processes, so that none that crashes, hangs or eats memory harms others.
    """

    def __init__(self, settings: AppSettings, sessions: Sessions) -> None:
        self.settings, self.sessions = settings, sessions
        self.workers = WorkerPool(lambda: Worker(READING, quiet=True, prepare=warm_up), settings.workers)

    def add(self, key: str, files: Sequence[tuple[Path, str]]) -> Generator[Step | Reading, None, None]:
        """Take in (upload, its name) of every file and read all their pages; yields each step and each reading.

        Raises
        ------
        BadRequest
            For a file that is no upload of this session, or more pages than a session holds.
        """
        uploads = [(self.sessions.uploaded(key, file), name) for file, name in files]
        yield from self._add(key, uploads)
        for file, _ in uploads:
            self.sessions.discard(key, file)

    def add_sample(self, key: str, name: str) -> Generator[Step | Reading, None, None]:
        """Read a bundled sample page, as `add` does."""
        sample = sample_pages().get(name)
        if sample is None:
            raise BadRequest("there is no sample page of that name")
        yield from self._add(key, [(sample, sample.name)])

    def _add(self, key: str, files: Sequence[tuple[Path, str]]) -> Generator[Step | Reading, None, None]:
        session = self.sessions.of(key)
        with session.busy():
            sheets: list[Sheet] = []
            for file, name in files:
                yield Step("opening the file", 0, len(files), name)
                sheets += self._opened(session, file, name, len(session.pages) + len(sheets) + 1)
            for done, sheet in enumerate(sheets):
                reading = yield from self._read(sheet, Corrections(), done, len(sheets))
                session.pages.append(reading)
                yield reading

    def _opened(self, session: Session, file: Path, name: str, first: int) -> list[Sheet]:
        if first > self.settings.max_pages:
            raise BadRequest(f"{self.settings.max_pages} pages are the most at a time; start over with fewer")
        return self._sheets(file, name, session.folder, first)

    def _sheets(self, file: Path, name: str, folder: Path, first: int, most: int | None = None) -> list[Sheet]:
        """Open the pages of a file, no more than `most`; what can not be opened is a sheet with an error."""
        sheets: list[Sheet] = []
        opened = self.workers.stream(
            open_sheets, file, name, folder, first, self.settings.page_limits, more_cpu_s=_MORE_CPU_S
        )
        try:
            sheets += islice(opened, most)
        except CallFailed as failure:
            sheets.append(Sheet(name, first + len(sheets), folder, error=_SAY[failure.limit]))
        return sheets

    def _read(
        self, sheet: Sheet, corrections: Corrections, done: int, total: int
    ) -> Generator[Step | Reading, None, Reading]:
        """Read a sheet, and pass the steps on."""
        try:
            steps = self.workers.stream(reading_steps, sheet, corrections)
            while True:
                yield Step(next(steps), done, total, sheet.name)
        except StopIteration as stopped:
            reading: Reading = stopped.value
            return reading
        except CallFailed as failure:
            return unread(sheet, corrections, _SAY[failure.limit])

    def correct(self, key: str, number: int, corrections: Corrections) -> Generator[Step | Reading, None, None]:
        """Read a page again as corrected; yields each step, and last the reading, which takes the page's place."""
        old = self.reading(key, number)
        check_layout(corrections)
        session = self.sessions.of(key)
        with session.busy():
            reading = yield from self._read(old.sheet, corrections, 0, 1)
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
        upload = self.sessions.uploaded(key, file)
        folder = self.sessions.of(key).new_call()
        sheets = self._sheets(upload, "the file", folder, 1, max(page, 1))
        sheet = sheets[page - 1] if 1 <= page <= len(sheets) else sheets[-1] if sheets[-1].error else None
        if sheet is None:
            raise BadRequest(f"the file has no page {page}; pages are counted from 1")
        if sheet.error:
            raise UnreadablePage(sheet.error)
        reading: Reading = run_to_end(self._read(sheet, corrections, 0, 1))
        return reading

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

    def own_file(self, key: str, path: str) -> Path | None:
        """Return a download that was made for a program, or None for any other file."""
        session, file = self.sessions.existing(key), Path(path)
        if session is None or not file.name.startswith(DOWNLOAD_PREFIX) or not file.is_relative_to(session.folder):
            return None
        return file if is_plain_file(file) else None

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
