"""Which leads face the same wall of the heart, so that what two of them show is no accident of one."""

from __future__ import annotations

from collections.abc import Collection

from ecgimg.measurement import LeadMeasurements, Measurements

_NEIGHBOURS = (
    ("V1", "V2"), ("V2", "V3"), ("V3", "V4"), ("V4", "V5"), ("V5", "V6"),
    ("I", "aVL"), ("II", "aVF"), ("aVF", "III"), ("II", "III"),
)  # fmt: skip
_CHEST = ("V1", "V2", "V3", "V4", "V5", "V6")
_WALLS = (
    ("anterior", frozenset({"V1", "V2", "V3", "V4"})),
    ("lateral", frozenset({"I", "aVL", "V5", "V6"})),
    ("inferior", frozenset({"II", "III", "aVF"})),
)
_ORDER = ("V1", "V2", "V3", "V4", "V5", "V6", "I", "aVL", "II", "aVF", "III", "aVR")
_USABLE = ("clean", "slight")

LEAST_SURE_BEATS = 2
"""Beats of a lead below which nothing that it shows is more than possible; a column of a page shows two or three."""


def contiguous_groups(leads: Collection[str], judged: Collection[str] | None = None) -> list[tuple[str, ...]]:
    """Return the groups of two or more of some leads that are neighbours of one another, each in their order.

    Parameters
    ----------
    leads : collection of str
    judged : collection of str, optional
        The leads that can be judged at all: those on both sides of a chest lead that cannot are neighbours, too.
    """
    groups: list[set[str]] = []
    across = [
        (left, right)
        for left, between, right in zip(_CHEST, _CHEST[1:], _CHEST[2:], strict=False)
        if judged is not None and between not in judged
    ]
    for pair in (*_NEIGHBOURS, *across):
        if not set(pair) <= set(leads):
            continue
        joined = set(pair).union(*(group for group in groups if group & set(pair)))
        groups = [group for group in groups if not group & joined] + [joined]
    return [tuple(lead for lead in _ORDER if lead in group) for group in groups]


def wall_of(leads: Collection[str]) -> str:
    """Return the wall that some leads face, in words: ``anterior and lateral leads``."""
    # a wall is named for two of its leads, so that V4 to V6 are lateral
    shares = [(name, len(wall & set(leads))) for name, wall in _WALLS]
    names = [name for name, count in shares if count > 1] or [max(shares, key=lambda share: share[1])[0]]
    return " and ".join(names) + " leads"


def noisy_leads(measured: Measurements) -> tuple[str, ...]:
    """Return the leads that are noisy, flat, clipped or disconnected."""
    return tuple(lead for lead, numbers in measured.leads.items() if numbers.noise.word not in (*_USABLE, None))


def usable_leads(measured: Measurements) -> dict[str, LeadMeasurements]:
    """Return the leads that are not noisy, flat, clipped or disconnected."""
    return {lead: numbers for lead, numbers in measured.leads.items() if numbers.noise.word in _USABLE}
