"""Lead labels printed alone on bits of ruled paper, in every spelling, and what is easily taken for one."""

from __future__ import annotations

import re

import numpy as np

from ecgimg.digitization.text.label_recognition import LEAD_LABELS, normalize_crop
from ecgimg.train.printed_text import Image, on_paper, print_text, shake_box

# what stands on ECG pages beside labels, most of it like one: half labels, one letter more, values
_WORDS = (
    "V", "a", "aV", "R", "L", "F", "IV", "IIII", "V10", "V11", "VX", "V6R", "V2R", "C", "X", "Y", "Z", "D", "A", "J",
    "E", "H", "mm/s", "mm/mV", "25", "10", "50", "Hz", "bpm", "ms", "PR", "QRS", "QT", "QTc", "HR", "ID", "AC", "mV",
    "1mV", "Age", "Sinus", "rhythm", "Normal", "ECG", "Name", "P", "T", "axis", "Male", "Lead", "LVH", "0.15", "%",
    "st", "BPM", "25mm/s", "VR", "VL", "VF", "Vent", "AVB", "SV1", "RV5", "aVI", "S5", "W1", "A1", "N2", "R1", "Y3",
    "M4", "2.0", "U6",
)  # fmt: skip
_NUMBERS = ("{}", "{}", "0.{}", ".{}-", "-0{}-", "{}:", "{}/", "x{}.0", "{}%")
_LETTERS = "ABCDEFGHKLMNOPQRSTUVWXYZabcdefghkmnopqrstuvwxyz0123456789:.-"
# random letters that are a label by chance, or nearly, would teach the wrong class
_A_NAME = re.compile("v[1-9]|c[1-6]|av[rlf]|^[1:.-]+$", re.IGNORECASE)
# the twelve are drawn twice as often as other labels, those that differ by one stroke more often still
_HARD = (*LEAD_LABELS[:12], *LEAD_LABELS, "I", "II", "III", "V1", "II")


def printed_crop(rng: np.random.Generator) -> tuple[Image, str, float]:
    """Return a crop as the network sees it, what it reads (a name or ``"none"``), and the height of its capitals in px.

    One in three is none: other words, half a name, two names in one box, a turned name, strokes, empty paper.
    """
    tall = float(np.exp(rng.uniform(np.log(6), np.log(40))))
    kind = rng.choice(["name", "word", "half", "merged", "turned", "empty"], p=[0.62, 0.17, 0.06, 0.06, 0.05, 0.04])
    name = str(_HARD[int(rng.integers(len(_HARD)))])
    ink = _ink(kind, name, tall, rng)
    part = _half(name, rng) if kind == "half" else (0.0, 0.0, 1.0, 1.0)
    # the minus is often a blob of its own, and the box begins behind it
    if kind == "name" and name == "-aVR" and rng.random() < 0.25:
        part = (0.28, 0.0, 1.0, 1.0)
    picture, box = on_paper(ink, part, tall, rng)
    shown = np.repeat(picture[..., None], 3, axis=2)
    return normalize_crop(shown, shake_box(box, rng)), name if kind == "name" else "none", tall


def _ink(kind: str, name: str, tall: float, rng: np.random.Generator) -> Image:
    """Print the ink (h, w) of a kind of crop, most kinds made of a label's name, its capitals `tall` px high."""
    if kind == "word":
        return print_text(_word(rng), tall, rng)
    if kind == "empty":
        return np.zeros((max(round(tall), 3), max(round(tall * rng.uniform(0.2, 3)), 3)), np.float32)
    if kind == "merged":
        return _merged(name, str(_HARD[int(rng.integers(len(_HARD)))]), tall, rng)
    if kind == "half":
        return print_text(name, tall, rng)
    ink = print_text(_spaced(_spelling(name, rng), rng), tall, rng)
    if kind == "turned":
        return np.rot90(ink, int(rng.choice([1, 3] if set(name) == {"I"} else [1, 2, 2, 3])))
    return ink


def _word(rng: np.random.Generator) -> str:
    """Anything that is no lead name: numbers, words, letters at random."""
    draw = rng.random()
    if draw < 0.25:
        return str(rng.choice(_NUMBERS)).format(int(rng.integers(2, 200)))
    if draw < 0.6:
        return str(rng.choice(_WORDS))
    while True:
        text = "".join(rng.choice(list(_LETTERS), int(rng.integers(1, 7))))
        if not _A_NAME.search(text):
            return text


def _half(name: str, rng: np.random.Generator) -> tuple[float, float, float, float]:
    share = float(rng.uniform(0.3, 0.58))
    cuts = [(0.0, 0.0, share, 1.0), (1 - share, 0.0, 1.0, 1.0), (0.0, 0.0, 1.0, share), (0.0, 1 - share, 1.0, 1.0)]
    return cuts[int(rng.integers(2 if name == "I" else 0, 4))]


def _spelling(name: str, rng: np.random.Generator) -> str:
    """One of the ways in which devices print a name."""
    text = name
    if "aV" in name:
        text = name.replace("aV", str(rng.choice(["aV", "AV", "av"], p=[0.68, 0.28, 0.04])))
        text = text.replace("-", str(rng.choice(["-", "\u2212", "- "])))
    elif name[0] == "V":
        draw = rng.random()
        if draw < 0.12 and len(name) == 2 and name[1] <= "6":
            text = name.replace("V", "C")
        elif draw < 0.2:
            text = name.replace("V", "v")
    if rng.random() < 0.05:
        text = str(rng.choice(["Lead ", "Rhythm ", "LEAD "])) + text
    elif rng.random() < 0.05:
        text += str(rng.choice([":", ".", " :"]))
    return text


def _spaced(text: str, rng: np.random.Generator) -> str:
    """Letters far apart, as some devices print them: ``a VR``, ``V 4``, ``I I``."""
    draw = rng.random()
    if draw < 0.12 and len(text) <= 3:
        return " ".join(text)
    return text.replace("aV", "a V") if draw < 0.2 else text


def _merged(first: str, second: str, tall: float, rng: np.random.Generator) -> Image:
    """Two names in one box, side by side or one above the other."""
    a, b = (print_text(_spelling(name, rng), tall, rng) for name in (first, second))
    # spaced strokes make one name, so that two must stand farther apart
    least = 2.0 if {*first, *second} == {"I"} else 0.5
    gap = max(round(tall * float(rng.uniform(least, least + 1.1))), 3)
    if rng.random() < 0.7:
        joint = np.zeros((max(len(a), len(b)), a.shape[1] + gap + b.shape[1]), np.float32)
        joint[: len(a), : a.shape[1]], joint[: len(b), -b.shape[1] :] = a, b
    else:
        joint = np.zeros((len(a) + gap + len(b), max(a.shape[1], b.shape[1])), np.float32)
        joint[: len(a), : a.shape[1]], joint[-len(b) :, : b.shape[1]] = a, b
    return joint
