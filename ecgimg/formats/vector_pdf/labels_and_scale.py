"""Read the lead labels, paper speed and gain among the words of a vector page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from ecgimg.formats.vector_pdf.elements import Floats, VectorText
from ecgimg.formats.vector_pdf.grid import is_grid_text
from ecgimg.leads import canonical_lead
from ecgimg.scale_text_parser import agreed, find_mentions

_SPEEDS_MM_S = (2, 400)
_GAINS_MM_MV = (1, 50)
"""What is believed of a printed scale: a number outside belongs to something else, or is damaged."""


def lead_labels(texts: Sequence[VectorText]) -> Iterator[VectorText]:
    """Yield the words that are lead names and stand alone."""
    boxes = np.array([text.box_mm for text in texts if not is_grid_text(text)]).reshape(-1, 4)
    for text in texts:
        name = text.text.strip(":.,").replace("−", "-").replace("‑", "-")
        lead = canonical_lead(name.removeprefix("-"))
        # "lead II" and "ECG I" are words of a sentence here, and X, Y, Z axes of a figure
        if lead is None or len(lead) != len(name.removeprefix("-")) or lead in ("X", "Y", "Z"):
            continue
        if not _has_neighbour(text, boxes):
            yield VectorText(f"-{lead}" if name.startswith("-") else lead, text.box_mm)


def _has_neighbour(text: VectorText, boxes_mm: Floats) -> bool:
    """Whether another of the (n, 4) boxes is on the word's height, with no more than a space between."""
    left, top, right, bottom = text.box_mm
    height = max(bottom - top, 0.1)
    level = np.abs(boxes_mm[:, 3] - bottom) < 0.4 * height
    gap = np.maximum(boxes_mm[:, 0] - right, left - boxes_mm[:, 2])
    return int((level & (gap < 0.8 * height)).sum()) > 1  # the word itself is among them


_END = VectorText("", (math.inf, math.inf, math.inf, math.inf))


def printed_scales(texts: Sequence[VectorText]) -> tuple[float | None, float | None, float | None]:
    """Return (speed in mm/s, gain in mm/mV, gain of the chest leads) as printed."""
    # "25" and "mm/s" may be two words: those on one height with no wide gap between are put into one line
    lines = "".join(
        f"{before.text}{' ' if _goes_on(before, after) else chr(10)}" for before, after in pairwise([*texts, _END])
    )
    mentions = [mention for line in lines.split("\n") for mention in find_mentions(line)]
    speed, gain = _admitted(agreed(mentions, "speed"), _SPEEDS_MM_S), _admitted(agreed(mentions, "gain"), _GAINS_MM_MV)
    if not any(mention.kind == "chest" for mention in mentions):
        return speed, gain, gain
    return speed, gain, _admitted(agreed(mentions, "chest"), _GAINS_MM_MV)


def _goes_on(before: VectorText, after: VectorText) -> bool:
    height = before.box_mm[3] - before.box_mm[1]
    gap = after.box_mm[0] - before.box_mm[2]
    level = abs(after.box_mm[3] - before.box_mm[3]) < max(0.5 * height, 1.0)
    return level and -height < gap < 3 * max(height, 1.0)


def _admitted(value: float | None, limits: tuple[float, float]) -> float | None:
    return value if value is not None and limits[0] <= value <= limits[1] else None
