"""Draw the reading on the original picture, so that a person can check it at a glance."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg._pictures import write_text
from ecgimg.digitization.numerics import Floats
from ecgimg.digitization.result import Digitization, LeadReading
from ecgimg.digitization.signals.lead_extraction import MAX_GAP_S

Image8 = NDArray[np.uint8]
Colour = tuple[int, int, int]

_GRID_COLOUR = (140, 190, 240)
_BOX_COLOUR = (150, 150, 150)
_TRACE_COLOURS = ((214, 39, 40), (31, 119, 180), (44, 140, 60), (148, 60, 190), (200, 110, 0))  # row by row
_STATUS_COLOURS = {"ok": (30, 130, 60), "limited": (200, 120, 0), "refused": (200, 30, 30)}
_PICTURE_WEIGHT = 0.75  # the rest is white, so that the drawing stands out
_PX_PER_LINE_PX = 1400  # of the longer side of the picture, for a pixel of line width
_BANNER_OFFSET = (8.0, 20.0)  # in line widths
_LABEL_RIM = 3  # in line widths, around the letters of a label
_INK_SIDE = 15  # in line widths: print, but no shadow, is narrower
_TRACE_WIDTH = 5  # in line widths, that labels keep clear of a trace
_FAR_COST = 12.0  # of ink a pixel (0 to 255) that a label at the far end of its box must save
_PLACES_ALONG, _PLACES_DOWN = 40, 8  # that are tried for a label
_TEXT_SCALE = 0.55
_FRACTION_BITS = 4  # OpenCV draws at sixteenths of a pixel
_MAX_COORDINATE_PX = 1e5  # a wild point would overflow OpenCV's integers


def draw_overlay(image: Image8, digitization: Digitization) -> Image8:
    """Draw the grid, lead boxes, lead labels and traces on the picture, and the status along its emptier edge.

    Parameters
    ----------
    image : (height, width, 3) uint8
        RGB. The original, which is not changed.
    digitization : Digitization
        The reading of that picture.

    Returns
    -------
    (height, width, 3) uint8
        RGB.
    """
    white = np.full_like(image, 255)
    picture = np.asarray(cv2.addWeighted(image, _PICTURE_WEIGHT, white, 1 - _PICTURE_WEIGHT, 0), np.uint8)
    line_px = max(round(max(image.shape[:2]) / _PX_PER_LINE_PX), 1)
    for line in digitization.grid_px:
        _draw_polyline(picture, line, _GRID_COLOUR, 1)
    for reading in digitization.readings:
        _draw_lead(picture, reading, line_px)
    ink = _ink(image, digitization.readings, line_px)
    _write_banner(picture, ink, digitization, line_px)
    _write_labels(picture, ink, digitization.readings, line_px)
    return picture


def _draw_lead(picture: Image8, reading: LeadReading, line_px: int) -> None:
    """Draw the box and the trace of a lead."""
    _draw_polyline(picture, np.concatenate([reading.box_px, reading.box_px[:1]]), _BOX_COLOUR, line_px)
    for points in _split_at_gaps(reading):
        _draw_polyline(picture, points, _colour(reading), line_px)


def _colour(reading: LeadReading) -> Colour:
    return _TRACE_COLOURS[reading.row % len(_TRACE_COLOURS)]


def _ink(image: Image8, readings: Sequence[LeadReading], line_px: int) -> Image8:
    """Return how much stands at each pixel, 0 to 255, (height, width): print, and the traces that are drawn."""
    kernel = np.ones((_INK_SIDE * line_px,) * 2, np.uint8)
    ink = np.asarray(cv2.morphologyEx(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.MORPH_BLACKHAT, kernel), np.uint8)
    for reading in readings:
        for points in _split_at_gaps(reading):
            _draw_polyline(ink, points, (255, 255, 255), _TRACE_WIDTH * line_px)
    return ink


def _write_labels(picture: Image8, ink: Image8, readings: Sequence[LeadReading], line_px: int) -> None:
    """Write the lead labels where the page is emptiest: they cover neither print nor traces where there is room."""
    for reading in readings:
        label = reading.lead if reading.sign > 0 else f"-{reading.lead}"
        (width, height), rim = _text_size(label, line_px), _LABEL_RIM * line_px
        size_px = (width + 2 * rim, height + 2 * rim)
        left, top = _emptiest_place(ink, reading.box_px, size_px)
        ink[max(top, 0) : top + size_px[1], max(left, 0) : left + size_px[0]] = 255  # for the labels after it
        _write(picture, label, np.array([left + rim, top + rim + height]), _colour(reading), line_px)


def _emptiest_place(ink: Image8, box_px: Floats, size_px: tuple[int, int]) -> tuple[int, int]:
    """Return the left and top (px) of the rectangle with the least ink in a box, of those near its upper left if alike.

    Parameters
    ----------
    ink : (height, width) uint8
    box_px : (4, 2) float64
        From the top left corner clockwise, as of a `LeadReading`.
    size_px : (width, height)
    """
    along, down = box_px[1] - box_px[0], box_px[3] - box_px[0]
    sums = cv2.integral(ink)
    best, best_cost = (round(box_px[0][0]), round(box_px[0][1])), np.inf
    for u in np.linspace(0, 1, _PLACES_ALONG, endpoint=False):
        for v in np.linspace(0, 1, _PLACES_DOWN, endpoint=False):
            left, top = np.rint(box_px[0] + u * along + v * down).astype(int)
            right, bottom = left + size_px[0], top + size_px[1]
            if left < 0 or top < 0 or right > ink.shape[1] or bottom > ink.shape[0]:
                continue
            total = float(sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left])
            cost = total / (size_px[0] * size_px[1]) + _FAR_COST * (u + 0.5 * v)
            if cost < best_cost:
                best, best_cost = (int(left), int(top)), cost
    return best


def _split_at_gaps(reading: LeadReading) -> list[Floats]:
    """Split the traced points at gaps of the reading, where the signal is NaN, too."""
    if len(reading.points_px) < 2:
        return []
    side = reading.box_px[1] - reading.box_px[0]
    width_px = float(np.hypot(*side))
    steps_px = np.abs(np.diff(reading.points_px, axis=0) @ side) / max(width_px, 1e-9)
    max_step_px = MAX_GAP_S * width_px / (reading.end_s - reading.start_s)
    return np.split(reading.points_px, np.flatnonzero(steps_px > max_step_px) + 1)


def _draw_polyline(picture: Image8, points: Floats, colour: Colour, line_px: int) -> None:
    if len(points) > 1 and np.isfinite(points).all():
        clipped = np.clip(points, -_MAX_COORDINATE_PX, _MAX_COORDINATE_PX)
        fixed_point = np.rint(clipped * 2**_FRACTION_BITS).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(picture, [fixed_point], False, colour, line_px, cv2.LINE_AA, _FRACTION_BITS)


def _write(picture: Image8, text: str, corner: Floats, colour: Colour, line_px: int) -> None:
    position = (round(float(corner[0])), round(float(corner[1])))
    write_text(picture, text, position, colour, _TEXT_SCALE * line_px, line_px)


def _text_size(text: str, line_px: int) -> tuple[int, int]:
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, _TEXT_SCALE * line_px, line_px)
    return int(width), int(height)


def _write_banner(picture: Image8, ink: Image8, digitization: Digitization, line_px: int) -> None:
    """Write status, layout, scale and reason along the top of the picture, or its bottom where less stands there."""
    parts = [digitization.status.upper()]
    if digitization.layout:
        limb_mm_mv, chest_mm_mv = digitization.gain_mm_mv, digitization.chest_gain_mm_mv
        gain = f"{limb_mm_mv:.3g}" if chest_mm_mv == limb_mm_mv else f"{limb_mm_mv:.3g}/{chest_mm_mv:.3g}"
        parts.append(f"{digitization.layout}, {digitization.speed_mm_s:g} mm/s, {gain} mm/mV")
    if digitization.reasons:
        parts.append(digitization.reasons[0].text)
    text = "   ".join(parts)
    left, baseline = (round(offset * line_px) for offset in _BANNER_OFFSET)
    width, height = _text_size(text, line_px)
    band_px = baseline + height // 2
    top, bottom = ink[:band_px, left : left + width], ink[-band_px:, left : left + width]
    is_at_top = bool(top.mean() <= bottom.mean())
    (top if is_at_top else bottom)[:] = 255  # for the labels after it
    y = baseline if is_at_top else picture.shape[0] - baseline + height
    _write(picture, text, np.array([left, y]), _STATUS_COLOURS[digitization.status], line_px)
