"""Records of simulated hearts."""

from __future__ import annotations

import numpy as np

from ecgimg import EcgRecord
from synth.heart import HeartSpec, simulate


def heart(seconds: float = 10.0, fs_hz: float = 500.0, seed: int = 1, **spec) -> EcgRecord:
    return simulate(HeartSpec(**spec), np.random.default_rng(seed), seconds, fs_hz).record
