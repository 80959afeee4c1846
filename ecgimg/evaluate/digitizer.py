"""Digitize many pages whose truth is known, and score each: real ones from a table, or a synthetic benchmark."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization import Digitization, digitize_image
from ecgimg.errors import BadRequest, EcgImgError
from ecgimg.evaluate.page_scores import LeadScore, PageScore, page_ratio, score_lead
from ecgimg.evaluate.parallel_pages import mapped
from ecgimg.formats import read_record
from ecgimg.formats.pages import open_pages
from ecgimg.reasons import reason_of
from ecgimg.record import EcgRecord
from layouts import Layout, load_layout, load_layouts
from synth.labels.truth import PageTruth
from synth.page_stream import PageRequest, draw_requested_page, make_page_request
from synth.record_source import cycle_records

Floats = NDArray[np.float64]

# The rate of digitized records.
FS_HZ = 500.0


@dataclass(frozen=True)
class PageTask:
    """A real page: its file, its group, the layout that it has (or ""), and the file of its true record, if any."""

    stem: str
    file: Path
    group: str
    layout: str
    truth: Path | None


@dataclass(frozen=True, eq=False)
class ScoredPage:
    """A page's scores, and for the plots its truth and reading at 500 Hz: lead → (truth, read)."""

    score: PageScore
    signals: Mapping[str, tuple[Floats, Floats]]


def page_tasks(table: Path, truth: Path | None) -> list[PageTask]:
    """Read a table of pages: columns ``stem``, ``file`` (beside the table), and where known ``set`` and ``layout``.

    Raises
    ------
    BadRequest
        When the table cannot be read or lacks a column.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"the table {table} cannot be read: {error}") from None
    if not rows or not {"stem", "file"} <= set(rows[0]):
        raise BadRequest(f"the table {table} needs the columns stem and file, and a row a page")
    return [_page_task(row, table.parent, truth) for row in rows]


def _page_task(row: Mapping[str, str], folder: Path, truth: Path | None) -> PageTask:
    record = truth / f"{row['stem']}.csv" if truth is not None else None
    return PageTask(
        stem=row["stem"],
        file=folder / row["file"],
        group=row.get("set") or "",
        layout=row.get("layout") or "",
        truth=record if record is not None and record.is_file() else None,
    )


def evaluate_pages(tasks: Sequence[PageTask], jobs: int = 1) -> Iterator[ScoredPage]:
    """Digitize and score real pages, in order; a page that cannot be opened counts as one that was not read."""
    yield from mapped(_score_task, tasks, jobs)


def evaluate_synthetic(
    n: int, *, layouts: str = "all", degradation: str = "mixed", seed: int = 1_000_000, records: Path | None = None,
    jobs: int = 1,
) -> Iterator[ScoredPage]:  # fmt: skip
    """Draw, digitize and score `n` synthetic pages of a seed that no network was trained on, in order.

    Every other page shows a record of `records` where given, the others a simulated heart.
    """
    request = make_page_request(layouts, degradation, seed, masks=False)
    stream = cycle_records(records, load_layouts(layouts))
    items = [next(stream) if records is not None and index % 2 else None for index in range(n)]
    yield from mapped(_score_synthetic, [(request, index, item) for index, item in enumerate(items)], jobs)


def _score_task(task: PageTask) -> ScoredPage:
    began = time.perf_counter()
    groups = {"set": task.group, "layout": task.layout}
    try:
        page = next(open_pages(task.file))
        digitization = digitize_image(page.image, vector=page.vector)
    except EcgImgError as error:
        # A page that cannot be opened is a failure of the digitizer, not of the evaluation.
        digitization = Digitization("refused", (reason_of(error),))
    seconds = time.perf_counter() - began
    layout = _layout_or_none(task.layout)
    if task.truth is None or layout is None:
        is_right = None if layout is None or digitization.record is None else digitization.layout == layout.name
        return ScoredPage(
            PageScore(task.stem, groups, digitization.status, is_right, (), 0.0, seconds, digitization.consistency_db),
            {},
        )
    # Only what the layout prints can be read, and scored.
    truth = _printed_signals(read_record(task.truth), layout)
    return _scored(task.stem, groups, truth, layout, digitization, seconds)


def _score_synthetic(task: tuple[PageRequest, int, tuple[str, EcgRecord] | None]) -> ScoredPage:
    request, index, item = task
    page = draw_requested_page(request, index, item)
    began = time.perf_counter()
    digitization = digitize_image(page.image)
    seconds = time.perf_counter() - began
    truth = page.truth
    groups = {"degradation": _degradation_kind(truth), "layout": truth.layout.name}
    return _scored(f"page-{index:06d}", groups, _visible_signals(truth), truth.layout, digitization, seconds)


def _degradation_kind(truth: PageTruth) -> str:
    degradation = truth.parameters.get("damage")
    return str(degradation.get("kind", "")) if isinstance(degradation, Mapping) else ""


def _layout_or_none(name: str) -> Layout | None:
    try:
        return load_layout(name) if name else None
    except EcgImgError:
        return None


def _printed_signals(record: EcgRecord, layout: Layout) -> dict[str, Floats]:
    """Return what a page of `layout` shows of a record: lead → mV at 500 Hz, NaN where nothing is printed."""
    n = round(layout.duration_s * FS_HZ)
    shown: dict[str, Floats] = {}
    for slot in layout.slots():
        signal = shown.setdefault(slot.lead, np.full(n, np.nan))
        first, end = round(slot.start_s * FS_HZ), min(round(slot.end_s * FS_HZ), record.n_samples)
        signal[first:end] = record.lead(slot.lead)[first:end]
    return shown


def _visible_signals(truth: PageTruth) -> dict[str, Floats]:
    """Return what can be seen on a synthetic page: as `_printed_signals`, less what is hidden."""
    record = truth.record
    n = round(truth.layout.duration_s * FS_HZ)
    shown: dict[str, Floats] = {}
    for trace in truth.traces:
        there = np.flatnonzero(~trace.hidden & np.isfinite(trace.points_px).all(axis=1)) + trace.first_sample
        signal = shown.setdefault(trace.slot.lead, np.full(n, np.nan))
        if len(there) < 2:
            continue
        values = np.full(record.n_samples, np.nan)
        values[there] = record.lead(trace.slot.lead)[there]
        grid = np.arange(n) * record.fs_hz / FS_HZ
        # Interpolation must not bridge samples that are hidden.
        nearest = np.clip(np.rint(grid).astype(int), 0, record.n_samples - 1)
        inside = np.isfinite(values[nearest]) & (grid <= record.n_samples - 1)
        signal[inside] = np.interp(grid[inside], there, values[there])
    return shown


def _scored(
    stem: str, groups: Mapping[str, str], truth: Mapping[str, Floats], layout: Layout, digitization: Digitization,
    seconds: float,
) -> ScoredPage:  # fmt: skip
    signals = {}
    scores: list[LeadScore] = []
    for lead, true_mv in truth.items():
        if np.isfinite(true_mv).sum() < 2:
            continue
        read = np.full(len(true_mv), np.nan)
        if digitization.record is not None and lead in digitization.record.leads:
            values = digitization.record.lead(lead)[: len(read)]
            read[: len(values)] = values
        confidence = (digitization.lead_confidence or {}).get(lead, 0.0)
        scores.append(score_lead(lead, true_mv, read, FS_HZ, confidence))
        signals[lead] = (true_mv, read)
    is_right = digitization.record is not None and digitization.layout == layout.name
    ratio = page_ratio(scores) if digitization.record is not None else 0.0
    page = PageScore(
        stem, groups, digitization.status, is_right, tuple(scores), ratio, seconds, digitization.consistency_db
    )
    return ScoredPage(page, signals)
