"""The pages of every session: files opened, read, corrected and looked up, by worker processes, without a browser."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from ecgimg.app.http.sessions import Session, Sessions
from ecgimg.app.http.temporary_folder import is_plain_file
from ecgimg.app.process_page import (
    DOWNLOAD_PREFIX,
    Reading,
    StoredPage,
    check_layout,
    download_path,
    load_networks,
    reading_steps,
    refused_reading,
    sample_pages,
    store_pages,
)
from ecgimg.app.server_settings import ServerSettings
from ecgimg.digitization.correct import Corrections
from ecgimg.errors import BadRequest, UnreadablePage
from ecgimg.isolation import CallFailed, Limits, Worker, WorkerPool, run_to_end
from ecgimg.reporting.evidence import MOST_EXPLAINED

FILES_PATH = "/files"  # below it, links lead to what was made of pages
READING = Limits(cpu_s=30.0, memory_gb=2.0, wall_per_cpu=4.0)  # a person waits
"""What reading a page may use, all that is drawn and written of it included."""

_CPU_S_PER_PAGE = 1.0  # added to the limit for each further page of a file that is opened
# a link names a file, and nothing but these and downloads is served, whatever else lies in the folder
_SHOWN_PICTURES = frozenset(
    {
        "original.jpg", "overlay.jpg", "paper.svg", "corners.jpg",
        *(f"evidence-{number}.jpg" for number in range(1, MOST_EXPLAINED + 1)),
    }
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """What is being done to which page."""

    what: str
    done: int
    total: int
    name: str


class PageService:
    """What the app does with the pages of sessions: every method is for one person, named by the key of a session.

    Files are opened and pages read by worker processes, so that none that crashes, hangs or eats memory harms others.
    """

    def __init__(self, settings: ServerSettings, sessions: Sessions) -> None:
        self.settings, self.sessions = settings, sessions
        self.workers = WorkerPool(lambda: Worker(READING, quiet=True, prepare=load_networks), settings.workers)

    def add(self, key: str, files: Sequence[tuple[Path, str]]) -> Generator[Step | Reading, None, None]:
        """Add (upload, its name) of every file and read all their pages; yields each step and each reading.

        Raises
        ------
        BadRequest
            For a file that is no upload of this session, or more pages than a session holds.
        """
        uploads = [(self.sessions.upload_path(key, file), name) for file, name in files]
        yield from self._add(key, uploads)
        for file, _ in uploads:
            self.sessions.discard_upload(key, file)

    def add_sample(self, key: str, name: str) -> Generator[Step | Reading, None, None]:
        """Read a bundled sample page, as `add` does."""
        sample = sample_pages().get(name)
        if sample is None:
            raise BadRequest("there is no sample page of that name")
        yield from self._add(key, [(sample, sample.name)])

    def _add(self, key: str, files: Sequence[tuple[Path, str]]) -> Generator[Step | Reading, None, None]:
        session = self.sessions.get_or_create(key)
        with session.busy():  # one person's pages are read one after the other
            pages: list[StoredPage] = []
            for file, name in files:
                yield Step("opening the file", 0, len(files), name)
                pages += self._open(session, file, name, len(session.pages) + len(pages) + 1)
            for done, page in enumerate(pages):
                reading = yield from self._read(page, Corrections(), done, len(pages))
                session.pages.append(reading)
                yield reading

    def _open(self, session: Session, file: Path, name: str, first: int) -> list[StoredPage]:
        if first > self.settings.max_pages:
            raise BadRequest(f"{self.settings.max_pages} pages at a time are the most; start over with fewer")
        return self._stored_pages(file, name, session.folder, first)

    def _stored_pages(
        self, file: Path, name: str, folder: Path, first: int, max_pages: int | None = None
    ) -> list[StoredPage]:
        """Open the pages of a file, `max_pages` at most; what cannot be opened is a page with a failure."""
        pages: list[StoredPage] = []
        opened = self.workers.stream(
            store_pages, file, name, folder, first, self.settings.page_limits, more_cpu_s=_CPU_S_PER_PAGE
        )
        try:  # the pages before the one that failed are kept
            pages += islice(opened, max_pages)
        except CallFailed as failure:
            pages.append(StoredPage(name, first + len(pages), folder, failure=failure.reason(READING)))
        return pages

    def _read(
        self, page: StoredPage, corrections: Corrections, done: int, total: int
    ) -> Generator[Step | Reading, None, Reading]:
        """Read a page, and pass the steps on."""
        try:
            steps = self.workers.stream(reading_steps, page, corrections)
            while True:
                yield Step(next(steps), done, total, page.name)
        except StopIteration as stopped:
            reading: Reading = stopped.value
            return reading
        except CallFailed as failure:
            return refused_reading(page, corrections, failure.reason(READING))

    def correct(self, key: str, number: int, corrections: Corrections) -> Generator[Step | Reading, None, None]:
        """Read a page again as corrected; yields each step, and last the reading, which takes the page's place."""
        old = self.reading(key, number)
        check_layout(corrections)
        session = self.sessions.get_or_create(key)
        with session.busy():
            reading = yield from self._read(old.page, corrections, 0, 1)
            # a new version has new addresses, so that no browser shows the old pictures from its cache
            session.pages[number - 1] = replace(reading, version=old.version + 1)
        yield session.pages[number - 1]

    def read_once(self, key: str, file: Path, number: int, corrections: Corrections) -> Reading:
        """Read one page of a file for a program, beside the pages of the session; only the last few are kept.

        Raises
        ------
        BadRequest, UnreadablePage
            For a file that cannot be opened, or has no such page.
        """
        check_layout(corrections)
        upload = self.sessions.upload_path(key, file)
        folder = self.sessions.get_or_create(key).new_request_folder()
        pages = self._stored_pages(upload, "the file", folder, 1, max(number, 1))
        # a file that cannot be opened is one page with a failure, whichever page was asked for
        page = pages[number - 1] if 1 <= number <= len(pages) else pages[-1] if pages[-1].failure else None
        if page is None:
            raise BadRequest(f"the file has no page {number}; pages are counted from 1")
        if page.failure is not None:
            raise UnreadablePage(page.failure.text)
        reading: Reading = run_to_end(self._read(page, corrections, 0, 1))
        return reading

    def reading(self, key: str, number: int) -> Reading:
        """Return a page's reading; `BadRequest` where its session has ended."""
        pages = self.sessions.get_or_create(key).pages
        if not 1 <= number <= len(pages):
            raise BadRequest("this page is no longer here, since its session has ended; drop the file again")
        reading: Reading = pages[number - 1]
        return reading

    def readings(self, key: str) -> tuple[Reading, ...]:
        """Return all pages of a session."""
        return tuple(self.sessions.get_or_create(key).pages)

    def link(self, key: str, reading: Reading) -> str:
        """Return the address below which a reading's files are served; another one after every correction."""
        session = self.sessions.get_or_create(key)
        return f"{self.settings.root_path}{FILES_PATH}/{session.token}/{reading.page.number}.{reading.version}"

    def download_of_program(self, key: str, path: str) -> Path | None:
        """Return a download that was made for a program, or None for any other file."""
        session, file = self.sessions.find(key), Path(path)
        if session is None or not file.name.startswith(DOWNLOAD_PREFIX) or not file.is_relative_to(session.folder):
            return None
        return file if is_plain_file(file) else None

    def linked_file(self, token: str, page: str, name: str) -> Path | None:
        """Return the file that a link of `link` names, or None: only what was made for that page is ever given."""
        session = self.sessions.find_by_token(token)
        reading = _reading_of(session, page)
        if reading is None:
            return None
        path = reading.page.folder / name if name in _SHOWN_PICTURES else None
        if name in reading.downloads:
            path = download_path(reading, name)
        return path if path is not None and path.is_file() else None


def _reading_of(session: Session | None, page: str) -> Reading | None:
    """Return the reading that ``NUMBER.VERSION`` of a link names; an old version gives the new one."""
    number = page.partition(".")[0]
    if session is None or not number.isdecimal() or not 1 <= int(number) <= len(session.pages):
        return None
    reading: Reading = session.pages[int(number) - 1]
    return reading
