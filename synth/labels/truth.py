"""What is true of a page: the record, and where everything of it lies in the picture.

On disk a page is ``STEM.png`` or ``STEM.jpg``, ``STEM.npz`` (numbers) and ``STEM.json`` (all else). Coordinates are
image pixels, centre of the top-left pixel at (0, 0); they are kept in steps of 1/64 px, signals in microvolt.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecgimg._atomic_files import atomic_path
from ecgimg.errors import BadRecord
from ecgimg.leads import unbroken_runs
from ecgimg.record import EcgRecord
from layouts import Layout, Slot, parse_layout
from synth.page_map import PageMap, page_map_from_dict

Floats = NDArray[np.float64]

FORMAT_VERSION = 1
# Finer than the labels are exact (a few hundredths of a pixel), and small when packed.
_STEPS_PER_PX = 64
# Points that see no paper may lie anywhere; they must still fit into int32.
_MAX_PX = 1e6
# No difference of two samples is as large, so it can mark NaN.
_MISSING_UV = np.int32(-(2**31))


@dataclass(frozen=True, eq=False)
class TraceTruth:
    """One cell's trace in the picture.

    Parameters
    ----------
    slot : Slot
        Lead, sign, row, column and the seconds of the record shown.
    first_sample : int
        Sample ``first_sample + k`` of the record is at ``points_px[k]``.
    points_px : (samples, 2) float64
        NaN where the record has no value, so nothing is drawn.
    hidden : (samples,) bool
        True where the trace cannot be seen: outside the picture, torn off, burnt out by glare, or not drawn.
    box_px : (4, 2) float64
        Corners of the cell, clockwise from the top left of the page.
    """

    slot: Slot
    first_sample: int
    points_px: Floats
    hidden: NDArray[np.bool_]
    box_px: Floats


@dataclass(frozen=True, eq=False)
class TextTruth:
    """A line of print.

    Parameters
    ----------
    kind : str
        ``label`` for a lead label, or what other print it is.
    text : str
    box_px : (4, 2) float64
        Corners, clockwise from the top left of the page.
    cell : int or None
        Index into `PageTruth.traces` of the cell that a lead label names.
    """

    kind: str
    text: str
    box_px: Floats
    cell: int | None = None


@dataclass(frozen=True, eq=False)
class PageTruth:
    """All that is known of a synthetic page.

    Parameters
    ----------
    record : EcgRecord
        The whole canvas of the layout, also where the page does not show it (`layouts.visible_window` tells).
    layout : Layout
        With the seconds per column that were printed.
    speed_mm_s, gain_mm_mv, chest_gain_mm_mv : float
    size_px : (width, height) of the picture
    traces, texts : tuples, in reading order
    pulses_px : tuple of (n, 2) float64
        The calibration pulses as polylines.
    corners_px : (4, 2) float64
        Of the paper, clockwise from its top left.
    grid_px : (rows, columns, 2) float64
        Crossings of the 5 mm lines of the ruled area; empty where there is no ruling.
    page_map : PageMap or None
        Page mm to pixels; None for pages of other generators.
    labels : tuple of str
        Diagnostic statements (SCP codes) that come with the record, if any.
    parameters : mapping
        Every sampled setting, the seed and the source of the record.
    """

    record: EcgRecord
    layout: Layout
    speed_mm_s: float
    gain_mm_mv: float
    chest_gain_mm_mv: float
    size_px: tuple[int, int]
    traces: tuple[TraceTruth, ...]
    texts: tuple[TextTruth, ...]
    pulses_px: tuple[Floats, ...]
    corners_px: Floats
    grid_px: Floats
    page_map: PageMap | None
    labels: tuple[str, ...]
    parameters: Mapping[str, Any]

    def save(self, stem: Path) -> None:
        """Write ``STEM.npz`` and ``STEM.json``, each whole or not at all."""
        numbers, text = self.packed()
        with atomic_path(stem.parent / f"{stem.name}.npz") as temporary:
            temporary.write_bytes(numbers)
        with atomic_path(stem.parent / f"{stem.name}.json") as temporary:
            temporary.write_text(text, encoding="utf-8")

    def packed(self) -> tuple[bytes, str]:
        """Return the bytes of the NPZ and the text of the JSON."""
        arrays: dict[str, Any] = {"record_uv": _pack_record(self.record)}
        for index, trace in enumerate(self.traces):
            arrays[f"points_{index}"] = _pack_points(trace.points_px)
            arrays[f"hidden_{index}"] = np.packbits(trace.hidden)
        arrays["grid"] = _pack_points(self.grid_px.reshape(-1, 2))
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        return buffer.getvalue(), json.dumps(self._description(), separators=(",", ":"), sort_keys=True)

    def _description(self) -> dict[str, Any]:
        return {
            "format": "ecgimg-page",
            "version": FORMAT_VERSION,
            "fs_hz": self.record.fs_hz,
            "leads": list(self.record.leads),
            "layout": self.layout.model_dump(mode="json"),
            "speed_mm_s": self.speed_mm_s,
            "gain_mm_mv": self.gain_mm_mv,
            "chest_gain_mm_mv": self.chest_gain_mm_mv,
            "size_px": list(self.size_px),
            "traces": [_describe_trace(trace) for trace in self.traces],
            "texts": [_describe_text(text) for text in self.texts],
            "pulses_px": [_rounded(pulse) for pulse in self.pulses_px],
            "corners_px": _rounded(self.corners_px),
            "grid_shape": list(self.grid_px.shape[:2]),
            "page_map": asdict(self.page_map) if self.page_map else None,
            "labels": list(self.labels),
            "parameters": self.parameters,
        }


def _describe_trace(trace: TraceTruth) -> dict[str, Any]:
    return {"slot": trace.slot.model_dump(), "first_sample": trace.first_sample, "box_px": _rounded(trace.box_px)}


def _describe_text(text: TextTruth) -> dict[str, Any]:
    return {"kind": text.kind, "text": text.text, "cell": text.cell, "box_px": _rounded(text.box_px)}


def load_truth(stem: str | Path) -> PageTruth:
    """Read the truth of a page written by `PageTruth.save`.

    Parameters
    ----------
    stem : str or Path
        Its path without suffix.

    Returns
    -------
    PageTruth

    Raises
    ------
    BadRecord
        When a file is missing, damaged, or of another version.
    """
    base = Path(stem)
    try:
        values = json.loads((base.parent / f"{base.name}.json").read_text(encoding="utf-8"))
        with np.load(base.parent / f"{base.name}.npz", allow_pickle=False) as packed:
            arrays = {name: packed[name] for name in packed.files}
        if values.get("format") != "ecgimg-page" or values.get("version") != FORMAT_VERSION:
            raise BadRecord(f"{base}.json is not a page truth of version {FORMAT_VERSION}; draw the pages again")
        return _unpacked(values, arrays)
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise BadRecord(
            f"the truth of page {base} cannot be read ({type(error).__name__}); draw the page again"
        ) from None


def _unpacked(values: dict[str, Any], arrays: Mapping[str, NDArray[Any]]) -> PageTruth:
    traces = tuple(
        _unpack_trace(entry, arrays[f"points_{index}"], arrays[f"hidden_{index}"])
        for index, entry in enumerate(values["traces"])
    )
    texts = tuple(TextTruth(t["kind"], t["text"], np.array(t["box_px"]), t["cell"]) for t in values["texts"])
    rows, columns = values["grid_shape"]
    return PageTruth(
        record=_unpack_record(arrays["record_uv"], values["fs_hz"], tuple(values["leads"])),
        layout=parse_layout(values["layout"], "the layout of a page"),
        speed_mm_s=values["speed_mm_s"],
        gain_mm_mv=values["gain_mm_mv"],
        chest_gain_mm_mv=values["chest_gain_mm_mv"],
        size_px=(values["size_px"][0], values["size_px"][1]),
        traces=traces,
        texts=texts,
        pulses_px=tuple(np.array(pulse) for pulse in values["pulses_px"]),
        corners_px=np.array(values["corners_px"]),
        grid_px=_unpack_points(arrays["grid"]).reshape(rows, columns, 2),
        page_map=page_map_from_dict(values["page_map"]) if values["page_map"] else None,
        labels=tuple(values["labels"]),
        parameters=values["parameters"],
    )


def _unpack_trace(entry: dict[str, Any], packed_points: NDArray[Any], packed_hidden: NDArray[Any]) -> TraceTruth:
    points = _unpack_points(packed_points)
    hidden = np.unpackbits(packed_hidden, count=len(points)).astype(bool)
    box = np.array(entry["box_px"])
    return TraceTruth(Slot.model_validate(entry["slot"]), entry["first_sample"], points, hidden, box)


def _rounded(points: Floats) -> list[list[float]]:
    return [[round(float(x), 3), round(float(y), 3)] for x, y in points]


def _pack_points(points: Floats) -> NDArray[np.int32]:
    """Points (n, 2) as (2, n) differences of 1/64 px; NaN repeats the value before and is marked in a third row."""
    # Differences of neighbouring points are small numbers, which deflate packs well.
    known = np.isfinite(points).all(axis=1)
    last = np.maximum.accumulate(np.where(known, np.arange(len(points)), 0)) if len(points) else np.zeros(0, np.intp)
    filled = np.nan_to_num(np.clip(points[last], -_MAX_PX, _MAX_PX))
    whole = np.rint(filled * _STEPS_PER_PX).astype(np.int32)
    return np.stack([*np.diff(whole, axis=0, prepend=0).T, known.astype(np.int32)])


def _unpack_points(packed: NDArray[np.int32]) -> Floats:
    points = np.cumsum(packed[:2], axis=1).T / _STEPS_PER_PX
    return np.where(packed[2].astype(bool)[:, None], points, np.nan)


def _pack_record(record: EcgRecord) -> NDArray[np.int32]:
    """Signals (leads, samples) as differences of whole microvolts, kept beside a mark for NaN."""
    known = record.known
    microvolt = np.rint(np.where(known, record.signals, 0).astype(np.float64) * 1000).astype(np.int32)
    return np.where(known, np.diff(microvolt, axis=1, prepend=0), _MISSING_UV)


def _unpack_record(packed: NDArray[np.int32], fs_hz: float, leads: tuple[str, ...]) -> EcgRecord:
    known = packed != _MISSING_UV
    # a step out of a gap starts from the 0 that stood in the gap, a step into it is the mark: both telescope
    signals = np.full(packed.shape, np.nan, np.float32)
    for row in range(len(packed)):
        for start, end in unbroken_runs(known[row]):
            signals[row, start:end] = np.cumsum(packed[row, start:end]) / np.float32(1000)
    return EcgRecord(signals, fs_hz, leads)
