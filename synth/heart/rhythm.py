"""When the heart beats: atrial events, and the ventricular beats that follow them, or do not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from synth.heart.spec import HeartSpec, Intervals


@dataclass(frozen=True)
class AtrialEvent:
    """An activation of the atria: its onset in seconds, its kind, and whether it reached the ventricles.

    Kinds are ``sinus``, ``ectopic``, ``paced``, ``retrograde`` and ``flutter``.
    """

    onset_s: float
    kind: str
    conducted: bool = True


@dataclass(frozen=True)
class Beat:
    """A ventricular beat: QRS onset in seconds, kind, and the onset of the P wave that belongs to it (NaN: none).

    Kinds are ``sinus``, ``pac``, ``pvc``, ``paced``, ``escape``, ``af``, ``flutter``, ``svt`` and ``junctional``.
    """

    qrs_onset_s: float
    kind: str
    p_onset_s: float = float("nan")


@dataclass(frozen=True)
class Timeline:
    """All atrial events and ventricular beats in order of time."""

    atrial: tuple[AtrialEvent, ...]
    beats: tuple[Beat, ...]


def make_timeline(spec: HeartSpec, intervals: Intervals, rng: Generator, start_s: float, stop_s: float) -> Timeline:
    """Return the events from `start_s` to `stop_s`; premature beats are set into the basic rhythm last."""
    makers = {"af": _fibrillation, "flutter": _flutter, "svt": _nodal_rhythm, "junctional": _nodal_rhythm}
    maker = makers.get(spec.rhythm, _sinus_rhythm)
    if spec.pacing == "ventricular":
        maker = _ventricular_pacing
    atrial, beats = maker(spec, intervals, rng, start_s, stop_s)
    if not spec.paced_ventricles:
        atrial, beats = _with_pvcs(spec, intervals, rng, atrial, beats)
    return Timeline(tuple(sorted(atrial, key=lambda event: event.onset_s)), tuple(beats))


Events = tuple[list[AtrialEvent], list[Beat]]


def _rr_intervals(spec: HeartSpec, rng: Generator, start_s: float) -> Iterator[float]:
    """Yield RR intervals for ever: breathing, a slow drift and a little that is random (Clifford 2010)."""
    mean = 60.0 / spec.rate_bpm
    # Sinus arrhythmia is breathing that moves RR by 15 % or more.
    breath = max(spec.breath_rr, 0.15) if spec.rhythm == "sinus_arrhythmia" else spec.breath_rr
    if spec.pacing in ("atrial", "dual"):
        breath = 0.0
    loose = 0.0 if spec.pacing in ("atrial", "dual") else min(spec.beat_variation / 0.03, 2.0)
    phase, slow, now = rng.uniform(0, 2 * np.pi), 0.0, start_s
    while True:
        # A first-order drift over about ten beats.
        slow = 0.9 * slow + loose * 0.006 * rng.standard_normal()
        respiratory = breath * np.sin(2 * np.pi * spec.breath_per_min / 60 * now + phase)
        rr = mean * (1 + respiratory + slow + loose * 0.005 * rng.standard_normal())
        now += rr
        yield rr


def _sinus_node(spec: HeartSpec, rng: Generator, start_s: float, stop_s: float) -> list[AtrialEvent]:
    """Return sinus P onsets, with ectopic ones that reset the node."""
    kind = "paced" if spec.pacing in ("atrial", "dual") else "sinus"
    mean = 60.0 / spec.rate_bpm
    now, events, ectopic = start_s + rng.uniform(0, mean), [], False
    for rr in _rr_intervals(spec, rng, start_s):
        events.append(AtrialEvent(now, "ectopic" if ectopic else kind))
        if now > stop_s:
            return events
        # A premature P wave resets the sinus node: the next one comes a little late, and is never premature too.
        follows = ectopic
        ectopic = not follows and rng.random() < spec.pac_per_min * rr / 60
        now += rr * (rng.uniform(0.60, 0.76) if ectopic else 1.1 if follows else 1.0)
    raise AssertionError("the sinus node never stops")


def _sinus_rhythm(spec: HeartSpec, intervals: Intervals, rng: Generator, start_s: float, stop_s: float) -> Events:
    events = _sinus_node(spec, rng, start_s, stop_s)
    if spec.av_block == "third":
        return [replace(event, conducted=False) for event in events], _escape_beats(spec, rng, start_s, stop_s)
    delays = _pr_intervals(spec, intervals, rng, len(events))
    beats = []
    for number, (event, delay) in enumerate(zip(events, delays, strict=True)):
        if np.isnan(delay):
            events[number] = replace(event, conducted=False)
            continue
        kind = "pac" if event.kind == "ectopic" else "paced" if spec.pacing == "dual" else "sinus"
        beats.append(Beat(event.onset_s + delay, kind, event.onset_s))
    return events, beats


def _pr_intervals(spec: HeartSpec, intervals: Intervals, rng: Generator, count: int) -> list[float]:
    """Return the PR interval of each P wave in seconds, NaN where the AV node drops the beat."""
    pr, dropped = intervals.pr_s, float("nan")
    if spec.av_block == "two_to_one":
        return [dropped if number % 2 else pr for number in range(count)]
    if spec.av_block not in ("mobitz1", "mobitz2"):
        return [pr] * count
    delays: list[float] = []
    length = int(rng.integers(3, 6))
    if spec.av_block == "mobitz1":
        # Wenckebach: each PR is longer, by less each time, so that RR shortens until the pause.
        step = min(0.09, 0.25 * 60.0 / spec.rate_bpm)
        cycle = [pr + step * sum(0.6**k for k in range(number)) for number in range(length - 1)] + [dropped]
    else:
        cycle = [pr] * (length - 1) + [dropped]
    offset = int(rng.integers(length))
    while len(delays) < count + offset:
        delays += cycle
    return delays[offset : offset + count]


def _escape_beats(spec: HeartSpec, rng: Generator, start_s: float, stop_s: float) -> list[Beat]:
    # Escape rates in beats a minute: junctional pacemakers are faster than ventricular ones.
    low, high = (42, 50) if spec.escape == "junctional" else (32, 39)
    mean = 60.0 / min(rng.uniform(low, high), 0.8 * spec.rate_bpm)
    times = np.arange(start_s + rng.uniform(0, mean), stop_s, mean)
    return [Beat(float(t + rng.normal(0, 0.006)), "escape") for t in times]


def _fibrillation(spec: HeartSpec, intervals: Intervals, rng: Generator, start_s: float, stop_s: float) -> Events:
    """Return irregularly irregular beats: independent gamma intervals above the AV node's refractory time."""
    mean = 60.0 / spec.rate_bpm
    # The shortest RR is the refractory time of the AV node, in seconds.
    least = min(0.5 * mean, 0.30 + 0.1 * mean)
    shape = ((mean - least) / (0.22 * mean)) ** 2
    now, beats = start_s + intervals.pr_s, []
    while now < stop_s:
        beats.append(Beat(now, "af"))
        now += least + rng.gamma(shape, (mean - least) / shape)
    return [], beats


def _flutter(spec: HeartSpec, intervals: Intervals, rng: Generator, start_s: float, stop_s: float) -> Events:
    """Return regular atrial cycles and a beat for every second to sixth of them."""
    cycle = 60.0 / spec.atrial_rate_bpm
    ratio = max(2, round(spec.atrial_rate_bpm / spec.rate_bpm))
    onsets = np.arange(start_s + rng.uniform(0, cycle), stop_s, cycle)
    # What is left over after the cycles that the AV node takes anyway sets the sawtooth's phase against the QRS.
    conducted: set[int] = set()
    number = 0
    while number < len(onsets):
        conducted.add(number)
        step = ratio + (int(rng.choice([-1, 0, 0, 1])) if spec.flutter_variable else 0)
        # The AV node never conducts flutter 1:1.
        number += max(2, step)
    atrial = [AtrialEvent(float(t), "flutter", k in conducted) for k, t in enumerate(onsets)]
    delay = intervals.pr_s + rng.uniform(0, cycle)
    return atrial, [Beat(event.onset_s + delay, "flutter") for event in atrial if event.conducted]


def _nodal_rhythm(spec: HeartSpec, intervals: Intervals, rng: Generator, start_s: float, stop_s: float) -> Events:
    """Return beats from the AV node, whose P waves run backwards: hidden in SVT, before or after a junctional QRS."""
    mean = 60.0 / spec.rate_bpm
    loose = 0.002 if spec.rhythm == "svt" else 0.01
    # Retrograde P before, within the end of, or after the QRS, in seconds from its onset.
    lag = float(rng.choice([-0.105, 0.6 * intervals.qrs_s, intervals.qrs_s + 0.03]))
    if spec.rhythm == "svt":
        lag = float(rng.choice([intervals.qrs_s - 0.04, intervals.qrs_s + 0.05]))
    onsets = np.arange(start_s + rng.uniform(0, mean), stop_s, mean)
    beats = [Beat(float(t + rng.normal(0, loose) * mean), spec.rhythm) for t in onsets]
    beats = [replace(beat, p_onset_s=beat.qrs_onset_s + lag) for beat in beats]
    return [AtrialEvent(beat.p_onset_s, "retrograde", False) for beat in beats], beats


def _ventricular_pacing(spec: HeartSpec, intervals: Intervals, rng: Generator, start_s: float, stop_s: float) -> Events:
    """Return paced beats at a fixed rate over atria that go their own way."""
    mean = 60.0 / spec.rate_bpm
    onsets = np.arange(start_s + intervals.pr_s + rng.uniform(0, mean), stop_s, mean)
    beats = [Beat(float(t), "paced") for t in onsets]
    if not spec.has_p:
        return [], beats
    # The sinus node runs slower than the pacemaker, and is not conducted.
    slower = replace(spec, rate_bpm=max(30.0, 0.83 * spec.rate_bpm), pac_per_min=0.0)
    atrial = _sinus_node(slower, rng, start_s, stop_s)
    return [replace(event, conducted=False) for event in atrial], beats


def _with_pvcs(
    spec: HeartSpec, intervals: Intervals, rng: Generator, atrial: list[AtrialEvent], beats: list[Beat]
) -> Events:
    """Set PVCs after basic beats; the basic beat that would have followed is lost, its P wave is not."""
    slots = _pvc_slots(spec, rng, beats)
    if not slots:
        return atrial, beats
    premature = _premature_beats(spec, intervals, rng, beats, slots)
    onsets = np.array([beat.qrs_onset_s for beat in premature])
    # The basic beat that falls into this time finds the ventricles refractory: the compensatory pause.
    refractory = max(0.38, 0.62 * (60.0 / spec.rate_bpm))
    lost = [bool(np.any((b.qrs_onset_s > onsets - 0.2) & (b.qrs_onset_s < onsets + refractory))) for b in beats]
    gone = {beat.p_onset_s for beat, is_lost in zip(beats, lost, strict=True) if is_lost}
    remaining = [beat for beat, is_lost in zip(beats, lost, strict=True) if not is_lost]
    atrial = [replace(event, conducted=event.conducted and event.onset_s not in gone) for event in atrial]
    # A retrograde P wave or an ectopic one goes with its beat.
    atrial = [event for event in atrial if not (event.onset_s in gone and event.kind in ("retrograde", "ectopic"))]
    return atrial, sorted(remaining + premature, key=lambda beat: beat.qrs_onset_s)


def _premature_beats(
    spec: HeartSpec, intervals: Intervals, rng: Generator, beats: list[Beat], slots: list[int]
) -> list[Beat]:
    """Return the PVCs after the basic beats `slots`, one or, in couplets, two after each."""
    mean = 60.0 / spec.rate_bpm
    share = rng.uniform(0.56, 0.68)
    premature: list[Beat] = []
    for slot in slots:
        gap = beats[slot + 1].qrs_onset_s - beats[slot].qrs_onset_s
        # Not on the top of the T wave: coupling is at least 95 % of QT.
        coupling = max(share * min(gap, mean), intervals.qt_s * 0.95) * (1 + 0.02 * rng.standard_normal())
        times = [beats[slot].qrs_onset_s + coupling]
        if spec.pvc_pattern == "couplets":
            times.append(times[0] + max(0.36, 0.55 * mean))
        premature += [Beat(t, "pvc") for t in times]
    return premature


def _pvc_slots(spec: HeartSpec, rng: Generator, beats: list[Beat]) -> list[int]:
    """Return the numbers of the basic beats that a PVC follows."""
    count = len(beats) - 1
    period = {"bigeminy": 2, "trigeminy": 3}.get(spec.pvc_pattern)
    if period is not None:
        return list(range(int(rng.integers(period)), count, period))
    chance = spec.pvc_per_min / spec.rate_bpm
    slots: list[int] = []
    for number in range(count):
        if rng.random() < chance and (not slots or number - slots[-1] > 2):
            slots.append(number)
    return slots
