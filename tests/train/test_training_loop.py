"""The loop that all trainings share."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="training needs torch (the train extra)")
from ecgimg.train.training_loop import Schedule, fit  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")


def test_fit_with_averaged_weights(tmp_path):
    """The mean of the weights of a short training forgets the first ones."""
    network = torch.nn.Linear(1, 1)
    torch.nn.init.constant_(network.weight, -1.0)
    steps = 100
    fit(
        network, lambda _: (network.weight - 1).square().sum(), dict, tmp_path, Schedule(steps, 0.1, 0, averaging=0.998)
    )
    assert network.weight.item() == pytest.approx(1.0, abs=0.1)
