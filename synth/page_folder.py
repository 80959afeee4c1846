"""Fill a folder with synthetic pages: pictures with truth, ``pages.csv`` and ``coco.json``; a stopped run goes on."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2

from ecgimg._atomic_files import atomic_path
from ecgimg._version import __version__
from ecgimg.errors import BadOutput, BadRequest
from synth.labels.coco import coco_annotations
from synth.labels.truth import PageTruth, load_truth
from synth.page_stream import PageRequest, RecordItem, draw_requested_page, make_page_request
from synth.record_source import Records, cycle_records

Tasks = Iterator[tuple[int, RecordItem]]

_COLUMNS = ("stem", "set", "file", "kind", "layout", "speed_mm_s", "gain_mm_mv", "pulse", "record", "labels")
# Pages under way per process: enough that none waits for work, few enough that finished pages do not pile up.
_TASKS_PER_PROCESS = 3


def write_pages(
    out: str | Path,
    records: Records = None,
    *,
    n: int,
    layouts: str | Sequence[str] = "all",
    degradation: str = "mixed",
    seed: int = 0,
    masks: bool = False,
    jobs: int = 1,
    on_page: Callable[[str], None] | None = None,
) -> list[str]:
    """Draw `n` pages into a folder: ``page-000000.png`` or ``.jpg`` with its truth, ``pages.csv`` and ``coco.json``.

    A run that was stopped goes on where it was when it is called again alike.

    Parameters
    ----------
    out : str or Path
        The folder.
    records, n, layouts, degradation, seed, masks
        As of `pages`; at least one page.
    jobs : int
        Processes; the pages do not depend on it.
    on_page : callable, optional
        Called with each stem as it is done.

    Returns
    -------
    list of str
        The stems.

    Raises
    ------
    UnknownLayout, BadRequest, BadRecord
        As `pages`.
    BadOutput
        For a folder that cannot be written or that holds another run.
    """
    if n < 1 or jobs < 1:
        raise BadRequest(f"at least one page and one process are needed, got n = {n} and jobs = {jobs}")
    request = make_page_request(layouts, degradation, seed, masks)
    stream = cycle_records(records, request.load_layouts())
    first = next(stream)  # records that cannot be drawn are refused before the folder is touched
    folder = Path(out)
    report = on_page or (lambda _stem: None)
    with _claimed(folder, request, "simulated heart" if records is None else str(records)):
        for index in _draw_pages(folder, request, _missing_pages(folder, n, first, stream, report), jobs):
            report(_stem(index))
        return _write_tables(folder, n)


def _stem(index: int) -> str:
    return f"page-{index:06d}"


@contextmanager
def _claimed(folder: Path, request: PageRequest, source: str) -> Iterator[None]:
    """Hold a folder for this run; give it back where the run ends without a page."""
    was_there = folder.is_dir()
    _claim_folder(folder, request, source)
    try:
        yield
    except BaseException:  # also an interruption by the keyboard
        if not any(folder.glob("page-*")):
            (folder / "run.json").unlink(missing_ok=True)
            with suppress(OSError):
                if not was_there:
                    folder.rmdir()
        raise


def _claim_folder(folder: Path, request: PageRequest, source: str) -> None:
    """Write ``run.json``, which says whose pages the folder holds, or check that they are this run's."""
    run = json.dumps({**asdict(request), "records": source, "version": __version__}, sort_keys=True)
    claim = folder / "run.json"
    if claim.is_file():
        if claim.read_text(encoding="utf-8") != run:
            raise BadOutput(
                f"{folder} holds pages of another run; choose an empty folder, or repeat that run with its options"
            )
        return
    if folder.is_dir() and any(folder.glob("page-*")):
        raise BadOutput(f"{folder} already holds pages; choose an empty folder")
    with atomic_path(claim) as temporary:
        temporary.write_text(run, encoding="utf-8")


def _missing_pages(
    folder: Path, n: int, first: RecordItem, stream: Iterator[RecordItem], report: Callable[[str], None]
) -> Tasks:
    """Yield (index, record) of the pages that are not in the folder; those that are, are reported."""
    # The JSON is written last, so a page that has one is complete.
    done = {path.stem for path in folder.glob("page-*.json")}
    item = first
    for index in range(n):
        if _stem(index) not in done:
            yield index, item
        else:
            report(_stem(index))
        # The stream moves on at finished pages too: page k always shows the same record.
        if index + 1 < n:
            item = next(stream)


def _draw_pages(folder: Path, request: PageRequest, tasks: Tasks, jobs: int) -> Iterator[int]:
    """Draw and save pages, in `jobs` processes; yield each index as its page is done."""
    if jobs == 1:
        for index, item in tasks:
            yield _draw_and_save(folder, request, index, item)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_use_one_thread) as pool:
        running = set()
        for index, item in tasks:
            running.add(pool.submit(_draw_and_save, folder, request, index, item))
            if len(running) >= _TASKS_PER_PROCESS * jobs:
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in finished)
        yield from (future.result() for future in running)


def _use_one_thread() -> None:
    cv2.setNumThreads(1)  # the processes fill the cores; threads of OpenCV in each would only compete


def _draw_and_save(folder: Path, request: PageRequest, index: int, item: RecordItem) -> int:
    draw_requested_page(request, index, item).save(folder / _stem(index))
    return index


def _write_tables(folder: Path, n: int) -> list[str]:
    """Write ``pages.csv`` and ``coco.json``, and return the stems.

    All truth files are read again, so that pages of a stopped run are in the tables too.
    """
    stems = [_stem(index) for index in range(n)]
    pages = []
    text = io.StringIO()
    table = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    table.writeheader()
    for stem in stems:
        truth = load_truth(folder / stem)
        file = f"{stem}.jpg" if (folder / f"{stem}.jpg").is_file() else f"{stem}.png"
        pages.append((file, truth))
        table.writerow(_table_row(stem, file, truth))
    with atomic_path(folder / "pages.csv") as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")
    with atomic_path(folder / "coco.json") as temporary:
        temporary.write_text(json.dumps(coco_annotations(pages), separators=(",", ":")), encoding="utf-8")
    return stems


def _table_row(stem: str, file: str, truth: PageTruth) -> dict[str, Any]:
    parameters = truth.parameters
    return {
        "stem": stem,
        "set": "synth",
        "file": file,
        "kind": parameters["damage"]["kind"],
        "layout": truth.layout.name,
        "speed_mm_s": truth.speed_mm_s,
        "gain_mm_mv": truth.gain_mm_mv,
        "pulse": parameters["page"]["pulse"],
        "record": parameters["record"].get("record_id", ""),
        "labels": ";".join(truth.labels),
    }
