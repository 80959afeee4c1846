"""What was measured: numbers with their provenance, by record, by lead and by beat."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ecgimg.errors import BadRequest
from ecgimg.measurement.noise import LeadNoise
from ecgimg.measurement.rhythm.beat_classes import BeatClass
from ecgimg.plotting import EcgPlot, Mark, MarkKind
from ecgimg.plotting.notebook_html import bullets, card, paragraph, picture, table
from ecgimg.plotting.paper_page import NOTICE
from ecgimg.reasons import Reason
from ecgimg.record import EcgRecord

SCHEMA_VERSION = 1

_P_MARKS: tuple[MarkKind, ...] = ("p_onset", "p_peak", "p_end")
_QRS_MARKS: tuple[MarkKind, ...] = ("qrs_onset", "r_peak", "qrs_end")
_T_MARKS: tuple[MarkKind, ...] = ("t_onset", "t_peak", "t_end")

GLOBAL_NAMES = (
    "rate_bpm", "rate_min_bpm", "rate_max_bpm", "rr_ms", "rr_irregularity", "p_duration_ms", "pr_ms", "qrs_ms", "qt_ms",
    "qtc_bazett_ms", "qtc_fridericia_ms", "qtc_framingham_ms", "qtc_hodges_ms", "jt_ms", "p_axis_deg", "qrs_axis_deg",
    "t_axis_deg", "qt_dispersion_ms", "sokolow_lyon_mv", "cornell_mv", "limb_voltage_mv", "chest_voltage_mv", "sdnn_ms",
    "rmssd_ms",
)  # fmt: skip
"""The numbers of a whole record, in the order of the JSON."""

LEAD_NAMES = (
    "p_duration_ms", "pr_ms", "qrs_ms", "qt_ms", "p_mv", "q_mv", "r_mv", "s_mv", "r_prime_mv", "t_mv", "q_duration_ms",
    "qrs_area_mv_ms", "st_j_mv", "st_j40_mv", "st_j60_mv", "st_j80_mv", "st_slope_mv_s",
)  # fmt: skip
"""The numbers of a lead, in the order of the JSON."""

MEDIAN_NAMES = ("p_duration_ms", "pr_ms", "qrs_ms", "qt_ms")
"""The intervals of which the median over leads is given."""

MM_PER_MV = 10.0
"""Height of a millivolt on paper at the usual gain, in which ST levels are also given."""


@dataclass(frozen=True)
class Measured:
    """One number, or the reason why it is not given.

    Parameters
    ----------
    value : float or None
    spread : float or None
        Standard deviation over beats, estimated by their median absolute deviation; None for fewer than three.
    n : int
        Beats, or RR intervals, that it rests on.
    expected_error : float or None
        Mean error to be expected, in the unit of the value.
    leads : tuple of str
        Where it was measured.
    reason : Reason or None
        Why there is no value, or what limits it.
    """

    value: float | None = None
    spread: float | None = None
    n: int = 0
    expected_error: float | None = None
    leads: tuple[str, ...] = ()
    reason: Reason | None = None

    def summary(self, digits: int) -> dict[str, Any]:
        """Return the number as the JSON holds it."""
        return {
            "value": _rounded(self.value, digits),
            "spread": _rounded(self.spread, digits),
            "n": self.n,
            "expected_error": _rounded(self.expected_error, digits),
            "leads": list(self.leads),
            "reason": self.reason.summary() if self.reason else None,
        }


@dataclass(frozen=True, eq=False)
class LeadMeasurements:
    """What was measured in one lead, over its usual beats.

    Parameters
    ----------
    lead : str
    values : mapping of a name of `LEAD_NAMES` to its number
    p_shape, t_shape : str or None
        One of ``positive``, ``negative``, ``positive-negative`` and ``negative-positive``.
    noise : LeadNoise
    seen_s : float
        Seconds that are known.
    """

    lead: str
    values: Mapping[str, Measured] = field(repr=False)
    p_shape: str | None
    t_shape: str | None
    noise: LeadNoise
    seen_s: float

    def __getitem__(self, name: str) -> Measured:
        """Return a number; `KeyError` for an unknown name."""
        return self.values[name]

    def number(self, name: str) -> float:
        """Return the value of a number, NaN where it is not given."""
        value = self.values[name].value
        return math.nan if value is None else value

    def summary(self) -> dict[str, Any]:
        """Return the lead as the JSON holds it."""
        values = {name: self.values[name].summary(digits_of(name)) for name in LEAD_NAMES}
        for name in ("st_j", "st_j40", "st_j60", "st_j80"):
            mv = self.values[f"{name}_mv"].value
            values[f"{name}_mv"]["mm"] = None if mv is None else round(MM_PER_MV * mv, 2)
        return {
            "seen_s": round(self.seen_s, 2), **values, "p_shape": self.p_shape, "t_shape": self.t_shape,
            "noise": self.noise.summary(),
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class LeadBeat:
    """One beat in one lead: its waves in seconds of the record, None where the lead shows none.

    Parameters
    ----------
    p_s, qrs_s, t_s : (onset, peak, end) or None
    values : mapping of some names of `LEAD_NAMES` to a number
    """

    p_s: tuple[float, float, float] | None
    qrs_s: tuple[float, float, float] | None
    t_s: tuple[float, float, float] | None
    values: Mapping[str, float] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Beat:
    """One beat over all leads, in seconds of the record.

    Parameters
    ----------
    kind : BeatClass
    p_s, t_s : (onset, end) or None
    qrs_s : (onset, end)
        Its end is the J point.
    leads : mapping of lead to LeadBeat
    """

    kind: BeatClass
    p_s: tuple[float, float] | None
    qrs_s: tuple[float, float]
    t_s: tuple[float, float] | None
    leads: Mapping[str, LeadBeat] = field(repr=False)

    def summary(self) -> dict[str, Any]:
        """Return the beat as the JSON holds it."""
        return {
            "class": self.kind.value,
            "p_s": _times(self.p_s), "qrs_s": _times(self.qrs_s), "t_s": _times(self.t_s),
            "leads": {
                lead: {
                    "p_s": _times(beat.p_s), "qrs_s": _times(beat.qrs_s), "t_s": _times(beat.t_s),
                    **{name: round(value, digits_of(name)) for name, value in beat.values.items()},
                }
                for lead, beat in self.leads.items()
            },
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Measurements:
    """What was measured on a record or a page. Research use only, not a medical device.

    Parameters
    ----------
    reasons : tuple of Reason
        Why nothing is measured, or what limits all of it.
    values : mapping of a name of `GLOBAL_NAMES` to its number
    median_over_leads : mapping of a name of `MEDIAN_NAMES` to ms or None
        Per lead the median over beats, then the median over leads.
    leads : mapping of lead to LeadMeasurements
    beats : tuple of Beat
        In order of time.
    spikes_s : tuple of float
        Pacing spikes.
    lone_p_s : tuple of (onset, end)
        P waves that no beat follows.
    record : EcgRecord or None
        What was measured.
    """

    reasons: tuple[Reason, ...] = ()
    values: Mapping[str, Measured] = field(default_factory=dict)
    median_over_leads: Mapping[str, float | None] = field(default_factory=dict)
    leads: Mapping[str, LeadMeasurements] = field(default_factory=dict)
    beats: tuple[Beat, ...] = ()
    spikes_s: tuple[float, ...] = ()
    lone_p_s: tuple[tuple[float, float], ...] = ()
    record: EcgRecord | None = None

    def __getitem__(self, name: str) -> Measured:
        """Return a number of the whole record, or the reason why there is none; `KeyError` for an unknown name."""
        if not self.values and self.reasons and name in GLOBAL_NAMES:
            return Measured(reason=self.reasons[0])
        return self.values[name]

    def number(self, name: str, lead: str | None = None) -> float:
        """Return a number of the whole record, or of a lead: NaN, which no limit is exceeded by, where it is not given.

        Parameters
        ----------
        name : str
            Of `GLOBAL_NAMES`, or of `LEAD_NAMES` with a lead.
        lead : str, optional
            A lead that was not measured has no number.
        """
        if lead is not None:
            return self.leads[lead].number(name) if lead in self.leads else math.nan
        value = self[name].value
        return math.nan if value is None else value

    def __repr__(self) -> str:
        return f"Measurements({self._outline()})"

    def _outline(self) -> str:
        """Return rate, PR, QRS and QT in one line, or why nothing was measured."""
        if not self.values:
            return ", ".join(reason.code.value for reason in self.reasons)
        named = {
            "rate_bpm": "rate {:.0f} /min",
            "pr_ms": "PR {:.0f} ms",
            "qrs_ms": "QRS {:.0f} ms",
            "qt_ms": "QT {:.0f} ms",
        }
        known = [(text, self.values[name].value) for name, text in named.items()]
        return ", ".join(
            [f"{len(self.beats)} beats", *(text.format(value) for text, value in known if value is not None)]
        )

    def _repr_html_(self) -> str:
        rows = [(name, *_cells(name, value)) for name, value in self.values.items()]
        return card(
            repr(self),
            bullets([reason.text_without_quotes for reason in self.reasons]),
            table([("number", "value", "spread", "beats", "not given because"), *rows]) if rows else "",
            picture(self.plot()) if self.record is not None and self.beats else "",
            paragraph(f"{NOTICE}."),
        )

    def marks(self) -> tuple[Mark, ...]:
        """Return where every wave of every lead begins, peaks and ends, to be drawn."""
        marks = []
        for beat in self.beats:
            for lead, waves in beat.leads.items():
                for kinds, times_s in ((_P_MARKS, waves.p_s), (_QRS_MARKS, waves.qrs_s), (_T_MARKS, waves.t_s)):
                    marks += [Mark(lead, time_s, kind) for kind, time_s in zip(kinds, times_s or (), strict=False)]
        spiked = self.record.leads if self.record is not None else ()
        marks += [Mark(lead, time_s, "pacing_spike") for time_s in self.spikes_s for lead in spiked]
        return tuple(marks)

    def plot(self, *, start_s: float = 0.0, seconds: float | None = None) -> EcgPlot:
        """Draw the leads on ECG paper with their waves marked; see `EcgRecord.plot`.

        Parameters
        ----------
        start_s, seconds : float
            The part to draw; by default the first ten seconds at most.

        Raises
        ------
        BadRequest
            Where no record was measured, or the seconds lie outside it.
        """
        if self.record is None:
            raise BadRequest("nothing was measured, so that there is nothing to draw")
        return self.record.plot(self.marks(), start_s=start_s, seconds=seconds)

    def summary(self, *, per_beat: bool = False) -> dict[str, Any]:
        """Return the content of ``STEM.measurements.json``, with every beat where `per_beat`."""
        from ecgimg._version import __version__

        content = {
            "schema": "ecgimg-measurements",
            "schema_version": SCHEMA_VERSION,
            "version": __version__,
            "notice": "research use only, not a medical device",
            "reasons": [reason.summary() for reason in self.reasons],
            "global": {
                name: self.values[name].summary(digits_of(name)) for name in GLOBAL_NAMES if name in self.values
            },
            "median_over_leads": {name: _rounded(value, 1) for name, value in self.median_over_leads.items()},
            "leads": {name: lead.summary() for name, lead in self.leads.items()},
            "beat_classes": _counts(self.beats),
            "pacing_spikes_s": [round(time_s, 3) for time_s in self.spikes_s],
            "lone_p_s": [_times(span) for span in self.lone_p_s],
        }
        return content | ({"beats": [beat.summary() for beat in self.beats]} if per_beat else {})


def _cells(name: str, number: Measured) -> tuple[str, str, str, str]:
    """Return value, spread, beats and reason of a number as text."""
    value, spread = ("" if cell is None else f"{cell:.{digits_of(name)}f}" for cell in (number.value, number.spread))
    return value, spread, str(number.n), number.reason.text if number.reason else ""


def _counts(beats: tuple[Beat, ...]) -> dict[str, int]:
    kinds = [beat.kind for beat in beats]
    return {kind.value: kinds.count(kind) for kind in BeatClass if kind in kinds}


def digits_of(name: str) -> int:
    """Return the decimals that a number is written with, by its unit."""
    return 3 if name.endswith(("_mv", "_mv_s", "irregularity")) else 1


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _times(times_s: tuple[float, ...] | None) -> list[float] | None:
    return None if times_s is None else [round(time_s, 4) for time_s in times_s]
