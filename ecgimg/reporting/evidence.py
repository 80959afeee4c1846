"""Where on a record each finding shows: the waves that were measured, or the patches that the classifier rests on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Literal

import numpy as np

from ecgimg.classification.findings import Evidence, Findings
from ecgimg.classification.labelled_records import network_rate_leads
from ecgimg.classification.occlusion import occlude_patches
from ecgimg.classification.predict import split_windows
from ecgimg.classification.tokens import FS_HZ, PATCH
from ecgimg.classification.trained_classifier import Classifier
from ecgimg.leads import STANDARD_LEADS
from ecgimg.measurement import Measurements
from ecgimg.measurement.axes import LIMB_LEADS
from ecgimg.measurement.results import Beat, LeadBeat
from ecgimg.measurement.rhythm.beat_classes import BeatClass
from ecgimg.reporting.conclusion import USUAL_LABELS, Conclusion
from ecgimg.reporting.statement import Grade, Statement, StatementCode

MOST_EXPLAINED = 8
"""Findings of which evidence is sought at most, the gravest first."""

_Wave = Literal["pr", "qrs", "st", "t", "qt"]
_ST_S = 0.08  # after J, over which ST levels are measured

_WAVES: dict[StatementCode, _Wave] = {
    StatementCode.ST_ELEVATION: "st", StatementCode.ST_ELEVATION_WIDE_QRS: "st", StatementCode.ST_DEPRESSION: "st",
    StatementCode.ST_DEPRESSION_POSTERIOR: "st", StatementCode.ST_DEPRESSION_WIDESPREAD: "st",
    StatementCode.PATHOLOGICAL_Q: "qrs", StatementCode.INVERTED_T: "t",
    StatementCode.WIDE_TACHYCARDIA: "qrs", StatementCode.IRREGULAR_WITHOUT_P: "qrs", StatementCode.LONG_PR: "pr",
    StatementCode.SHORT_PR: "pr", StatementCode.RIGHT_BUNDLE_BRANCH_BLOCK: "qrs",
    StatementCode.LEFT_BUNDLE_BRANCH_BLOCK: "qrs", StatementCode.WIDE_QRS: "qrs", StatementCode.LONG_QTC: "qt",
    StatementCode.SHORT_QTC: "qt", StatementCode.LEFT_AXIS: "qrs", StatementCode.EXTREME_AXIS: "qrs",
    StatementCode.RIGHT_AXIS: "qrs", StatementCode.HIGH_VOLTAGE: "qrs", StatementCode.LOW_VOLTAGE: "qrs",
}  # fmt: skip
_KINDS = {
    StatementCode.PREMATURE_VENTRICULAR: BeatClass.PREMATURE_WIDE,
    StatementCode.PREMATURE_NARROW: BeatClass.PREMATURE_NARROW,
    StatementCode.PACED_RHYTHM: BeatClass.PACED,
}
_VOLTAGE_LEADS = {"Sokolow-Lyon": ("V1", "V5", "V6"), "Cornell": ("aVL", "V3")}
_LONE_P = (StatementCode.COMPLETE_AV_BLOCK, StatementCode.BLOCKED_P)
_LIMB = (StatementCode.LEFT_AXIS, StatementCode.EXTREME_AXIS, StatementCode.RIGHT_AXIS)


def find_evidence(
    conclusion: Conclusion, findings: Findings, measured: Measurements, classifier: Classifier
) -> dict[str, tuple[Evidence, ...]]:
    """Return what the critical and likely findings rest on, by `Judgement.key`.

    A measured finding rests on its waves, another on the patches without which its logit falls most. A rate rests on
    nothing that could be drawn.
    """
    sure = [
        item for item in conclusion.judgements if item.grade is not Grade.POSSIBLE and item.code not in USUAL_LABELS
    ]
    evidence = {item.key: tuple(_measured(item.statement, measured)) for item in sure if item.statement is not None}
    by_label = {item.finding.label: item.key for item in sure if item.finding and not evidence.get(item.key)}
    patches = _patches(findings, list(by_label)[:MOST_EXPLAINED], classifier)
    evidence |= {by_label[label]: items for label, items in patches.items()}
    return {item.key: evidence[item.key] for item in sure if evidence.get(item.key)}


def _measured(statement: Statement, measured: Measurements) -> Iterator[Evidence]:
    """Yield the waves that a statement was measured on, in the order of time."""
    code = statement.code
    leads = statement.leads or (LIMB_LEADS if code in _LIMB else tuple(measured.leads))
    if code is StatementCode.HIGH_VOLTAGE:
        leads = tuple(dict.fromkeys(lead for basis in statement.basis for lead in _VOLTAGE_LEADS[basis.name]))
    if code in _WAVES:
        usual = [beat for beat in measured.beats if beat.kind in (BeatClass.DOMINANT, BeatClass.PACED)]
        yield from _of_beats(usual, leads, _WAVES[code])
    elif code in _KINDS:
        yield from _of_beats([beat for beat in measured.beats if beat.kind is _KINDS[code]], leads, "qt")
    elif code in _LONE_P:
        yield from (Evidence(lead, *span, None) for span in measured.lone_p_s for lead in leads)
    elif code is StatementCode.PAUSE:
        onsets = [beat.qrs_s[0] for beat in measured.beats]
        longest = max(pairwise(onsets), key=lambda pair: pair[1] - pair[0], default=None)
        yield from (Evidence(lead, *longest, None) for lead in leads if longest is not None)


def _of_beats(beats: Iterable[Beat], leads: Iterable[str], wave: _Wave) -> Iterator[Evidence]:
    for beat in beats:
        for lead in leads:
            span = _span(beat.leads[lead], wave) if lead in beat.leads else None
            if span is not None:
                yield Evidence(lead, *span, None)


def _span(beat: LeadBeat, wave: _Wave) -> tuple[float, float] | None:
    """Return onset and end of a wave of a beat in one lead; None where the lead does not show it."""
    if wave == "t":
        return (beat.t_s[0], beat.t_s[2]) if beat.t_s else None
    if beat.qrs_s is None:
        return None
    onset_s, _, end_s = beat.qrs_s
    if wave == "pr":
        return (beat.p_s[0], onset_s) if beat.p_s else None
    if wave == "qt":
        return onset_s, beat.t_s[2] if beat.t_s else end_s
    return (end_s, end_s + _ST_S) if wave == "st" else (onset_s, end_s)


def _patches(findings: Findings, labels: Sequence[str], classifier: Classifier) -> dict[str, tuple[Evidence, ...]]:
    """Return the patches that labels rest on, most important first.

    Of a record longer than ten seconds, the first window with a value is explained.
    """
    if not labels or findings.record is None:
        return {}
    first, signals = split_windows(network_rate_leads(findings.record))[0]
    patches = occlude_patches(classifier, signals, labels, findings.measurements)
    starts_s = first / FS_HZ + patches.start_s
    evidence = {}
    for label, weights in patches.weights.items():
        evidence[label] = tuple(
            Evidence(
                lead=STANDARD_LEADS[int(patches.lead[k])],
                start_s=float(starts_s[k]),
                end_s=float(starts_s[k]) + PATCH / FS_HZ,
                weight=float(weights[k]),
            )
            for k in np.argsort(-weights)
        )
    return evidence
