"""The panel of corrections: from its fields to `Corrections`, and from a reading to its fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecgimg.app.process_page import Reading
from ecgimg.digitization.correct import Corrections, combine_relabelling
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
    own_layouts: Mapping[str, Path],
) -> Corrections:
    """Return the corrections of the panel, and keep the lead labels that were corrected before.

    Parameters
    ----------
    corners : str
        Value of the corner widget: JSON with ``corners``, which is null or four (x, y) as shares of the picture.
    lead_read, lead_true : str or None
        A lead as the shown reading labels it, and its true label.
    own_layouts : mapping of name to Path
        The person's own layout files, which are chosen by name.

    Raises
    ------
    BadRequest
        For values that are impossible.
    """
    leads = dict(reading.corrections.leads)
    # the panel changes one label at a time, given as the reading shows it now
    if bool(lead_read) != bool(lead_true):
        raise BadRequest("to correct a lead label, choose both the label as read and the true one")
    if lead_read and lead_true:
        leads = combine_relabelling(leads, {lead_read: lead_true})
    return Corrections(
        rotate_deg=float(turn_deg or 0),
        corners_px=_corners_px(corners, reading.page.size_px),
        layout="auto" if layout in (AS_FOUND, "", None) else str(own_layouts.get(layout, layout)),
        speed_mm_s=_number_or_none(speed),
        gain_mm_mv=_number_or_none(gain),
        leads=leads,
    )


def _number_or_none(text: str | None) -> float | None:
    return None if text in (AS_FOUND, "", None) else float(str(text))


def _corners_px(widget_value: str, size_px: tuple[int, int]) -> Any:
    """Return the corners in pixels, or None where none are set."""
    try:
        shares = json.loads(widget_value)["corners"] if widget_value else None
        if shares is None:
            return None
        # 0 is the outer edge of the first pixel, whose centre is the origin of pixel coordinates
        return tuple((float(x) * size_px[0] - 0.5, float(y) * size_px[1] - 0.5) for x, y in shares)
    except (ValueError, TypeError, KeyError) as error:
        raise BadRequest("the page corners cannot be understood; reset them and set them again") from error


def corner_value(reading: Reading, link: str) -> str:
    """Return the value of the corner widget: the picture as it was opened, and the corners set before."""
    width, height = reading.page.size_px
    corners = reading.corrections.corners_px
    shares = [[(x + 0.5) / width, (y + 0.5) / height] for x, y in corners] if corners else None
    return json.dumps({"src": f"{link}/corners.jpg", "corners": shares})


def scale_choice(value: float | None) -> str:
    """Return the choice of speed or gain that stands for a value."""
    return AS_FOUND if value is None else f"{value:g}"


def as_found_choices(reading: Reading) -> dict[str, tuple[str, str]]:
    """Return the first choice of each list, "as found", with the value unless a person set it."""
    digitization, by_hand = reading.digitization, reading.digitization.corrections
    # a value set by hand is not what was found
    values = {
        "layout": None if "layout" in by_hand else digitization.layout,
        "speed": None if "speed_mm_s" in by_hand or not digitization.speed_mm_s else f"{digitization.speed_mm_s:g}",
        "gain": None if "gain_mm_mv" in by_hand or not digitization.gain_mm_mv else f"{digitization.gain_mm_mv:.3g}",
    }
    return {name: (f"{AS_FOUND}: {value}" if value else AS_FOUND, AS_FOUND) for name, value in values.items()}
