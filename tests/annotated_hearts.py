"""Simulated hearts whose waves are marked lead by lead as LUDB marks them, and measurements made of such marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ecgimg import EcgRecord, write_record
from ecgimg._optional_packages import without_warnings
from ecgimg.formats.wave_annotations import AnnotatedWave
from ecgimg.leads import STANDARD_LEADS
from ecgimg.measurement import Beat, LeadBeat, Measured, Measurements
from ecgimg.measurement.results import MEDIAN_NAMES
from ecgimg.measurement.rhythm.beat_classes import BeatClass
from ecgimg.reasons import ReasonCode
from synth.heart import HeartSpec, simulate

Times = tuple[float, float, float]

_SYMBOLS = {"P": "p", "QRS": "N", "T": "t"}


def annotated_heart(
    seed: int = 0, duration_s: float = 6.0, leads: tuple[str, ...] = STANDARD_LEADS, **options: object
) -> tuple[str, EcgRecord, tuple[AnnotatedWave, ...]]:
    """Return name, record and waves of a heart; marked are waves that a lead shows and that lie on the canvas."""
    heart = simulate(HeartSpec(**({"rate_bpm": 66} | options)), np.random.default_rng(seed), duration_s, leads=leads)
    waves = [
        AnnotatedWave(wave.lead, wave.kind, wave.onset_s, wave.peak_s, wave.end_s)
        for wave in heart.lead_waves
        if wave.is_visible and wave.onset_s > 0.02 and wave.end_s < duration_s - 0.02
    ]
    return f"heart{seed}", heart.record, tuple(sorted(waves, key=lambda wave: (wave.lead, wave.onset_s)))


def write_annotated(folder: Path, name: str, record: EcgRecord, waves: Sequence[AnnotatedWave]) -> Path:
    """Write a record as WFDB, and for each lead a file of its waves; returns the header."""
    header = write_record(record, folder / f"{name}.hea")
    for lead in dict.fromkeys(wave.lead for wave in waves):
        marks: list[tuple[float, str]] = []
        for wave in (wave for wave in waves if wave.lead == lead):
            times_s = (wave.onset_s, wave.peak_s, wave.end_s)
            symbols = ("(", _SYMBOLS[wave.kind], ")")
            marks += [(time_s, symbol) for time_s, symbol in zip(times_s, symbols, strict=True) if time_s is not None]
        write_marks(header.with_suffix(f".{lead.lower()}"), marks, record.fs_hz)
    return header


def write_marks(file: Path, marks: Sequence[tuple[float, str]], fs_hz: float) -> None:
    """Write (seconds, symbol) as a WFDB file of annotations, whatever its suffix."""
    import wfdb

    samples = np.array([round(time_s * fs_hz) for time_s, _ in marks])
    # the package writes suffixes of letters only, and leads have numbers
    with without_warnings():
        wfdb.wrann(file.stem, "marks", samples, [symbol for _, symbol in marks], write_dir=str(file.parent))
    file.with_suffix(".marks").rename(file)


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
