"""What a network might say, written down."""

from __future__ import annotations

import numpy as np

from ecgimg.measurement.delineation.model import KINDS, WaveEvidence

STEP_S = 0.008


def evidence_of(*leads, seconds=4.0, known=None):
    """Evidence of leads that are lists of (kind, onset_s, end_s); sure of everything."""
    steps = round(seconds / STEP_S)
    times = np.arange(steps) * STEP_S
    probability = np.zeros((len(leads), 4, steps), np.float32)
    probability[:, 0] = 1.0
    onset, end = (np.zeros((len(leads), 3, steps), np.float32) for _ in range(2))
    for row, waves in enumerate(leads):
        for name, onset_s, end_s in waves:
            inside = (times >= onset_s) & (times <= end_s)
            probability[row, 0, inside] = 0.05
            probability[row, KINDS[name], inside] = 0.95
            onset[row, KINDS[name] - 1, inside] = onset_s
            end[row, KINDS[name] - 1, inside] = end_s
    error = np.full((len(leads), 3, steps), 0.005, np.float32)
    seen = np.ones((len(leads), steps), bool) if known is None else known
    return WaveEvidence(probability, onset, end, error, error, seen, STEP_S)


def beat(at_s, *, p=True, t=True):
    """P, QRS and T of a beat whose QRS begins at a time."""
    waves = [("QRS", at_s, at_s + 0.09)]
    if p:
        waves.insert(0, ("P", at_s - 0.16, at_s - 0.06))
    if t:
        waves.append(("T", at_s + 0.2, at_s + 0.38))
    return waves
