"""Scores against hand-made truth, and the evaluation of real and synthetic pages as a user runs it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ecgimg import BadRequest
from ecgimg.digitization.signals.consistency import consistency_db
from ecgimg.evaluate.digitizer import evaluate_pages, evaluate_synthetic, page_tasks
from ecgimg.evaluate.digitizer_report import confidence_summary, save_scores, score_table, summarize
from ecgimg.evaluate.page_scores import LeadScore, PageScore, page_ratio, score_lead
from layouts import load_layout


def wave(n=5000, seed=0):
    rng = np.random.default_rng(seed)
    return np.convolve(rng.normal(0, 1, n + 30), np.hanning(31) / 15, mode="valid")[:n]


@pytest.mark.parametrize("db", [6.0, 20.0])
def test_noise_of_known_power_scores_its_db(db):
    truth = wave()
    noise = np.random.default_rng(1).normal(0, 1, truth.shape)
    noise *= np.sqrt((truth**2).sum() / (noise**2).sum() / 10 ** (db / 10))
    score = score_lead("I", truth, truth + noise, 500.0, 1.0)
    assert score.strict_snr_db == pytest.approx(db, abs=0.01)
    assert 10 * np.log10(page_ratio([score])) == pytest.approx(db, abs=0.1)


def test_shift_and_offset_are_forgiven_by_the_competition_only():
    truth = wave()
    score = score_lead("I", truth, np.roll(truth, 10) + 0.4, 500.0, 1.0)
    assert score.shift_ms == pytest.approx(20)
    assert 10 * np.log10(page_ratio([score])) > 15
    assert score.strict_snr_db < 5


def test_a_gain_error_is_measured():
    truth = wave()
    page = PageScore("a", {}, "ok", True, (score_lead("I", truth, 0.95 * truth, 500.0, 1.0),), 1.0, 0.0, {})
    assert page.gain_error == pytest.approx(-0.05, abs=1e-6)


def test_what_is_missing_counts_as_nothing_read():
    truth, nothing = wave(), np.full(5000, np.nan)
    score = score_lead("I", truth, nothing, 500.0, 0.0)
    assert (score.coverage, score.strict_snr_db) == (0, 0)
    half = score_lead("I", truth, np.where(np.arange(5000) < 2500, truth, np.nan), 500.0, 0.0)
    assert half.coverage == 0.5
    assert half.covered_snr_db == 60
    assert half.strict_snr_db < 5


def test_the_ratio_is_held_to_the_limit():
    truth = wave()
    assert page_ratio([score_lead("I", truth, truth, 500.0, 1.0)]) == 384


def test_confidence_is_judged_by_ranking_and_error():
    def lead(confidence, mae):
        return LeadScore("I", 1, 1, 1, 1, mae, mae, 0, 1, 1, (1, 1), confidence)

    pages = [PageScore("a", {}, "ok", True, (lead(0.95, 10), lead(0.2, 300), lead(0.9, 20)), 1.0, 0.0, {})]
    told = confidence_summary(pages)
    assert told["auroc"] == 1
    assert told["median error of sure leads µV"] == 15


def test_consistency_sees_a_lead_that_does_not_add_up():
    first, second = wave(1250), wave(1250, 1)
    slots = {slot.lead: slot for slot in load_layout("3x4+II").slots() if slot.column is not None}
    cells = [(slots["I"], first), (slots["II"], second), (slots["III"], second - first)]
    assert consistency_db(cells, 500.0)["einthoven"] == 60
    assert consistency_db([*cells[:2], (slots["III"], first)], 500.0)["einthoven"] < 3


def test_synthetic_pages_are_drawn_read_and_scored(tmp_path):
    scored = list(evaluate_synthetic(2, layouts="3x4+II,6x2", degradation="none", seed=77))
    pages = [item.score for item in scored]
    assert summarize(pages)["competition dB"] > 15
    assert all(page.layout_right for page in pages)
    assert score_table(pages).row_count == 4  # degradation none, two layouts or one twice, all
    save_scores(pages, tmp_path / "scores.json")
    told = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert told[0]["leads"][0]["lead"]


def test_a_table_of_pages_names_what_is_wrong_with_it(tmp_path):
    (tmp_path / "pages.csv").write_text("stem,picture\na,a.png\n", encoding="utf-8")
    with pytest.raises(BadRequest, match="stem and file"):
        page_tasks(tmp_path / "pages.csv", None)
    with pytest.raises(BadRequest, match="cannot be read"):
        page_tasks(tmp_path / "none.csv", None)


def test_real_pages_are_scored_where_they_are(data_folder):
    tasks = page_tasks(data_folder / "pages" / "pages.csv", data_folder / "truth")
    chosen = [task for task in tasks if task.stem in ("090", "00009_hr")]
    pages = [item.score for item in evaluate_pages(chosen)]
    assert [page.layout_right for page in pages] == [True, True]
    assert summarize(pages)["competition dB"] > 18
