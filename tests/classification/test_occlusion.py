"""What a finding rests on."""

from __future__ import annotations

import numpy as np
import pytest

import ecgimg
from ecgimg import EcgRecord
from ecgimg.classification.occlusion import occlude_patches, without_patches
from tests.classification.hearts import heart


@pytest.mark.slow
def test_occlusion_of_strongest_patches(classifier):
    """Hiding the strongest patches lowers the logit more than hiding others."""
    rng = np.random.default_rng(0)
    at = classifier.labels.index("CRBBB")
    gains = []
    for seed in range(6):
        signals = heart(10, 100.0, seed=seed, conduction="crbbb", qrs_ms=140).signals
        patches = occlude_patches(classifier, signals, ["CRBBB"])
        order = np.argsort(-patches.weights["CRBBB"])
        n = len(order) // 10
        less = [without_patches(signals, patches, chosen) for chosen in (order[:n], rng.permutation(order)[:n])]
        top, random = classifier.logits(np.stack(less))[:, at]
        gains.append(random - top)
    assert np.mean(gains) > 0
    assert min(gains) > -0.1


def test_explain_long_record(classifier):
    """Evidence of a long record is in its own seconds."""
    signals = heart(30, 100.0, rhythm="af").signals.copy()
    signals[:, :1000] = np.nan
    found = ecgimg.classify(EcgRecord(signals, 100.0), explain=True)
    assert found.evidence
    assert min(item.start_s for items in found.evidence.values() for item in items) >= 10
