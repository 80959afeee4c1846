"""The network is run over records of any length."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.measurement.delineation.delineator import decode, delineate
from synth import HeartSpec, simulate


def test_decode_distances():
    """Distances become times, logits probabilities, and gaps are unknown."""
    answers = np.zeros((1, 16, 10), np.float32)
    answers[0, 2] = 9.0  # QRS
    answers[0, 6], answers[0, 7] = 0.2, 0.3  # 20 ms since its onset, 30 ms to its end
    known = np.ones((1, 20), bool)
    known[0, 10:] = False
    evidence = decode(answers, known)
    assert evidence.probability[0, 2] == pytest.approx(1.0, abs=1e-3)
    assert evidence.onset_s[0, 1, 5] == pytest.approx(5 * 0.008 - 0.02)
    assert evidence.end_s[0, 1, 5] == pytest.approx(5 * 0.008 + 0.03)
    assert evidence.known[0].tolist() == [True] * 5 + [False] * 5


@pytest.mark.parametrize("seconds", [2.5, 10.0, 65.0])
def test_delineate_any_length(seconds):
    """There is an answer for every step of the record, and long ones show no seam."""
    record = simulate(HeartSpec(rate_bpm=70, breath_rr=0.0), np.random.default_rng(2), seconds).record
    evidence = delineate(record)
    assert evidence.probability.shape == (12, 4, round(seconds * 125))
    qrs = evidence.probability[:, 2].mean(axis=0) > 0.5
    count = int(np.diff(qrs.astype(int), prepend=0).clip(min=0).sum())
    assert count == pytest.approx(seconds * 70 / 60, abs=1.5)
