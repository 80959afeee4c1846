"""Choose between readings of one page: which are doubtful, and which of two shows more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ecgimg.digitization.numerics import Floats
from ecgimg.digitization.result import Digitization

_DOUBTFUL_DB, _SURE_DB = 5.0, 10.0  # leads that must agree do not below the first, and surely do above the second
_MUCH_DB, _SLIGHTLY_DB = 5.0, 1.0  # by so much one reading agrees better, or no worse, than another
_MOST_LABELS = 0.5  # a share of lead labels above it makes a refused page worth reading otherwise
_COARSE_PX_PER_MM, _SMALL_PX = 6.0, 4_000_000  # a picture below both is worth enlarging


def is_doubtful(reading: Digitization) -> bool:
    """Whether the leads that must agree do not."""
    return _agreement_db(reading) < _DOUBTFUL_DB


def is_worth_enlarging(reading: Digitization, n_pixels: int) -> bool:
    """Whether a small picture was hardly read or is doubtful."""
    is_small = (reading.px_per_mm or 0) < _COARSE_PX_PER_MM and n_pixels < _SMALL_PX
    return is_small and (bool(reading.unread) or is_doubtful(reading))


def choose_reading(reading: Digitization, others: Iterable[Digitization]) -> Digitization:
    """Return the first other reading whose leads surely agree, else the reading itself.

    Others are readings of a page that was refused or doubtful; they are made one by one, as long as none is taken.
    """
    is_refused = reading.status == "refused"
    laws = ("einthoven", "strip") if is_refused else ("einthoven",)
    best = reading
    for other in others:
        is_sure = max(other.consistency_db.get(law, 0.0) for law in laws) > _SURE_DB
        if is_sure or (is_refused and other.status == "ok"):
            return other
        if best.status == "refused" and other.labels_read > _MOST_LABELS:
            best = other
    return best


def shows_more(other: Digitization, reading: Digitization) -> bool:
    """Whether another reading shows more of the same layout, or agrees much better and in no law worse."""
    if other.layout != reading.layout:
        return other.status != "refused" and _MUCH_DB < _agreement_db(other) - _agreement_db(reading) < np.inf
    better_db = [other.consistency_db.get(law, -np.inf) - value for law, value in reading.consistency_db.items()]
    is_more = len(other.unread) < len(reading.unread) or max(better_db, default=0.0) > _MUCH_DB
    return is_more and min(better_db, default=0.0) > -_SLIGHTLY_DB


def _agreement_db(reading: Digitization) -> float:
    """Return how well the leads agree that must, infinite where none have to."""
    agreement = reading.consistency_db
    return max((agreement[law] for law in ("einthoven", "strip") if law in agreement), default=np.inf)


def in_original_pixels(reading: Digitization, enlargement: float) -> Digitization:
    """Return a reading of a picture that was enlarged (or reduced, below 1), in pixels of the original."""
    if enlargement == 1:
        return reading

    def original(points_px: Floats) -> Floats:
        return (points_px + 0.5) / enlargement - 0.5

    leads = [
        replace(lead, points_px=original(lead.points_px), box_px=original(lead.box_px)) for lead in reading.readings
    ]
    return replace(
        reading,
        readings=tuple(leads),
        grid_px=tuple(original(line) for line in reading.grid_px),
        px_per_mm=reading.px_per_mm / enlargement if reading.px_per_mm else None,
    )
