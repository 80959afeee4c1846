"""Rows of synthetic pages as the tracer sees them, and the heights that were drawn: what the stroke reader learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgimg._atomic_files import atomic_path
from ecgimg.digitization.dewarp.resample import dewarp_page
from ecgimg.digitization.model import FlatPage
from ecgimg.digitization.segmentation.segmenter import segment
from ecgimg.digitization.tracing.centre_line import SUB_COLUMNS
from ecgimg.digitization.tracing.ink_along_path import RowInk, map_ink
from ecgimg.digitization.tracing.trace_rows import track_rows
from ecgimg.inference.threads import one_thread_pool
from ecgimg.record import EcgRecord
from synth.labels.truth import PageTruth
from synth.page_map import PageMap
from synth.page_stream import PageRequest, draw_requested_page, make_page_request
from synth.record_source import cycle_records

Floats = NDArray[np.float64]

STROKE_FIELDS = (
    "upper", "lower", "run_upper", "run_lower", "centre", "fill", "above", "below", "certainty", "has_ink", "is_shared",
)  # fmt: skip
_MIN_SEEN = 0.3  # share of a row's columns with ink: less is another mark that runs along the row


@dataclass(frozen=True, eq=False)
class TaughtRow:
    """A traced row, and the true heights (n, places) px of the flat page, NaN where nothing was drawn."""

    strokes: RowInk
    heights_px: Floats


@dataclass(frozen=True, eq=False)
class _TrueMap:
    """A synthetic page's own map in the place of one found from its ruling."""

    page_map: PageMap
    size_px: tuple[int, int]

    @property
    def centre_px(self) -> tuple[float, float]:
        return self.size_px[0] / 2, self.size_px[1] / 2

    @cached_property
    def px_per_mm(self) -> float:
        return float(1 / np.sqrt(abs(np.linalg.det(self.jacobian(np.asarray(self.centre_px))))))

    def image_to_page(self, points_px: ArrayLike) -> Floats:
        return self.page_map.image_to_page(points_px)

    def page_to_image(self, points_mm: ArrayLike) -> Floats:
        return self.page_map.page_to_image(points_mm)

    def jacobian(self, points_px: ArrayLike) -> Floats:
        middle = np.asarray(points_px, np.float64)
        steps = [self.image_to_page(middle + step) - self.image_to_page(middle - step) for step in np.eye(2)]
        return np.stack(steps, axis=-1) / 2


def draw_stroke_pool(
    folder: Path, records: Path | None, *, pages: int, seed: int = 0, jobs: int = 2
) -> list[TaughtRow]:
    """Draw, segment and trace `pages` pages, and return their rows; what is in `folder` already is not done again."""
    folder.mkdir(parents=True, exist_ok=True)
    request = make_page_request("all", "mixed", seed, masks=False)
    if jobs == 1:
        _draw_part(folder, request, records, (0, pages, 1))
    else:
        with one_thread_pool(jobs) as workers:
            parts = [workers.submit(_draw_part, folder, request, records, (k, pages, jobs)) for k in range(jobs)]
            for part in parts:
                part.result()
    rows = []
    for index in range(pages):
        with np.load(folder / f"{index:06d}.npz") as file:
            rows += _unpacked(dict(file))
    return rows


def _draw_part(folder: Path, request: PageRequest, records: Path | None, part: tuple[int, int, int]) -> None:
    from layouts import load_layout

    layouts = [load_layout(name) for name in request.layouts]
    stream = islice(cycle_records(records, layouts), part[0], None, part[2])
    for index in range(*part):
        item = next(stream) if records is not None and index % 4 < 3 else None
        path = folder / f"{index:06d}.npz"
        if path.is_file():
            continue
        # some of the records get spikes, so that strokes as thin as a pacemaker's are learned too
        if item is not None and index % 3 == 0:
            item = item[0], _with_spikes(item[1], np.random.default_rng([request.seed, index, 2]))
        page = draw_requested_page(request, index, item)
        rows = teach(page.image, page.truth)
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **_packed(rows))  # type: ignore[arg-type]


def _with_spikes(record: EcgRecord, rng: np.random.Generator) -> EcgRecord:
    """Add spikes of 2 to 4 ms about once a second, as pacemakers make them."""
    signals = record.signals.copy()
    size_mv = rng.uniform(0.1, 1.2) * rng.normal(0, 1, len(record.leads))
    place = int(rng.uniform(0, record.fs_hz))
    while place < record.n_samples - 3:
        signals[:, place : place + int(rng.integers(1, 3))] += size_mv[:, None].astype(np.float32)
        place += int(record.fs_hz * rng.uniform(0.7, 1.1))
    return EcgRecord(signals, record.fs_hz, record.leads)


def teach(image: NDArray[np.uint8], truth: PageTruth) -> list[TaughtRow]:
    """Trace a synthetic page through its own map, and put the drawn heights beside each row found."""
    assert truth.page_map is not None
    true_map = _TrueMap(truth.page_map, truth.size_px)
    page = dewarp_page(image, segment(image), true_map)  # type: ignore[arg-type]
    drawn = _drawn_rows(truth, true_map, page)
    taught = []
    for baseline, strokes in track_rows(page, map_ink(page)):
        row = min(drawn, key=lambda item: abs(item[0] - baseline), default=None)
        # a traced row that no drawn one is near is a frame or a line of text
        if row is None or abs(row[0] - baseline) > 8 * page.px_per_mm or strokes.has_ink.mean() < _MIN_SEEN:
            continue
        taught.append(TaughtRow(strokes, _heights(strokes, row[1])))
    return taught


def _drawn_rows(truth: PageTruth, true_map: _TrueMap, page: FlatPage) -> list[tuple[float, list[Floats]]]:
    """Return each row's middle height and its strokes (n, 2) in px of the flat page, NaN where they cannot be seen."""

    def flat(points_px: Floats) -> Floats:
        result = np.full(points_px.shape, np.nan)
        known = np.isfinite(points_px).all(axis=1)
        mm = true_map.image_to_page(points_px[known])
        result[known] = (mm - np.asarray(page.origin_mm)) * page.px_per_mm
        return result

    rows: dict[int, list[Floats]] = {}
    for trace in truth.traces:
        points = np.where(trace.hidden[:, None], np.nan, trace.points_px)
        if np.isfinite(points).any():
            rows.setdefault(trace.slot.row, []).append(flat(points))
    drawn = [(float(np.nanmedian(np.concatenate(parts)[:, 1])), parts) for parts in rows.values()]
    for pulse in truth.pulses_px:
        points = flat(pulse)
        if drawn:
            min(drawn, key=lambda item: abs(item[0] - points[0, 1]))[1].append(points)
    return drawn


def _heights(strokes: RowInk, drawn: Sequence[Floats]) -> Floats:
    columns = strokes.first_column + np.arange(len(strokes.upper))
    places = columns[:, None] + np.asarray(SUB_COLUMNS)
    result = np.full(places.shape, np.nan)
    for points in drawn:
        known = np.isfinite(points).all(axis=1)
        if known.sum() < 2:
            continue
        x, y = points[known].T
        heights = np.interp(places, x, y, left=np.nan, right=np.nan)
        for gap in np.flatnonzero(np.diff(np.flatnonzero(known)) > 1):  # a gap of the truth stays one
            heights[(places > x[gap]) & (places < x[gap + 1])] = np.nan
        result = np.where(np.isfinite(heights), heights, result)
    return result


def _packed(rows: Sequence[TaughtRow]) -> dict[str, NDArray[np.float32]]:
    arrays = {}
    for number, row in enumerate(rows):
        fields = [np.asarray(getattr(row.strokes, name), np.float32) for name in STROKE_FIELDS]
        arrays[f"row_{number}"] = np.concatenate([np.stack(fields), row.heights_px.T.astype(np.float32)])
        arrays[f"scale_{number}"] = np.array([row.strokes.stroke_width_px, row.strokes.px_per_mm], np.float32)
    return arrays


def _unpacked(arrays: dict[str, NDArray[np.float32]]) -> list[TaughtRow]:
    rows = []
    for number in range(len(arrays) // 2):
        values = arrays[f"row_{number}"].astype(np.float64)
        fields = dict(zip(STROKE_FIELDS, values, strict=False))
        stroke_width, px_per_mm = (float(value) for value in arrays[f"scale_{number}"])
        flags = {name: fields.pop(name) > 0 for name in ("has_ink", "is_shared")}
        strokes = RowInk(
            first_column=0, **fields, **flags, end_cover=(0.0, 0.0), stroke_width_px=stroke_width, px_per_mm=px_per_mm
        )
        rows.append(TaughtRow(strokes, values[len(STROKE_FIELDS) :].T))
    return rows
