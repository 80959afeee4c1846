"""Draw the patches that a finding rests on: on its page, and on its signals."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg._pictures import write_text
from ecgimg.classification.findings import Evidence
from ecgimg.record import EcgRecord
from ecgimg.reporting.report import Report

Image8 = NDArray[np.uint8]
Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

_STROKE_COLOUR, _PATCH_COLOUR, _INK_COLOUR = (255, 170, 0), (255, 224, 160), (30, 30, 34)
_STROKE_WEIGHT = 0.55  # the trace stays visible below the mark
_PX_PER_S, _PX_PER_MV, _ROW_PX, _LEFT_PX, _TOP_PX, _RIGHT_PX = 110, 36, 84, 70, 60, 20
_MAX_SECONDS = 10.0
_PATCHES_PER_MARK = 10  # more marks would show that everything matters a little
_FRACTION_BITS = 4  # OpenCV draws at sixteenths of a pixel
_MAX_COORDINATE_PX = 1e5  # a wild sample would overflow OpenCV's integers


def strongest(evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """Return the top tenth of the patches, at least one, of those that support the finding; of waves all."""
    top = evidence[: max(len(evidence) // _PATCHES_PER_MARK, 1)]
    waves = tuple(item for item in evidence if item.weight is None)
    return waves or tuple(item for item in top if item.weight is not None and item.weight > 0)


def draw_on_page(image: Image8, report: Report, key: str) -> Image8:
    """Mark on a picture (height, width, 3) the strokes that a finding, by its key in `Report.evidence`, rests on."""
    marked = image.copy()
    width_px = max(round(max(image.shape[:2]) / 150), 3)
    for item in strongest(report.evidence[key]):
        for points_px in _strokes(report, item):
            _draw_polyline(marked, points_px, _STROKE_COLOUR, width_px)
    blended = np.asarray(cv2.addWeighted(image, 1 - _STROKE_WEIGHT, marked, _STROKE_WEIGHT, 0), np.uint8)
    _write_caption(blended, report, key, max(width_px / 8, 0.5))
    return blended


def _strokes(report: Report, item: Evidence) -> Iterator[Floats]:
    """Yield the parts of the page's traces, (n, 2) px, that show a patch."""
    for reading in report.digitization.readings if report.digitization is not None else ():
        if reading.lead == item.lead and len(reading.points_px) > 1:
            t_s = np.linspace(reading.start_s, reading.end_s, len(reading.points_px))
            stroke = reading.points_px[(t_s >= item.start_s) & (t_s < item.end_s)]
            if len(stroke) > 1 and np.isfinite(stroke).all():
                yield stroke


def draw_on_signal(record: EcgRecord, report: Report, key: str) -> Image8:
    """Draw ten seconds of a record, one lead in each row, with the parts marked that a finding rests on."""
    evidence = report.evidence[key]
    # the evidence lies in one window of the record, which may begin later
    first_s = max(min((item.start_s for item in evidence), default=0.0), 0.0) // _MAX_SECONDS * _MAX_SECONDS
    seconds = min(record.duration_s - first_s, _MAX_SECONDS)
    shape = (_TOP_PX + _ROW_PX * len(record.leads), _LEFT_PX + round(seconds * _PX_PER_S) + _RIGHT_PX, 3)
    picture: Image8 = np.full(shape, 255, np.uint8)
    for item in strongest(evidence):
        if item.lead in record.leads:
            top = _TOP_PX + _ROW_PX * record.leads.index(item.lead)
            left, right = (_LEFT_PX + round(max(t_s - first_s, 0) * _PX_PER_S) for t_s in (item.start_s, item.end_s))
            picture[top + 4 : top + _ROW_PX - 4, left:right] = _PATCH_COLOUR
    for row in range(len(record.leads)):
        _draw_lead(picture, record, row, first_s, seconds)
    _write_caption(picture, report, key, 0.6)
    return picture


def _draw_lead(picture: Image8, record: EcgRecord, row: int, first_s: float, seconds: float) -> None:
    """Draw the lead label and the signal of a row; where samples are missing, the line is interrupted."""
    zero_px = _TOP_PX + _ROW_PX * row + _ROW_PX // 2
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(picture, record.leads[row], (10, zero_px + 6), font, 0.6, _INK_COLOUR, 1, cv2.LINE_AA)
    t_s = np.arange(record.n_samples) / record.fs_hz - first_s
    x_px, y_px = _LEFT_PX + t_s * _PX_PER_S, zero_px - record.signals[row].astype(np.float64) * _PX_PER_MV
    points_px = np.stack([x_px, y_px], axis=1)
    for run in _runs((t_s >= 0) & (t_s < seconds) & record.known[row]):
        if len(run) > 1:
            _draw_polyline(picture, points_px[run], _INK_COLOUR, 1)


def _runs(mask: NDArray[np.bool_]) -> list[Ints]:
    """Return the indices of each run of True."""
    indices = np.flatnonzero(mask)
    return np.split(indices, np.flatnonzero(np.diff(indices) > 1) + 1)


def _draw_polyline(picture: Image8, points_px: Floats, colour: tuple[int, int, int], width_px: int) -> None:
    clipped = np.clip(points_px, -_MAX_COORDINATE_PX, _MAX_COORDINATE_PX)
    fixed_point = np.rint(clipped * 2**_FRACTION_BITS).astype(np.int32)
    cv2.polylines(picture, [fixed_point], False, colour, width_px, cv2.LINE_AA, _FRACTION_BITS)


def _write_caption(picture: Image8, report: Report, key: str, size: float) -> None:
    text = f"{report.conclusion.named(key).title}   (research use only)"
    write_text(picture, text, (12, round(36 * size) + 8), _INK_COLOUR, size, max(round(size), 1))
