"""The properties of PatchECG, and that what is shipped is what was trained."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.classification.tokens import Tokens, tokenize

torch = pytest.importorskip("torch", reason="the network's definition needs torch (the train extra)")
from ecgimg.classification.patchecg_network import PatchECG  # noqa: E402


def record(seed: int = 0, samples: int = 640) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.3, (1, 12, samples)).astype(np.float32)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return PatchECG(7, width=32, depth=2, heads=2).eval()


def logits(network, tokens: Tokens) -> np.ndarray:
    with torch.no_grad():
        return network(*(torch.from_numpy(part) for part in vars(tokens).values())).numpy()


def test_patchecg_with_masked_values(network):
    """Values under the mask never change the output."""
    signals = record()
    signals[:, :, 200:400] = np.nan
    tokens = tokenize(signals)
    loud = tokenize(signals)
    loud.values[:, :, 0][loud.values[:, :, 1] == 0] = 0  # what is unknown is 0 whatever was there
    padded = Tokens(*(np.concatenate([part, part[:, :5]], axis=1) for part in vars(tokens).values()))
    padded.values[:, -5:] = 1e3
    padded.present[:, -5:] = False
    np.testing.assert_allclose(logits(network, loud), logits(network, tokens))
    np.testing.assert_allclose(logits(network, padded), logits(network, tokens), atol=1e-5)


def test_patchecg_without_empty_tokens(network):
    """Removing empty tokens changes nothing."""
    both = np.concatenate([record(0), record(1)])
    both[1, 2:] = np.nan
    together = logits(network, tokenize(both))
    np.testing.assert_allclose(together[1:], logits(network, tokenize(both[1:])), atol=1e-5)


def test_patchecg_in_other_token_order(network):
    """The order of the tokens does not matter."""
    tokens = tokenize(record())
    order = np.random.default_rng(3).permutation(tokens.values.shape[1])
    shuffled = Tokens(*(part[:, order] for part in vars(tokens).values()))
    np.testing.assert_allclose(logits(network, shuffled), logits(network, tokens), atol=1e-5)


def test_patchecg_with_swapped_leads(network):
    """The lead of a patch matters."""
    tokens = tokenize(record())
    swapped = Tokens(tokens.values, (tokens.lead + 1) % 12, tokens.time_s, tokens.present)
    assert np.abs(logits(network, swapped) - logits(network, tokens)).max() > 1e-3


def test_patchecg_with_partial_patch(network):
    """A partial patch differs from a whole one that ends in zeros."""
    part = record(samples=64)
    part[:, :, 40:] = 0
    hidden = part.copy()
    hidden[:, :, 40:] = np.nan
    assert np.abs(logits(network, tokenize(hidden)) - logits(network, tokenize(part))).max() > 1e-4


def test_patchecg_gradients(network):
    """Gradients reach query, key and value of every block."""
    tokens = tokenize(record())
    network.zero_grad()
    network(*(torch.from_numpy(part) for part in vars(tokens).values())).square().sum().backward()
    for block in network.blocks:
        query, key, value = block.query_key_value.weight.grad.chunk(3)
        assert min(float(part.abs().max()) for part in (query, key, value)) > 1e-8


def test_patchecg_fill_in(network):
    """A hidden patch is guessed for the lead and time that are asked for."""
    tokens = tokenize(record())
    asked = torch.tensor([[0, 4]]), torch.tensor([[0.32, 0.96]])
    with torch.no_grad():
        guess = network.fill_in(*(torch.from_numpy(part) for part in vars(tokens).values()), *asked)
    assert guess.shape == (1, 2, 64)
    assert float((guess[0, 0] - guess[0, 1]).abs().max()) > 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_patchecg_onnx_equals_torch(network, tmp_path):
    """The exported network gives the logits of the trained one."""
    pytest.importorskip("onnx")
    import onnxruntime

    from ecgimg.train.export import export_network

    axes = {0: "batch", 1: "tokens"}
    examples = {name: (torch.from_numpy(part), axes) for name, part in vars(tokenize(record())).items()}
    path = export_network(network, tmp_path / "net.onnx", examples, ("logits", {0: "batch"}), {"outputs": 7})
    session = onnxruntime.InferenceSession(str(path))
    both = np.concatenate([record(5, 1000), record(6, 1000)])
    both[1, :, 300:] = np.nan
    for signals in (both, both[1:, :, :320]):
        tokens = tokenize(signals)
        (found,) = session.run(None, dict(vars(tokens)))
        np.testing.assert_allclose(found, logits(network, tokens), atol=1e-4)
