"""Rate, irregularity, premature and paced beats, and P waves that lead to no beat."""

from __future__ import annotations

from collections.abc import Iterator

from ecgimg.measurement import Measurements
from ecgimg.measurement.rhythm.beat_classes import BeatClass
from ecgimg.reasons import ReasonCode
from ecgimg.reporting.rules.conduction import WIDE_QRS_MS, is_wide
from ecgimg.reporting.rules.limits import grade_above, grade_below, statement_of
from ecgimg.reporting.statement import Basis, Grade, Patient, Statement, StatementCode

VERY_FAST_BPM, FAST_BPM, SLOW_BPM, VERY_SLOW_BPM = 150.0, 100.0, 50.0, 40.0
WIDE_TACHYCARDIA_BPM = 120.0
ESCAPE_BPM = 60.0
LONGEST_PAUSE_S = 3.0
IRREGULARITY_PERCENT = 8.0  # change of successive RR over their mean
_SURE_IRREGULARITY_PERCENT, _REGULAR_PERCENT = 12.0, 6.0
_USUAL_SHARE = 0.7  # of the beats that are of the dominant shape
_LEAST_PACED, _LEAST_BLOCKED = 3, 2
_LEAST_RR = 2  # of a rate that is critical


def rhythm_statements(measured: Measurements, _: Patient) -> Iterator[Statement]:
    """Yield what is said of rate and rhythm."""
    yield from _rate(measured)
    yield from _conducted(measured)
    kinds: list[BeatClass] = [beat.kind for beat in measured.beats if beat.kind is not BeatClass.ARTEFACT]
    irregularity = 100 * measured.number("rr_irregularity")
    is_usual = kinds.count(BeatClass.DOMINANT) >= _USUAL_SHARE * len(kinds)
    is_fibrillation = _code(measured, "p_duration_ms") is ReasonCode.NO_P_WAVE and irregularity > IRREGULARITY_PERCENT
    if is_fibrillation and is_usual:
        grade = Grade.LIKELY if irregularity > _SURE_IRREGULARITY_PERCENT else Grade.POSSIBLE
        basis = (Basis("change from RR to RR", irregularity, IRREGULARITY_PERCENT, "%"),)
        yield Statement(StatementCode.IRREGULAR_WITHOUT_P, grade, basis)
    if (count := kinds.count(BeatClass.PACED)) >= _LEAST_PACED:
        basis = (Basis("paced", count, None, f"of {len(kinds)} beats"),)
        yield Statement(StatementCode.PACED_RHYTHM, Grade.LIKELY, basis)
    for kind, code in (
        (BeatClass.PREMATURE_WIDE, StatementCode.PREMATURE_VENTRICULAR),
        (BeatClass.PREMATURE_NARROW, StatementCode.PREMATURE_NARROW),
    ):
        # in fibrillation any narrow beat may come early
        if (count := kinds.count(kind)) and not (is_fibrillation and kind is BeatClass.PREMATURE_NARROW):
            # of records with two narrow ones, readers state premature beats in a fifth: sinus arrhythmia looks alike
            is_sure = count > 1 and kind is BeatClass.PREMATURE_WIDE
            grade = Grade.LIKELY if is_sure else Grade.POSSIBLE
            yield Statement(code, grade, (Basis("premature", count, None, f"of {len(kinds)} beats"),))


def _conducted(measured: Measurements) -> Iterator[Statement]:
    """Yield P waves that lead to no beat, and pauses."""
    rate, irregularity = measured.values["rate_bpm"], 100 * measured.number("rr_irregularity")
    lone = len(measured.lone_p_s)
    codes = {_code(measured, name) for name in ("p_duration_ms", "pr_ms")}
    is_slow = rate.value is not None and rate.value < ESCAPE_BPM
    if ReasonCode.P_NOT_CONDUCTED in codes and lone and is_slow and irregularity < _REGULAR_PERCENT:
        basis = (Basis("rate", rate.value or 0.0, ESCAPE_BPM, "bpm"), Basis("P", lone, None, "P waves without a beat"))
        yield Statement(StatementCode.COMPLETE_AV_BLOCK, Grade.CRITICAL, basis)
    elif lone >= _LEAST_BLOCKED and measured.values["p_duration_ms"].value is not None:
        yield Statement(StatementCode.BLOCKED_P, Grade.POSSIBLE, (Basis("P", lone, None, "P waves"),))
    slowest = measured.values["rate_min_bpm"].value
    if slowest is not None and slowest <= 60 / LONGEST_PAUSE_S:
        yield Statement(StatementCode.PAUSE, Grade.LIKELY, (Basis("RR", 60 / slowest, LONGEST_PAUSE_S, "s"),))


def _code(measured: Measurements, name: str) -> ReasonCode | None:
    reason = measured.values[name].reason
    return reason.code if reason is not None else None


def _rate(measured: Measurements) -> Iterator[Statement]:
    rate = measured.values["rate_bpm"]
    if rate.value is None or rate.n < _LEAST_RR:
        return
    if is_wide(measured) and rate.value > WIDE_TACHYCARDIA_BPM and measured.values["p_duration_ms"].value is None:
        qrs_ms = measured.values["qrs_ms"].value or 0.0
        basis = (Basis("rate", rate.value, WIDE_TACHYCARDIA_BPM, "bpm"), Basis("QRS", qrs_ms, WIDE_QRS_MS, "ms"))
        yield Statement(StatementCode.WIDE_TACHYCARDIA, Grade.CRITICAL, basis)
    elif rate.value > VERY_FAST_BPM:
        yield statement_of(StatementCode.VERY_FAST, Grade.CRITICAL, "rate", rate, VERY_FAST_BPM, "bpm")
    elif grade := grade_above(rate, FAST_BPM, "bpm"):
        yield statement_of(StatementCode.FAST, grade, "rate", rate, FAST_BPM, "bpm")
    elif rate.value < VERY_SLOW_BPM:
        yield statement_of(StatementCode.VERY_SLOW, Grade.CRITICAL, "rate", rate, VERY_SLOW_BPM, "bpm")
    elif grade := grade_below(rate, SLOW_BPM, "bpm"):
        yield statement_of(StatementCode.SLOW, grade, "rate", rate, SLOW_BPM, "bpm")
