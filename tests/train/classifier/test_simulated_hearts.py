"""Simulated hearts to train with."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.classification.labels import LABELS

pytest.importorskip("torch", reason="training needs torch (the train extra)")
from ecgimg.train.classifier.simulated_hearts import simulated_records


def test_simulated_records_are_reproducible(tmp_path, hearts):
    """The same seed gives the same records, and labels that are not simulated are unknown."""
    again = simulated_records(tmp_path, 96, seed=5, jobs=1)
    np.testing.assert_array_equal(again.signals_mv, hearts.signals_mv)
    np.testing.assert_array_equal(again.targets, hearts.targets)
    assert not again.known[:, LABELS.index("PSVT")].any()
    assert again.known[:, LABELS.index("AFIB")].all()
