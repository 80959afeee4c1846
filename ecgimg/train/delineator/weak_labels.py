"""What the rhythm of a record tells of its P waves: records that nobody annotated, but whose rhythm somebody named."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ecgimg.measurement import measure_record
from ecgimg.measurement.delineation.network_input import RATE_HZ
from ecgimg.measurement.rhythm.beat_classes import BeatClass
from ecgimg.record import EcgRecord
from ecgimg.resample import resample
from ecgimg.train.delineator.data import TaughtRecord

_AFTER_QRS_S = 0.06  # of the beat before: no P wave of the next beat lies there
_LONGEST_PR_S = 0.48
_LEAST_WINDOW_S = 0.1


def fibrillating(name: str, record: EcgRecord) -> TaughtRecord:
    """Return a record that shows no P wave."""
    return TaughtRecord(name, _signals(record), shows_no_p=True)


def in_sinus_rhythm(name: str, record: EcgRecord) -> TaughtRecord:
    """Return a record that shows a P wave somewhere between each two usual beats.

    The QRS complexes are those that the installed delineator finds; where in between a P wave lies is not said.
    """
    beats = measure_record(record).beats
    windows = []
    for before, beat in pairwise(beats):
        start_s = max(before.qrs_s[1] + _AFTER_QRS_S, beat.qrs_s[0] - _LONGEST_PR_S)
        if beat.kind is BeatClass.DOMINANT and beat.qrs_s[0] - start_s > _LEAST_WINDOW_S:
            windows.append((start_s, beat.qrs_s[0]))
    return TaughtRecord(name, _signals(record), p_windows_s=np.array(windows, np.float64).reshape(-1, 2))


def _signals(record: EcgRecord) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Return the signals at `RATE_HZ`, 0 mV where unknown."""
    return np.asarray(np.nan_to_num(resample(record, RATE_HZ).signals), np.float32)
