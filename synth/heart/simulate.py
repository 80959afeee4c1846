"""The simulated heart: spec and random generator in, record with exact truth out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ecgimg.errors import BadRequest
from ecgimg.leads import STANDARD_LEADS
from ecgimg.record import EcgRecord
from synth.heart.atria import fibrillation, flutter, p_waves
from synth.heart.fiducials import AtrialWaves, BeatWaves, Fiducials, LeadWave, locate_fiducials, locate_lead_waves
from synth.heart.lead_vectors import N_BASE, leads_from_base, project, turn_frontal
from synth.heart.noise import lead_noise
from synth.heart.rhythm import Timeline, make_timeline
from synth.heart.scp_statements import statements
from synth.heart.spec import HeartSpec
from synth.heart.ventricles import limb_and_chest_mv, sokolow_lyon_mv, ventricular_waves
from synth.heart.waves import Wave, add_wave, with_amplitudes

Array = NDArray[np.float64]

_BEFORE_S, _AFTER_S = 3.0, 1.5  # beats outside the canvas whose waves reach into it
# A pacing spike is narrower than a sample at 500 Hz, and ends before the wave that it sets off.
_SPIKE_S, _SPIKE_LEAD_S = 0.0016, 0.004


@dataclass(frozen=True, eq=False)
class SimulatedEcg:
    """A simulated record.

    Parameters
    ----------
    record : EcgRecord
    labels : tuple of str
        The statements (SCP codes) that a reader would give.
    fiducials : Fiducials
        Where every wave is.
    spec : HeartSpec
        What was asked for.
    beats, atria : tuple
        The waves of every beat and of every atrial event as they were drawn, those just off the canvas too.
    """

    record: EcgRecord
    labels: tuple[str, ...]
    fiducials: Fiducials
    spec: HeartSpec
    beats: tuple[BeatWaves, ...]
    atria: tuple[AtrialWaves, ...]

    @cached_property
    def lead_waves(self) -> tuple[LeadWave, ...]:
        """Every P, QRS and T as each lead shows it."""
        timed = [(beat.qrs_onset_s, waves) for beat, waves in self.beats]
        timed += [(event.onset_s, waves) for event, waves in self.atria]
        return locate_lead_waves(timed, leads_from_base(self.record.leads), self.record.leads)


@dataclass(frozen=True)
class _Patient:
    """The waves of every kind of beat and of P wave in this record."""

    beats: dict[str, tuple[Wave, ...]]
    atria: dict[str, tuple[Wave, ...]]


def simulate(
    spec: HeartSpec,
    rng: Generator,
    duration_s: float = 10.0,
    fs_hz: float = 500.0,
    leads: Sequence[str] = STANDARD_LEADS,
) -> SimulatedEcg:
    """Return a record of this heart. The same spec and state of `rng` give the same bytes.

    The dipole's waves (McSharry 2003, Sameni 2007, Clifford 2010) are seen through Dower's lead vectors (Dower 1980),
    with terms local to chest leads; III, aVR, aVL and aVF are sums of I and II to float32 rounding, with noise too.

    Parameters
    ----------
    spec : HeartSpec
        The heart and the recording.
    rng : numpy.random.Generator
        Draws the patient, the beats and the noise.
    duration_s, fs_hz : float
        Length of the canvas (up to an hour) and samples a second (50 to 5000).
    leads : sequence of str
        Any of `ecgimg.leads.KNOWN_LEADS` but X, Y and Z.

    Returns
    -------
    SimulatedEcg

    Raises
    ------
    BadRequest
        For a length, a rate or a lead that cannot be simulated.
    """
    n = _sample_count(duration_s, fs_hz)
    matrix = leads_from_base(leads)
    # One generator each, so that a change in one part leaves the draws of the others as they were.
    patient_rng, rhythm_rng, beat_rng, noise_rng = rng.spawn(4)
    patient = _draw_patient(spec, patient_rng)
    timeline = make_timeline(spec, spec.intervals, rhythm_rng, -_BEFORE_S, duration_s + _AFTER_S)
    beats = _vary_beats(spec, patient, timeline, beat_rng)
    atria = _vary_atrial_events(spec, patient, timeline, beat_rng)
    signals = _heart_signals(spec, beats, atria, n, fs_hz, beat_rng)
    _add_spikes(signals, spec, timeline, fs_hz, beat_rng)
    signals += lead_noise(spec, n, fs_hz, noise_rng)
    fiducials = locate_fiducials(beats, atria, duration_s)
    record = EcgRecord((matrix @ signals).astype(np.float32), fs_hz, tuple(leads))
    labels = _statements(spec, patient, fiducials)
    return SimulatedEcg(record, labels, fiducials, spec, tuple(beats), tuple(atria))


def _sample_count(duration_s: float, fs_hz: float) -> int:
    if not (np.isfinite(duration_s) and 0 < duration_s <= 3600 and np.isfinite(fs_hz) and 50 <= fs_hz <= 5000):
        raise BadRequest(f"a record lasts up to 3600 s at 50 to 5000 Hz; got {duration_s} s at {fs_hz} Hz")
    n = round(duration_s * fs_hz)
    if n < 1:
        raise BadRequest(f"{duration_s} s at {fs_hz} Hz is less than one sample; ask for a longer record")
    return n


def _statements(spec: HeartSpec, patient: _Patient, fiducials: Fiducials) -> tuple[str, ...]:
    """Return the statements of what lies on the canvas; voltages are measured on the usual beat, without noise."""
    # Flutter cycles that are not conducted are the rhythm itself, no AV block.
    p_waves_conducted = fiducials.atrial_conducted[[kind != "flutter" for kind in fiducials.atrial_kind]]
    has_dropped = bool(np.any(~p_waves_conducted))
    usual = list(patient.beats["conducted"])
    voltages_mv = (sokolow_lyon_mv(usual), limb_and_chest_mv(usual))
    return statements(spec, spec.intervals, fiducials.kind, has_dropped, *voltages_mv)


def _draw_patient(spec: HeartSpec, rng: Generator) -> _Patient:
    kinds = ("conducted", "paced", "escape", "pvc")
    beats = {kind: ventricular_waves(spec, spec.intervals, rng, kind) for kind in kinds}
    atria = {kind: p_waves(spec, spec.intervals, rng, kind) for kind in ("sinus", "ectopic", "retrograde", "paced")}
    return _Patient(beats, atria)


def _vary_beats(spec: HeartSpec, patient: _Patient, timeline: Timeline, rng: Generator) -> list[BeatWaves]:
    """Return every beat with its own waves: breathing sways size and axis, and no two beats are quite the same."""
    phase, variation = rng.uniform(0, 2 * np.pi), spec.beat_variation
    varied: list[BeatWaves] = []
    for beat in timeline.beats:
        # Beats that begin in the ventricles have a shape of their own; all others go down the conduction system.
        own = beat.kind in ("paced", "pvc") or (beat.kind == "escape" and spec.escape == "ventricular")
        waves = patient.beats[beat.kind if own else "conducted"]
        breath = np.sin(2 * np.pi * spec.breath_per_min / 60 * beat.qrs_onset_s + phase)
        size = 1 + spec.breath_gain * breath + variation * rng.standard_normal()
        # T waves vary more from beat to beat than the QRS does.
        share = np.where([wave.part == "T" for wave in waves], 0.8, 0.5)
        sizes = size * (1 + variation * share * rng.standard_normal(len(waves)))
        turn = spec.breath_axis_deg * breath
        turned = turn_frontal(np.stack([wave.amp for wave in waves]), turn) * sizes[:, None]
        varied.append((beat, [with_amplitudes(wave, amp) for wave, amp in zip(waves, turned, strict=True)]))
    return varied


def _vary_atrial_events(spec: HeartSpec, patient: _Patient, timeline: Timeline, rng: Generator) -> list[AtrialWaves]:
    """Return every atrial event with its own waves; flutter cycles have none, they are drawn as one train."""
    varied: list[AtrialWaves] = []
    for event in timeline.atrial:
        waves = patient.atria.get(event.kind, ())
        sizes = 1 + 2.0 * spec.beat_variation * rng.standard_normal(len(waves))
        varied.append(
            (event, [with_amplitudes(wave, wave.amp * size) for wave, size in zip(waves, sizes, strict=True)])
        )
    return varied


def _heart_signals(
    spec: HeartSpec, beats: list[BeatWaves], atria: list[AtrialWaves], n: int, fs_hz: float, rng: Generator
) -> Array:
    """Return the base leads without noise, (base leads, n) mV."""
    signals = np.zeros((N_BASE, n))
    for beat, waves in beats:
        for wave in waves:
            add_wave(signals, wave, beat.qrs_onset_s, fs_hz)
    for event, waves in atria:
        for wave in waves:
            add_wave(signals, wave, event.onset_s, fs_hz)
    if spec.rhythm == "af":
        signals += fibrillation(n, fs_hz, spec.gain, rng)
    if spec.rhythm == "flutter":
        first = atria[0][0].onset_s
        signals += flutter(np.arange(n) / fs_hz, first, spec.atrial_rate_bpm, spec.gain, rng)
    return signals


def _add_spikes(signals: Array, spec: HeartSpec, timeline: Timeline, fs_hz: float, rng: Generator) -> None:
    """Add the pacemaker's pulses, 1.6 ms wide: each sample holds the share of its interval that the pulse covers."""
    # Towards (left, feet, back): the ventricular lead's spike points up from the apex, the atrial lead's down.
    direction = np.array([[0.35, -0.8, -0.25], [0.1, 0.7, 0.25]]) * rng.uniform(0.25, 1.0)
    sizes = project(direction * (1 + 0.2 * rng.standard_normal((2, 3))), np.zeros((2, 6)))
    spikes = [
        (b.qrs_onset_s - _SPIKE_LEAD_S, sizes[0]) for b in timeline.beats if b.kind == "paced" and spec.paced_ventricles
    ]
    spikes += [(a.onset_s - _SPIKE_LEAD_S, sizes[1]) for a in timeline.atrial if a.kind == "paced"]
    n = signals.shape[1]
    for start_s, size in spikes:
        first = int(np.floor(start_s * fs_hz))
        for k in range(max(first, 0), min(first + int(_SPIKE_S * fs_hz) + 3, n)):
            covered = min(start_s + _SPIKE_S, (k + 1) / fs_hz) - max(start_s, k / fs_hz)
            signals[:, k] += size * max(0.0, covered * fs_hz)
