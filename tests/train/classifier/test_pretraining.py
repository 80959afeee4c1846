"""Pre-training on masked patches."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch (the train extra)")
from ecgimg.train.classifier.pretraining import pretrain  # noqa: E402
from ecgimg.train.classifier.training import make_network  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")


def test_pretrain_masked_patches(tmp_path, hearts):
    """Masked patches are learnt."""
    torch.manual_seed(1)
    network, losses = make_network("patchecg"), []
    pretrain(network, hearts.signals_mv, tmp_path, epochs=4, batch=16, learning_rate=2e-3,
             on_step=lambda _step, loss: losses.append(loss))  # fmt: skip
    assert np.mean(losses[-6:]) < np.mean(losses[:6])
