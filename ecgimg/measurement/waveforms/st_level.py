"""The level of the ST segment against the level just before the QRS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecgimg.measurement.delineation.model import Floats
from ecgimg.measurement.waveforms.beat_windows import BeatWindows

ST_DELAYS_MS = (0, 40, 60, 80)
"""Where the ST level is measured, in ms after the J point (the end of the QRS over all leads)."""


@dataclass(frozen=True, eq=False)
class StLevels:
    """The ST segment of every beat in every lead.

    Parameters
    ----------
    mv : (delays, beats, leads) float64
        At each of `ST_DELAYS_MS`.
    slope_mv_s : (beats, leads) float64
        From J to J + 80 ms.
    """

    mv: Floats
    slope_mv_s: Floats


def measure_st(windows: BeatWindows, j_s: Floats) -> StLevels:
    """Measure the ST level after the J points (beats,)."""
    levels = np.stack([windows.level_mv(j_s[:, None] + delay / 1000).T for delay in ST_DELAYS_MS])
    return StLevels(levels, (levels[-1] - levels[0]) / (ST_DELAYS_MS[-1] / 1000))
