"""Read a page again as a person corrected it: turned, its corners set, layout, speed, gain and lead names told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.pipeline import digitize_image
from ecgimg.digitization.result import Digitization
from ecgimg.errors import BadRequest
from ecgimg.formats.vector_pdf import VectorPage
from ecgimg.reasons import Reason, ReasonCode
from ecgimg.record import KNOWN_LEADS, STANDARD_LEADS, EcgRecord

Image8 = NDArray[np.uint8]
Point = tuple[float, float]

_WHITE = (255, 255, 255)
_LEAST_PAGE_SHARE = 0.02
_OUTSIDE_SHARE = 0.5
_MM_S, _MM_MV = (5.0, 200.0), (1.0, 80.0)


@dataclass(frozen=True)
class Corrections:
    """What a person said of a page; everything left out is found as usual.

    Parameters
    ----------
    rotate_deg : float
        Clockwise turn of the picture, after the corners are applied.
    corners_px : four of (x, y), optional
        Where the page's top left, top right, bottom right and bottom left corners lie in the picture, px; they may lie
        outside of it. The perspective they show is undone and what lies beyond them is left out.
    layout : str
        ``"auto"``, a name of `layouts.layout_names`, or a user's own file.
    speed_mm_s, gain_mm_mv : float, optional
    leads : mapping
        Lead as read to the lead it is. A lead whose name is taken so takes the name set free: two leads are swapped.

    Raises
    ------
    BadRequest
        For corners that enclose no page, absurd scales, unknown leads, or two leads of one name.
    """

    rotate_deg: float = 0.0
    corners_px: tuple[Point, Point, Point, Point] | None = None
    layout: str = "auto"
    speed_mm_s: float | None = None
    gain_mm_mv: float | None = None
    leads: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not np.isfinite(self.rotate_deg):
            raise BadRequest(f"the page can not be turned by {self.rotate_deg} degrees; give a number")
        for name, value, (low, high) in (("speed", self.speed_mm_s, _MM_S), ("gain", self.gain_mm_mv, _MM_MV)):
            if value is not None and not low <= value <= high:
                raise BadRequest(f"the {name} must be between {low:g} and {high:g}, got {value:g}")
        if self.corners_px is not None:
            _check_corners(self.corners_px)
        _check_leads(self.leads)

    def summary(self) -> dict[str, Any]:
        """Return what was corrected, and only that, as the outputs say it."""
        values = {
            "rotate_deg": self.rotate_deg % 360 or None,
            "corners_px": [[round(x, 1), round(y, 1)] for x, y in self.corners_px] if self.corners_px else None,
            "layout": None if self.layout == "auto" else self.layout,
            "speed_mm_s": self.speed_mm_s,
            "gain_mm_mv": self.gain_mm_mv,
            "leads": dict(self.leads) or None,
        }
        return {name: value for name, value in values.items() if value is not None}

    def reasons(self) -> tuple[Reason, ...]:
        """Return a reason for each correction, as the result holds it."""
        swaps = ", ".join(f"{read} is {true}" for read, true in self.leads.items())
        corrections = {
            f"turned {self.rotate_deg % 360:g}° clockwise": bool(self.rotate_deg % 360),
            "page corners": self.corners_px is not None,
            f"layout {self.layout}": self.layout != "auto",
            f"paper speed {self.speed_mm_s or 0:g} mm/s": self.speed_mm_s is not None,
            f"gain {self.gain_mm_mv or 0:g} mm/mV": self.gain_mm_mv is not None,
            f"lead labels, {swaps}": bool(swaps),
        }
        code = ReasonCode.CORRECTED_BY_HAND
        return tuple(code.reason(correction=correction) for correction, was_made in corrections.items() if was_made)


def digitize_corrected(
    image: Image8, corrections: Corrections, vector: VectorPage | None = None
) -> tuple[Image8, Digitization]:
    """Digitize a page as corrected.

    Parameters
    ----------
    image : (height, width, 3) uint8 RGB
        The picture as it was opened.
    corrections : Corrections
    vector : VectorPage, optional
        The page's own paths; used while the picture is neither turned nor cut to its corners.

    Returns
    -------
    picture : (height, width, 3) uint8 RGB
        The picture that was read, with its corners and turn applied: the result's pixels are of it.
    found : Digitization
        With `corrections` filled, and a reason for each of them.
    """
    picture = corrected_picture(image, corrections)
    found = digitize_image(
        picture,
        layout=corrections.layout,
        speed_mm_s=corrections.speed_mm_s,
        gain_mm_mv=corrections.gain_mm_mv,
        vector=vector if picture is image else None,
    )
    if corrections.leads:
        found = rename_leads(found, corrections.leads)
    return picture, replace(found, reasons=(*found.reasons, *corrections.reasons()), corrections=corrections.summary())


def corrected_picture(image: Image8, corrections: Corrections) -> Image8:
    """Return the picture cut to the page's corners and turned; the picture itself where neither was asked for."""
    if corrections.corners_px is not None:
        image = _cut_to_corners(image, np.array(corrections.corners_px, np.float64))
    angle_deg = corrections.rotate_deg % 360
    if angle_deg % 90 == 0:
        return np.ascontiguousarray(np.rot90(image, -int(angle_deg // 90))) if angle_deg else image
    return _turned(image, angle_deg)


def renamed_again(leads: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Return one renaming for two in a row: `more` is said of the names that `leads` gave."""
    first, then = _closed(leads, KNOWN_LEADS), _closed(more, KNOWN_LEADS)
    both = {lead: then.get(first.get(lead, lead), first.get(lead, lead)) for lead in KNOWN_LEADS}
    return {read: true for read, true in both.items() if read != true}


def rename_leads(found: Digitization, leads: Mapping[str, str]) -> Digitization:
    """Return a reading with leads renamed in the record and everywhere else; names that are taken change places.

    What the page's own laws said of the old names (`consistency_db`) is dropped.
    """
    if found.record is None:
        return found
    names = _closed(leads, found.record.leads)
    renamed = EcgRecord(
        found.record.signals, found.record.fs_hz, tuple(names.get(lead, lead) for lead in found.record.leads)
    )
    order = [lead for lead in KNOWN_LEADS if lead in STANDARD_LEADS or lead in renamed.leads]

    def keyed(values: Mapping[str, float] | None) -> dict[str, float]:
        return {names.get(lead, lead): value for lead, value in (values or {}).items()}

    return replace(
        found,
        record=renamed.select(order),
        readings=tuple(replace(reading, lead=names.get(reading.lead, reading.lead)) for reading in found.readings),
        lead_confidence=keyed(found.lead_confidence),
        lead_error_uv=keyed(found.lead_error_uv),
        lead_seconds=keyed(found.lead_seconds),
        unread=tuple(names.get(lead, lead) for lead in found.unread),
        consistency_db={},
        reconciled=tuple(names.get(lead, lead) for lead in found.reconciled),
    )


def _closed(leads: Mapping[str, str], present: tuple[str, ...]) -> dict[str, str]:
    """Return the renaming made a permutation: a lead whose name is taken gets the name that was set free for it."""
    wanted = {read: true for read, true in leads.items() if read != true}
    named_from = {true: read for read, true in wanted.items()}
    closed = dict(wanted)
    for lead in present:
        if lead in named_from and lead not in wanted:
            free = named_from[lead]
            while free in named_from:
                free = named_from[free]
            closed[lead] = free
    return closed


def _check_leads(leads: Mapping[str, str]) -> None:
    unknown = [name for name in (*leads, *leads.values()) if name not in KNOWN_LEADS]
    if unknown:
        raise BadRequest(f"there is no lead {unknown[0]!r}; leads are {', '.join(KNOWN_LEADS)}")
    names = list(leads.values())
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise BadRequest(f"two leads can not both be {twice[0]}; rename one of them only")


def _check_corners(corners_px: tuple[Point, ...]) -> None:
    corners = np.array(corners_px, np.float64)
    if corners.shape != (4, 2) or not np.isfinite(corners).all():
        raise BadRequest("a page has four corners, each with an x and a y in pixels")
    sides = np.roll(corners, -1, axis=0) - corners
    turns = sides[:, 0] * np.roll(sides[:, 1], -1) - sides[:, 1] * np.roll(sides[:, 0], -1)
    if not (turns > 0).all():
        raise BadRequest(
            "the corners enclose no page; give them clockwise from the top left: top left, top right, bottom right, "
            "bottom left"
        )


def _cut_to_corners(image: Image8, corners: NDArray[np.float64]) -> Image8:
    """Undo the perspective that four corners, (4, 2) px, show."""
    height, width = image.shape[:2]
    outside = np.array([width, height]) * _OUTSIDE_SHARE
    if (corners < -outside).any() or (corners > np.array([width, height]) + outside).any():
        raise BadRequest(f"a page corner lies far outside the picture of {width} × {height} px; set it nearer")
    across = max(np.linalg.norm(corners[1] - corners[0]), np.linalg.norm(corners[2] - corners[3]))
    down = max(np.linalg.norm(corners[3] - corners[0]), np.linalg.norm(corners[2] - corners[1]))
    if across * down < _LEAST_PAGE_SHARE * width * height:
        raise BadRequest("the corners enclose too little of the picture to hold an ECG page; set them farther apart")
    size = round(float(across)), round(float(down))
    target = np.array([(0, 0), (size[0] - 1, 0), (size[0] - 1, size[1] - 1), (0, size[1] - 1)], np.float32)
    image_to_page = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    cut = cv2.warpPerspective(image, image_to_page, size, flags=cv2.INTER_CUBIC, borderValue=_WHITE)
    return np.asarray(cut, np.uint8)


def _turned(image: Image8, angle_deg: float) -> Image8:
    """Turn a picture clockwise by any angle, on white, large enough to hold all of it."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -angle_deg, 1.0)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = round(height * sin + width * cos), round(height * cos + width * sin)
    matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    turned = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_CUBIC, borderValue=_WHITE)
    return np.asarray(turned, np.uint8)
