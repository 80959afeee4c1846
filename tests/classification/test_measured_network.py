"""The network of measurements: what is not known never changes the answer, and it is exported as it was trained."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.classification import load_classifier
from ecgimg.classification.labels import LABELS
from ecgimg.classification.measured_inputs import BEAT_SAMPLES, NUMBER_NAMES, MeasuredInputs
from ecgimg.evaluate.probability_calibration import calibrate

torch = pytest.importorskip("torch", reason="the network's definition needs torch (the train extra)")
from ecgimg.classification.measured_network import MeasuredNetwork  # noqa: E402
from ecgimg.train.classifier.ensemble import Ensemble, export_classifier  # noqa: E402
from ecgimg.train.classifier.training import make_network, predict_logits  # noqa: E402


def random_inputs(count: int, seed: int = 0) -> MeasuredInputs:
    """Return numbers and beats of which a third is not known."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(50, 20, (count, len(NUMBER_NAMES)))
    beats = rng.normal(0, 0.5, (count, 12, BEAT_SAMPLES))
    numbers[rng.random(numbers.shape) < 0.3] = np.nan
    beats[rng.random((count, 12)) < 0.3] = np.nan
    return MeasuredInputs(numbers.astype(np.float32), beats.astype(np.float32))


def test_scale_of_numbers():
    """Numbers are scaled once: by their median and spread, whatever is missing."""
    network = MeasuredNetwork(7)
    numbers = random_inputs(500).numbers
    numbers[:, 3] = np.nan
    network.fit_scale(numbers)
    assert float(network.center[0]) == pytest.approx(50, abs=4)
    assert float(network.scale[0]) == pytest.approx(20, abs=4)
    assert float(network.scale[3]) == 1
    network.fit_scale(10 * numbers)
    assert float(network.center[0]) == pytest.approx(50, abs=4)


def test_nothing_known():
    """A record of which nothing is known has finite logits."""
    nothing = MeasuredInputs(
        np.full((2, len(NUMBER_NAMES)), np.nan, np.float32), np.full((2, 12, BEAT_SAMPLES), np.nan, np.float32)
    )
    logits = predict_logits(make_network("measured"), np.zeros((2, 12, 10), np.float32), measured=nothing)
    assert np.isfinite(logits).all()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_export_with_signals(tmp_path, hearts):
    """Beside networks of the signal it answers with the mean of their logits."""
    torch.manual_seed(4)
    parts = [make_network("resnet"), make_network("measured")]
    parts[1].fit_scale(random_inputs(100, seed=1).numbers)
    cards = calibrate(hearts, {"12x1": np.zeros((96, len(LABELS)))})
    classifier = load_classifier(export_classifier(tmp_path, Ensemble(parts), cards, 96))
    assert classifier.is_measuring
    inputs = random_inputs(6)
    signals = hearts.signals_mv[:6]
    expected = np.mean([predict_logits(part, signals, measured=inputs) for part in parts], axis=0)
    np.testing.assert_allclose(classifier.logits(signals, inputs), expected, atol=2e-2)
    alone = classifier.logits(signals[2:3], inputs.subset(slice(2, 3)))
    np.testing.assert_allclose(alone, classifier.logits(signals, inputs)[2:3], atol=1e-4)
