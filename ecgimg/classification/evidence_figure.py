"""Draw what a finding rests on: on the page it was read from, and on the signal."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg._pictures import write_text
from ecgimg.classification.findings import Evidence, Findings
from ecgimg.record import EcgRecord

Image8 = NDArray[np.uint8]
Floats = NDArray[np.float64]

_MARK, _INK = (255, 170, 0), (30, 30, 34)
_PX_PER_S, _PX_PER_MV, _ROW_PX, _LEFT_PX, _TOP_PX = 110, 36, 84, 70, 60
# One patch in ten is marked.
_SHARE = 10


def strongest(evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """Return the top tenth of the patches, at least one, of those that speak for the finding."""
    return tuple(item for item in evidence[: max(len(evidence) // _SHARE, 1)] if item.weight > 0)


def draw_on_page(image: Image8, found: Findings, label: str) -> Image8:
    """Mark on a picture (height, width, 3) the strokes of the patches that a finding rests on."""
    picture = image.copy()
    thick = max(round(max(image.shape[:2]) / 150), 3)
    for item in strongest(found.evidence[label]):
        for points in _strokes(found, item):
            cv2.polylines(picture, [np.rint(points * 16).astype(np.int32)], False, _MARK, thick, cv2.LINE_AA, 4)
    # The trace must stay visible below the mark.
    mixed = np.asarray(cv2.addWeighted(image, 0.45, picture, 0.55, 0), np.uint8)
    _caption(mixed, found, label, max(thick / 8, 0.5))
    return mixed


def _strokes(found: Findings, item: Evidence) -> Iterable[Floats]:
    """Yield the parts of the page's traces, (n, 2) px, that show a patch."""
    for reading in found.digitization.readings if found.digitization is not None else ():
        if reading.lead == item.lead and len(reading.points_px) > 1:
            t = np.linspace(reading.start_s, reading.end_s, len(reading.points_px))
            shown = reading.points_px[(t >= item.start_s) & (t < item.end_s)]
            if len(shown) > 1 and np.isfinite(shown).all():
                yield shown


def draw_on_signal(record: EcgRecord, found: Findings, label: str) -> Image8:
    """Draw ten seconds of a record, a row a lead, with the patches that a finding rests on marked."""
    chosen = strongest(found.evidence[label])
    first_s = max(min((item.start_s for item in found.evidence[label]), default=0.0), 0.0) // 10 * 10
    seconds = min(record.duration_s - first_s, 10.0)
    shape = (_TOP_PX + _ROW_PX * len(record.leads), _LEFT_PX + round(seconds * _PX_PER_S) + 20, 3)
    picture: Image8 = np.full(shape, 255, np.uint8)
    for item in chosen:
        if item.lead in record.leads:
            top = _TOP_PX + _ROW_PX * record.leads.index(item.lead)
            left, right = (_LEFT_PX + round(max(t - first_s, 0) * _PX_PER_S) for t in (item.start_s, item.end_s))
            picture[top + 4 : top + _ROW_PX - 4, left:right] = (255, 224, 160)
    for row, lead in enumerate(record.leads):
        middle = _TOP_PX + _ROW_PX * row + _ROW_PX // 2
        cv2.putText(picture, lead, (10, middle + 6), cv2.FONT_HERSHEY_SIMPLEX, 0.6, _INK, 1, cv2.LINE_AA)
        t = np.arange(record.n_samples) / record.fs_hz - first_s
        kept = (t >= 0) & (t < seconds) & record.known[row]
        points = np.stack(
            [_LEFT_PX + t * _PX_PER_S, middle - record.signals[row].astype(np.float64) * _PX_PER_MV], axis=1
        )
        for run in np.split(np.flatnonzero(kept), np.flatnonzero(np.diff(np.flatnonzero(kept)) > 1) + 1):
            if len(run) > 1:
                # Coordinates beyond what OpenCV can draw are cut; sixteenths of a pixel (shift = 4).
                line = np.rint(np.clip(points[run], -1e5, 1e5) * 16).astype(np.int32)
                cv2.polylines(picture, [line], False, _INK, 1, cv2.LINE_AA, 4)
    _caption(picture, found, label, 0.6)
    return picture


def _caption(picture: Image8, found: Findings, label: str, size: float) -> None:
    finding = found[label]
    text = f"{finding.name}: {finding.probability or 0:.0%}   (research use only)"
    write_text(picture, text, (12, round(36 * size) + 8), _INK, size, max(round(size), 1))
