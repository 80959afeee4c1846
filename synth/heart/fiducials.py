"""Where the waves of a simulated record are: over all leads, and as an annotator of one lead would mark them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.heart.lead_vectors import INDEPENDENT
from synth.heart.rhythm import AtrialEvent, Beat
from synth.heart.waves import Wave, sum_waves

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Fiducials:
    """Where the waves of each beat are, in seconds of the canvas; NaN where a wave is absent or off the canvas.

    Onsets and offsets are where the outermost wave has fallen to 4.4 % of its peak (P, T) or 1.1 % (QRS), see
    `waves.REACH`. `r_peak_s` and `p_peak_s` are where QRS and P are largest over I, aVF and V1 to V6 together (root
    mean square, without noise).

    Parameters
    ----------
    p_onset_s, p_peak_s, p_offset_s, qrs_onset_s, r_peak_s, qrs_offset_s, t_onset_s, t_peak_s, t_offset_s : (beats,)
        Beats are those whose `r_peak_s` is on the canvas. A beat's P wave is the one that it was conducted from, or, of
        a nodal beat, its own backward one: that one may lie after the QRS.
    kind : tuple of str
        Of each beat: see `rhythm.Beat`.
    atrial_s : (events,)
        Onsets of all P waves and flutter cycles on the canvas, conducted or not.
    atrial_kind : tuple of str
        Of each event: see `rhythm.AtrialEvent`.
    atrial_conducted : (events,) bool
        Whether the event reached the ventricles.
    """

    p_onset_s: Array
    p_peak_s: Array
    p_offset_s: Array
    qrs_onset_s: Array
    r_peak_s: Array
    qrs_offset_s: Array
    t_onset_s: Array
    t_peak_s: Array
    t_offset_s: Array
    kind: tuple[str, ...]
    atrial_s: Array
    atrial_kind: tuple[str, ...]
    atrial_conducted: NDArray[np.bool_]


BeatWaves = tuple[Beat, Sequence[Wave]]
AtrialWaves = tuple[AtrialEvent, Sequence[Wave]]
"""What happened, with the waves as they were drawn that time."""

Landmarks = tuple[float, float, float]
"""Onset, peak and offset of a wave, in seconds from its beat's or its P wave's own zero."""


def landmarks(waves: Sequence[Wave], part: str) -> Landmarks:
    """Return onset, peak (largest root mean square over the independent leads) and offset of one part of a beat."""
    own = [wave for wave in waves if wave.part == part]
    start, end = min(wave.start_s for wave in own), max(wave.end_s for wave in own)
    # A single wave needs no search: its peak is known exactly.
    if len(own) == 1:
        return start, own[0].peak_s, end
    t_s = np.arange(start, end, 0.001)
    power = np.sum(sum_waves(own, t_s)[INDEPENDENT] ** 2, axis=0)
    return start, float(t_s[np.argmax(power)]), end


def locate_fiducials(beats: Sequence[BeatWaves], atria: Sequence[AtrialWaves], duration_s: float) -> Fiducials:
    """Return the fiducials of all beats and atrial events on a canvas that begins at 0 s."""
    p_of = {event.onset_s: landmarks(waves, "P") for event, waves in atria if waves}
    rows, kinds = [], []
    for beat, waves in beats:
        # NaN where the beat has no P wave of its own.
        p = np.array(p_of.get(beat.p_onset_s, (np.nan,) * 3)) + beat.p_onset_s
        row = [*p, *(beat.qrs_onset_s + t for part in ("QRS", "T") for t in landmarks(waves, part))]
        # A beat counts where its R peak lies on the canvas; its other waves may be off it.
        if 0 <= row[4] < duration_s:
            rows.append(row)
            kinds.append(beat.kind)
    table = np.array(rows).reshape(len(rows), 9)
    with np.errstate(invalid="ignore"):
        # Comparisons with NaN are False, so waves that are absent stay NaN.
        table[~((table >= 0) & (table < duration_s))] = np.nan
    events = [event for event, _ in atria if 0 <= event.onset_s < duration_s]
    return Fiducials(
        p_onset_s=table[:, 0],
        p_peak_s=table[:, 1],
        p_offset_s=table[:, 2],
        qrs_onset_s=table[:, 3],
        r_peak_s=table[:, 4],
        qrs_offset_s=table[:, 5],
        t_onset_s=table[:, 6],
        t_peak_s=table[:, 7],
        t_offset_s=table[:, 8],
        kind=tuple(kinds),
        atrial_s=np.array([event.onset_s for event in events]),
        atrial_kind=tuple(event.kind for event in events),
        atrial_conducted=np.array([event.conducted for event in events], dtype=bool),
    )


# A wave begins where it leaves the first share of its own peak in the lead, and ends at the second, or at these mV
# where that is more; in a lead where its peak stays below the last number, nobody could mark it. Set so that a network
# that learned from annotators alone (LUDB) marks simulated hearts without bias: medians within 2 ms.
_EDGES = {"P": (0.035, 0.03, 0.003, 0.03), "QRS": (0.002, 0.006, 0.003, 0.08), "T": (0.14, 0.06, 0.008, 0.04)}
_STEP_S = 0.001


@dataclass(frozen=True)
class LeadWave:
    """A wave as one lead shows it.

    Parameters
    ----------
    lead : str
    kind : {"P", "QRS", "T"}
    onset_s, peak_s, end_s : float
        Seconds of the canvas; parts of it may lie off the canvas.
    is_visible : bool
        False where the wave is too small in this lead to be marked; its times are then those of the whole heart.
    """

    lead: str
    kind: str
    onset_s: float
    peak_s: float
    end_s: float
    is_visible: bool


def locate_lead_waves(
    beats: Sequence[tuple[float, Sequence[Wave]]], matrix: Array, leads: Sequence[str]
) -> tuple[LeadWave, ...]:
    """Return the waves of all leads.

    Parameters
    ----------
    beats : sequence of (zero_s, waves)
        Waves of a beat or of an atrial event, timed from its zero.
    matrix : (leads, base leads)
        See `lead_vectors.leads_from_base`.
    """
    found = []
    for zero_s, waves in beats:
        for kind in ("P", "QRS", "T"):
            own = [wave for wave in waves if wave.part == kind]
            if own:
                found += _waves_of_part(zero_s, own, matrix, leads, kind)
    return tuple(found)


def _waves_of_part(zero_s: float, waves: list[Wave], matrix: Array, leads: Sequence[str], kind: str) -> list[LeadWave]:
    """Return one wave of the heart in every lead."""
    onset_share, end_share, least_mv, visible_mv = _EDGES[kind]
    t_s = np.arange(min(wave.start_s for wave in waves), max(wave.end_s for wave in waves), _STEP_S)
    course_mv = np.abs(matrix @ sum_waves(waves, t_s))
    found = []
    for lead, row in zip(leads, course_mv, strict=True):
        peak = int(row.argmax())
        is_visible = bool(row[peak] >= visible_mv)
        first, last = 0, len(t_s) - 1
        if is_visible:
            first = int(np.argmax(row >= max(onset_share * row[peak], least_mv)))
            last -= int(np.argmax(row[::-1] >= max(end_share * row[peak], least_mv)))
        onset_s, peak_s, end_s = (float(zero_s + t_s[at]) for at in (first, peak, last))
        found.append(LeadWave(lead, kind, onset_s, peak_s, end_s, is_visible))
    return found
