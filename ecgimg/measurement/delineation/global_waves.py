"""Onsets and ends of waves over the leads that were recorded at the same time.

The electrical activity of the heart begins where the first lead shows it and ends where the last lead does (CSE working
party 1985, Eur Heart J 6:815; AHA/ACCF/HRS 2009, Circulation 119:e241). The first of twelve marks is also the one that
errs most, so that a low quantile of the leads stands for it: between the first and the second of twelve.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecgimg.measurement.delineation.model import BeatWaves, Floats
from ecgimg.measurement.order_statistics import known_quantile

_ONSET_QUANTILE, _END_QUANTILE = 0.05, 0.95  # over leads


@dataclass(frozen=True, eq=False)
class GlobalWaves:
    """P, QRS and T of each beat over its leads, each (3, beats) s; NaN without the wave."""

    onset_s: Floats
    end_s: Floats
    onset_error_s: Floats
    end_error_s: Floats


def over_leads(waves: BeatWaves) -> GlobalWaves:
    """Return where each wave of each beat begins and ends over all leads that show it."""
    return GlobalWaves(
        onset_s=np.stack([known_quantile(waves.onset_s[k], _ONSET_QUANTILE, axis=1) for k in range(3)]),
        end_s=np.stack([known_quantile(waves.end_s[k], _END_QUANTILE, axis=1) for k in range(3)]),
        onset_error_s=np.stack([known_quantile(waves.onset_error_s[k], 0.5, axis=1) for k in range(3)]),
        end_error_s=np.stack([known_quantile(waves.end_error_s[k], 0.5, axis=1) for k in range(3)]),
    )
