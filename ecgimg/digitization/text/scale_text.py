"""Read the scale that a page prints, such as "25 mm/s 10 mm/mV": lines of text, read and parsed strictly.

A wrong number spoils a record, and a missing one costs little. So a number counts only where each of its characters and
of its unit is sure, and where devices offer it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ecgimg.digitization.model import FlatPage, ScaleReading
from ecgimg.digitization.text.line_detection import find_text_lines
from ecgimg.digitization.text.line_recognition import MIN_CONFIDENCE, LineReading, read_lines
from ecgimg.scale_text_parser import Kind, Mention, agreed, find_mentions

_GAINS_MM_MV = (2.5, 5.0, 10.0, 20.0, 40.0)
_DEVICE_VALUES: dict[Kind, tuple[float, ...]] = {
    "speed": (10.0, 12.5, 25.0, 50.0, 100.0),  # 5 is what is left of 25 where the 2 is hidden
    "gain": _GAINS_MM_MV,
    "chest": _GAINS_MM_MV,
}

_LETTER_SIZES = 1.0, 2.0, 0.5  # relative sizes that are tried where the millimetre is guessed
_MIN_FIELD_GAP = 2.3  # in pitches of characters; a lost decimal point leaves a narrower gap between two numbers

# what may stand before a number
_NUMBER_BEFORE = re.compile(r"(?:^|[^a-z\d.])[\d.]+[^a-z\d]$|\d[.:#]$")
_SECOND_OF_PAIR = re.compile(r"/ ?:? ?$|\d ?[li] ?$")  # "10/5 mm/mV"; l and i are misread slashes
_CAPTION = re.compile(r"[a-z\d#]+ ?: ?$")
_KNOWN_CAPTION = re.compile(r"(?:gain|limb|amp\w*|sens\w*|ganancia|std|voltage) ?: ?$")
_LIMB_GAIN = re.compile(r"limb ?[:.]? ?\d")


def read_printed_scale(page: FlatPage) -> ScaleReading:
    """Read speed and gain off a flat, upright page; print of other sizes is read too where its millimetre is guessed.

    Raises
    ------
    MissingWeights
        When the package was installed without its weights.
    """
    sizes = (1.0,) if page.page_map.confidence > 0 else _LETTER_SIZES
    scales = (scale_from_lines(read_lines(page.image, find_text_lines(page, page.px_per_mm * size))) for size in sizes)
    return next((scale for scale in scales if scale.confidence > 0), ScaleReading())


def scale_from_lines(readings: Sequence[LineReading]) -> ScaleReading:
    """Return the scale on which lines of text agree.

    A value counts where it is sure in at least one line, and where no line, sure or not, states another. Where the gain
    is said to be that of the limb leads, that of the chest leads must be read as well.
    """
    mentions = [mention for reading in readings for mention in _mentions_with_confidence(reading)]
    speed, gain, chest = (_agreed_value(mentions, kind) for kind in ("speed", "gain", "chest"))
    is_limb_gain = any(_LIMB_GAIN.search(reading.text) for reading in readings)
    if not is_limb_gain and not any(mention.kind == "chest" for mention, _ in mentions):
        chest = gain
    confidences = [confidence for value, confidence in (speed, gain, chest) if value is not None]
    limb_only = is_limb_gain and chest[0] is None
    return ScaleReading(speed[0], gain[0], chest[0], "print", min(confidences, default=0.0), limb_only)


def _mentions_with_confidence(reading: LineReading) -> list[tuple[Mention, float]]:
    """Return what a line says, and the confidence of its least sure character: 0 if no device offers the value.

    The confidence is 0 as well where the number may have lost a part.
    """
    mentions = list(find_mentions(reading.text))
    ends = {mention.last for mention in mentions}
    with_confidence = []
    for mention in mentions:
        characters = [k for k in range(mention.first, mention.last) if reading.text[k] != " "]
        confidence = float(reading.confidences[characters].min())
        is_whole = mention.first in ends or _is_whole(mention, reading)
        counts = is_whole and mention.value in _DEVICE_VALUES[mention.kind]
        with_confidence.append((mention, confidence if counts else 0.0))
    return with_confidence


def _is_whole(mention: Mention, reading: LineReading) -> bool:
    """Tell whether a number starts where it seems to, and is not of other leads whose caption was misread.

    Behind a letter, its first digits may have been read as letters. Behind a slash, it may be the second of a pair.
    Close behind another number, the point between them may be lost. Behind an unknown word and a colon, a gain may be
    that of the chest leads.
    """
    before = reading.text[: mention.first]
    if before[-1:].isalpha() or _SECOND_OF_PAIR.search(before):
        return False
    if mention.kind == "gain" and _CAPTION.search(before) and not _KNOWN_CAPTION.search(before):
        return False
    return not _NUMBER_BEFORE.search(before) or _is_spaced(mention, reading)


def _is_spaced(mention: Mention, reading: LineReading) -> bool:
    """Tell whether more space than a decimal point takes is before a number."""
    positions, first = reading.positions_px, mention.first
    last = first + 1 if reading.text[first + 1].isdigit() else mention.last - 1
    pitch = (positions[last] - positions[first]) / (last - first)
    return reading.text[first - 1] == " " and bool(positions[first] - positions[first - 2] > _MIN_FIELD_GAP * pitch)


def _agreed_value(mentions: Sequence[tuple[Mention, float]], kind: Kind) -> tuple[float | None, float]:
    """Return the value that all mentions of a kind state and its confidence, (None, 0) where it does not count."""
    value = agreed((mention for mention, _ in mentions), kind)
    confidence = max((confidence for mention, confidence in mentions if mention.kind == kind), default=0.0)
    return (value, confidence) if confidence >= MIN_CONFIDENCE else (None, 0.0)
