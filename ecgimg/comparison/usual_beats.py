"""The usual beat of each lead, about the common QRS onset of its beats."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ecgimg.measurement import Measurements
from ecgimg.measurement.order_statistics import known_median
from ecgimg.measurement.rhythm.beat_classes import BeatClass
from ecgimg.measurement.waveforms.beat_windows import RATE_HZ, cut_windows

_BEFORE_S, _AFTER_S = 0.3, 0.6  # of the QRS onset that are shown: P wave and T wave of a heart at rest
_OF_RR = 0.8  # after which the next beat would be seen

TIMES_S = np.arange(-round(_BEFORE_S * RATE_HZ), round(_AFTER_S * RATE_HZ)) / RATE_HZ
"""Seconds from the QRS onset of every sample of a usual beat."""


@dataclass(frozen=True, eq=False)
class UsualBeat:
    """The usual beat of a lead: the median over the beats that stand for the record.

    Parameters
    ----------
    mv : (samples,) float64
        Above the level just before the QRS; NaN where nothing is known.
    n : int
        Beats that the lead shows.
    """

    mv: NDArray[np.float64] = field(repr=False)
    n: int


def usual_beats(measured: Measurements) -> dict[str, UsualBeat]:
    """Return the usual beat of each lead that shows one: the median over dominant beats, or paced ones if more."""
    record = measured.record
    kinds = [beat.kind for beat in measured.beats]
    usual = max((BeatClass.DOMINANT, BeatClass.PACED), key=kinds.count)
    beats = [beat for beat in measured.beats if beat.kind is usual]
    if record is None or not beats:
        return {}
    windows = cut_windows(record, np.array([beat.qrs_s[0] for beat in beats]))
    first = windows.before_qrs().times_s.shape[1] + round(TIMES_S[0] * RATE_HZ)
    end_s = _OF_RR * _rr_s(measured)
    found = {}
    for row, lead in enumerate(record.leads):
        shows = np.array([lead in beat.leads for beat in beats])
        if shows.any():
            mv = known_median(windows.values_mv[row][shows, first : first + len(TIMES_S)], axis=0)
            found[lead] = UsualBeat(np.where(end_s > TIMES_S, mv, np.nan), int(shows.sum()))
    return found


def _rr_s(measured: Measurements) -> float:
    """Return the usual RR interval, or one longer than any window where it is not known."""
    rr_ms = measured.number("rr_ms")
    return rr_ms / 1000 if np.isfinite(rr_ms) else np.inf
