"""The laws of the limb leads (Einthoven 1912, Goldberger 1942): all six are mixtures of leads I and II."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LIMB_MIX = {
    "I": (1.0, 0.0),
    "II": (0.0, 1.0),
    "III": (-1.0, 1.0),
    "aVR": (-0.5, -0.5),
    "aVL": (1.0, -0.5),
    "aVF": (-0.5, 1.0),
}


@dataclass(frozen=True, eq=False)
class PairFit:
    """The pair of signals (2, n) that explains limb leads best, their power, and what it leaves, by its freedom."""

    pair: Floats
    power: float
    residual: float


def fit_pair(mix: Floats, signals: Floats) -> PairFit:
    """Fit one pair of signals I and II to three or more limb leads (leads, n), all freed of their means.

    Parameters
    ----------
    mix : (leads, 2)
        How each lead is made of I and II, as `LIMB_MIX` says.
    """
    signals = signals - signals.mean(axis=1, keepdims=True)
    pair = np.asarray(np.linalg.lstsq(mix, signals, rcond=None)[0], np.float64)
    freedom = len(mix) / (len(mix) - 2)
    return PairFit(pair, float((signals**2).sum()), float(((signals - mix @ pair) ** 2).sum()) * freedom)
