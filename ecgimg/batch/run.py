"""A run over an archive: look at the files, read what is still to be read, keep what is finished."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ecgimg._atomic_files import atomic_path
from ecgimg._version import __version__
from ecgimg.batch.dataset import PAGES_PER_PART, Dataset
from ecgimg.batch.engines import ENGINES
from ecgimg.batch.ledger import Ledger
from ecgimg.batch.report import count_reasons, draw_report
from ecgimg.batch.source import SourceFile, find_files, fingerprint
from ecgimg.batch.store import OWN_FOLDER, Store, filesystem, is_of_this_process
from ecgimg.batch.work import UNWRITTEN, PageResult, Task, Unit
from ecgimg.digitization.write import Settings, check_settings
from ecgimg.errors import BadOutput, BadRequest
from ecgimg.isolation import Limits
from layouts import load_layout

LEDGER = "ledger.sqlite"

_LOOKING = 4


@dataclass(frozen=True)
class BatchSettings:
    """How a run works; none of it changes what is read from a page.

    Parameters
    ----------
    engine : {"local", "ray"}
    jobs : int
        Processes, or actors of Ray.
    limit : int, optional
        Pages to read in this run; the next one goes on.
    retry_refused : bool
        Read refused and failed pages again.
    work : Path, optional
        Where ledger and spool lie when the outputs go to a URL; else in ``.ecgimg`` among the outputs.
    """

    engine: str = "local"
    jobs: int = 2
    limit: int | None = None
    retry_refused: bool = False
    limits: Limits = field(default_factory=Limits)
    work: Path | None = None
    pages_per_part: int = PAGES_PER_PART


@dataclass(frozen=True)
class Progress:
    """What a run tells while it goes on: what it is doing, how much of it is done, and the result just finished."""

    stage: str
    done: int
    total: int
    result: PageResult | None = None


@dataclass(frozen=True)
class Summary:
    """What ``summary.json`` holds.

    Parameters
    ----------
    pages : mapping of status to pages
        Of the whole archive; ``pending`` are those still to be read.
    passed_over : int
        Files of the source that are no pages.
    read_now : int
        Pages that this run read, in `seconds`.
    reasons : mapping
        Of the code of a reason to how many pages it concerns (``pages``, duplicates left out), its ``severity`` and
        its ``advice``; the most frequent first.
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


def look(source: str) -> dict[str, int]:
    """Tell what a run would find, and write nothing: files, pages, pages of the same content, files passed over."""
    files, passed = find_files(source)
    with ThreadPoolExecutor(_LOOKING) as threads:
        prints = list(threads.map(fingerprint, files))
    pages = sum(n_pages for _, n_pages in prints)
    same = {(sha256, file.given): n for file, (sha256, n) in zip(files, prints, strict=True) if sha256}
    single = sum(same.values()) + sum(n_pages for sha256, n_pages in prints if not sha256)
    return {"files": len(files), "pages": pages, "duplicates": pages - single, "passed_over": passed}


def run_batch(
    source: str,
    out: str,
    task: Task | None = None,
    settings: BatchSettings | None = None,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
) -> Summary:
    """Digitize an archive to a dataset; what a run before finished is kept, what it began is read again.

    Parameters
    ----------
    source : str
        As `find_files` takes it.
    out : str
        A folder or URL: ``records/`` and ``pages.parquet`` (see `Dataset`), ``overlays/``, a folder for each further
        format, ``report.html`` and ``summary.json``.

    Raises
    ------
    BadRequest, UnknownLayout
        Before any work.
    BadOutput
        When the outputs cannot be written; what was finished is kept.
    """
    task, settings = task or Task(), settings or BatchSettings()
    _check(task, settings)
    files, passed = find_files(source)
    store = Store(out)
    files = [file for file in files if not file.url.startswith(store.path(""))]  # outputs among the sources
    work = _work_folder(store, settings.work)
    started = time.perf_counter()
    with closing(_open_ledger(store, work)) as ledger:
        ledger.claim({"source": filesystem(source)[1], **asdict(task), "pages_per_part": settings.pages_per_part})
        dataset = Dataset(store, work / "spool", classified=task.classify, per_part=settings.pages_per_part)
        store.clear_drafts()
        dataset.recover(ledger)
        _look_at(files, ledger, on_progress)
        if settings.retry_refused:
            ledger.reopen_refused()
        pending = ledger.pending(settings.limit)
        dataset.forget(unit.number for unit in pending)
        read = 0
        try:
            for read, result in enumerate(_kept(pending, task, settings, store, dataset, ledger), start=1):
                on_progress(Progress("reading", read, len(pending), result))
        except KeyboardInterrupt:
            _conclude(dataset, ledger, store, source, passed, read, time.perf_counter() - started)
            raise
        return _conclude(dataset, ledger, store, source, passed, read, time.perf_counter() - started)


def _kept(
    pending: list[Unit], task: Task, settings: BatchSettings, store: Store, dataset: Dataset, ledger: Ledger
) -> Iterator[PageResult]:
    """Read pages, and yield each result when its files, its record and its line in the ledger are written."""
    for unit, result in _results(pending, replace(task, out=_shared(store, settings.engine)), settings):
        if result.row["status"] == UNWRITTEN:
            raise BadOutput(result.row["reasons"][0])
        for name, content in result.files.items():
            store.write(name, content)
        dataset.keep(unit, result)
        ledger.finish(unit.number, result.row)
        if dataset.write_part_of(unit.number, ledger):
            _save_ledger(store, ledger)
        yield result


def _check(task: Task, settings: BatchSettings) -> None:
    if settings.engine not in ENGINES:
        raise BadRequest(f"there is no engine {settings.engine!r}; choose from {', '.join(ENGINES)}")
    if settings.jobs < 1 or (settings.limit is not None and settings.limit < 1) or settings.pages_per_part < 1:
        raise BadRequest("jobs, limit and pages a part must be at least 1")
    check_settings([], Settings(task.layout, task.speed_mm_s, task.gain_mm_mv, task.formats))
    if task.layout != "auto":
        load_layout(task.layout)


def _work_folder(store: Store, wanted: Path | None) -> Path:
    """Return the local folder of ledger and spool."""
    if wanted is None and store.local:
        wanted = Path(store.path(OWN_FOLDER))
    if wanted is None:
        own = hashlib.sha256(store.url.encode()).hexdigest()[:16]
        wanted = Path.home() / ".cache" / "ecgimg" / own
    try:
        wanted.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadOutput(f"cannot write to {wanted}: {error.strerror}; choose a folder that can be written") from None
    return wanted


def _open_ledger(store: Store, work: Path) -> Ledger:
    """Open the ledger here; where it is not here, go on from the one saved with outputs elsewhere."""
    path = work / LEDGER
    if not path.exists() and not store.local and (saved := store.read(LEDGER)) is not None:
        with atomic_path(path) as draft:
            draft.write_bytes(saved)
    return Ledger(path)


def _save_ledger(store: Store, ledger: Ledger) -> None:
    """Keep a copy of the ledger beside outputs elsewhere, for a run that goes on from another machine."""
    if not store.local:
        store.write(LEDGER, ledger.snapshot())


def _look_at(files: list[SourceFile], ledger: Ledger, on_progress: Callable[[Progress], None]) -> None:
    fresh = ledger.fresh(files)
    with ThreadPoolExecutor(_LOOKING) as threads:
        for done, (file, (sha256, n_pages)) in enumerate(
            zip(fresh, threads.map(fingerprint, fresh), strict=True), start=1
        ):
            ledger.enter(file, sha256, n_pages)
            on_progress(Progress("looking", done, len(fresh)))
    if fresh:
        ledger.mark_duplicates()


def _results(pending: list[Unit], task: Task, settings: BatchSettings) -> Iterator[tuple[Unit, PageResult]]:
    """Yield every unit with its result as it comes, each once."""
    if not pending:
        return
    waiting = {unit.number: unit for unit in pending}
    jobs = min(settings.jobs, len(pending))
    for result in ENGINES[settings.engine](map(_portable, pending), task, settings.limits, jobs):
        unit = waiting.pop(result.number, None)
        if unit is not None:  # a node that was lost may have told it already
            yield unit, result


def _shared(store: Store, engine: str) -> str | None:
    """Return where the processes that read pages can write themselves, or None: a cluster's share no local folder."""
    return None if is_of_this_process(store.fs) or (engine == "ray" and store.local) else store.url


def _portable(unit: Unit) -> Unit:
    """Have the content travel with a unit that other processes cannot open."""
    fs, path = filesystem(unit.url)
    return replace(unit, data=fs.cat_file(path)) if is_of_this_process(fs) else unit


def _conclude(
    dataset: Dataset, ledger: Ledger, store: Store, source: str, passed: int, read: int, seconds: float
) -> Summary:
    """Write the dataset as far as it goes, the table of pages, the report and the summary."""
    dataset.write_rest(ledger)
    rows = dataset.write_pages(ledger.entries())
    rate = round(read / seconds, 3) if read else 0.0
    reasons = _counted_reasons(rows)
    summary = Summary(source, store.url, ledger.counts(), passed, read, round(seconds, 3), rate, reasons)
    told: dict[str, Any] = asdict(summary)
    store.write("report.html", draw_report(rows, told, store).encode())
    store.write("summary.json", json.dumps(told, indent=1).encode())
    _save_ledger(store, ledger)
    return summary


def _counted_reasons(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what `Summary.reasons` holds, of the rows of the table of pages."""
    firsts = [row for row in rows if not row["duplicate_of"]]
    counts = count_reasons(firsts, ("ok", "limited", "refused", "failed"))
    return {
        code.value: {"pages": count, "severity": code.severity.value, "advice": list(code.advice)}
        for code, count in counts.items()
    }
