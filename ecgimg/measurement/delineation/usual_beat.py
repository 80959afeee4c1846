"""The usual beat of a record: where its waves begin and end over all leads, also those that were seen at other times.

A page shows few leads at a time, so that the earliest onset and the latest end of a beat may lie in a lead that another
column shows. Each lead's marks are therefore taken as medians over its beats about the middle of the QRS, and then the
earliest and latest of all leads, as in a beat whose leads were recorded together.
"""

from __future__ import annotations

import warnings

import numpy as np

from ecgimg.measurement.delineation.model import QRS, BeatWaves, Floats, Mask, P, T

# Quantiles over leads that stand for the first and the last: of twelve marks the extreme one errs most, and of marks
# that are medians of two or three beats even more. With these, four columns of LUDB change QRS by 1.5 ± 4.1 ms and QT
# by 4.3 ± 6.6 ms.
_SHARE = {P: 0.15, QRS: 0.10, T: 0.15}
_ROUNDS = 4  # of taking turns between beats and leads; changes are below 0.1 ms after three
_LEAST_SHARE = 0.5  # of a lead's beats that must show a wave for its marks to count


def usual_beat(waves: BeatWaves, usual: Mask) -> tuple[Floats, Floats]:
    """Return onset and end (3,) of P, QRS and T, s about the middle of the QRS; NaN without the wave.

    Parameters
    ----------
    usual : (beats,) bool
        The beats that stand for the record.
    """
    onset_s, end_s = np.full(3, np.nan), np.full(3, np.nan)
    seen = waves.seen & usual[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of leads and beats without a mark, whose median is NaN
        middle_s = _middles(waves, seen)
        for kind, share in _SHARE.items():
            is_marked = np.isfinite(waves.onset_s[kind - 1]) & seen
            counts = is_marked.sum(axis=0) >= np.maximum(_LEAST_SHARE * seen.sum(axis=0), 1)
            if counts.any():
                marks = (
                    np.where(is_marked, edge[kind - 1] - middle_s, np.nan) for edge in (waves.onset_s, waves.end_s)
                )
                first, last = (np.nanmedian(edge[:, counts], axis=0) for edge in marks)
                onset_s[kind - 1], end_s[kind - 1] = np.quantile(first, share), np.quantile(last, 1 - share)
    return onset_s, end_s


def _middles(waves: BeatWaves, seen: Mask) -> Floats:
    """Return the middle of each beat's QRS (beats, 1): leads may lie apart, by as much in every beat."""
    middle_s = np.where(seen, (waves.onset_s[QRS - 1] + waves.end_s[QRS - 1]) / 2, np.nan)
    offset_s = np.zeros(middle_s.shape[1])
    beat_s = np.zeros((len(middle_s), 1))
    for _ in range(_ROUNDS):
        beat_s = np.nanmedian(middle_s - offset_s, axis=1, keepdims=True)
        offset_s = np.nan_to_num(np.nanmedian(middle_s - beat_s, axis=0))
    return np.asarray(beat_s)
