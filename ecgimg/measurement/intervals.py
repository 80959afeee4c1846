"""P duration, PR, QRS, QT and what follows from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ecgimg.measurement.delineation.global_waves import GlobalWaves
from ecgimg.measurement.delineation.model import QRS, BeatWaves, Floats, Mask, P, T
from ecgimg.measurement.results import Measured
from ecgimg.measurement.summarize import missing, spread, summarize
from ecgimg.reasons import Reason, ReasonCode

_PR_SPREAD_MS = 40.0  # of PR over beats from which P waves are taken as not conducted
# Mean error of a record's interval over that expected of its single beats, in LUDB, cross-validated: errors average out
# in part.
_ERROR_SHARES = {"p_duration_ms": 0.68, "pr_ms": 0.49, "qrs_ms": 0.79, "qt_ms": 0.68}
# P waves without a beat, over beats, from which on a record without P before its beats has P waves of its own: all of 4
# simulated ventricular escape rhythms, none of 16 in fibrillation, SVT, pacing and sinus rhythm.
_LONE_P_SHARE = 0.4
_T_SHARE = 0.4  # of the beats that must have a T wave
_OVERLAP_S = 0.004  # by which T may run into the next P: the ends of both are still seen

QTC_FORMULAS: dict[str, Callable[[float, float], float]] = {
    "qtc_bazett_ms": lambda qt, rr: qt / np.sqrt(rr),
    "qtc_fridericia_ms": lambda qt, rr: qt / np.cbrt(rr),
    "qtc_framingham_ms": lambda qt, rr: qt + 154 * (1 - rr),
    "qtc_hodges_ms": lambda qt, rr: qt + 1.75 * (60 / rr - 60),
}
"""QT (ms) corrected for RR (s): Bazett 1920, Fridericia 1920, Sagie et al. 1992 (Framingham), Hodges et al. 1983."""


@dataclass(frozen=True, eq=False)
class Intervals:
    """Intervals of every beat in ms, and of each in which leads; NaN where a wave is not there.

    Parameters
    ----------
    values : mapping of ``p_duration_ms``, ``pr_ms``, ``qrs_ms`` and ``qt_ms`` to an array
        (beats,) over leads, or (beats, leads) of single leads.
    errors : the same
        Error to be expected of each.
    """

    values: dict[str, Floats]
    errors: dict[str, Floats]


def beat_intervals(waves: GlobalWaves | BeatWaves) -> Intervals:
    """Return the intervals of every beat, over leads or in every lead."""
    on, end, on_error, end_error = waves.onset_s, waves.end_s, waves.onset_error_s, waves.end_error_s
    p, qrs, t = P - 1, QRS - 1, T - 1
    values = {
        "p_duration_ms": 1000 * (end[p] - on[p]),
        "pr_ms": 1000 * (on[qrs] - on[p]),
        "qrs_ms": 1000 * (end[qrs] - on[qrs]),
        "qt_ms": 1000 * (end[t] - on[qrs]),
    }
    errors = {
        "p_duration_ms": 1000 * np.hypot(end_error[p], on_error[p]),
        "pr_ms": 1000 * np.hypot(on_error[qrs], on_error[p]),
        "qrs_ms": 1000 * np.hypot(end_error[qrs], on_error[qrs]),
        "qt_ms": 1000 * np.hypot(end_error[t], on_error[qrs]),
    }
    return Intervals(values, errors)


def why_no_interval(
    over_leads: GlobalWaves, usual: Mask, has_p_waves: bool, lone_p_waves: int
) -> dict[str, Reason | None]:
    """Return for each interval the reason why it cannot be given, None where it can.

    Parameters
    ----------
    usual : (beats,) bool
        The beats that stand for the record.
    has_p_waves : bool
        Whether the record shows P waves before its beats, see `delineation.beats.shows_p`.
    lone_p_waves : int
        How many P waves no beat follows.
    """
    has_p, has_t = (np.isfinite(over_leads.onset_s[kind - 1]) & usual for kind in (P, T))
    count = max(int((usual & np.isfinite(over_leads.onset_s[QRS - 1])).sum()), 1)
    is_dissociated = lone_p_waves >= max(_LONE_P_SHARE * len(usual), 2)
    code = ReasonCode.P_NOT_CONDUCTED if is_dissociated else ReasonCode.NO_P_WAVE
    no_p = None if has_p_waves else code.reason()
    pr = no_p
    pr_ms = 1000 * (over_leads.onset_s[QRS - 1] - over_leads.onset_s[P - 1])[has_p]
    if no_p is None and (spread(pr_ms) or 0.0) > _PR_SPREAD_MS:
        pr = ReasonCode.P_NOT_CONDUCTED.reason()
    qt = ReasonCode.NO_T_WAVE.reason() if has_t.sum() < _T_SHARE * count else None
    next_p_s = np.append(over_leads.onset_s[P - 1][1:], np.nan)
    overlaps = over_leads.end_s[T - 1] - next_p_s > _OVERLAP_S
    if qt is None and overlaps.sum() > 0.5 * count:
        qt = ReasonCode.T_RUNS_INTO_P.reason()
    return {"p_duration_ms": no_p, "pr_ms": pr, "qrs_ms": None, "qt_ms": qt}


def measure_intervals(
    over_leads: GlobalWaves,
    usual_beat: tuple[Floats, Floats],
    usual: Mask,
    reasons: dict[str, Reason | None],
    leads: tuple[str, ...],
    rr: Measured,
) -> dict[str, Measured]:
    """Return the intervals of a record over all its leads, QTc by four formulas, and JT.

    Values are those of the usual beat; how many beats they rest on, spread and expected error are of single beats.

    Parameters
    ----------
    usual_beat : onset and end (3,)
        See `delineation.usual_beat`.
    """
    intervals = beat_intervals(over_leads)
    errors = {name: share * intervals.errors[name] for name, share in _ERROR_SHARES.items()}
    values = {name: np.where(usual, array, np.nan) for name, array in intervals.values.items()}
    errors["jt_ms"], values["jt_ms"] = np.hypot(errors["qt_ms"], errors["qrs_ms"]), values["qt_ms"] - values["qrs_ms"]
    reasons = reasons | {"jt_ms": reasons["qt_ms"]}
    of_usual = intervals_of_usual_beat(*usual_beat)
    measured = {}
    for name in values:
        number = summarize(values[name], leads, errors[name], reason=reasons[name])
        is_given = number.value is not None and np.isfinite(of_usual[name])
        measured[name] = replace(number, value=of_usual[name]) if is_given else number
    return measured | corrected_qt(measured["qt_ms"], rr)


def intervals_of_usual_beat(onset_s: Floats, end_s: Floats) -> dict[str, float]:
    """Return the intervals of the usual beat, ms."""
    p, qrs, t = P - 1, QRS - 1, T - 1
    return {
        "p_duration_ms": float(1000 * (end_s[p] - onset_s[p])),
        "pr_ms": float(1000 * (onset_s[qrs] - onset_s[p])),
        "qrs_ms": float(1000 * (end_s[qrs] - onset_s[qrs])),
        "qt_ms": float(1000 * (end_s[t] - onset_s[qrs])),
        "jt_ms": float(1000 * (end_s[t] - end_s[qrs])),
    }


def corrected_qt(qt: Measured, rr: Measured) -> dict[str, Measured]:
    """Return QT corrected for the mean RR interval."""
    reason = qt.reason or rr.reason
    if reason is not None or qt.value is None or rr.value is None:
        return {name: missing(reason, qt.n, qt.leads) for name in QTC_FORMULAS if reason is not None}
    rr_s = rr.value / 1000
    measured = {}
    for name, formula in QTC_FORMULAS.items():
        # a formula is nearly linear over an error, so that the errors of QT carry over by its slope
        slope = float(formula(qt.value + 1, rr_s) - formula(qt.value, rr_s))
        errors = (None if error is None else slope * error for error in (qt.spread, qt.expected_error))
        measured[name] = Measured(float(formula(qt.value, rr_s)), next(errors), qt.n, next(errors), qt.leads)
    return measured


def qt_dispersion(leads: dict[str, Measured]) -> Measured:
    """Return the largest less the smallest QT of the leads, which needs eight of them.

    Parameters
    ----------
    leads : mapping of lead to its QT
    """
    known = {lead: qt for lead, qt in leads.items() if qt.value is not None}
    if len(known) < 8:
        return missing(ReasonCode.LEADS_NEEDED.reason(leads="the QT of eight leads"), leads=tuple(known))
    values = [qt.value for qt in known.values() if qt.value is not None]
    errors = [qt.expected_error or 0.0 for qt in known.values()]
    return Measured(
        max(values) - min(values), None, min(qt.n for qt in known.values()), float(np.sqrt(2) * np.median(errors)),
        tuple(known),
    )  # fmt: skip
