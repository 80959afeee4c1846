"""Read a page again as a person corrected it: turn, page corners, layout, speed, gain and lead labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.interpretation.given_scale import check_scale
from ecgimg.digitization.pipeline import digitize_image
from ecgimg.digitization.result import Digitization
from ecgimg.errors import BadRequest
from ecgimg.formats.vector_pdf import VectorPage
from ecgimg.leads import KNOWN_LEADS, STANDARD_LEADS
from ecgimg.reasons import Reason, ReasonCode
from ecgimg.record import EcgRecord
from layouts import load_layout

Image8 = NDArray[np.uint8]
Point = tuple[float, float]

_WHITE = (255, 255, 255)
_MIN_PAGE_SHARE = 0.02  # of the picture; a smaller page has too few pixels to be read
_MAX_OUTSIDE_SHARE = 0.5  # of the picture's sides, by which a corner may lie outside


@dataclass(frozen=True)
class Corrections:
    """The corrections of a person. What is not corrected is found as usual.

    Parameters
    ----------
    rotate_deg : float
        Clockwise turn of the picture, after the corners are applied.
    corners_px : four of (x, y), optional
        The page's top left, top right, bottom right and bottom left corners in the picture, px; they may lie outside
        of it. Their perspective is undone, and everything beyond them is cut off.
    layout : str
        ``"auto"``, a name of `layouts.layout_names`, or a user's own file.
    speed_mm_s, gain_mm_mv : float, optional
    leads : mapping
        From the lead as read to the true lead. A lead whose label is taken gets the label that becomes free, so
        that two leads are swapped.

    Raises
    ------
    BadRequest
        For corners that enclose no page, absurd scales, unknown leads, or two leads with one label.
    """

    rotate_deg: float = 0.0
    corners_px: tuple[Point, Point, Point, Point] | None = None
    layout: str = "auto"
    speed_mm_s: float | None = None
    gain_mm_mv: float | None = None
    leads: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not np.isfinite(self.rotate_deg):
            raise BadRequest(f"the page cannot be turned by {self.rotate_deg} degrees; give a number")
        check_scale(self.speed_mm_s, self.gain_mm_mv)
        if self.corners_px is not None:
            _check_corners(self.corners_px)
        _check_leads(self.leads)

    @property
    def layout_name(self) -> str | None:
        """Name of the layout, which a user's own file holds; None where the layout is not corrected."""
        return None if self.layout == "auto" else load_layout(self.layout).name

    def summary(self) -> dict[str, Any]:
        """Return the corrections that were made, as the JSON files hold them."""
        values = {
            "rotate_deg": self.rotate_deg % 360 or None,
            "corners_px": [[round(x, 1), round(y, 1)] for x, y in self.corners_px] if self.corners_px else None,
            "layout": self.layout_name,
            "speed_mm_s": self.speed_mm_s,
            "gain_mm_mv": self.gain_mm_mv,
            "leads": dict(self.leads) or None,
        }
        return {name: value for name, value in values.items() if value is not None}

    def reasons(self) -> tuple[Reason, ...]:
        """Return a reason for each correction that was made."""
        relabelled = ", ".join(f"{read} is {true}" for read, true in self.leads.items())
        corrections = {
            f"turned {self.rotate_deg % 360:g}° clockwise": bool(self.rotate_deg % 360),
            "page corners": self.corners_px is not None,
            f"layout {self.layout_name}": self.layout_name is not None,
            f"paper speed {self.speed_mm_s or 0:g} mm/s": self.speed_mm_s is not None,
            f"gain {self.gain_mm_mv or 0:g} mm/mV": self.gain_mm_mv is not None,
            f"lead labels, {relabelled}": bool(relabelled),
        }
        code = ReasonCode.CORRECTED_BY_HAND
        return tuple(code.reason(correction=correction) for correction, was_made in corrections.items() if was_made)


def digitize_corrected(
    image: Image8, corrections: Corrections, vector: VectorPage | None = None
) -> tuple[Image8, Digitization]:
    """Digitize a page with corrections.

    Parameters
    ----------
    image : (height, width, 3) uint8 RGB
        The picture as it was opened.
    corrections : Corrections
    vector : VectorPage, optional
        The page's own paths. They are not used if the picture is turned or cut to its corners.

    Returns
    -------
    picture : (height, width, 3) uint8 RGB
        The picture that was read, cut and turned; pixels of the result refer to it.
    digitization : Digitization
        With `corrections`, and a reason for each of them.
    """
    picture = correct_picture(image, corrections)
    digitization = digitize_image(
        picture,
        layout=corrections.layout,
        speed_mm_s=corrections.speed_mm_s,
        gain_mm_mv=corrections.gain_mm_mv,
        vector=vector if picture is image else None,  # paths are in the pixels of the picture as it was opened
    )
    if corrections.leads:
        digitization = relabel_leads(digitization, corrections.leads)
    reasons = (*digitization.reasons, *corrections.reasons())
    return picture, replace(digitization, reasons=reasons, corrections=corrections.summary())


def correct_picture(image: Image8, corrections: Corrections) -> Image8:
    """Return the picture cut to the page's corners and turned, or the same object where neither is corrected."""
    if corrections.corners_px is not None:
        image = _cut_to_corners(image, np.array(corrections.corners_px, np.float64))
    angle_deg = corrections.rotate_deg % 360
    # right angles need no interpolation, which would blur thin traces
    if angle_deg % 90 == 0:
        return np.ascontiguousarray(np.rot90(image, -int(angle_deg // 90))) if angle_deg else image
    return _turn(image, angle_deg)


def combine_relabelling(first: Mapping[str, str], second: Mapping[str, str]) -> dict[str, str]:
    """Return one relabelling that does what two in a row do; the keys of `second` are labels that `first` gave."""
    first, second = _as_permutation(first, KNOWN_LEADS), _as_permutation(second, KNOWN_LEADS)
    both = {lead: second.get(first.get(lead, lead), first.get(lead, lead)) for lead in KNOWN_LEADS}
    return {read: true for read, true in both.items() if read != true}


def relabel_leads(digitization: Digitization, leads: Mapping[str, str]) -> Digitization:
    """Return a reading with other lead labels, in the record and everywhere else; labels that are taken are swapped.

    The consistency is dropped, because the laws of the limb leads were tested with the old labels.
    """
    if digitization.record is None:
        return digitization
    labels = _as_permutation(leads, digitization.record.leads)

    def relabel(lead: str) -> str:
        return labels.get(lead, lead)

    def relabel_keys(values: Mapping[str, float] | None) -> dict[str, float]:
        return {relabel(lead): value for lead, value in (values or {}).items()}

    signals, fs_hz = digitization.record.signals, digitization.record.fs_hz
    record = EcgRecord(signals, fs_hz, tuple(map(relabel, digitization.record.leads)))
    # a standard lead that lost its label stays in the record, as NaN
    order = [lead for lead in KNOWN_LEADS if lead in STANDARD_LEADS or lead in record.leads]
    return replace(
        digitization,
        record=record.select(order),
        readings=tuple(replace(reading, lead=relabel(reading.lead)) for reading in digitization.readings),
        lead_confidence=relabel_keys(digitization.lead_confidence),
        lead_error_uv=relabel_keys(digitization.lead_error_uv),
        lead_seconds=relabel_keys(digitization.lead_seconds),
        unread=tuple(map(relabel, digitization.unread)),
        consistency_db={},
        record_consistency_db={},
        reconciled=tuple(map(relabel, digitization.reconciled)),
    )


def _as_permutation(leads: Mapping[str, str], present: tuple[str, ...]) -> dict[str, str]:
    """Return a relabelling in which a lead whose label is taken gets the label that becomes free."""
    # a lead that keeps its label is no change, and must not free it
    changes = {read: true for read, true in leads.items() if read != true}
    read_as = {true: read for read, true in changes.items()}
    permutation = dict(changes)
    for lead in present:
        if lead in read_as and lead not in changes:
            # back along the chain of changes to the label that nobody takes
            free = read_as[lead]
            while free in read_as:
                free = read_as[free]
            permutation[lead] = free
    return permutation


def _check_leads(leads: Mapping[str, str]) -> None:
    unknown = [lead for lead in (*leads, *leads.values()) if lead not in KNOWN_LEADS]
    if unknown:
        raise BadRequest(f"there is no lead {unknown[0]!r}; leads are {', '.join(KNOWN_LEADS)}")
    true_leads = list(leads.values())
    repeated = [lead for lead in true_leads if true_leads.count(lead) > 1]
    if repeated:
        raise BadRequest(f"two leads cannot both be {repeated[0]}; correct the label of one of them only")


def _check_corners(corners_px: tuple[Point, ...]) -> None:
    corners = np.array(corners_px, np.float64)
    if corners.shape != (4, 2) or not np.isfinite(corners).all():
        raise BadRequest("a page has four corners, each with an x and a y in pixels")
    sides = np.roll(corners, -1, axis=0) - corners
    turns = sides[:, 0] * np.roll(sides[:, 1], -1) - sides[:, 1] * np.roll(sides[:, 0], -1)
    if not (turns > 0).all():  # each corner must turn right: else sides cross, or the page is mirrored
        raise BadRequest(
            "the corners enclose no page; give them clockwise from the top left: top left, top right, bottom right, "
            "bottom left"
        )


def _cut_to_corners(image: Image8, corners: NDArray[np.float64]) -> Image8:
    """Cut a picture to four corners, (4, 2) px, and undo their perspective."""
    height, width = image.shape[:2]
    outside = np.array([width, height]) * _MAX_OUTSIDE_SHARE
    if (corners < -outside).any() or (corners > np.array([width, height]) + outside).any():
        raise BadRequest(f"a page corner lies far outside the picture of {width} × {height} px; set it nearer")
    width_px = max(np.linalg.norm(corners[1] - corners[0]), np.linalg.norm(corners[2] - corners[3]))
    height_px = max(np.linalg.norm(corners[3] - corners[0]), np.linalg.norm(corners[2] - corners[1]))
    if width_px * height_px < _MIN_PAGE_SHARE * width * height:
        raise BadRequest("the corners enclose too little of the picture to hold an ECG page; set them farther apart")
    size = round(float(width_px)), round(float(height_px))
    target = np.array([(0, 0), (size[0] - 1, 0), (size[0] - 1, size[1] - 1), (0, size[1] - 1)], np.float32)
    image_to_page = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    cut = cv2.warpPerspective(image, image_to_page, size, flags=cv2.INTER_CUBIC, borderValue=_WHITE)
    return np.asarray(cut, np.uint8)


def _turn(image: Image8, angle_deg: float) -> Image8:
    """Turn a picture clockwise by any angle; the result is large enough to hold all of it, on white."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -angle_deg, 1.0)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = round(height * sin + width * cos), round(height * cos + width * sin)
    matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    turned = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_CUBIC, borderValue=_WHITE)
    return np.asarray(turned, np.uint8)
