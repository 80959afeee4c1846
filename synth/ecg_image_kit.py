"""Read folders made by ecg-image-kit (its JSON and WFDB beside each picture) into the same truth.

The kit writes points and corners as (row, column), older versions as (column, row); which it is, is seen from the
traces, whose samples run along x. It places columns one after the other and prints 25 mm/s and 10 mm/mV.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgimg.errors import BadRecord
from ecgimg.formats import read_record
from ecgimg.leads import canonical_lead
from ecgimg.record import EcgRecord
from layouts import Layout, Slot, parse_layout
from synth.labels.truth import PageTruth, TextTruth, TraceTruth

Floats = NDArray[np.float64]

_PICTURES = (".png", ".jpg", ".jpeg")


def ecg_image_kit_pages(folder: str | Path) -> Iterator[tuple[Path, PageTruth]]:
    """Yield (picture, truth) of every page of ecg-image-kit in a folder and those below it.

    Parameters
    ----------
    folder : str or Path

    Yields
    ------
    (Path, PageTruth)

    Raises
    ------
    BadRecord
        When there is none, or when the iteration comes to a page that cannot be read.
    """
    files = sorted(Path(folder).rglob("*.json"))
    pages = [(picture, path) for path in files if (picture := _picture_of(path)) is not None]
    if not pages:
        raise BadRecord(f"{folder} holds no page of ecg-image-kit: no JSON with a picture of the same name")
    for picture, path in pages:
        yield picture, read_ecg_image_kit_page(path)


def read_ecg_image_kit_page(path: str | Path) -> PageTruth:
    """Read one page of ecg-image-kit from its JSON; the WFDB record is looked for beside it.

    Parameters
    ----------
    path : str or Path
        The JSON.

    Returns
    -------
    PageTruth
        Without a page map, pulses or grid, of which the kit writes nothing.

    Raises
    ------
    BadRecord
        When the JSON is not the kit's (made with ``--store_config 1`` and bounding boxes), or its record is missing.
    """
    path = Path(path)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        size = (round(_number(values["width"])), round(_number(values["height"])))
        entries = values["leads"]
        if not entries:
            raise ValueError("no leads")
        return _page_truth(values, entries, size, _record_of(path))
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise BadRecord(
            f"{path} is not a page of ecg-image-kit that can be read ({type(error).__name__}: {error}); make it with "
            "its configuration and boxes stored"
        ) from None


def _picture_of(path: Path) -> Path | None:
    return next((path.with_suffix(suffix) for suffix in _PICTURES if path.with_suffix(suffix).is_file()), None)


def _number(value: Any) -> float:
    """The kit writes numbers bare or, in older versions, as ``{"val": …, "unit": …}``."""
    return float(value["val"] if isinstance(value, dict) else value)


def _record_of(path: Path) -> EcgRecord:
    """``00001_lr-0.json`` belongs to ``00001_lr.hea``."""
    # The kit numbers the pages of a record: the part after the last hyphen is not in the record name.
    base = path.stem.rsplit("-", 1)[0]
    for stem in (path.stem, base):
        header = path.with_name(f"{stem}.hea")
        if header.is_file():
            return read_record(header)
    raise BadRecord(f"the WFDB record {base}.hea is not beside {path}; keep them together")


def _page_truth(
    values: dict[str, Any], entries: list[dict[str, Any]], size: tuple[int, int], record: EcgRecord
) -> PageTruth:
    fs_hz = _number(values.get("sampling_frequency", record.fs_hz))
    x_first = _is_x_first(entries)
    points = [_points(entry["plotted_pixels"], x_first) for entry in entries]
    # The kit counts samples from the start of the whole record, pages from their own first sample.
    origin = min(int(entry["start_sample"]) for entry in entries)
    starts = [int(entry["start_sample"]) - origin for entry in entries]
    layout, places = _infer_layout(entries, starts, points, fs_hz)
    canvas = _cut_record(record, origin, round(layout.duration_s * fs_hz))
    slots = {(slot.row, slot.column): slot for slot in layout.slots()}
    traces, texts = [], []
    for index, (entry, place) in enumerate(zip(entries, places, strict=True)):
        slot = slots[place]
        traces.append(_trace_truth(entry, slot, points[index], starts[index], size, x_first))
        if "text_bounding_box" in entry:
            box = _corners(entry["text_bounding_box"], x_first)
            texts.append(TextTruth("label", slot.printed_name, box, index))
    return PageTruth(
        record=canvas,
        layout=layout,
        speed_mm_s=25.0,
        gain_mm_mv=10.0,
        chest_gain_mm_mv=10.0,
        size_px=size,
        traces=tuple(traces),
        texts=tuple(texts),
        pulses_px=(),
        corners_px=np.array(
            [(-0.5, -0.5), (size[0] - 0.5, -0.5), (size[0] - 0.5, size[1] - 0.5), (-0.5, size[1] - 0.5)]
        ),
        grid_px=np.zeros((0, 0, 2)),
        page_map=None,
        labels=(),
        parameters={"source": "ecg-image-kit", "kit": {key: values[key] for key in values if key != "leads"}},
    )


def _is_x_first(entries: list[dict[str, Any]]) -> bool:
    spans = np.array([np.ptp(np.array(entry["plotted_pixels"], np.float64), axis=0) for entry in entries])
    return bool(np.median(spans[:, 0]) > np.median(spans[:, 1]))


def _points(pixels: Any, x_first: bool) -> Floats:
    points = np.array(pixels, np.float64).reshape(-1, 2)
    return points if x_first else points[:, ::-1]


def _corners(corners: dict[str, Any], x_first: bool) -> Floats:
    return _points([corners[str(number)] for number in range(4)], x_first)


def _infer_layout(
    entries: list[dict[str, Any]], starts: list[int], points: list[Floats], fs_hz: float
) -> tuple[Layout, list[tuple[int, int | None]]]:
    """Tell rows, columns and strips from where and when each trace starts; returns the place of each entry too."""
    names = [canonical_lead(str(entry["lead_name"])) or str(entry["lead_name"]) for entry in entries]
    lengths = [int(entry["end_sample"]) - int(entry["start_sample"]) for entry in entries]
    shortest = min(lengths)
    # A strip is longer than the cells and repeats a lead that a cell has shown.
    strips = [k for k in range(len(entries)) if lengths[k] > 1.5 * shortest and names.index(names[k]) != k]
    cells = [k for k in range(len(entries)) if k not in strips]
    columns = sorted({starts[k] for k in cells})
    grid = [sorted((k for k in cells if starts[k] == start), key=lambda k: _median_y(points[k])) for start in columns]
    # Traces that start together form a column; layouts here have as many rows in each.
    if len({len(column) for column in grid}) != 1:
        raise ValueError("the columns have different numbers of leads")
    strips.sort(key=lambda k: _median_y(points[k]))
    rhythm = [names[k] for k in strips]
    rows = len(grid[0])
    values = {
        "name": f"{rows}x{len(grid)}" + "".join(f"+{name}" for name in rhythm),
        "description": "As read from a page of ecg-image-kit.",
        "rows": rows,
        "columns": len(grid),
        "leads": [[names[column[row]] for column in grid] for row in range(rows)],
        "rhythm": rhythm,
        "seconds_per_column": shortest / fs_hz,
    }
    places: dict[int, tuple[int, int | None]] = {
        k: (row, number) for number, column in enumerate(grid) for row, k in enumerate(column)
    }
    places.update({k: (rows + number, None) for number, k in enumerate(strips)})
    return parse_layout(values, "the page"), [places[k] for k in range(len(entries))]


def _median_y(points: Floats) -> float:
    return float(np.median(points[:, 1]))


def _cut_record(record: EcgRecord, origin: int, samples: int) -> EcgRecord:
    signals = np.full((len(record.leads), samples), np.nan, np.float32)
    shown = record.signals[:, origin : origin + samples]
    signals[:, : shown.shape[1]] = shown
    return EcgRecord(signals, record.fs_hz, record.leads)


def _trace_truth(
    entry: dict[str, Any], slot: Slot, points: Floats, start: int, size: tuple[int, int], x_first: bool
) -> TraceTruth:
    inside = (points > -0.5).all(axis=1) & (points < np.array(size) - 0.5).all(axis=1)
    if "lead_bounding_box" in entry:
        box = _corners(entry["lead_bounding_box"], x_first)
    else:
        low, high = points.min(axis=0), points.max(axis=0)
        box = np.array([low, (high[0], low[1]), high, (low[0], high[1])])
    return TraceTruth(slot, start, points, np.logical_not(inside), box)
