"""What recorders, pages and digitizers do to the records that the delineator learns from."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.train.delineator.augment import disturbed, shown

SAMPLES = 1024


@pytest.mark.parametrize("seed", range(12))
def test_disturbed_shape_and_size(taught_hearts, seed):
    """A disturbed record has the shape and about the size of the record, and the seed decides how."""
    signals = taught_hearts[0].signals_mv[:, :SAMPLES]
    one, again = (disturbed(signals, np.random.default_rng(seed)) for _ in range(2))
    assert one.shape == signals.shape
    assert one.dtype == np.float32
    assert np.isfinite(one).all()
    np.testing.assert_array_equal(one, again)
    assert 0.3 < np.median(np.ptp(one, axis=1) / np.ptp(signals, axis=1)) < 3


def test_disturbed_by_other_seeds(taught_hearts):
    """Other seeds disturb otherwise, and the record itself is left as it is."""
    signals = taught_hearts[0].signals_mv[:, :SAMPLES].copy()
    first = signals.copy()
    results = [disturbed(signals, np.random.default_rng(seed)) for seed in range(4)]
    assert all(not np.array_equal(results[0], other) for other in results[1:])
    np.testing.assert_array_equal(signals, first)


def test_disturbed_turns_leads(taught_hearts):
    """Some leads are turned over, most are not."""
    signals = taught_hearts[1].signals_mv[:, :SAMPLES]
    products = [(signals * disturbed(signals, np.random.default_rng(seed))).sum(axis=1) for seed in range(20)]
    assert 0.05 < np.mean(np.array(products) < 0) < 0.3


def test_disturbed_flat_lead():
    """A lead of nothing is disturbed too, and stays finite."""
    for seed in range(6):
        assert np.isfinite(disturbed(np.zeros((2, SAMPLES), np.float32), np.random.default_rng(seed))).all()


@pytest.mark.parametrize("leads", [1, 2, 12])
def test_shown_parts(leads):
    """Of every crop something is shown: the whole, columns, some leads, with gaps or without; the seed decides."""
    masks = [shown(leads, SAMPLES, np.random.default_rng(seed)) for seed in range(60)]
    assert all(mask.shape == (leads, SAMPLES) and mask.dtype == bool for mask in masks)
    assert 0.3 < np.mean([mask.all() for mask in masks]) < 0.9
    np.testing.assert_array_equal(masks[7], shown(leads, SAMPLES, np.random.default_rng(7)))


def test_shown_columns_and_gaps():
    """Some crops show leads for a part of the time, some lack whole leads, and some have short gaps."""
    masks = [shown(12, SAMPLES, np.random.default_rng(seed)) for seed in range(80)]
    shares = [mask.mean(axis=1) for mask in masks]
    assert any((share == 0).any() and (share == 1).any() for share in shares)
    assert any(((share > 0) & (share < 0.8)).sum() >= 6 for share in shares)
    assert any(((share > 0.85) & (share < 1)).any() for share in shares)
