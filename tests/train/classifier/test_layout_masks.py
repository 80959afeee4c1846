"""What is hidden and disturbed in training."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch (the train extra)")
from ecgimg.train.classifier.layout_masks import disturbed, random_mask
from layouts import load_layouts


def test_random_masks():
    """Masks show whole records, pages, windows and leads, and never nothing."""
    rng = np.random.default_rng(0)
    shares = np.array([random_mask(load_layouts("all"), 1000, rng).mean() for _ in range(300)])
    assert shares.min() > 0
    assert (shares == 1).mean() > 0.1
    assert ((shares > 0.2) & (shares < 0.4)).mean() > 0.15


def test_disturbed_signals():
    """A disturbed signal stays an ECG, and the same seed disturbs alike."""
    signals = np.random.default_rng(0).normal(0, 0.3, (12, 1000)).astype(np.float32)
    for seed in range(20):
        made = disturbed(signals, np.random.default_rng(seed))
        assert np.nanmax(np.abs(made)) < 5
        assert np.isfinite(made).mean() > 0.85
    np.testing.assert_array_equal(
        disturbed(signals, np.random.default_rng(3)), disturbed(signals, np.random.default_rng(3))
    )
