"""The samples around every beat in every lead, about the level just before the QRS."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ecgimg.measurement.delineation.model import Floats, Mask
from ecgimg.record import EcgRecord

RATE_HZ = 500.0
"""Rate at which waveforms are measured; records of another are resampled to it."""

_BEFORE_S, _AFTER_S = 0.55, 0.85  # of the QRS onset: the longest PR, and the longest QT
_N_BEFORE = round(_BEFORE_S * RATE_HZ)
_BASELINE_S = (0.018, 0.002)  # before the QRS onset: what the ST level refers to (IEC 60601-2-25)
_SMOOTH_S = 0.004  # to each side of a moment: its level is the mean of five samples


@dataclass(frozen=True, eq=False)
class BeatWindows:
    """The samples around every beat.

    Parameters
    ----------
    values_mv : (leads, beats, samples) float64
        About the lead's own level just before the QRS; NaN where not known.
    times_s : (beats, samples) float64
    """

    values_mv: Floats
    times_s: Floats

    def before_qrs(self) -> BeatWindows:
        """Return the part up to the QRS onset, which holds the P wave."""
        return BeatWindows(self.values_mv[:, :, :_N_BEFORE], self.times_s[:, :_N_BEFORE])

    def after_qrs(self) -> BeatWindows:
        """Return the part from the QRS onset on, which holds the T wave."""
        return BeatWindows(self.values_mv[:, :, _N_BEFORE:], self.times_s[:, _N_BEFORE:])

    def within(self, start_s: Floats, end_s: Floats) -> Mask:
        """Return (leads, beats, samples): True from `start_s` to `end_s`, both (beats, leads) or (beats, 1)."""
        inside = (self.times_s >= start_s.T[:, :, None]) & (self.times_s <= end_s.T[:, :, None])
        return np.asarray(inside & self._is_known)

    @cached_property
    def _is_known(self) -> Mask:
        return np.isfinite(self.values_mv)

    def level_mv(self, at_s: Floats) -> Floats:
        """Return (leads, beats) the mean level at times (beats, leads) or (beats, 1); NaN where it is not known."""
        return self.mean_mv(self.within(at_s - _SMOOTH_S - 1e-9, at_s + _SMOOTH_S + 1e-9))

    def mean_mv(self, inside: Mask) -> Floats:
        """Return (leads, beats) the mean over samples; NaN where there is none."""
        count = inside.sum(axis=2)
        total = np.where(inside, self.values_mv, 0.0).sum(axis=2)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)

    def area_mv_ms(self, inside: Mask) -> Floats:
        """Return (leads, beats) the area under samples, mV·ms; NaN where there is none."""
        area = np.where(inside, self.values_mv, 0.0).sum(axis=2) * (1000 / RATE_HZ)
        return np.where(inside.any(axis=2), area, np.nan)


def cut_windows(record: EcgRecord, qrs_onset_s: Floats) -> BeatWindows:
    """Cut the samples around the QRS onsets (beats,) out of a record at `RATE_HZ`."""
    offsets = np.arange(-_N_BEFORE, round(_AFTER_S * RATE_HZ))
    index = np.round(qrs_onset_s * RATE_HZ).astype(int)[:, None] + offsets
    inside = (index >= 0) & (index < record.n_samples)
    values = record.signals[:, np.clip(index, 0, record.n_samples - 1)].astype(np.float64)
    windows = BeatWindows(np.where(inside, values, np.nan), index / RATE_HZ)
    onset_s = qrs_onset_s[:, None]
    baseline = windows.mean_mv(windows.within(onset_s - _BASELINE_S[0], onset_s - _BASELINE_S[1]))
    return BeatWindows(windows.values_mv - baseline[:, :, None], windows.times_s)
