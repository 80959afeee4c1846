"""Predictions out of the fold are scored, and trainings compared."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg import BadRequest
from ecgimg.classification.labelled_records import read_labelled
from ecgimg.classification.labels import LABELS
from ecgimg.evaluate.layout_robustness import paired_difference
from ecgimg.evaluate.out_of_fold_scores import comparison_table, read_out_of_fold, summarize_out_of_fold


def write_predictions(path, data, quality: float):
    rng = np.random.default_rng(1)
    path.parent.mkdir()
    logits = quality * data.targets + rng.normal(size=data.targets.shape)
    np.savez(path, ids=data.ids, labels=np.array(LABELS), **{"12x1": logits, "3x4": 0.5 * logits})
    return path


def test_out_of_fold_comparison(sources):
    """Predictions are scored for each layout, and the better training gains."""
    data = read_labelled(sources / "r.npz", sources / "l.csv")
    good, poor = (
        write_predictions(sources / name / "out_of_fold.npz", data, q) for name, q in (("good", 4.0), ("poor", 0.0))
    )
    summaries = list(summarize_out_of_fold(good, data.subset(data.folds == 2), data.subset(data.folds == 1)))
    assert [summary["layout"] for summary in summaries] == ["12x1", "3x4"]
    kept, labels, logits = read_out_of_fold(good, data)
    at = labels.index("LVH")
    gain, (low, high) = paired_difference(
        kept, ["LVH"], logits["12x1"][:, [at]], read_out_of_fold(poor, data)[2]["12x1"][:, [at]], times=100
    )
    assert low <= gain <= high
    assert low > 0
    assert comparison_table(good, [poor], data).row_count == 2
    with pytest.raises(BadRequest, match="out-of-fold"):
        read_out_of_fold(sources / "l.csv", data)
