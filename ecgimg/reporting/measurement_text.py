"""The measurements of a page in words, as rows of a table that a screen and a sheet of paper show alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ecgimg.digitization import Digitization
from ecgimg.measurement import Measured, Measurements
from ecgimg.measurement.noise.lead_noise import WORDS, LeadNoise
from ecgimg.measurement.page_numbers import st_levels, why_nothing
from ecgimg.measurement.rhythm.beat_classes import BeatClass
from ecgimg.reasons import texts
from ecgimg.reporting.verdict_text import as_sentence

NOT_GIVEN = "not given"
RHYTHM, INTERVALS, AXES, VOLTAGES = "Rhythm", "Intervals", "Axes", "Voltages"
ST, NOISE = "ST level, 60 ms after the J point", "Noise"
SHOWN_ST_MV = 0.1
"""From which an ST level is shown: a millimetre on paper, the least that criteria of ST elevation ask for."""

_OTHER_LEADS = "Other leads"
_NBSP = "\N{NO-BREAK SPACE}"
_LEAST_SPIKES, _SPIKES_A_BEAT = 2, 0.3
_INTERVALS = {
    "p_duration_ms": "P duration",
    "pr_ms": "PR interval",
    "qrs_ms": "QRS duration",
    "qt_ms": "QT interval",
    "qtc_fridericia_ms": "QTc (Fridericia)",
    "qtc_bazett_ms": "QTc (Bazett)",
}
_AXES = {"p_axis_deg": "P axis", "qrs_axis_deg": "QRS axis", "t_axis_deg": "T axis"}
_VOLTAGES = {
    "sokolow_lyon_mv": ("Sokolow-Lyon", "S V1 + R V5 or V6"),
    "cornell_mv": ("Cornell", "R aVL + S V3"),
    "limb_voltage_mv": ("Largest limb QRS", f"low below 0.5{_NBSP}mV"),
    "chest_voltage_mv": ("Largest chest QRS", f"low below 1{_NBSP}mV"),
}
TITLES = {"rate_bpm": "Heart rate", **_INTERVALS, **_AXES, **{name: title for name, (title, _) in _VOLTAGES.items()}}
"""The main numbers in words."""

_NOISE_KINDS = {"wander": "baseline wander", "muscle": "muscle noise", "mains": "mains hum"}
_NOISE_STATES = {"flat": "flat line", "clipped": "clipped", "disconnected": "disconnected"}


@dataclass(frozen=True)
class NumberRow:
    """One row of the table of measurements.

    Parameters
    ----------
    name : str
    value : str
        With its unit; `NOT_GIVEN` where there is none.
    detail : str
        Spread, beats and expected error, or the reason why there is no value.
    """

    name: str
    value: str
    detail: str = ""


def number_groups(measurements: Measurements) -> dict[str, tuple[NumberRow, ...]]:
    """Return the rows of the table by the title of their group; empty where nothing was measured."""
    if not measurements.values:
        return {}
    values = measurements.values
    groups = {
        RHYTHM: _rhythm(measurements),
        INTERVALS: _joined(INTERVALS, (_interval(title, values.get(name)) for name, title in _INTERVALS.items())),
        AXES: _joined(AXES, (_axis(title, values.get(name)) for name, title in _AXES.items())),
        VOLTAGES: _joined(VOLTAGES, (_voltage(*words, values.get(name)) for name, words in _VOLTAGES.items())),
        ST: _joined("Leads", _st_rows(st_levels(measurements))),
        NOISE: _joined("Leads", (_noise_row(lead, measured.noise) for lead, measured in measurements.leads.items())),
    }
    return {title: rows for title, rows in groups.items() if rows}


def nothing_text(measurements: Measurements, page: Digitization) -> str:
    """Return why nothing was measured, in sentences; empty where anything was."""
    if measurements.values:
        return ""
    return as_sentence(texts(why_nothing(measurements, page))) or "Nothing was measured."


def _rhythm(measurements: Measurements) -> tuple[NumberRow, ...]:
    rate, low, high = (measurements.values.get(f"rate_{name}") for name in ("bpm", "min_bpm", "max_bpm"))
    rows = []
    if rate is not None:
        detail = _counted(rate.n, "RR interval")
        if low is not None and high is not None and low.value is not None and high.value is not None:
            detail = f"{low.value:.0f} to {high.value:.0f}, {detail}"
        rows.append(_row("Heart rate", rate, "{:.0f}", f"{_NBSP}bpm", detail))
    kinds = [beat.kind for beat in measurements.beats]
    counts = [f"{kinds.count(kind)} {kind.value.replace('_', ' ')}" for kind in BeatClass if kind in kinds]
    rows.append(NumberRow("Beats", str(len(kinds) - kinds.count(BeatClass.ARTEFACT)), ", ".join(counts)))
    spikes = len(measurements.spikes_s)
    # a few spikes among many beats are more often ends of traces
    if spikes >= max(_LEAST_SPIKES, _SPIKES_A_BEAT * len(kinds)) or BeatClass.PACED in kinds:
        rows.append(NumberRow("Pacing spikes", str(spikes)))
    return tuple(rows)


def _interval(title: str, number: Measured | None) -> NumberRow | None:
    if number is None:
        return None
    detail = _spread(number)
    if number.expected_error is not None:
        detail += f"; error {_small(number.expected_error)}{_NBSP}ms"
    return _row(title, number, "{:.0f}", f"{_NBSP}ms", detail)


def _axis(title: str, number: Measured | None) -> NumberRow | None:
    return None if number is None else _row(title, number, "{:.0f}", "°", _spread(number, "°"))


def _voltage(title: str, detail: str, number: Measured | None) -> NumberRow | None:
    return None if number is None else _row(title, number, "{:.2f}", f"{_NBSP}mV", detail)


def _st_rows(levels: dict[str, Measured]) -> Iterator[NumberRow]:
    """Yield a row for each lead whose ST level is shown, one for the other leads, and why some have none."""
    given = {lead: level.value for lead, level in levels.items() if level.value is not None}
    shown = [lead for lead, value in given.items() if abs(value) >= SHOWN_ST_MV]
    for lead in shown:
        level = levels[lead]
        spread = "" if level.spread is None else f"±{_NBSP}{level.spread:.2f}, "
        yield _row(lead, level, "{:+.2f}", f"{_NBSP}mV", spread + _counted(level.n, "beat"))
    others = len(given) - len(shown)
    if others:
        yield NumberRow(_OTHER_LEADS if shown else "Leads", f"below {SHOWN_ST_MV:g}{_NBSP}mV", _counted(others, "lead"))
    for lead, level in levels.items():
        if level.value is None:
            yield _row(lead, level, "", "", "")


def _noise_row(lead: str, noise: LeadNoise) -> NumberRow | None:
    """Return the row of a lead that is noisy or shows no heart, None for any other lead."""
    if noise.word not in ("noisy", "unusable"):
        return None
    kinds = [_NOISE_KINDS[kind] for kind, word in noise.words.items() if word == noise.word and kind in _NOISE_KINDS]
    return NumberRow(lead, noise.word, _NOISE_STATES.get(noise.state) or ", ".join(kinds))


def _row(title: str, number: Measured, form: str, unit: str, detail: str) -> NumberRow:
    """Return the row of a number, or of the reason why it is not given."""
    reason = number.reason.text if number.reason else ""
    if number.value is None:
        return NumberRow(title, NOT_GIVEN, reason)
    # what rounds to zero has no sign
    value = form.format(number.value).replace("-", "\N{MINUS SIGN}")
    value = value.lstrip("+\N{MINUS SIGN}") if not value.strip("+\N{MINUS SIGN}0.") else value
    return NumberRow(title, value + unit, ". ".join(part for part in (detail, reason) if part))


def _spread(number: Measured, unit: str = "") -> str:
    beats = _counted(number.n, "beat")
    return beats if number.spread is None else f"±{_NBSP}{_small(number.spread)}{unit}, {beats}"


def _small(value: float) -> str:
    """Return a spread or an error, with a decimal where it is below one."""
    return f"{value:.0f}" if value >= 0.95 else f"{value:.1f}"


def _counted(count: int, thing: str) -> str:
    return f"{count}{_NBSP}{thing}{'' if count == 1 else 's'}"


def _joined(all_of_them: str, rows: Iterable[NumberRow | None]) -> tuple[NumberRow, ...]:
    """Return the rows that are there; neighbours without a number that say the same become one with all their names.

    Parameters
    ----------
    all_of_them : str
        The name where all rows become one.
    """
    joined: list[NumberRow] = []
    known = [row for row in rows if row is not None]
    for row in known:
        is_number = row.value not in (NOT_GIVEN, *WORDS)
        if joined and not is_number and (joined[-1].value, joined[-1].detail) == (row.value, row.detail):
            joined[-1] = replace(row, name=f"{joined[-1].name}, {row.name}")
        else:
            joined.append(row)
    return (replace(joined[0], name=f"All {all_of_them.lower()}"),) if len(joined) == 1 < len(known) else tuple(joined)


def in_one_line(rows: Sequence[NumberRow]) -> str:
    """Return the rows that have a value as one line without their details; where none has, why."""
    given = [f"{row.name}{_NBSP}{row.value}" for row in rows if row.value != NOT_GIVEN]
    line = ", ".join(given).replace(f", {_OTHER_LEADS}", f", {_OTHER_LEADS.lower()}")
    return line or " ".join(row.detail for row in rows)
