"""Leads reach the network about their median and in units of their height."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.measurement.delineation.network_input import MULTIPLE, normalize, pad


def spikes(n=2500, every=250):
    signal = np.zeros(n, np.float32)
    signal[50::every] = 1.0
    return signal


def test_normalize_height():
    """A lead whose beats are a millivolt high, and one of ten, are both one unit high."""
    values, known = normalize(np.stack([spikes() + 3, 10 * spikes()]))
    assert values.max(axis=1) == pytest.approx(1.0)
    assert np.median(values, axis=1) == pytest.approx(0.0)
    assert known.all()


def test_normalize_gap():
    """What is unknown is zero, and is said to be unknown."""
    signal = spikes()
    signal[300:400] = np.nan
    values, known = normalize(signal[None])
    assert not values[0, 300:400].any()
    assert not known[0, 300:400].any()
    assert known.sum() == 2400


@pytest.mark.parametrize("fill", [0.0, 2.0, np.nan])
def test_normalize_flat_lead(fill):
    """A lead without variation stays without, and finite."""
    values, _ = normalize(np.full((1, 1000), fill, np.float32))
    assert np.isfinite(values).all()
    assert not values.any()


def test_pad_to_multiple():
    """Rows are extended by zeros to what the network can halve."""
    padded = pad(np.ones((2, MULTIPLE + 1), np.float32))
    assert padded.shape == (2, 2 * MULTIPLE)
    assert padded.sum() == 2 * (MULTIPLE + 1)
