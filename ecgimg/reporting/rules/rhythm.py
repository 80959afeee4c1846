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
IRREGULARITY = 0.08  # of successive RR over their mean
_SURE_IRREGULARITY = 0.12


def rhythm_statements(measured: Measurements, _: Patient) -> Iterator[Statement]:
    """Yield what is said of rate and rhythm."""
    kinds: list[BeatClass] = [beat.kind for beat in measured.beats if beat.kind is not BeatClass.ARTEFACT]
    yield from _rate(measured)
    p_reason = measured.values["p_duration_ms"].reason
    code = p_reason.code if p_reason else None
    rate = measured.values["rate_bpm"]
    if code is ReasonCode.P_NOT_CONDUCTED and rate.value is not None and rate.value < ESCAPE_BPM:
        basis = (Basis("rate", rate.value, ESCAPE_BPM, "bpm"),)
        yield Statement(StatementCode.COMPLETE_AV_BLOCK, Grade.CRITICAL, basis)
    irregularity = measured.values["rr_irregularity"].value
    paced = kinds.count(BeatClass.PACED)
    is_usual = kinds.count(BeatClass.DOMINANT) >= 0.7 * len(kinds)
    if code is ReasonCode.NO_P_WAVE and irregularity is not None and irregularity > IRREGULARITY and is_usual:
        grade = Grade.LIKELY if irregularity > _SURE_IRREGULARITY else Grade.POSSIBLE
        yield Statement(
            StatementCode.IRREGULAR_WITHOUT_P, grade, (Basis("change from RR to RR", irregularity, IRREGULARITY, ""),)
        )
    if paced >= 3:
        basis = (Basis("paced beats", paced, 3, ""),)
        yield Statement(StatementCode.PACED_RHYTHM, Grade.LIKELY, basis)
    for kind, said in (
        (BeatClass.PREMATURE_WIDE, StatementCode.PREMATURE_VENTRICULAR),
        (BeatClass.PREMATURE_NARROW, StatementCode.PREMATURE_NARROW),
    ):
        if count := kinds.count(kind):
            grade = Grade.LIKELY if count > 1 else Grade.POSSIBLE
            yield Statement(said, grade, (Basis(f"beats of {len(kinds)}", count, 1, ""),))


def _rate(measured: Measurements) -> Iterator[Statement]:
    rate = measured.values["rate_bpm"]
    if rate.value is None:
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
