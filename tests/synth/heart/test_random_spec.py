"""Random hearts."""

from __future__ import annotations

import numpy as np

from synth.heart import make_random_heart_spec, simulate
from synth.heart.scp_statements import CODES


def test_random_hearts():
    """Random hearts are plausible, and of every kind."""
    names, normal = set(), 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        beats = simulate(make_random_heart_spec(rng), rng)
        assert np.isfinite(beats.record.signals).all()
        assert np.abs(beats.record.signals).max() < 10
        assert np.ptp(beats.record.signals, axis=1).min() > 0.03
        assert beats.labels
        assert set(beats.labels) <= set(CODES)
        assert len(beats.fiducials.kind) >= 4
        names |= set(beats.labels)
        normal += "NORM" in beats.labels
    assert 0.28 < normal / 200 < 0.46
    assert {"AFIB", "LVH", "CRBBB", "CLBBB", "LAFB", "IMI", "PVC", "PAC", "PACE", "STE_", "INVT", "1AVB"} <= names


def test_random_heart_specs():
    """Every random spec is valid, and every rhythm, block and conduction is drawn."""
    specs = [make_random_heart_spec(np.random.default_rng(seed)) for seed in range(1000, 2500)]
    assert {spec.rhythm for spec in specs} == {"sinus", "sinus_arrhythmia", "af", "flutter", "svt", "junctional"}
    assert {spec.av_block for spec in specs} == {"none", "first", "mobitz1", "mobitz2", "two_to_one", "third"}
    assert len({spec.conduction for spec in specs}) == 10
