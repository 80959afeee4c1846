"""Metrics of classifiers."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.evaluate import classifier_metrics as metrics


def test_metrics_after_definitions():
    """Each metric agrees with its definition."""
    rng = np.random.default_rng(4)
    score, positive = np.round(rng.random(60), 1), rng.random(60) < 0.3
    pairs = [(a, b) for a in score[positive] for b in score[~positive]]
    assert metrics.auroc(score, positive) == pytest.approx(np.mean([(a > b) + (a == b) / 2 for a, b in pairs]))
    cuts = sorted(set(score), reverse=True)
    recall = np.r_[0, [(positive & (score >= cut)).sum() / positive.sum() for cut in cuts]]
    precision = [(positive & (score >= cut)).sum() / (score >= cut).sum() for cut in cuts]
    assert metrics.auprc(score, positive) == pytest.approx(float((np.diff(recall) * precision).sum()))
    assert np.isnan(metrics.auroc(score, np.zeros(60, bool)))
    assert metrics.f_score(positive, positive) == 1
    assert metrics.calibration_error(np.full(60, 0.25), np.arange(60) < 15) == pytest.approx(0)
    assert metrics.calibration_error(np.full(60, 0.75), np.arange(60) < 15) == pytest.approx(0.5)


def test_resampled_patients():
    """A patient's records are drawn together."""
    patients = np.array(["a", "b", "a", "c"])
    for draw in metrics.resampled(patients, 20, np.random.default_rng(0)):
        counts = np.bincount(draw, minlength=4)
        assert counts[0] == counts[2]
