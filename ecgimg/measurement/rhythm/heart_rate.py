"""The heart rate, the RR intervals and how they vary."""

from __future__ import annotations

import numpy as np

from ecgimg.measurement.delineation.model import Floats, Mask
from ecgimg.measurement.results import Measured
from ecgimg.measurement.rhythm.beat_classes import BeatClass
from ecgimg.measurement.summarize import LEAST_BEATS, missing, spread, summarize
from ecgimg.reasons import ReasonCode
from ecgimg.record import EcgRecord

_LEAST_FOR_VARIABILITY = 8  # RR intervals: of fewer, one premature beat decides SDNN and RMSSD
_RR_ERROR_MS = 2.0  # of an RR interval: marks of one shape err alike, and half a sample of the network is 2 ms


def rr_intervals(middle_s: Floats, kinds: tuple[BeatClass, ...], record: EcgRecord) -> tuple[Floats, Mask]:
    """Return the RR intervals (beats - 1,) s, NaN where a gap lies between, and whether both beats are usual ones."""
    is_beat = np.array([kind is not BeatClass.ARTEFACT for kind in kinds], bool)
    middle_s, usual = middle_s[is_beat], [kind for kind in kinds if kind is not BeatClass.ARTEFACT]
    is_seen = np.asarray(record.known.any(axis=0))
    rr_s = np.diff(middle_s)
    for place in range(len(rr_s)):
        first, last = (int(time_s * record.fs_hz) for time_s in middle_s[place : place + 2])
        if not bool(np.all(is_seen[max(first, 0) : last + 1])):
            rr_s[place] = np.nan
    is_usual = np.array([kind in (BeatClass.DOMINANT, BeatClass.PACED) for kind in usual], bool)
    return rr_s, is_usual[1:] & is_usual[:-1]


def measure_rate(rr_s: Floats, is_usual: Mask, leads: tuple[str, ...]) -> dict[str, Measured]:
    """Return rate, RR, its irregularity, SDNN and RMSSD.

    The mean rate is that of the mean RR interval, so that it counts beats; the lowest and highest are of single ones.
    """
    known = rr_s[np.isfinite(rr_s)]
    if len(known) < LEAST_BEATS - 1:
        reason = ReasonCode.TOO_FEW_BEATS.reason(count=len(known) + 1, least=LEAST_BEATS)
        names = ("rate_bpm", "rate_min_bpm", "rate_max_bpm", "rr_ms", "rr_irregularity", "sdnn_ms", "rmssd_ms")
        return {name: missing(reason, leads=leads) for name in names}
    rr_ms = 1000 * known
    rate_error = 60_000 / rr_ms.mean() ** 2 * _RR_ERROR_MS / np.sqrt(len(known))
    rate = 60_000 / rr_ms
    mean_bpm = float(60_000 / rr_ms.mean())
    return {
        "rate_bpm": Measured(mean_bpm, spread(rate), len(known), float(rate_error), leads),
        "rate_min_bpm": Measured(float(rate.min()), None, len(known), None, leads),
        "rate_max_bpm": Measured(float(rate.max()), None, len(known), None, leads),
        "rr_ms": Measured(float(rr_ms.mean()), spread(rr_ms), len(known), _RR_ERROR_MS, leads),
        "rr_irregularity": _irregularity(rr_s, leads),
        **_variability(np.where(is_usual, rr_s, np.nan), leads),
    }


def _irregularity(rr_s: Floats, leads: tuple[str, ...]) -> Measured:
    """Return the median difference of successive RR intervals over their mean: about .01 in sinus rhythm, .2 in AF."""
    steps = np.abs(np.diff(rr_s))
    return summarize(steps / np.nanmean(rr_s), leads, least=2)


def _variability(rr_s: Floats, leads: tuple[str, ...]) -> dict[str, Measured]:
    """Return SDNN and RMSSD of RR intervals between usual beats (Task Force 1996, Circulation 93:1043)."""
    known = 1000 * rr_s[np.isfinite(rr_s)]
    steps = 1000 * np.diff(rr_s)
    steps = steps[np.isfinite(steps)]
    if len(known) < _LEAST_FOR_VARIABILITY or len(steps) < _LEAST_FOR_VARIABILITY - 1:
        reason = ReasonCode.TOO_FEW_BEATS.reason(count=len(known) + 1, least=_LEAST_FOR_VARIABILITY + 1)
        return {name: missing(reason, len(known), leads) for name in ("sdnn_ms", "rmssd_ms")}
    return {
        "sdnn_ms": Measured(float(known.std(ddof=1)), None, len(known), None, leads),
        "rmssd_ms": Measured(float(np.sqrt((steps**2).mean())), None, len(steps), None, leads),
    }
