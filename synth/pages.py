"""Pages without end: the iterator that feeds training and measuring, and the writer that fills a folder."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from ecgimg._files import atomic_path
from ecgimg._version import __version__
from ecgimg.errors import BadOutput, BadRequest
from ecgimg.record import EcgRecord
from layouts import Layout, load_layout, load_layouts
from synth.labels.coco import coco_annotations
from synth.labels.truth import load_truth
from synth.page import Page, make_page
from synth.random_degradation import check_kind, choose_kind, drop_unreadable_chest_gain, make_random_degradation
from synth.random_page_spec import make_random_page_spec
from synth.record_source import Records, cycle_records, drawable_layouts, prepare_record

_COLUMNS = ("stem", "set", "file", "kind", "layout", "speed_mm_s", "gain_mm_mv", "pulse", "record", "labels")


@dataclass(frozen=True)
class PageRequest:
    """What pages are wanted: their layouts by name, kind of degradation, seed, and whether masks come along."""

    layouts: tuple[str, ...]
    degradation: str = "mixed"
    seed: int = 0
    masks: bool = False


def pages(
    records: Records = None,
    *,
    n: int | None = None,
    layouts: str | Sequence[str] = "all",
    degradation: str = "mixed",
    seed: int = 0,
    masks: bool = False,
) -> Iterator[Page]:
    """Yield synthetic pages, without touching the disk.

    Page `k` depends on `seed`, `k`, the layouts and its record alone, so any process that draws it gets the same
    bytes, with the same versions of numpy, OpenCV, Pillow and aggdraw (another build may round differently).

    Parameters
    ----------
    records : path, iterable of (id, EcgRecord), or None
        Taken in turn, and from the start again; None draws a simulated heart for each page.
    n : int, optional
        How many; without end by default.
    layouts : str or sequence of str
        Names or files, a list or separated by commas; ``"all"`` for every layout of the package.
    degradation : {"none", "scan", "photo", "screen", "aged", "mixed"}
    seed : int
    masks : bool
        Whether `Page.masks` is filled.

    Yields
    ------
    Page

    Raises
    ------
    UnknownLayout
        For a layout that there is not, or a layout file that is wrong.
    BadRequest
        For another kind of degradation, a negative seed or no layout.
    BadRecord
        When the iteration comes to a record that cannot be read, or when no layout can be drawn from it.
    """
    request = make_page_request(layouts, degradation, seed, masks)
    for index, item in enumerate(cycle_records(records, _layouts_of(request))):
        if n is not None and index >= n:
            return
        yield draw_requested_page(request, index, item)


def make_page_request(layouts: str | Sequence[str], degradation: str, seed: int, masks: bool) -> PageRequest:
    """Check what is wanted before any work (`UnknownLayout`, `BadRequest`)."""
    found = load_layouts(layouts) if isinstance(layouts, str) else tuple(load_layout(name) for name in layouts)
    if not found:
        raise BadRequest("no layout is named; name some, or say all")
    if seed < 0:
        raise BadRequest(f"the seed must not be negative, got {seed}")
    given = layouts.split(",") if isinstance(layouts, str) else layouts
    files = [name.strip() for name in given if str(name).strip().lower().endswith((".yaml", ".yml"))]
    names = [layout.name for layout in found if not any(load_layout(file).name == layout.name for file in files)]
    return PageRequest((*names, *files), check_kind(degradation), seed, masks)


def draw_requested_page(request: PageRequest, index: int, item: tuple[str, EcgRecord] | None) -> Page:
    """Draw page `index` of a request from a record (None: from the simulated heart)."""
    sequence = np.random.SeedSequence(request.seed, spawn_key=(index,))
    look_seed, heart_seed, page_seed = sequence.spawn(3)
    rng = np.random.default_rng(look_seed)
    layout = _choose_layout(request, item, rng)
    kind = choose_kind(check_kind(request.degradation), rng)
    spec = make_random_page_spec(layout, rng, kind)
    degradation = make_random_degradation(spec, kind, rng)
    spec = drop_unreadable_chest_gain(spec, degradation)
    source = prepare_record(item, spec.layout, np.random.default_rng(heart_seed))
    told = {"seed": request.seed, "index": index, "version": __version__, "record": source.origin}
    return make_page(
        spec, degradation, source.record, page_seed, labels=source.labels, parameters=told, masks=request.masks
    )


def _layouts_of(request: PageRequest) -> list[Layout]:
    return [load_layout(name) for name in request.layouts]


def _choose_layout(request: PageRequest, item: tuple[str, EcgRecord] | None, rng: np.random.Generator) -> Layout:
    found = _layouts_of(request)
    if item is not None:
        found = drawable_layouts(item[1], found)
    return found[int(rng.integers(len(found)))]


# ---------------------------------------------------------------- to a folder


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
    stream = cycle_records(records, _layouts_of(request))
    first = next(stream)
    folder = Path(out)
    stems = [f"page-{index:06d}" for index in range(n)]
    _claim(folder, request, "simulated heart" if records is None else str(records))
    done = {path.stem for path in folder.glob("page-*.json")}

    def tasks() -> Iterator[tuple[int, tuple[str, EcgRecord] | None]]:
        item = first
        for index in range(n):
            if stems[index] not in done:
                yield index, item
            elif on_page:
                on_page(stems[index])
            if index + 1 < n:
                item = next(stream)

    for index in _run(folder, request, tasks(), jobs):
        if on_page:
            on_page(stems[index])
    _write_tables(folder, stems)
    return stems


def _claim(folder: Path, request: PageRequest, source: str) -> None:
    """Write down whose pages the folder holds, or check that they are this run's."""
    told = json.dumps({**asdict(request), "records": source, "version": __version__}, sort_keys=True)
    claim = folder / "run.json"
    if claim.is_file():
        if claim.read_text(encoding="utf-8") != told:
            raise BadOutput(f"{folder} holds pages of another run; choose an empty folder, or ask for the same again")
        return
    if folder.is_dir() and any(folder.glob("page-*")):
        raise BadOutput(f"{folder} holds pages already; choose an empty folder")
    with atomic_path(claim) as temporary:
        temporary.write_text(told, encoding="utf-8")


def _run(
    folder: Path, request: PageRequest, tasks: Iterator[tuple[int, tuple[str, EcgRecord] | None]], jobs: int
) -> Iterator[int]:
    if jobs == 1:
        for index, item in tasks:
            yield _draw_and_save(folder, request, index, item)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
        running = set()
        for index, item in tasks:
            running.add(pool.submit(_draw_and_save, folder, request, index, item))
            if len(running) >= 3 * jobs:
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in finished)
        yield from (future.result() for future in running)


def _one_thread() -> None:
    cv2.setNumThreads(1)


def _draw_and_save(folder: Path, request: PageRequest, index: int, item: tuple[str, EcgRecord] | None) -> int:
    draw_requested_page(request, index, item).save(folder / f"page-{index:06d}")
    return index


def _write_tables(folder: Path, stems: list[str]) -> None:
    truths = []
    rows = io.StringIO()
    table = csv.DictWriter(rows, _COLUMNS, lineterminator="\n")
    table.writeheader()
    for stem in stems:
        truth = load_truth(folder / stem)
        file = f"{stem}.jpg" if (folder / f"{stem}.jpg").is_file() else f"{stem}.png"
        truths.append((file, truth))
        told = truth.parameters
        table.writerow(
            {
                "stem": stem,
                "set": "synth",
                "file": file,
                "kind": told["damage"]["kind"],
                "layout": truth.layout.name,
                "speed_mm_s": truth.speed_mm_s,
                "gain_mm_mv": truth.gain_mm_mv,
                "pulse": told["page"]["pulse"],
                "record": told["record"].get("record_id", ""),
                "labels": ";".join(truth.labels),
            }
        )
    with atomic_path(folder / "pages.csv") as temporary:
        temporary.write_text(rows.getvalue(), encoding="utf-8")
    with atomic_path(folder / "coco.json") as temporary:
        temporary.write_text(json.dumps(coco_annotations(truths), separators=(",", ":")), encoding="utf-8")
