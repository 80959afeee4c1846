"""What the panel of corrections holds, and the corrections it means."""

from __future__ import annotations

import json
from typing import Any

from ecgimg.app.process_page import Reading
from ecgimg.digitization.correct import Corrections, renamed_again
from ecgimg.errors import BadRequest

AS_FOUND = "as found"
SPEEDS = ("5", "6.25", "10", "12.5", "25", "50", "100")
GAINS = ("2.5", "5", "10", "20", "40")
TURNS = (("not turned", 0), ("90° clockwise", 90), ("180°", 180), ("90° anticlockwise", 270))


def corrections_of(
    reading: Reading,
    layout: str,
    turn_deg: float,
    speed: str,
    gain: str,
    corners: str,
    lead_read: str | None,
    lead_true: str | None,
) -> Corrections:
    """Return what the panel says; names of leads given before are kept.

    Parameters
    ----------
    corners : str
        What the corner widget holds: JSON with ``corners``, four (x, y) as shares of the picture, or null.
    lead_read, lead_true : str or None
        A lead as the shown reading names it, and the lead that it is.

    Raises
    ------
    BadRequest
        For values that can not be.
    """
    leads = dict(reading.corrections.leads)
    if bool(lead_read) != bool(lead_true):
        raise BadRequest("to rename a lead, choose both its name as read and its true name")
    if lead_read and lead_true:
        leads = renamed_again(leads, {lead_read: lead_true})
    return Corrections(
        rotate_deg=float(turn_deg or 0),
        corners_px=_corners_px(corners, reading.page.size_px),
        layout="auto" if layout in (AS_FOUND, "", None) else layout,
        speed_mm_s=_number(speed),
        gain_mm_mv=_number(gain),
        leads=leads,
    )


def _number(text: str | None) -> float | None:
    return None if text in (AS_FOUND, "", None) else float(str(text))


def _corners_px(told: str, size_px: tuple[int, int]) -> Any:
    try:
        shares = json.loads(told)["corners"] if told else None
        if shares is None:
            return None
        return tuple((float(x) * size_px[0] - 0.5, float(y) * size_px[1] - 0.5) for x, y in shares)
    except (ValueError, TypeError, KeyError) as error:
        raise BadRequest("the page corners cannot be understood; reset them and set them again") from error


def corner_value(reading: Reading, link: str) -> str:
    """Return what the corner widget is to show: the picture as it was opened, and the corners set before."""
    width, height = reading.page.size_px
    corners = reading.corrections.corners_px
    shares = [[(x + 0.5) / width, (y + 0.5) / height] for x, y in corners] if corners else None
    return json.dumps({"src": f"{link}/corners.jpg", "corners": shares})


def shown(value: float | None) -> str:
    """Return a scale as the panel's lists spell it."""
    return AS_FOUND if value is None else f"{value:g}"


def named(layout: str) -> str:
    """Return a layout as the panel's list spells it."""
    return AS_FOUND if layout == "auto" else layout


def found_choices(reading: Reading) -> dict[str, tuple[str, str]]:
    """Return the first choice of each list: to leave it as found, with what was found where it was not set by hand."""
    found, by_hand = reading.digitization, reading.digitization.corrections
    values = {
        "layout": None if "layout" in by_hand else found.layout,
        "speed": None if "speed_mm_s" in by_hand or not found.speed_mm_s else f"{found.speed_mm_s:g}",
        "gain": None if "gain_mm_mv" in by_hand or not found.gain_mm_mv else f"{found.gain_mm_mv:.3g}",
    }
    return {name: (f"{AS_FOUND}: {value}" if value else AS_FOUND, AS_FOUND) for name, value in values.items()}
