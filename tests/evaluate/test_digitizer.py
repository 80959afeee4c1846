"""Real and synthetic pages are digitized and scored."""

from __future__ import annotations

import json

import pytest

from ecgimg import BadRequest
from ecgimg.evaluate.digitizer import evaluate_pages, evaluate_synthetic, page_tasks
from ecgimg.evaluate.digitizer_report import save_scores, score_table, summarize


def test_evaluate_synthetic(tmp_path):
    """Synthetic pages are drawn, digitized and scored."""
    scored = list(evaluate_synthetic(2, layouts="3x4+II,6x2", degradation="none", seed=77))
    pages = [item.score for item in scored]
    assert summarize(pages)["competition dB"] > 15
    assert all(page.layout_right for page in pages)
    assert score_table(pages).row_count == 4  # degradation none, two layouts or one twice, all
    save_scores(pages, tmp_path / "scores.json")
    told = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert told[0]["leads"][0]["lead"]


def test_page_tasks_refusals(tmp_path):
    """A wrong table of pages is refused with what is wrong."""
    (tmp_path / "pages.csv").write_text("stem,picture\na,a.png\n", encoding="utf-8")
    with pytest.raises(BadRequest, match="stem and file"):
        page_tasks(tmp_path / "pages.csv", None)
    with pytest.raises(BadRequest, match="cannot be read"):
        page_tasks(tmp_path / "none.csv", None)


def test_evaluate_real_pages(data_folder):
    """Real pages are digitized and scored."""
    tasks = page_tasks(data_folder / "pages" / "pages.csv", data_folder / "truth")
    chosen = [task for task in tasks if task.stem in ("090", "00009_hr")]
    pages = [item.score for item in evaluate_pages(chosen)]
    assert [page.layout_right for page in pages] == [True, True]
    assert summarize(pages)["competition dB"] > 18
