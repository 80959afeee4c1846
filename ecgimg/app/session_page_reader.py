"""The pages of every session: files opened, read, corrected and looked up, by worker processes, without a browser."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from ecgimg.app.all_pages import ALL_PAGES, write_joined_report, write_zip
from ecgimg.app.http.sessions import Session, Sessions
from ecgimg.app.http.temporary_folder import is_plain_file
from ecgimg.app.http.uploads import PAGES_GONE
from ecgimg.app.process_page import (
    DOWNLOAD_PREFIX,
    PageLimits,
    Reading,
    StoredPage,
    download_path,
    load_networks,
    reading_steps,
    refused_reading,
    sample_pages,
    store_pages,
)
from ecgimg.app.server_settings import ServerSettings
from ecgimg.digitization.correct import Corrections
from ecgimg.errors import BadRequest, UnknownLayout, UnreadablePage
from ecgimg.isolation import CallFailed, Limits, Worker, WorkerPool, run_to_end
from ecgimg.reporting.evidence import MOST_EXPLAINED
from layouts import Layout, layout_names, load_layout

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
                pages += self._open(session, file, name, len(pages))
            for done, page in enumerate(pages):
                reading = yield from self._read(page, Corrections(), done, len(pages))
                session.pages[page.number] = reading
                yield reading

    def _open(self, session: Session, file: Path, name: str, waiting: int) -> list[StoredPage]:
        """Open the pages of a file for a session that holds its pages and `waiting` more."""
        room = self.settings.max_pages - len(session.pages) - waiting
        if room < 1:
            raise BadRequest(f"at most {self.settings.max_pages} pages are held at a time; remove some to add others")
        limits = replace(self.settings.page_limits, max_pages=room)
        pages = self._stored_pages(file, name, session.folder, session.last_number + 1, limits)
        session.last_number += len(pages)
        return pages

    def _stored_pages(
        self, file: Path, name: str, folder: Path, first: int, limits: PageLimits, max_pages: int | None = None
    ) -> list[StoredPage]:
        """Open the pages of a file, `max_pages` at most; what cannot be opened is a page with a failure."""
        pages: list[StoredPage] = []
        opened = self.workers.stream(store_pages, file, name, folder, first, limits, more_cpu_s=_CPU_S_PER_PAGE)
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
        session = self.sessions.get_or_create(key)
        _check_layout(corrections, session.layouts)
        with session.busy():
            reading = yield from self._read(old.page, corrections, 0, 1)
            # a new version has new addresses, so that no browser shows the old pictures from its cache
            session.pages[number] = replace(reading, version=old.version + 1)
        yield session.pages[number]

    def remove(self, key: str, number: int) -> Reading | None:
        """Delete a page with all that was made of it; returns the one after it, else before it, else None."""
        numbers = self._numbers(key, number)
        place = numbers.index(number)
        session = self.sessions.get_or_create(key)
        with session.busy():
            shutil.rmtree(session.pages.pop(number).page.folder, ignore_errors=True)
        others = [*numbers[place + 1 :], *numbers[:place][::-1]]
        return session.pages[others[0]] if others else None

    def neighbour(self, key: str, number: int, step: int) -> Reading:
        """Return the page so many steps after another one; the last or first where there are not so many."""
        numbers = self._numbers(key, number)
        return self.reading(key, numbers[min(max(numbers.index(number) + step, 0), len(numbers) - 1)])

    def _numbers(self, key: str, number: int) -> list[int]:
        """Return the numbers of a session's pages, one of which is given (`BadRequest` where it is not)."""
        self.reading(key, number)
        return list(self.sessions.get_or_create(key).pages)

    def add_layout(self, key: str, file: Path) -> Layout:
        """Take a person's own layout file, which is then chosen by its name.

        Raises
        ------
        BadRequest, UnknownLayout
            For a file that is no upload of this session, is no layout, or has the name of one that is there already.
        """
        upload = self.sessions.upload_path(key, file)
        session = self.sessions.get_or_create(key)
        try:
            if upload.suffix not in (".yaml", ".yml"):
                raise BadRequest("a layout is a YAML file; give one whose name ends in .yaml")
            layout = _load_own_layout(upload)
            path = session.folder / f"layout-{len(session.layouts) + 1}.yaml"
            shutil.copyfile(upload, path)
        finally:
            self.sessions.discard_upload(key, upload)
        session.layouts[layout.name] = path
        return layout

    def own_layouts(self, key: str) -> Mapping[str, Path]:
        """Return a session's own layout files by the names of the layouts."""
        session = self.sessions.find(key)
        return {} if session is None else session.layouts

    def read_once(self, key: str, file: Path, number: int, corrections: Corrections) -> Reading:
        """Read one page of a file for a program, beside the pages of the session; only the last few are kept.

        Raises
        ------
        BadRequest, UnreadablePage
            For a file that cannot be opened, or has no such page.
        """
        _check_layout(corrections, {})
        upload = self.sessions.upload_path(key, file)
        folder = self.sessions.get_or_create(key).new_request_folder()
        pages = self._stored_pages(upload, "the file", folder, 1, self.settings.page_limits, max(number, 1))
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
        session = self.sessions.find(key)
        if session is None or number not in session.pages:
            raise BadRequest(PAGES_GONE)
        reading: Reading = self.sessions.get_or_create(key).pages[number]
        return reading

    def readings(self, key: str) -> tuple[Reading, ...]:
        """Return all pages of a session, in their order."""
        session = self.sessions.find(key)
        return () if session is None else tuple(session.pages.values())

    def link(self, key: str, reading: Reading) -> str:
        """Return the address below which a reading's files are served; another one after every correction."""
        return f"{self.session_link(key)}/{reading.page.number}.{reading.version}"

    def session_link(self, key: str) -> str:
        """Return the address below which all files of a session are served."""
        return f"{self.settings.root_path}{FILES_PATH}/{self.sessions.get_or_create(key).token}"

    def all_pages_file(self, token: str, kind: str) -> Path | None:
        """Write and return one of `ALL_PAGES` for a session; None where there is none of its pages that was read."""
        session = self.sessions.find_by_token(token)
        readings = [] if session is None else [reading for reading in session.pages.values() if reading.downloads]
        if session is None or not readings or kind not in ALL_PAGES:
            return None
        path = session.folder / ALL_PAGES[kind]
        write = write_zip if kind == "zip" else write_joined_report
        write(readings, path)
        return path

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
    if session is None or not number.isdecimal():
        return None
    reading: Reading | None = session.pages.get(int(number))
    return reading


def _check_layout(corrections: Corrections, own: Mapping[str, Path]) -> None:
    """Refuse other layouts than those of the package and the session's own: from outside no file may be named."""
    names = ", ".join(layout_names())
    if corrections.layout not in ("auto", *layout_names(), *map(str, own.values())):
        raise BadRequest(f"there is no layout {corrections.layout!r}; choose auto or one of {names}")


def _load_own_layout(upload: Path) -> Layout:
    try:
        layout = load_layout(upload)
    except UnknownLayout as error:  # the name of an upload says nothing to whoever sent it
        raise UnknownLayout(str(error).replace(f" {upload}", "")) from None
    if layout.name in layout_names():
        raise BadRequest(f"the app has a layout {layout.name} of its own; give yours another name")
    return layout
