"""The training of a classifier: it learns, and goes on where it was stopped."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg import BadRequest
from ecgimg.classification.labels import LABELS

torch = pytest.importorskip("torch", reason="training needs torch (the train extra)")
from ecgimg.train.classifier.training import Stage, learn, make_network, predict_logits  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")


@pytest.mark.slow
def test_learn_after_a_stop(tmp_path, hearts, monkeypatch):
    """A stopped training goes on to the same weights."""
    from ecgimg.train.classifier import training as classifier

    original = classifier.Schedule
    monkeypatch.setattr(classifier, "Schedule", lambda *a, **k: original(*a, **{**k, "log_every": 2}))
    stage = Stage(0.5, 8, 1e-3)
    weights = []
    for name, stops in (("whole", (None,)), ("parts", (2, None))):
        for stop in stops:
            torch.manual_seed(0)
            network = make_network("mean")

            def on_step(step: int, _loss: float, stop: int | None = stop) -> None:
                if stop is not None and step > stop:
                    raise KeyboardInterrupt

            try:
                learn(network, hearts, hearts, stage, tmp_path / name, on_step=on_step)
            except KeyboardInterrupt:
                continue
        weights.append(network.head.weight.detach().numpy())
    assert (tmp_path / "parts" / "curve.csv").read_text().startswith("step,loss,auroc,afib")
    # dropout draws anew after a stop, so that the two agree closely, not to the bit
    np.testing.assert_allclose(weights[0], weights[1], atol=5e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["patchecg", "resnet", "mean"])
def test_learn_every_network(tmp_path, hearts, name):
    """Every network learns."""
    torch.manual_seed(1)
    network = make_network(name)
    losses: list[float] = []
    learn(
        network,
        hearts,
        None,
        Stage(4, 16, 2e-3, averaging=0.5),
        tmp_path,
        on_step=lambda _step, loss: losses.append(loss),
    )
    assert np.mean(losses[-6:]) < 0.6 * np.mean(losses[:3])
    assert predict_logits(network, hearts.signals_mv[:5]).shape == (5, len(LABELS))


def test_learn_with_too_few_records(tmp_path, hearts):
    """Fewer records than a batch are refused."""
    with pytest.raises(BadRequest, match="fewer than one batch"):
        learn(make_network("mean"), hearts.first(4), None, Stage(1, 8, 1e-3), tmp_path)
