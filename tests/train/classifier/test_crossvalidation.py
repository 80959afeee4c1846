"""Cross-validation."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg import BadRequest
from ecgimg.classification.labels import LABELS
from ecgimg.evaluate.probability_calibration import calibrate

pytest.importorskip("torch", reason="training needs torch (the train extra)")
from ecgimg.train.classifier.crossvalidation import cross_validate
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
