"""Measure a record or a page: rate, intervals, axes, amplitudes, ST and noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnxruntime import InferenceSession

from ecgimg.errors import BadRecord
from ecgimg.measurement.axes import measure_axis, measure_voltages
from ecgimg.measurement.delineation.beats import join_beats, shows_p, without_false_p
from ecgimg.measurement.delineation.delineator import delineate
from ecgimg.measurement.delineation.global_waves import over_leads
from ecgimg.measurement.delineation.lead_waves import find_waves
from ecgimg.measurement.delineation.model import QRS, BeatWaves, Mask
from ecgimg.measurement.delineation.usual_beat import qrs_moments, usual_beat
from ecgimg.measurement.intervals import beat_intervals, measure_intervals, qt_dispersion, why_no_interval
from ecgimg.measurement.lead_numbers import LeadWaveforms, list_beats, measure_leads, median_over_leads
from ecgimg.measurement.noise import measure_noise
from ecgimg.measurement.results import Measured, Measurements
from ecgimg.measurement.rhythm.beat_classes import BeatClass, classify_beats
from ecgimg.measurement.rhythm.heart_rate import measure_rate, rr_intervals
from ecgimg.measurement.rhythm.pacing_spikes import find_spikes
from ecgimg.measurement.summarize import summarize
from ecgimg.measurement.waveforms.beat_windows import RATE_HZ, cut_windows
from ecgimg.measurement.waveforms.deflections import measure_deflections
from ecgimg.measurement.waveforms.st_level import measure_st
from ecgimg.measurement.waveforms.wave_amplitudes import p_amplitudes, t_amplitudes
from ecgimg.open_ecg import Ecg, channel_notes, open_ecg
from ecgimg.reasons import Reason, ReasonCode, texts
from ecgimg.record import EcgRecord
from ecgimg.resample import resample

LEAST_RATE_HZ = 100.0
"""Lowest sampling rate of a record that is measured: below it, an onset lies between samples."""

_LEAST_S = 1.0  # of a lead that is known, below which there is no beat with its P and T


def measure(
    ecg: Ecg, *, page: int | None = None, fs_hz: float | None = None, leads: Sequence[str] | None = None
) -> Measurements:
    """Measure a record or a page; see `ecgimg.measure`."""
    ecg = open_ecg(ecg, page=page, fs_hz=fs_hz, leads=leads)
    if isinstance(ecg, EcgRecord):
        return measure_record(ecg, channel_notes(ecg))
    if ecg.record is None:
        return Measurements((ReasonCode.PAGE_NOT_READ.reason(text=texts(ecg.reasons)),))
    return measure_record(ecg.record, ecg.reasons, gain_assumed=ecg.is_gain_assumed)


def measure_record(
    record: EcgRecord,
    reasons: tuple[Reason, ...] = (),
    *,
    gain_assumed: bool = False,
    session: InferenceSession | None = None,
) -> Measurements:
    """Measure a record.

    Parameters
    ----------
    record : EcgRecord
        Any leads in any order, NaN where nothing is known.
    reasons : tuple of Reason
        Those of the page that it was read from.
    gain_assumed : bool
        Whether its millivolts rest on an assumed gain.
    session : onnxruntime.InferenceSession, optional
        Another delineator than the shipped one.

    Returns
    -------
    Measurements

    Raises
    ------
    BadRecord
        Below `LEAST_RATE_HZ`.
    """
    if record.fs_hz < LEAST_RATE_HZ:
        raise BadRecord(f"a record at {record.fs_hz:g} Hz is too coarse to measure; at least {LEAST_RATE_HZ:g} Hz")
    as_recorded = record
    record = resample(record, RATE_HZ) if record.fs_hz != RATE_HZ else record
    if not (record.known.sum(axis=1) >= _LEAST_S * RATE_HZ).any():
        return Measurements((*reasons, ReasonCode.NO_BEAT_FOUND.reason()), record=record)
    evidence = delineate(record, session)
    waves = join_beats(evidence, find_waves(evidence))
    if not waves.seen.any():
        return Measurements((*reasons, ReasonCode.NO_BEAT_FOUND.reason()), record=record)
    # noise above half the rate of a coarse record cannot be seen, and must not be taken for none
    seen = as_recorded if as_recorded.fs_hz < RATE_HZ else record
    return _measure_beats(record, seen, waves, reasons, gain_assumed)


def _measure_beats(
    record: EcgRecord, as_recorded: EcgRecord, waves: BeatWaves, reasons: tuple[Reason, ...], gain_assumed: bool
) -> Measurements:
    has_p_waves = shows_p(waves)
    waves = without_false_p(waves)
    bounds = over_leads(waves)
    qrs_s = np.stack([bounds.onset_s[QRS - 1], bounds.end_s[QRS - 1]], axis=1)
    qrs_s = np.where(np.isfinite(qrs_s), qrs_s, waves.qrs_s)
    windows = cut_windows(record, qrs_s[:, 0])
    spikes_s = find_spikes(record, qrs_s)
    # onsets over leads lie elsewhere where another column of a page shows other leads
    middle_s, moment_s = qrs_moments(waves)
    middle_s = np.where(np.isfinite(middle_s), middle_s, qrs_s.mean(axis=1))
    moment_s = np.where(np.isfinite(moment_s), moment_s, middle_s[:, None])
    kinds = classify_beats(windows, qrs_s, moment_s, spikes_s)
    usual = _usual(kinds)
    waveforms = LeadWaveforms(
        waves, beat_intervals(waves), p_amplitudes(windows, waves),
        measure_deflections(windows, qrs_s[:, 0], qrs_s[:, 1]), t_amplitudes(windows, waves),
        measure_st(windows.after_qrs(), qrs_s[:, 1]),
    )  # fmt: skip
    is_beat = np.array([kind is not BeatClass.ARTEFACT for kind in kinds], bool)
    why_not = why_no_interval(bounds, usual, has_p_waves, len(waves.lone_p_s))
    noise = measure_noise(as_recorded, [(float(onset_s), float(end_s)) for onset_s, end_s in qrs_s])
    leads = measure_leads(record, waveforms, usual, why_not, noise)
    seen = tuple(lead for lead, shown in zip(record.leads, waves.seen.T, strict=True) if shown.any())
    rr_s, rr_usual = rr_intervals(middle_s, kinds, record)
    values = measure_rate(rr_s, rr_usual, seen)
    values |= measure_intervals(bounds, usual_beat(waves, usual), usual, why_not, seen, values["rr_ms"])
    values |= _axes(record, waveforms, usual, why_not)
    values["qt_dispersion_ms"] = qt_dispersion({lead: measured["qt_ms"] for lead, measured in leads.items()})
    heights = {
        lead: summarize(np.where(usual, waveforms.qrs.height_mv[:, column], np.nan), (lead,), least=1)
        for column, lead in enumerate(record.leads)
    }
    gain = ReasonCode.VOLTAGES_UNCERTAIN.reason() if gain_assumed else None
    values |= measure_voltages({lead: measured.values for lead, measured in leads.items()}, heights, gain)
    return Measurements(
        reasons, values, median_over_leads(waveforms, is_beat, why_not), leads,
        list_beats(record, waveforms, (bounds.onset_s, bounds.end_s), kinds), tuple(spikes_s.tolist()),
        tuple((float(onset_s), float(end_s)) for onset_s, end_s in waves.lone_p_s), record,
    )  # fmt: skip


def _usual(kinds: tuple[BeatClass, ...]) -> Mask:
    """Return which beats stand for the record: the dominant ones, or those paced where they are more."""
    dominant, paced = (np.array([kind is wanted for kind in kinds]) for wanted in (BeatClass.DOMINANT, BeatClass.PACED))
    return paced if paced.sum() > dominant.sum() else dominant


def _axes(
    record: EcgRecord, waveforms: LeadWaveforms, usual: Mask, why_not: dict[str, Reason | None]
) -> dict[str, Measured]:
    areas = {
        "p_axis_deg": (waveforms.p.area_mv_ms, why_not["p_duration_ms"]),
        "qrs_axis_deg": (waveforms.qrs.area_mv_ms, None),
        "t_axis_deg": (waveforms.t.area_mv_ms, why_not["qt_ms"]),
    }
    return {
        name: measure_axis(name, np.where(usual[:, None], area, np.nan), record.leads, reason)
        for name, (area, reason) in areas.items()
    }
