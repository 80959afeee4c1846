"""Scores of a lead and of a page against hand-made truth."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.evaluate.page_scores import PageScore, page_ratio, score_lead
from tests.evaluate.waves import wave


@pytest.mark.parametrize("db", [6.0, 20.0])
def test_score_of_noise(db):
    """Noise of a known power scores its dB."""
    truth = wave()
    noise = np.random.default_rng(1).normal(0, 1, truth.shape)
    noise *= np.sqrt((truth**2).sum() / (noise**2).sum() / 10 ** (db / 10))
    score = score_lead("I", truth, truth + noise, 500.0, 1.0)
    assert score.strict_snr_db == pytest.approx(db, abs=0.01)
    assert 10 * np.log10(page_ratio([score])) == pytest.approx(db, abs=0.1)


def test_score_of_shift_and_offset():
    """The competition's score forgives a shift and an offset, the strict one does not."""
    truth = wave()
    score = score_lead("I", truth, np.roll(truth, 10) + 0.4, 500.0, 1.0)
    assert score.shift_ms == pytest.approx(20)
    assert 10 * np.log10(page_ratio([score])) > 15
    assert score.strict_snr_db < 5


def test_score_of_gain_error():
    """An error of the gain is measured."""
    truth = wave()
    page = PageScore("a", {}, "ok", True, (score_lead("I", truth, 0.95 * truth, 500.0, 1.0),), 1.0, 0.0, {})
    assert page.gain_error == pytest.approx(-0.05, abs=1e-6)


def test_score_of_missing_samples():
    """Missing samples count as nothing read, but not among the covered ones."""
    truth, nothing = wave(), np.full(5000, np.nan)
    score = score_lead("I", truth, nothing, 500.0, 0.0)
    assert (score.coverage, score.strict_snr_db) == (0, 0)
    half = score_lead("I", truth, np.where(np.arange(5000) < 2500, truth, np.nan), 500.0, 0.0)
    assert half.coverage == 0.5
    assert half.covered_snr_db == 60
    assert half.strict_snr_db < 5


def test_page_ratio_limit():
    """The ratio of a perfect page is the limit."""
    truth = wave()
    assert page_ratio([score_lead("I", truth, truth, 500.0, 1.0)]) == 384
