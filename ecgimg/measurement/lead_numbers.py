"""The numbers of each lead over its usual beats, and of each beat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ecgimg.measurement.delineation.model import BeatWaves, Floats, Ints, Mask
from ecgimg.measurement.intervals import Intervals
from ecgimg.measurement.noise import LeadNoise
from ecgimg.measurement.order_statistics import known_median
from ecgimg.measurement.results import MEDIAN_NAMES, Beat, LeadBeat, LeadMeasurements, Measured
from ecgimg.measurement.rhythm.beat_classes import BeatClass
from ecgimg.measurement.summarize import error_of_median, medians, missing
from ecgimg.measurement.waveforms.deflections import QrsDeflections
from ecgimg.measurement.waveforms.st_level import ST_DELAYS_MS, StLevels
from ecgimg.measurement.waveforms.wave_amplitudes import SHAPES, WaveAmplitudes
from ecgimg.reasons import Reason, ReasonCode
from ecgimg.record import EcgRecord

# Of a lead's beats that must have a wave whose interval or amplitude is given. A single beat is enough: a page shows
# two or three of most leads, and each number says of how many it is.
_LEAST_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class LeadWaveforms:
    """All that was measured of every beat in every lead."""

    waves: BeatWaves
    intervals: Intervals
    p: WaveAmplitudes
    qrs: QrsDeflections
    t: WaveAmplitudes
    st: StLevels

    def by_name(self) -> dict[str, Floats]:
        """Return (beats, leads) arrays by the names of `LEAD_NAMES`."""
        qrs = self.qrs
        st_mv = {f"st_j{delay or ''}_mv": level for delay, level in zip(ST_DELAYS_MS, self.st.mv, strict=True)}
        return {
            **self.intervals.values, "p_mv": self.p.mv, "q_mv": qrs.q_mv, "r_mv": qrs.r_mv, "s_mv": qrs.s_mv,
            "r_prime_mv": qrs.r_prime_mv, "t_mv": self.t.mv, "q_duration_ms": qrs.q_duration_ms,
            "qrs_area_mv_ms": qrs.area_mv_ms, **st_mv, "st_slope_mv_s": self.st.slope_mv_s,
        }  # fmt: skip


def measure_leads(
    record: EcgRecord, waveforms: LeadWaveforms, usual: Mask, reasons: Mapping[str, Reason | None],
    noise: Mapping[str, LeadNoise],
) -> dict[str, LeadMeasurements]:  # fmt: skip
    """Return the numbers of every lead: medians over the usual beats (beats,)."""
    by_name = waveforms.by_name()
    seen = usual[:, None] & waveforms.waves.seen
    table = _Table(tuple(by_name), seen, *medians(np.where(seen, np.stack(list(by_name.values())), np.nan)))
    errors = {
        name: medians(np.where(seen, error, np.nan)[None])[0][0] for name, error in waveforms.intervals.errors.items()
    }
    measured = {}
    for column, lead in enumerate(record.leads):
        values = {name: table.measured(name, column, lead, errors, reasons) for name in by_name}
        measured[lead] = LeadMeasurements(
            lead, values,
            _usual_shape(waveforms.p, column, seen[:, column], values["p_mv"]),
            _usual_shape(waveforms.t, column, seen[:, column], values["t_mv"]),
            noise[lead], float(record.known[column].sum() / record.fs_hz),
        )  # fmt: skip
    return measured


@dataclass(frozen=True, eq=False)
class _Table:
    """Medians, spreads and counts (names, leads) over the beats (beats, leads) that count in each lead."""

    names: tuple[str, ...]
    seen: Mask
    medians: Floats
    spreads: Floats
    counts: Ints

    def measured(
        self, name: str, column: int, lead: str, errors: Mapping[str, Floats], reasons: Mapping[str, Reason | None]
    ) -> Measured:
        """Return one number of one lead."""
        row = self.names.index(name)
        count, least = int(self.counts[row, column]), int(np.ceil(_LEAST_SHARE * self.seen[:, column].sum()))
        reason = reasons.get({"p_mv": "p_duration_ms", "t_mv": "qt_ms"}.get(name, name))
        if reason is None and not least:
            reason = ReasonCode.TOO_FEW_BEATS.reason(count=0, least=1)
        elif reason is None and count < least:
            reason = ReasonCode.NOT_IN_LEAD.reason()
        if reason is not None:
            return missing(reason, count, (lead,))
        deviation = float(self.spreads[row, column])
        spread = None if np.isnan(deviation) else deviation
        error = float(errors[name][column]) if name in errors else error_of_median(spread, count)
        return Measured(float(self.medians[row, column]), spread, count, error, (lead,))


def _usual_shape(wave: WaveAmplitudes, column: int, seen: Mask, height: Measured) -> str | None:
    """Return the shape that most beats of a lead have."""
    shapes = wave.shape[:, column][seen]
    shapes = shapes[shapes >= 0]
    return SHAPES[int(np.bincount(shapes).argmax())] if len(shapes) and height.value is not None else None


def median_over_leads(
    waveforms: LeadWaveforms, beats: Mask, reasons: Mapping[str, Reason | None]
) -> dict[str, float | None]:
    """Return per lead the median over the chosen beats (beats,), then the median over leads, ms."""
    per_lead = known_median(np.stack([waveforms.intervals.values[name][beats] for name in MEDIAN_NAMES]), axis=1)
    over_leads = known_median(per_lead, axis=1).tolist()
    return {
        name: None if np.isnan(value) or reasons[name] is not None else value
        for name, value in zip(MEDIAN_NAMES, over_leads, strict=True)
    }


def list_beats(
    record: EcgRecord, waveforms: LeadWaveforms, global_s: tuple[Floats, Floats], kinds: tuple[BeatClass, ...]
) -> tuple[Beat, ...]:
    """Return every beat with its waves over all leads, onset and end (3, beats), and in each lead."""
    waves = waveforms.waves
    peak_s = np.stack([waveforms.p.peak_s, waveforms.qrs.peak_s, waveforms.t.peak_s])
    times = np.stack([waves.onset_s, peak_s, waves.end_s], axis=-1)
    is_there = np.asarray(np.isfinite(times).all(axis=-1)).tolist()
    # as Python's own numbers: a record has thousands of them
    times_s, by_name = times.tolist(), {name: array.tolist() for name, array in waveforms.by_name().items()}
    spans_s = np.stack(global_s, axis=-1).transpose(1, 0, 2)
    beats = []
    for beat, kind in enumerate(kinds):
        leads = {}
        for column in np.flatnonzero(waves.seen[beat]).tolist():
            p, qrs, t = (tuple(times_s[k][beat][column]) if is_there[k][beat][column] else None for k in range(3))
            row = {name: array[beat][column] for name, array in by_name.items()}
            # NaN is not equal to itself
            leads[record.leads[column]] = LeadBeat(p, qrs, t, {name: x for name, x in row.items() if x == x})
        p_s, qrs_s, t_s = (_span(span) for span in spans_s[beat])
        beats.append(Beat(kind, p_s, qrs_s or _span(waves.qrs_s[beat]) or (0.0, 0.0), t_s, leads))
    return tuple(beats)


def _span(times_s: Floats) -> tuple[float, float] | None:
    onset_s, end_s = times_s.tolist()
    return (onset_s, end_s) if np.isfinite(times_s).all() else None
