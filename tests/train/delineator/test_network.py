"""The delineator's network: leads in any order and number, and gaps."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch (the train extra)")
from ecgimg.measurement.delineation.network_input import normalize  # noqa: E402
from ecgimg.train.delineator.network import N_OUTPUTS, Delineator  # noqa: E402


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(3)
    network = Delineator((4, 6, 6, 8, 8))
    for name, layer in network.named_modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0
        elif name.endswith(("told", "heard")):
            layer.weight.data *= 4
    # a network that was never normalized gives nearly the same answers to all inputs
    network(torch.randn(2, 4, 1024), torch.ones(2, 4, 1024))
    return network.eval()


def answers_of(network, signals_mv):
    values, known = normalize(signals_mv)
    with torch.no_grad():
        return network(torch.from_numpy(values)[None], torch.from_numpy(known)[None])[0].numpy()


def test_delineator_shape(network):
    """Each lead has its answers at every second sample."""
    for leads in (1, 3, 15):
        answers = answers_of(network, np.random.default_rng(0).standard_normal((leads, 96)))
        assert answers.shape == (leads, N_OUTPUTS, 48)


def test_delineator_any_order_of_leads(network, taught_hearts):
    """Leads in another order give the same answers in that order."""
    signals, order = taught_hearts[0].signals_mv[:, :1024], np.random.default_rng(1).permutation(12)
    np.testing.assert_allclose(answers_of(network, signals[order]), answers_of(network, signals)[order], atol=2e-4)


def test_delineator_hears_other_leads(network, taught_hearts):
    """The answers of a lead depend on the other leads that are known, and not on a lead of which nothing is known."""
    signals = taught_hearts[0].signals_mv[:, :1024]
    alone = answers_of(network, signals[:1])
    assert np.abs(answers_of(network, signals[:2])[0] - alone[0]).max() > 1e-3
    unknown = np.stack([signals[0], np.full(1024, np.nan)])
    np.testing.assert_allclose(answers_of(network, unknown)[0], alone[0], atol=2e-4)


def test_delineator_gaps(network, taught_hearts):
    """A gap has finite answers, which differ from those of a flat trace there, and other leads notice it."""
    signals = taught_hearts[0].signals_mv[:3, :1600].astype(np.float64)
    whole = answers_of(network, signals)
    flat, gapped = signals.copy(), signals.copy()
    flat[0, 600:800], gapped[0, 600:800] = np.median(signals[0]), np.nan
    answers = answers_of(network, gapped)
    assert np.isfinite(answers).all()
    assert np.abs(answers - answers_of(network, flat))[0, :, 310:390].max() > 1e-2
    assert np.abs(answers - whole)[1:, :, 310:390].max() > 1e-3


def test_delineator_batch(network, taught_hearts):
    """Records of a batch do not hear of each other."""
    batch = [normalize(heart.signals_mv[:4, :512]) for heart in taught_hearts[:2]]
    values, known = (torch.from_numpy(np.stack(rows)) for rows in zip(*batch, strict=True))
    with torch.no_grad():
        both = network(values, known).numpy()
    alone = answers_of(network, taught_hearts[1].signals_mv[:4, :512])
    np.testing.assert_allclose(both[1], alone, atol=2e-4)
