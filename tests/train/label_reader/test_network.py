"""The network that reads lead labels."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.digitization.text import label_recognition


def test_label_reader_onnx_equals_torch():
    """The shipped network gives the logits of the trained one, and is small."""
    torch = pytest.importorskip("torch", reason="torch comes with the extra train only")
    load_file = pytest.importorskip("safetensors.torch").load_file
    from importlib.resources import files

    from ecgimg.train.label_reader.network import LabelReader

    network = LabelReader().eval()
    network.load_state_dict(load_file(str(files("ecgimg") / "weights" / "label_reader.safetensors")))
    crops = np.random.default_rng(0).random((5, 1, 32, 96), np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(crops)).numpy()
    assert np.abs(label_recognition._logits(crops) - expected).max() < 1e-4
    assert sum(parameter.numel() for parameter in network.parameters()) < 200_000
