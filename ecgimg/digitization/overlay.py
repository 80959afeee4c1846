"""Draw what was found on the original picture: the one a person checks in two seconds."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg._pictures import write_text
from ecgimg.digitization.result import Digitization, LeadReading
from ecgimg.digitization.signals.lead_extraction import MAX_GAP_S

Image8 = NDArray[np.uint8]
Floats = NDArray[np.float64]

_GRID = (140, 190, 240)
_BOX = (150, 150, 150)
_INKS = ((214, 39, 40), (31, 119, 180), (44, 140, 60), (148, 60, 190), (200, 110, 0))
_STATUS = {"ok": (30, 130, 60), "limited": (200, 120, 0), "refused": (200, 30, 30)}


def draw_overlay(image: Image8, found: Digitization) -> Image8:
    """Return the picture with the ruling, lead boxes, names and traces that were found, and the verdict in words.

    Parameters
    ----------
    image : (height, width, 3) uint8 RGB
        The original, which is left as it is.
    found : Digitization
        Of that picture.

    Returns
    -------
    (height, width, 3) uint8
        RGB.
    """
    picture = np.asarray(cv2.addWeighted(image, 0.75, np.full_like(image, 255), 0.25, 0), np.uint8)
    thick = max(round(max(image.shape[:2]) / 1400), 1)
    for line in found.grid_px:
        _polyline(picture, line, _GRID, 1)
    for reading in found.readings:
        ink = _INKS[reading.row % len(_INKS)]
        _polyline(picture, np.concatenate([reading.box_px, reading.box_px[:1]]), _BOX, thick)
        for part in _unbroken(reading):
            _polyline(picture, part, ink, thick)
        name = reading.lead if reading.sign > 0 else f"-{reading.lead}"
        _write(picture, name, reading.box_px[0] + (6 * thick, 22 * thick), ink, thick)
    _banner(picture, found, thick)
    return picture


def _unbroken(reading: LeadReading) -> list[Floats]:
    """Cut the traced points where nothing was read between them, as the signal is blank there."""
    if len(reading.points_px) < 2:
        return []
    side = reading.box_px[1] - reading.box_px[0]
    width_px = float(np.hypot(*side))
    steps_px = np.abs(np.diff(reading.points_px, axis=0) @ side) / max(width_px, 1e-9)
    longest_px = MAX_GAP_S * width_px / (reading.end_s - reading.start_s)
    return np.split(reading.points_px, np.flatnonzero(steps_px > longest_px) + 1)


def _polyline(picture: Image8, points: Floats, colour: tuple[int, int, int], thick: int) -> None:
    if len(points) > 1 and np.isfinite(points).all():
        fixed = np.rint(np.clip(points, -1e5, 1e5) * 16).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(picture, [fixed], False, colour, thick, cv2.LINE_AA, 4)


def _write(picture: Image8, text: str, corner: Floats, colour: tuple[int, int, int], thick: int) -> None:
    place = (round(float(corner[0])), round(float(corner[1])))
    write_text(picture, text, place, colour, 0.55 * thick, thick)


def _banner(picture: Image8, found: Digitization, thick: int) -> None:
    parts = [found.status.upper()]
    if found.layout:
        other = found.chest_gain_mm_mv != found.gain_mm_mv
        gain = f"{found.gain_mm_mv:.3g}/{found.chest_gain_mm_mv:.3g}" if other else f"{found.gain_mm_mv:.3g}"
        parts.append(f"{found.layout}, {found.speed_mm_s:g} mm/s, {gain} mm/mV")
    if found.reasons:
        parts.append(found.reasons[0].text)
    _write(picture, "   ".join(parts), np.array([8.0 * thick, 20.0 * thick]), _STATUS[found.status], thick)
