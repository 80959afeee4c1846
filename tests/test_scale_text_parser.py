"""Speed and gain in a line of print."""

from __future__ import annotations

import pytest

from ecgimg.scale_text_parser import agreed, find_mentions


@pytest.mark.parametrize(
    ("line", "speed", "gain", "chest"),
    [
        ("25mm/s 10mm/mV 150Hz", 25, 10, None),
        ("25 mm/sec   10.0 mm/mV", 25, 10, None),
        ("12,5 mm / s  2,5 mm / mV", 12.5, 2.5, None),
        ("10/5mm/mV", None, 10, 5),
        ("25 mm/s 20 / 10 mm/mV", 25, 20, 10),
        ("Speed: 50 mm/sec   Limb: 10 mm/mV   Chest: 5.0 mm/mV", 50, 10, 5),
        ("Geschw. 25 mm/sek  V1-V6: 5 mm/mV", 25, None, 5),
        ("25m m/s 10 m m / mV", 25, 10, None),
        ("1 cm/mV", None, 10, None),
        ("x0.5 .05-150Hz 25mm/sec", 25, 5, None),
        ("x1.0.05-150Hz 25 mm/sec", 25, 10, None),
        ("x1.0 .05-150Hz", None, None, None),
        ("x2.0 25mm/s 10 mm/mV", 25, 10, None),
        ("5 mm/mV 10 mm/mV", None, None, None),
        ("25 mm/s 50 mm/s 10 mm/mV", None, 10, None),
        ("1.2.5 mm/s 3/10/5 mm/mV", None, None, None),
        ("25 mm/sample 10 mm/mVs", None, None, None),
        ("25 mm 10 mV mm/s mm/mV", None, None, None),
        ("25 m/s 10 m/mV 60/min", None, None, None),
        ("", None, None, None),
    ],
)
def test_find_mentions_in_line(line: str, speed: float | None, gain: float | None, chest: float | None):
    """Speeds and gains are found however a recorder prints them."""
    mentions = list(find_mentions(line))
    assert tuple(agreed(mentions, kind) for kind in ("speed", "gain", "chest")) == (speed, gain, chest)


def test_find_mentions_positions():
    """A mention tells where it stands in the line."""
    line = "AC50 25mm/s 10/5 mm/mV"
    spans = [(mention.kind, line[mention.first : mention.last]) for mention in find_mentions(line)]
    assert spans == [("speed", "25mm/s"), ("gain", "10/5 mm/mV"), ("chest", "10/5 mm/mV")]
