"""Understand what a page prints of its scale: "25 mm/s  10 mm/mV", "10/5mm/mV", "Limb: 10 mm/mV  Chest: 5.0 mm/mV"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["speed", "gain", "chest"]

# not the end of a longer number, nor the second one of "10/5"
_NUMBER = r"(?<![\d./])(\d+(?:\.\d+)?)"
_SPEED = re.compile(_NUMBER + r" ?m ?m ?/ ?s(?:ec|ek)?(?![a-z])", re.IGNORECASE)
_CHEST = r"(?:(?<![a-z])(chest|precord\w*|thora\w*|brust\w*|v|v1.v6))?"
_GAIN = re.compile(
    _CHEST + r"[ :.]*" + _NUMBER + r"(?: ?/ ?(\d+(?:\.\d+)?))? ?(m ?m|cm) ?/ ?mv(?![a-z])", re.IGNORECASE
)
# only usual shares, standing alone: "x 2" is found in many other texts
_TIMES = re.compile(r"(?:^|(?<= ))x ?([0124]\.\d{1,2}(?![\d/a-z])|[124](?![\d./a-z]))", re.IGNORECASE)
_USUAL_MM_MV = 10.0  # the gain that "x1" stands for


@dataclass(frozen=True)
class Mention:
    """A speed (mm/s) or gain (mm/mV) that a line of print states, and the characters that state it."""

    kind: Kind
    value: float
    first: int
    last: int


def find_mentions(line: str) -> Iterator[Mention]:
    """Yield what a line of print says of speed and gain.

    "10/5 mm/mV" is limb and chest gain; "x0.5" is a share of 10 mm/mV where the line also prints a speed. Commas count
    as decimal points.
    """
    line = line.replace(",", ".")
    speeds = [Mention("speed", float(match[1]), match.start(1), match.end()) for match in _SPEED.finditer(line)]
    yield from speeds
    gains = list(_GAIN.finditer(line))
    for match in gains:
        # a gain may be printed as "1 cm/mV"
        unit = 10 if match[4].lower() == "cm" else 1
        yield Mention("chest" if match[1] else "gain", unit * float(match[2]), match.start(2), match.end())
        if match[3]:
            yield Mention("chest", unit * float(match[3]), match.start(2), match.end())
    # beside a speed, "x0.5" can only be the gain
    if speeds and not gains:
        for match in _TIMES.finditer(line):
            yield Mention("gain", _USUAL_MM_MV * float(match[1]), match.start(), match.end())


def agreed(mentions: Iterable[Mention], kind: Kind) -> float | None:
    """Return the one value that all mentions of a kind state; None where there is none, or where they differ."""
    values = {mention.value for mention in mentions if mention.kind == kind}
    return values.pop() if len(values) == 1 else None
