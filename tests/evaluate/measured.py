"""Measurements made of marks, so that a score of them is known without the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ecgimg import EcgRecord
from ecgimg.formats.wave_annotations import AnnotatedWave
from ecgimg.measurement import Beat, LeadBeat, Measured, Measurements
from ecgimg.measurement.results import MEDIAN_NAMES
from ecgimg.measurement.rhythm.beat_classes import BeatClass
from ecgimg.reasons import ReasonCode

Times = tuple[float, float, float]


def measured_as(
    record: EcgRecord, waves: Sequence[AnnotatedWave], values: Mapping[str, float | None] | None = None
) -> Measurements:
    """Return measurements whose waves are these and whose numbers are given; None has a reason."""
    whole = [wave for wave in waves if wave.onset_s is not None and wave.end_s is not None]
    first = next((wave.lead for wave in whole if wave.kind == "QRS"), "")
    qrs_s = [(wave.onset_s, wave.end_s) for wave in whole if wave.kind == "QRS" and wave.lead == first]
    beats = []
    for onset_s, end_s in qrs_s:
        # the waves of a beat are those whose peak is nearest to its QRS
        own = [wave for wave in whole if min(qrs_s, key=lambda span: abs(wave.peak_s - span[0])) == (onset_s, end_s)]
        times: dict[str, dict[str, Times]] = {}
        for wave in own:
            times.setdefault(wave.lead, {})[wave.kind] = (wave.onset_s, wave.peak_s, wave.end_s)
        leads = {lead: LeadBeat(by.get("P"), by.get("QRS"), by.get("T"), {}) for lead, by in times.items()}
        beats.append(Beat(BeatClass.DOMINANT, None, (onset_s, end_s), None, leads))
    given = values or {}
    missing = Measured(reason=ReasonCode.NO_P_WAVE.reason())
    numbers = {name: missing if value is None else Measured(value, 1.0, 5) for name, value in given.items()}
    medians = {name: given.get(name) for name in MEDIAN_NAMES}
    return Measurements(values=numbers, median_over_leads=medians, beats=tuple(beats), record=record)
