"""Smooth noise in place of a signal."""

from __future__ import annotations

import numpy as np


def wave(n=5000, seed=0):
    rng = np.random.default_rng(seed)
    return np.convolve(rng.normal(0, 1, n + 30), np.hanning(31) / 15, mode="valid")[:n]
