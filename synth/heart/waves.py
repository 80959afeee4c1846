"""One heartbeat as waves: P, QRS, ST and T, each a Gaussian with its own rise and fall and a size in every lead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

REACH = {"P": 2.5, "QRS": 3.0, "ST": 2.5, "T": 2.5}
"""Standard deviations from a wave's peak to where it begins and ends.

An onset or offset is thus where the outermost wave has fallen to exp(-r²/2): 4.4 % of its peak for P, ST and T
(r = 2.5) and 1.1 % for QRS (r = 3).
"""

_CUTOFF_SD = 5.0  # standard deviations after which a wave is nothing (4e-6 of its peak), so that no step is left


@dataclass(frozen=True)
class Wave:
    """A wave that begins, peaks, holds its peak and ends, in seconds from its beat's own zero.

    `amp` is (base leads,) mV; `part` is one of ``P``, ``QRS``, ``ST`` and ``T``.
    """

    part: str
    start_s: float
    peak_s: float
    hold_s: float
    end_s: float
    amp: Array

    @property
    def sigmas_s(self) -> tuple[float, float]:
        """Standard deviations of the rise and of the fall."""
        reach = REACH[self.part]
        rise = (self.peak_s - self.start_s) / reach
        # A wave without a rise or fall would divide by zero; 0.1 ms is below every sampling interval.
        return max(rise, 1e-4), max((self.end_s - self.peak_s - self.hold_s) / reach, 1e-4)

    @property
    def area_s(self) -> float:
        """Integral over time of the wave at size 1."""
        return float(np.sqrt(np.pi / 2) * sum(self.sigmas_s) + self.hold_s)

    def at(self, t_s: Array) -> Array:
        """Return the wave's course at times (n,), from 0 to 1."""
        rise, fall = self.sigmas_s
        # 0 while the wave holds its peak.
        before = np.minimum(t_s - self.peak_s, 0.0) / rise
        after = np.maximum(t_s - self.peak_s - self.hold_s, 0.0) / fall
        course: Array = np.exp(-0.5 * (before * before + after * after))
        return course


def net_area(waves: list[Wave]) -> Array:
    """Return the areas under waves in every base lead, (base leads,) mV·s."""
    total: Array = np.sum([wave.amp * wave.area_s for wave in waves], axis=0)
    return total


def sum_waves(waves: list[Wave], t_s: Array) -> Array:
    """Return the sum of waves at times (n,), as (base leads, n) mV."""
    total: Array = np.stack([wave.amp for wave in waves], axis=1) @ np.stack([wave.at(t_s) for wave in waves])
    return total


def add_wave(signals: Array, wave: Wave, zero_s: float, fs_hz: float) -> None:
    """Add a wave, timed from `zero_s`, to `signals` (base leads, samples), whose first sample is at 0 s."""
    rise, fall = wave.sigmas_s
    first = int(np.ceil((zero_s + wave.peak_s - _CUTOFF_SD * rise) * fs_hz))
    last = int(np.floor((zero_s + wave.peak_s + wave.hold_s + _CUTOFF_SD * fall) * fs_hz)) + 1
    first, last = max(first, 0), min(last, signals.shape[1])
    if first < last:
        signals[:, first:last] += wave.amp[:, None] * wave.at(np.arange(first, last) / fs_hz - zero_s)


def with_amplitudes(wave: Wave, amp: Array) -> Wave:
    """Return the wave with another size."""
    return Wave(wave.part, wave.start_s, wave.peak_s, wave.hold_s, wave.end_s, amp)
