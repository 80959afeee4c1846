"""Onsets and ends of waves over the leads that were recorded at the same time.

The electrical activity of the heart begins where the first lead shows it and ends where the last lead does (CSE working
party 1985, Eur Heart J 6:815; AHA/ACCF/HRS 2009, Circulation 119:e241). The first of twelve marks is also the one that
errs most, so that a low quantile of the leads stands for it: between the first and the second of twelve.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecgimg.measurement.delineation.model import BeatWaves, Floats

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
        onset_s=np.stack([_quantile(waves.onset_s[k], _ONSET_QUANTILE) for k in range(3)]),
        end_s=np.stack([_quantile(waves.end_s[k], _END_QUANTILE) for k in range(3)]),
        onset_error_s=np.stack([_quantile(waves.onset_error_s[k], 0.5) for k in range(3)]),
        end_error_s=np.stack([_quantile(waves.end_error_s[k], 0.5) for k in range(3)]),
    )


def _quantile(values_s: Floats, share: float) -> Floats:
    """Return the quantile over leads of each beat (beats, leads), NaN where no lead has a value."""
    ordered = np.sort(values_s, axis=1)  # NaN last
    count = np.isfinite(values_s).sum(axis=1)
    place = share * np.maximum(count - 1, 0)
    low = np.floor(place).astype(int)
    high = np.minimum(low + 1, np.maximum(count - 1, 0))
    rows = np.arange(len(values_s))
    part = place - low
    return np.asarray((1 - part) * ordered[rows, low] + part * ordered[rows, high])
