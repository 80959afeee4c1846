"""What stands on ECG paper besides lead names: the scale in every spelling, filters, dates, devices, findings.

Numbers that no device offers are as frequent as those that are, or the reader would read the usual where the unusual
stands.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ecgimg.digitization.text.line_recognition import ALPHABET

_SPEEDS = ("25", "50", "12.5", "5", "10", "100", "25.0", "50.0", "12,5", "25,0", "6.25", "75", "20")
_GAINS = ("10", "5", "20", "2.5", "40", "10.0", "5.0", "20.0", "2,5", "10,0", "7.5", "1.25", "15", "8")
_BEFORE_SPEED = ("Speed: ", "Speed ", "Paper speed: ", "Vitesse: ", "Geschw.: ", "Vorschub ", "Velocidad: ", "Vel. ")
_BEFORE_GAIN = ("Gain: ", "Gain ", "Amp: ", "Ampl. ", "Sens. ", "Limb: ", "Amplitude: ", "Ganancia ", "Std ")
_BEFORE_CHEST = ("Chest: ", "Chest ", "Prec.: ", "Precordial: ", "V: ", "V1-V6: ", "Brust: ", "Thorax: ")
_WORDS = (
    "Filter", "Filter:", "Auto", "Device:", "LP", "AC", "EMG", "ADS", "DFT", "F", "W", "Hz", "bpm", "BPM", "ms", "mV",
    "mm", "cm", "sec", "s", "Normal", "ECG", "Sinus", "rhythm", "HR", "PR", "QRS", "QT/QTc", "P/QRS/T", "Axis", "Name:",
    "ID:", "Age:", "Sex:", "Male", "Female", "yrs", "Unconfirmed", "Report", "Confirmed", "by:", "Left", "axis",
    "Abnormal", "Date", "Time", "Room:", "CID:", "SID:", "12SL", "Lead", "I", "II", "III", "aVR", "aVL", "aVF", "V1",
    "V6", "mm/s", "mm/mV", "mm/sec", "Rate", "/min", "V5.0", "(c)", "*", "~", "-", "QTcB", "mmHg", "kg", "Vent.",
    "Hypertrophy", "SAMPLE", "PATIENT", "block", "infarct", "age", "undetermined", "50~", "AC50", "H50", "D", "Notch",
    "SE-1200",
)  # fmt: skip
_FILTERS = ("0.05-150Hz", "0.67~100Hz", "0.05 - 35 Hz", ".05-150Hz", "150Hz", "0.5-40 Hz", "F 50~ 0.15-100 Hz",
            "LP 150 Hz", "AC 50 Hz", "60Hz", "35Hz", "0.16-100 Hz", "100 Hz", "40Hz", "~50Hz")  # fmt: skip
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:/-()%*+="
_MOST_CHARACTERS = 25


def fold(text: str) -> str:
    """Spell a text in the reader's alphabet: no case, single spaces, "#" for what it has no letter for."""
    lower = " ".join(text.replace(",", ".").replace("\u00d7", "x").lower().split())
    return "".join(letter if letter in ALPHABET else "#" for letter in lower)


def draw_text(rng: np.random.Generator) -> str:
    """Return a bit of a line of print, up to 25 characters; about two in three say something of the scale."""
    parts: list[Callable[[np.random.Generator], str]] = [_speed, _gain, _pair, _share, _number, _filter, _word, _any]
    text = ""
    for _ in range(int(rng.integers(1, 5))):
        part = parts[int(rng.choice(len(parts), p=[0.23, 0.23, 0.08, 0.03, 0.14, 0.07, 0.15, 0.07]))](rng)
        longer = text + " " * int(rng.integers(1, 4)) * bool(text) + part
        if len(longer) > _MOST_CHARACTERS and text:
            break
        text = longer
    return text


def _pick(rng: np.random.Generator, among: tuple[str, ...]) -> str:
    return among[int(rng.integers(len(among)))]


def _value(rng: np.random.Generator, usual: tuple[str, ...]) -> str:
    draw = rng.random()
    if draw < 0.6:
        return _pick(rng, usual)
    if draw < 0.8:
        return str(rng.integers(1, 130))
    return f"{rng.uniform(0, 60):.{int(rng.integers(1, 3))}f}"


def _unit(rng: np.random.Generator, below: str) -> str:
    space = _pick(rng, ("", " "))
    slash = _pick(rng, ("/", "/", "/", "/", " / "))
    return f"{space}mm{slash}{below}"


def _speed(rng: np.random.Generator) -> str:
    before = _pick(rng, _BEFORE_SPEED) if rng.random() < 0.2 else ""
    return f"{before}{_value(rng, _SPEEDS)}{_unit(rng, _pick(rng, ('s', 's', 's', 'sec', 'S', 'Sec', 'sek')))}"


def _gain(rng: np.random.Generator) -> str:
    draw = rng.random()
    before = _pick(rng, _BEFORE_GAIN) if draw < 0.2 else _pick(rng, _BEFORE_CHEST) if draw < 0.3 else ""
    if rng.random() < 0.06:
        return f"{before}{_pick(rng, ('1.0', '1', '0.5', '2.0', '2', '0.25'))}{_unit(rng, 'mV').replace('mm', 'cm')}"
    return f"{before}{_value(rng, _GAINS)}{_unit(rng, _pick(rng, ('mV', 'mV', 'mV', 'mv')))}"


def _pair(rng: np.random.Generator) -> str:
    return f"{_value(rng, _GAINS)}{_pick(rng, ('/', '/', ' / '))}{_value(rng, _GAINS)}{_unit(rng, 'mV')}"


def _share(rng: np.random.Generator) -> str:
    return _pick(rng, ("x", "X", "\u00d7")) + _pick(rng, ("1.0", "1", "0.5", "2.0", "2", "0.25", "4.0", "1.5"))


def _filter(rng: np.random.Generator) -> str:
    return _pick(rng, _FILTERS)


def _word(rng: np.random.Generator) -> str:
    word = _pick(rng, _WORDS)
    return word.upper() if rng.random() < 0.1 else word


def _number(rng: np.random.Generator) -> str:
    first, second, third = (int(value) for value in rng.integers(0, 60, 3))
    return (
        str(rng.integers(0, 10 ** int(rng.integers(1, 9)))), f"{first:02d}:{second:02d}:{third:02d}",
        f"{first % 28 + 1:02d}-{_MONTHS[second % 12]}-{1990 + third % 40}", f"{1990 + third}-{second % 12 + 1:02d}",
        f"{first % 28 + 1:02d}.{second % 12 + 1:02d}.{1990 + third % 40}", f"{7 * first}/{7 * second} ms",
        f"{first}.{second}", f"{first + 40} bpm", f"V{first % 10}.{second}", f"{first}/{second}/{third}",
    )[int(rng.integers(10))]  # fmt: skip


def _any(rng: np.random.Generator) -> str:
    return "".join(rng.choice(list(_LETTERS), int(rng.integers(1, 9))))
