"""The deflections of the QRS: Q, R, S and R'."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecgimg.measurement.delineation.model import Floats
from ecgimg.measurement.waveforms.beat_windows import RATE_HZ, BeatWindows

_LEAST_S = 0.006  # of a deflection that counts (CSE working party 1985, Eur Heart J 6:815)
# Of the QRS's height: below it lies what is left of wander and of the digitizer's error. The working party's 20 µV are
# this share of a QRS of 0.5 mV; a share keeps the shape of a record of another gain.
_LEAST_SHARE = 0.04


@dataclass(frozen=True, eq=False)
class QrsDeflections:
    """The QRS of every beat in every lead, each (beats, leads); NaN where there is no such deflection.

    Parameters
    ----------
    q_mv, r_mv, s_mv, r_prime_mv : float64
        A QRS without positive deflection is a Q.
    q_duration_ms : float64
    peak_s : float64
        Where the largest deflection peaks.
    height_mv : float64
        From the lowest to the highest sample.
    area_mv_ms : float64
    """

    q_mv: Floats
    r_mv: Floats
    s_mv: Floats
    r_prime_mv: Floats
    q_duration_ms: Floats
    peak_s: Floats
    height_mv: Floats
    area_mv_ms: Floats


def measure_deflections(windows: BeatWindows, onset_s: Floats, end_s: Floats) -> QrsDeflections:
    """Measure the QRS between its onset and its end over all leads, (beats,) each."""
    inside = windows.within(onset_s[:, None], end_s[:, None])
    leads, beats, _ = windows.values_mv.shape
    table = np.full((7, leads, beats), np.nan)
    for beat in range(beats):
        places = np.flatnonzero(inside[:, beat].any(axis=0))
        if len(places) < 3:
            continue
        part = slice(int(places[0]), int(places[-1]) + 1)
        times_s = windows.times_s[beat, part]
        for lead in np.flatnonzero(inside[:, beat, part].all(axis=1)):
            table[:, lead, beat] = _measure(windows.values_mv[lead, beat, part], times_s)
    q, r, s, r_prime, duration, peak, height = (values.T for values in table)
    whole = inside & np.isfinite(table[6])[:, :, None]
    return QrsDeflections(q, r, s, r_prime, duration, peak, height, windows.area_mv_ms(whole).T)


def _measure(values_mv: Floats, times_s: Floats) -> tuple[float, ...]:
    """Return Q, R, S, R' (mV), duration of Q (ms), time of the largest deflection (s) and height (mV)."""
    height_mv = float(values_mv.max() - values_mv.min())
    parts = _deflections(values_mv, _LEAST_SHARE * height_mv)
    q = r = s = r_prime = duration_ms = np.nan
    for peak_mv, first, last in parts:
        if peak_mv > 0:
            if np.isnan(r):
                r = peak_mv
            elif np.isnan(r_prime) and not np.isnan(s):
                r_prime = peak_mv
        elif not np.isnan(r):
            s = peak_mv if np.isnan(s) else s
        elif np.isnan(q):
            q, duration_ms = peak_mv, 1000 * (last - first) / RATE_HZ
    largest = int(np.abs(values_mv).argmax())
    return q, r, s, r_prime, duration_ms, float(times_s[largest]), height_mv


def _deflections(values_mv: Floats, least_mv: float) -> list[tuple[float, int, int]]:
    """Return (peak, first sample, sample after the last) of each deflection that counts, those of one sign joined."""
    edges = np.concatenate([[0], np.flatnonzero(np.diff(np.signbit(values_mv))) + 1, [len(values_mv)]])
    parts: list[tuple[float, int, int]] = []
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        piece = values_mv[first:last]
        peak_mv = float(piece[np.abs(piece).argmax()])
        if abs(peak_mv) < least_mv or last - first < _LEAST_S * RATE_HZ:
            continue
        if parts and (parts[-1][0] > 0) == (peak_mv > 0):
            parts[-1] = (max(parts[-1][0], peak_mv, key=abs), parts[-1][1], last)
        else:
            parts.append((peak_mv, first, last))
    return parts
