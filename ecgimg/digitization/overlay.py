"""Draw the reading on the original picture, so that a person can check it at a glance."""

from __future__ import annotations

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
_LABEL_OFFSET, _BANNER_OFFSET = (6, 22), (8.0, 20.0)  # in line widths
_TEXT_SCALE = 0.55
_FRACTION_BITS = 4  # OpenCV draws at sixteenths of a pixel
_MAX_COORDINATE_PX = 1e5  # a wild point would overflow OpenCV's integers


def draw_overlay(image: Image8, digitization: Digitization) -> Image8:
    """Draw the grid, lead boxes, lead labels and traces on the picture, and the status along its top.

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
    _write_banner(picture, digitization, line_px)
    return picture


def _draw_lead(picture: Image8, reading: LeadReading, line_px: int) -> None:
    """Draw the box, the trace and the lead label of a lead."""
    colour = _TRACE_COLOURS[reading.row % len(_TRACE_COLOURS)]
    _draw_polyline(picture, np.concatenate([reading.box_px, reading.box_px[:1]]), _BOX_COLOUR, line_px)
    for points in _split_at_gaps(reading):
        _draw_polyline(picture, points, colour, line_px)
    label = reading.lead if reading.sign > 0 else f"-{reading.lead}"
    _write(picture, label, reading.box_px[0] + tuple(line_px * offset for offset in _LABEL_OFFSET), colour, line_px)


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


def _write_banner(picture: Image8, digitization: Digitization, line_px: int) -> None:
    """Write status, layout, scale and reason along the top of the picture."""
    parts = [digitization.status.upper()]
    if digitization.layout:
        limb_mm_mv, chest_mm_mv = digitization.gain_mm_mv, digitization.chest_gain_mm_mv
        gain = f"{limb_mm_mv:.3g}" if chest_mm_mv == limb_mm_mv else f"{limb_mm_mv:.3g}/{chest_mm_mv:.3g}"
        parts.append(f"{digitization.layout}, {digitization.speed_mm_s:g} mm/s, {gain} mm/mV")
    if digitization.reasons:
        parts.append(digitization.reasons[0].text)
    corner = np.array(_BANNER_OFFSET) * line_px
    _write(picture, "   ".join(parts), corner, _STATUS_COLOURS[digitization.status], line_px)
