"""What devices print around the traces: header, footer and boxes in the manner of the makers, with invented text.

No person, hospital or identifier here is real: names are the words SAMPLE and PATIENT, numbers are drawn at random.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from synth.page_spec import PageSpec

SANS, BOLD = "LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"
SERIF, SERIF_BOLD = "LiberationSerif-Regular.ttf", "LiberationSerif-Bold.ttf"
MONO, CONDENSED = "LiberationMono-Regular.ttf", "RobotoCondensed-Regular.ttf"

_STATEMENTS = (
    "Sinus rhythm", "Normal sinus rhythm", "Normal ECG", "Sinus tachycardia", "Sinus bradycardia",
    "Atrial fibrillation", "Left axis deviation", "Left ventricular hypertrophy", "Right bundle branch block",
    "Nonspecific T wave abnormality", "Possible left atrial enlargement", "Borderline ECG", "Abnormal ECG",
    "First degree AV block", "Consider inferior infarct, age undetermined", "Low voltage, limb leads",
    "Poor R wave progression", "ST elevation, consider early repolarization", "No previous ECGs available",
)  # fmt: skip
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


@dataclass(frozen=True)
class Text:
    """A line of print: top-left corner in mm, cap height in mm, font file."""

    text: str
    x_mm: float
    y_mm: float
    size_mm: float = 2.2
    font: str = SANS


@dataclass(frozen=True)
class Box:
    """A printed frame or, with `filled`, a solid bar: (left, top, right, bottom) mm."""

    box_mm: tuple[float, float, float, float]
    filled: bool = False


HeaderFooter = tuple[list[Text], list[Box]]


@dataclass(frozen=True)
class _PrintedValues:
    """Numbers that a report prints, drawn at random."""

    rate: int
    pr: int
    qrs: int
    qt: int
    qtc: int
    axes: tuple[int, int, int]
    ident: str
    date: str
    time: str
    age: int
    sex: str
    statements: tuple[str, ...]


def _random_values(rng: np.random.Generator) -> _PrintedValues:
    date, time = _random_date_and_time(rng)
    # The numbers are invented, and need not fit the drawn ECG.
    rate = int(rng.integers(48, 130))
    qt = int(rng.integers(330, 450))
    picks = rng.choice(len(_STATEMENTS), size=int(rng.integers(1, 5)), replace=False)
    axes = (int(rng.integers(0, 80)), int(rng.integers(-60, 110)), int(rng.integers(-20, 90)))
    return _PrintedValues(
        rate=rate,
        pr=int(rng.integers(110, 230)),
        qrs=int(rng.integers(74, 150)),
        qt=qt,
        # Bazett's formula.
        qtc=round(qt * (rate / 60) ** 0.5),
        axes=axes,
        ident="".join(str(digit) for digit in rng.integers(0, 10, size=int(rng.integers(5, 11)))),
        date=date,
        time=time,
        age=int(rng.integers(18, 95)),
        sex=("Male", "Female")[int(rng.integers(0, 2))],
        statements=tuple(_STATEMENTS[index] for index in picks),
    )


def _random_date_and_time(rng: np.random.Generator) -> tuple[str, str]:
    day, month, year = int(rng.integers(1, 29)), int(rng.integers(0, 12)), int(rng.integers(1996, 2026))
    hour, minute, second = (int(rng.integers(0, top)) for top in (24, 60, 60))
    dates = (
        f"{day:02d}-{_MONTHS[month]}-{year}",
        f"{year}-{month + 1:02d}-{day:02d}",
        f"{day:02d}.{month + 1:02d}.{year}",
    )
    return dates[int(rng.integers(0, 3))], f"{hour:02d}:{minute:02d}:{second:02d}"


def _column(lines: list[str], x: float, y: float, size: float, font: str) -> list[Text]:
    return [Text(line, x, y + index * size * 1.75, size, font) for index, line in enumerate(lines)]


def _scale_text(spec: PageSpec, speed_unit: str = "mm/s", space: str = " ") -> str:
    chest = spec.chest_gain_mm_mv
    gain = f"{spec.gain_mm_mv:g}{space}mm/mV"
    if chest is not None and chest != spec.gain_mm_mv:
        gain = f"{spec.gain_mm_mv:g}/{chest:g}{space}mm/mV"
    return f"{spec.speed_mm_s:g}{space}{speed_unit}   {gain}"


def _ge(spec: PageSpec, v: _PrintedValues) -> HeaderFooter:
    left, y = spec.plot_mm[0], 5.0
    texts = [Text(f"SAMPLE, PATIENT    ID:{v.ident}    {v.date} {v.time}    CARDIOLOGY ROUTINE", left, y, 2.4, SANS)]
    texts += _column([f"{v.age} yr", v.sex, "Room:", "Option:   SID:"], left, y + 6, 2.1, SANS)
    rows = [
        ("Vent. rate", f"{v.rate} BPM"), ("PR interval", f"{v.pr} ms"), ("QRS duration", f"{v.qrs} ms"),
        ("QT/QTc", f"{v.qt}/{v.qtc} ms"), ("P-R-T axes", " ".join(map(str, v.axes))),
    ]  # fmt: skip
    texts += _column([name for name, _ in rows], left + 45, y + 6, 2.1, SANS)
    texts += _column([value for _, value in rows], left + 72, y + 6, 2.1, SANS)
    texts += _column([*v.statements], left + 105, y + 6, 2.1, SANS)
    texts += [Text("Referred by:", left + 150, y + 26, 2.1, SANS), Text("Unconfirmed", left + 200, y + 26, 2.1, SANS)]
    footer = f"{_scale_text(spec, space='')}   150Hz   9.0.{v.rate % 10}   12SL 2{v.qrs}   CID: {v.rate % 40}"
    return [*texts, Text(footer, left, spec.size_mm[1] - 8, 2.1, SANS)], []


def _philips(spec: PageSpec, v: _PrintedValues) -> HeaderFooter:
    left, y = spec.plot_mm[0], 5.0
    texts = [Text(f"{v.ident}   SAMPLE PATIENT      {v.date}  {v.time}", left, y, 2.4, MONO)]
    rows = [f"Rate   {v.rate:4d}", f"PR     {v.pr:4d}", f"QRSD   {v.qrs:4d}", f"QT     {v.qt:4d}", f"QTc    {v.qtc:4d}"]
    texts += _column(rows, left, y + 6, 2.0, MONO)
    texts += _column([f". {line.upper()}" for line in v.statements], left + 70, y + 6, 2.0, MONO)
    texts += [
        Text("- ABNORMAL ECG -", left + 110, y + 26, 2.2, MONO),
        Text("Unconfirmed Diagnosis", left + 180, y + 26, 2.2, MONO),
    ]
    bottom = spec.size_mm[1] - 8
    chest = spec.chest_gain_mm_mv or spec.gain_mm_mv
    footer = (
        f"Device:      Speed: {spec.speed_mm_s:g} mm/sec   Limb: {spec.gain_mm_mv:g} mm/mV   Chest: {chest:.1f} mm/mV"
    )
    right = spec.size_mm[0] - 75
    texts += [Text(footer, left, bottom, 2.1, MONO), Text("F 50~ 0.15-100 Hz", right + 2, bottom, 2.1, MONO)]
    return texts, [Box((right, bottom - 1.4, right + 38, bottom + 3.4))]


def _edan(spec: PageSpec, v: _PrintedValues) -> HeaderFooter:
    left, y = spec.plot_mm[0], 5.0
    middle = spec.size_mm[0] / 2
    texts = [Text("ECG REPORT", middle - 16, y - 1, 3.4, SERIF_BOLD)]
    line = f"ID : {v.ident}     {v.age} Years    {v.sex}     cm    kg    /    mmHg    Room No:     Department:"
    texts += [Text(line, left, y + 6, 2.1, SERIF)]
    texts += _column(["Diagnosis Information:", *v.statements], left, y + 11, 2.1, SERIF)
    rows = [f"HR     : {v.rate} bpm", f"PR     : {v.pr} ms", f"QRS    : {v.qrs} ms", f"QT/QTc : {v.qt}/{v.qtc} ms"]
    texts += _column(rows, middle + 40, y + 11, 2.1, SERIF)
    bottom = spec.size_mm[1] - 8
    footer = f"0.67~100Hz  AC50   {_scale_text(spec, space='')}   \u2665{v.rate}   V2.0{v.rate % 10}  SE-{v.qrs}"
    texts += [
        Text(footer, left, bottom, 2.0, SERIF),
        Text(f"{v.date} {v.time}", spec.size_mm[0] - 70, bottom, 2.0, SERIF),
    ]
    return texts, [Box((left, y + 4, spec.size_mm[0] - 8, y + 4.7), filled=True), Box(spec.plot_mm)]


def _mindray(spec: PageSpec, v: _PrintedValues) -> HeaderFooter:
    left, y = spec.plot_mm[0], 5.0
    texts = _column([f"ID: {v.ident}", "Name: SAMPLE PATIENT", f"{v.sex}  {v.age}y"], left, y, 2.3, CONDENSED)
    rows = [
        f"HR {v.rate} bpm",
        f"P-R {v.pr} ms",
        f"QRS {v.qrs} ms",
        f"QT/QTc {v.qt}/{v.qtc} ms",
        f"P/QRS/T {v.axes[0]}/{v.axes[1]}/{v.axes[2]} \u00b0",
    ]
    texts += _column(rows, left + 70, y, 2.3, CONDENSED)
    texts += _column([*v.statements, "Report Confirmed by:"], left + 140, y, 2.3, CONDENSED)
    footer = f"{_scale_text(spec)}    0.05 - 35 Hz    50 Hz    BeneHeart R1{v.rate % 10}    {v.date} {v.time}"
    return [*texts, Text(footer, left, spec.size_mm[1] - 7, 2.1, CONDENSED)], []


def _schiller(spec: PageSpec, v: _PrintedValues) -> HeaderFooter:
    left, y = spec.plot_mm[0], 5.0
    texts = _column(["Name:   Sample Patient", f"Pat. ID: {v.ident}", f"{v.date}  {v.time}"], left, y, 2.5, BOLD)
    rows = [
        f"HR   {v.rate} /min",
        f"P    {v.qrs + 10} ms",
        f"PR   {v.pr} ms",
        f"QRS  {v.qrs} ms",
        f"QT   {v.qt} ms",
        f"QTc  {v.qtc} ms",
    ]
    texts += _column(rows[:3], left + 85, y, 2.1, SANS) + _column(rows[3:], left + 120, y, 2.1, SANS)
    axes = [f"Axis {name} {angle}\u00b0" for name, angle in zip("PQT", v.axes, strict=True)]
    texts += _column(axes, left + 155, y, 2.1, SANS)
    texts += _column([*v.statements], left, y + 15, 2.1, SANS)
    footer = f"AT-10{v.rate % 10}  1.{v.qrs}     {_scale_text(spec)}     LP 150 Hz  AC 50 Hz"
    right = spec.size_mm[0] - 50
    boxes = [Box((left, y + 13.5, spec.size_mm[0] - 8, y + 13.9), filled=True), Box((right, y, right + 30, y + 9))]
    logo = Text("LOGO", right + 7, y + 3, 3.0, BOLD)
    return [*texts, logo, Text(footer, left, spec.size_mm[1] - 7, 2.1, SANS)], boxes


def _nihon_kohden(spec: PageSpec, v: _PrintedValues) -> HeaderFooter:
    left, y = spec.plot_mm[0], 4.0
    coded = [f"{1000 + 37 * len(line)}   {line}" for line in v.statements]
    texts = _column([f"ID        {v.ident}", f"{v.sex}   {v.age} yrs", f"{v.date} {v.time}"], left, y, 2.1, MONO)
    rows = [
        f"Heart rate   {v.rate} bpm",
        f"PR int       {v.pr} ms",
        f"QRS dur      {v.qrs} ms",
        f"QT/QTc       {v.qt}/{v.qtc} ms",
        f"P/QRS/T axis {v.axes[0]}/{v.axes[1]}/{v.axes[2]}",
    ]
    texts += _column(rows, left + 70, y, 2.1, MONO) + _column(
        [*coded, "9110 ** normal ECG **"], left + 145, y, 2.1, MONO
    )
    footer = f"{_scale_text(spec)}   Filter: H50 D 100 Hz      Auto    ECG-13{v.qrs % 100:02d}"
    return [*texts, Text(footer, left, spec.size_mm[1] - 7, 2.1, MONO)], []


def _monitor(spec: PageSpec, v: _PrintedValues) -> HeaderFooter:
    left, y = spec.plot_mm[0], 1.5
    first = ["Name:", f"ID: {v.ident}", "Patient ID:", f"Age: {v.age}   Sex: {v.sex[0]}"]
    second = [
        f"12-Lead 1   HR {v.rate}bpm",
        f"{v.time}",
        f"PR 0.{v.pr:03d}s  QRS 0.{v.qrs:03d}s",
        f"QT/QTc 0.{v.qt:03d}s/0.{v.qtc:03d}s",
    ]
    texts = _column(first, left, y, 2.0, CONDENSED) + _column(second, left + 45, y, 2.0, CONDENSED)
    third = [*(f"\u2022 {line}" for line in v.statements[:2]), "**Unconfirmed**"]
    texts += _column(third, left + 100, y, 2.0, CONDENSED)
    footer = f"x{spec.gain_mm_mv / 10:.1f}   .05-150Hz   {spec.speed_mm_s:g}mm/sec"
    return [*texts, Text(footer, left, spec.size_mm[1] - 6, 2.0, CONDENSED)], []


def _plain(spec: PageSpec, v: _PrintedValues) -> HeaderFooter:
    left, y = spec.plot_mm[0], 4.0
    texts = _column([f"ID: {v.ident}", f"Age: {v.age} yrs", f"Sex: {v.sex}"], left, y, 2.2, "DejaVuSans.ttf")
    texts.append(Text(f"Date: {v.date}, {v.time}", left + 90, y, 2.2, "DejaVuSans.ttf"))
    texts.append(Text(_scale_text(spec, space=""), left + 40, spec.size_mm[1] - 6, 2.2, "DejaVuSans.ttf"))
    return texts, []


_VENDOR_FORMS: dict[str, Callable[[PageSpec, _PrintedValues], HeaderFooter]] = {
    "plain": _plain,
    "ge": _ge,
    "philips": _philips,
    "mindray": _mindray,
    "schiller": _schiller,
    "nihon-kohden": _nihon_kohden,
    "edan": _edan,
    "monitor": _monitor,
}


def make_header_footer(spec: PageSpec, rng: np.random.Generator) -> HeaderFooter:
    """Return the text and frames that the page's maker prints around the traces.

    The header is left out where the page has none; the footer stays as long as `spec.print_scale`, and carries the
    true speed and gain of the page.
    """
    # Values are drawn even for a page without header, so that the seed gives the same footer.
    texts, boxes = _VENDOR_FORMS[spec.vendor](spec, _random_values(rng))
    top, bottom = spec.plot_mm[1], spec.plot_mm[3]
    printed = [
        text
        for text in texts
        if (text.y_mm > bottom and spec.print_scale) or (spec.header and text.y_mm + text.size_mm < top - 1)
    ]
    frames = [box for box in boxes if _is_printed_box(box, spec)]
    return printed, frames


def _is_printed_box(box: Box, spec: PageSpec) -> bool:
    if box.box_mm == spec.plot_mm:
        return True
    above = box.box_mm[3] < spec.plot_mm[1]
    return spec.header if above else spec.print_scale
