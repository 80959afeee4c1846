"""Cross-validation."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg import BadRequest
from ecgimg.classification.labels import LABELS
from ecgimg.classification.measured_inputs import BEAT_SAMPLES, NUMBER_NAMES, MeasuredInputs
from ecgimg.evaluate.classifier_metrics import auroc
from ecgimg.evaluate.probability_calibration import calibrate

pytest.importorskip("torch", reason="training needs torch (the train extra)")
from ecgimg.train.classifier import measured_views
from ecgimg.train.classifier.crossvalidation import cross_validate
from ecgimg.train.classifier.measured_views import VIEWS, measure_views
from ecgimg.train.classifier.training import Stage

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")


def test_cross_validate_predicts_each_record_once(tmp_path, hearts):
    """Every record is predicted once, by networks that did not see it."""
    found = cross_validate(
        tmp_path, "mean", hearts, Stage(0.5, 16, 1e-3), ("12x1", "random"), groups=((1,), (2,)), jobs=1
    )
    there = np.isfinite(found["12x1"]).all(axis=1)
    np.testing.assert_array_equal(there, hearts.folds != 3)
    cards = calibrate(hearts, found)
    assert list(cards) == list(LABELS)
    assert cards["PMI"].thresholds is None or cards["PMI"].positives >= 8
    with pytest.raises(BadRequest, match="no folds"):
        cross_validate(tmp_path, "mean", hearts.subset(hearts.folds == 3), Stage(1, 8, 1e-3), ("12x1",), groups=((1,),))


def test_cross_validate_what_was_measured(tmp_path, hearts, monkeypatch):
    """A network of measurements learns from the views of a file, which is made once; it tells what they hold."""
    calls = []
    at = int(np.argmin(np.abs(hearts.targets.mean(axis=0) - 0.5)))  # a label that half of the hearts have

    def measure(signals, _jobs):
        # in place of 400 measurements: a single number that tells of that label
        calls.append(len(signals))
        numbers = np.full((len(signals), len(NUMBER_NAMES)), np.nan, np.float32)
        numbers[:, 0] = hearts.targets[:, at]
        return MeasuredInputs(numbers, np.full((len(signals), 12, BEAT_SAMPLES), np.nan, np.float32))

    monkeypatch.setattr(measured_views, "measure_in_processes", measure)
    file = tmp_path / "measured.npz"
    for _ in range(2):
        views = measure_views(hearts, file)
    assert calls == [96] * len(VIEWS)
    np.testing.assert_array_equal(views.of_layout("3x4+II").numbers, views.of_view(1).numbers)
    found = cross_validate(
        tmp_path, "measured", hearts, Stage(30, 32, 2e-3), ("12x1", "random"), views=file, groups=((1,),)
    )
    rows = hearts.folds == 1
    assert auroc(found["random"][rows, at], hearts.targets[rows, at]) > 0.9
