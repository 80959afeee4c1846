"""A run over an archive: enter its files into the ledger, read the pages still to be read, write the outputs."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ecgimg._atomic_files import atomic_path
from ecgimg._version import __version__
from ecgimg.batch.execution_engines import ENGINES
from ecgimg.batch.filesystems import is_in_memory, open_filesystem
from ecgimg.batch.ledger import Ledger
from ecgimg.batch.output_dataset import PAGES_PER_PART, Dataset, part_name
from ecgimg.batch.output_names import output_paths
from ecgimg.batch.output_store import STATE_FOLDER, OutputStore
from ecgimg.batch.page_task import UNWRITTEN, ArchivePage, PageResult, Task
from ecgimg.batch.report import count_reasons, draw_report
from ecgimg.batch.source_files import FINGERPRINT_THREADS, SourceFile, as_text, find_files, fingerprint
from ecgimg.digitization.digitize_files import Settings, check_settings
from ecgimg.errors import BadOutput, BadRequest
from ecgimg.isolation import Limits
from layouts import load_layout

_LEDGER_FILE = "ledger.sqlite"
_OWN_FILES = ("pages.parquet", "report.html", "summary.json")


@dataclass(frozen=True)
class BatchSettings:
    """How a run works. No setting changes what is read from a page.

    Parameters
    ----------
    engine : {"local", "ray"}
    jobs : int
        Processes, or actors of Ray.
    limit : int, optional
        Pages to read in this run; the next run goes on.
    retry_refused : bool
        Whether refused and failed pages are read again.
    restart : bool
        Whether what earlier runs wrote to the same outputs is removed first, and nothing else.
    limits : Limits
        Time and memory that a page may take.
    work_folder : Path, optional
        Local folder of ledger and spool. By default ``.ecgimg`` among local outputs, or a cache of the user.
    pages_per_part : int
        Pages in one Parquet file of the records.
    """

    engine: str = "local"
    jobs: int = 2
    limit: int | None = None
    retry_refused: bool = False
    restart: bool = False
    limits: Limits = field(default_factory=Limits)
    work_folder: Path | None = None
    pages_per_part: int = PAGES_PER_PART


@dataclass(frozen=True)
class Progress:
    """The progress of a run.

    Parameters
    ----------
    stage : {"looking", "reading"}
        Whether files are entered or pages are read.
    done, total : int
        Files or pages.
    page : ArchivePage, optional
        The page that was just read.
    result : PageResult, optional
        Its result.
    note : str
        What whoever started the run should know, one sentence.
    """

    stage: str
    done: int
    total: int
    page: ArchivePage | None = None
    result: PageResult | None = None
    note: str = ""


@dataclass(frozen=True)
class Summary:
    """What ``summary.json`` holds.

    Parameters
    ----------
    pages : mapping of status to pages
        Of the whole archive; ``pending`` pages are still to be read.
    passed_over : int
        Files of the source that are no pages.
    read_now : int
        Pages that this run read, in `seconds`.
    reasons : mapping
        From the code of a reason to the number of its ``pages`` without duplicates, its ``severity`` and its
        ``advice``; the most frequent first.
    """

    source: str
    out: str
    pages: dict[str, int]
    passed_over: int
    read_now: int
    seconds: float
    pages_per_s: float
    reasons: dict[str, dict[str, Any]] = field(default_factory=dict)
    version: str = __version__


def run_batch(
    source: str,
    out: str,
    task: Task | None = None,
    settings: BatchSettings | None = None,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
) -> Summary:
    """Digitize an archive to a dataset. Pages that an earlier run finished are kept; those it began are read again.

    Parameters
    ----------
    source : str
        As `find_files` takes it.
    out : str
        A folder or URL for ``records/`` and ``pages.parquet`` (see `Dataset`), ``overlays/``, a folder for each
        further format, ``report.html`` and ``summary.json``.

    Raises
    ------
    BadRequest, UnknownLayout
        Before any work.
    BadOutput
        When the outputs cannot be written; finished pages are kept.
    """
    task, settings = task or Task(), settings or BatchSettings()
    _check(task, settings)
    task = replace(task, formats=tuple(sorted(set(task.formats))))
    files, n_others = find_files(source)
    store = OutputStore(out)
    files = [file for file in files if not file.url.startswith(store.path(""))]  # outputs may lie among the sources
    work_folder = _make_work_folder(store, settings.work_folder)
    with closing(_open_ledger(store, work_folder)) as ledger:
        dataset = Dataset(store, work_folder / "spool", classified=task.classify, per_part=settings.pages_per_part)
        run = _Run(source, task, settings, store, ledger, dataset, n_others)
        run.resume(on_progress)
        run.enter(files, on_progress)
        return run.read(on_progress)


@dataclass
class _Run:
    """A run, its outputs and its state, from the opened ledger to the summary."""

    source: str
    task: Task
    settings: BatchSettings
    store: OutputStore
    ledger: Ledger
    dataset: Dataset
    n_others: int
    started_s: float = field(default_factory=time.perf_counter)
    n_read: int = 0

    def resume(self, on_progress: Callable[[Progress], None]) -> None:
        """Go on with the outputs of earlier runs, or remove them; refuse other settings than theirs."""
        before = self.ledger.settings()
        if before is not None and (self.settings.restart or self.ledger.is_restarting()):
            on_progress(Progress("looking", 0, 0, note=self._remove_earlier(before)))
        elif before is not None and before["formats"] and not self.task.formats:
            self.task = replace(self.task, formats=tuple(before["formats"]))
            on_progress(Progress("looking", 0, 0, note=f"goes on with the formats {', '.join(before['formats'])}"))
        source_path = as_text(open_filesystem(self.source)[1])
        per_part = self.settings.pages_per_part
        self.ledger.check_settings({"source": source_path, **asdict(self.task), "pages_per_part": per_part})
        # what the killed run left half-written goes, what it finished is entered
        self.store.clear_drafts()
        self.dataset.recover(self.ledger)

    def _remove_earlier(self, before: Mapping[str, Any]) -> str:
        """Remove every file that runs with the settings `before` wrote, and no other; returns what was removed."""
        self.ledger.begin_restart()  # a run that is killed in between goes on with it
        numbers, names = [-1], list(_OWN_FILES)
        for entry in self.ledger.entries():
            numbers.append(entry.page.number)
            names += output_paths(entry.page.name, before["overlay"], before["formats"])
        names += [part_name(part) for part in range(max(numbers) // before["pages_per_part"] + 1)]
        removed = Counter(name.split("/")[0] for name in names if self.store.remove(name))
        self.dataset.discard_spooled(numbers)
        self.ledger.clear()
        counts = ", ".join(name if name in _OWN_FILES else f"{count} of {name}/" for name, count in removed.items())
        return f"removed what the earlier run wrote to {self.store.url}: {counts or 'nothing'}"

    def enter(self, files: Sequence[SourceFile], on_progress: Callable[[Progress], None]) -> None:
        """Enter new and changed files into the ledger, page by page, each with its fingerprint."""
        files = self.ledger.new_or_changed(files)
        with ThreadPoolExecutor(FINGERPRINT_THREADS) as threads:
            fingerprints = zip(files, threads.map(fingerprint, files), strict=True)
            for done, (file, (sha256, n_pages)) in enumerate(fingerprints, start=1):
                self.ledger.enter(file, sha256, n_pages)
                on_progress(Progress("looking", done, len(files)))
        if files:
            self.ledger.mark_duplicates()

    def read(self, on_progress: Callable[[Progress], None]) -> Summary:
        """Read the pending pages, and write the dataset and the report, even when the run is interrupted."""
        if self.settings.retry_refused:
            self.ledger.reopen_refused()
        pending = self.ledger.pending(self.settings.limit)
        self.dataset.discard_spooled(page.number for page in pending)
        on_progress(Progress("reading", 0, len(pending)))  # the first page may take long
        try:
            for n_read, (page, result) in enumerate(self._read_and_store(pending), start=1):
                self.n_read = n_read
                on_progress(Progress("reading", self.n_read, len(pending), page, result))
        except KeyboardInterrupt:  # whoever stops a run wants the report of what it has read
            self._write_outputs()
            raise
        return self._write_outputs()

    def _read_and_store(self, pending: list[ArchivePage]) -> Iterator[tuple[ArchivePage, PageResult]]:
        """Read pages, and yield each with its result once its files, its record and its ledger row are written."""
        task = replace(self.task, out=_url_for_workers(self.store, self.settings.engine))
        for page, result in _read_pages(pending, task, self.settings):
            if result.row["status"] == UNWRITTEN:
                raise BadOutput(result.row["reasons"][0])
            for name, content in result.files.items():
                self.store.write(name, content)
            # the ledger comes last: a page that it calls finished is in the spool, whenever the run is killed
            self.dataset.spool_page(page, result)
            self.ledger.finish(page.number, result.row)
            if self.dataset.write_part_if_complete(page.number, self.ledger):
                _save_ledger(self.store, self.ledger)
            yield page, result

    def _write_outputs(self) -> Summary:
        """Write the rest of the dataset, the table of pages, the report and the summary."""
        seconds = time.perf_counter() - self.started_s
        self.dataset.write_open_parts(self.ledger)
        rows = self.dataset.write_pages(self.ledger.entries())
        summary = Summary(
            source=self.source,
            out=self.store.url,
            pages=self.ledger.counts(),
            passed_over=self.n_others,
            read_now=self.n_read,
            seconds=round(seconds, 3),
            pages_per_s=round(self.n_read / seconds, 3) if self.n_read else 0.0,
            reasons=_reason_counts(rows),
        )
        values: dict[str, Any] = asdict(summary)
        self.store.write("report.html", draw_report(rows, values, self.store).encode())
        self.store.write("summary.json", json.dumps(values, indent=1).encode())
        _save_ledger(self.store, self.ledger)
        return summary


def _check(task: Task, settings: BatchSettings) -> None:
    """Refuse settings that cannot work before any work."""
    if settings.engine not in ENGINES:
        raise BadRequest(f"there is no engine {settings.engine!r}; choose from {', '.join(ENGINES)}")
    if settings.jobs < 1 or (settings.limit is not None and settings.limit < 1) or settings.pages_per_part < 1:
        raise BadRequest("jobs, limit and pages a part must be at least 1")
    check_settings([], Settings(task.layout, task.speed_mm_s, task.gain_mm_mv, task.formats))
    if task.layout != "auto":
        load_layout(task.layout)


def _make_work_folder(store: OutputStore, folder: Path | None) -> Path:
    """Make and return the local folder of ledger and spool."""
    if folder is None and store.local:
        folder = Path(store.path(STATE_FOLDER))
    if folder is None:
        # the ledger of outputs elsewhere must be found again by the next run, which knows only their address
        address_hash = hashlib.sha256(store.url.encode()).hexdigest()[:16]
        folder = Path.home() / ".cache" / "ecgimg" / address_hash
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadOutput(f"cannot write to {folder}: {error.strerror}; choose a folder that can be written") from None
    return folder


def _open_ledger(store: OutputStore, work_folder: Path) -> Ledger:
    """Open the local ledger; where there is none, start from the copy beside outputs elsewhere."""
    path = work_folder / _LEDGER_FILE
    if not path.exists() and not store.local and (saved := store.read(_LEDGER_FILE)) is not None:
        with atomic_path(path) as draft:
            draft.write_bytes(saved)
    return Ledger(path)


def _save_ledger(store: OutputStore, ledger: Ledger) -> None:
    """Keep a copy of the ledger beside outputs elsewhere, for a run that goes on from another machine."""
    if not store.local:
        store.write(_LEDGER_FILE, ledger.snapshot())


def _read_pages(
    pending: list[ArchivePage], task: Task, settings: BatchSettings
) -> Iterator[tuple[ArchivePage, PageResult]]:
    """Yield every page with its result as it comes, each once."""
    if not pending:
        return
    unread = {page.number: page for page in pending}
    jobs = min(settings.jobs, len(pending))
    for result in ENGINES[settings.engine](map(_with_content, pending), task, settings.limits, jobs):
        page = unread.pop(result.number, None)
        if page is not None:  # Ray reads the pages of a lost node again, so a result may come twice
            yield page, result


def _url_for_workers(store: OutputStore, engine: str) -> str | None:
    """Return where reading processes write files themselves; None where they cannot, as other machines' folders."""
    return None if is_in_memory(store.fs) or (engine == "ray" and store.local) else store.url


def _with_content(page: ArchivePage) -> ArchivePage:
    """Return a page with its file's content where the reading processes cannot open the file."""
    fs, path = open_filesystem(page.url)
    return replace(page, data=fs.cat_file(path)) if is_in_memory(fs) else page


def _reason_counts(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return `Summary.reasons` of the rows of the table of pages."""
    firsts = [row for row in rows if not row["duplicate_of"]]
    counts = count_reasons(firsts, ("ok", "limited", "refused", "failed"))
    return {
        code.value: {"pages": count, "severity": code.severity.value, "advice": list(code.advice)}
        for code, count in counts.items()
    }
