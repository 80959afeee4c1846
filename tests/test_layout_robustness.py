"""Evaluating somebody's own classifier on every layout, from the command line, and comparing trainings."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from ecgimg import BadRequest
from ecgimg.classification.labelled_records import read_labelled
from ecgimg.classification.labels import LABELS
from ecgimg.cli import app
from ecgimg.evaluate.layout_robustness import paired_difference
from ecgimg.evaluate.out_of_fold import comparison_table, read_out_of_fold, summarize_out_of_fold

PLUGIN = """
import numpy as np

def predict(signals_mv, mask, fs_hz):
    'The taller V5, the likelier; where it is hidden, nothing is known.'
    height = np.where(mask[:, 10], signals_mv[:, 10], 0).max(axis=1)
    return np.stack([1 / (1 + np.exp(-height)), np.full(len(height), 0.5)], axis=1)

predict.labels = ("LVH", "AFIB")
"""


@pytest.fixture
def sources(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    signals = rng.normal(0, 50, (40, 12, 1000))
    signals[::4, 10] *= 20
    np.savez(tmp_path / "r.npz", x=signals.astype(np.int16), ecg_id=np.arange(40))
    with (tmp_path / "l.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["ecg_id", "statements", "strat_fold", "patient_id"])
        table.writerows([k, "LVH;AFIB" if k % 4 == 0 else "SR", k % 2 + 1, k // 2] for k in range(40))
    (tmp_path / "my_plugin.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def run(folder, *options: str):
    return CliRunner().invoke(
        app, ["evaluate", "layouts", "--records", str(folder / "r.npz"), "--labels", str(folder / "l.csv"), *options]
    )


def test_a_plug_in_sees_what_each_layout_shows(sources):
    pytest.importorskip("matplotlib")
    options = ["--model", "my_plugin:predict", "--layouts", "12x1,6x1-limb"]
    done = run(sources, *options, "--predictions", str(sources / "p"), "--out", str(sources / "o"))
    assert done.exit_code == 0, done.output
    whole, limb = json.loads((sources / "o" / "scores.json").read_text())
    assert whole["labels"]["LVH"]["auroc"] == 1
    assert limb["labels"]["LVH"]["auroc"] == 0.5
    assert whole["labels"]["AFIB"]["auroc"] == 0.5
    assert whole["labels"]["LVH"]["positives"] == 10
    rows = list(csv.DictReader((sources / "p" / "12x1.csv").read_text().splitlines()))
    assert [row["ecg_id"] for row in rows] == [str(k) for k in range(40)]
    assert float(rows[0]["LVH"]) > float(rows[1]["LVH"])
    assert (sources / "o" / "layouts.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "my_plugin:nothing"], "is no weights file"),
        (["--model", "my_plugin:predict", "--layouts", "13x7"], "There is no layout"),
        (["--model", "my_plugin:predict", "--folds", "x"], "folds are given as"),
        (["--model", "none.json"], "there is no none.json"),
    ],
)
def test_what_cannot_be_evaluated_is_said(sources, options, message):
    done = run(sources, *options)
    assert message in str(done.exception)


def write_predictions(path, data, quality: float):
    rng = np.random.default_rng(1)
    path.parent.mkdir()
    logits = quality * data.targets + rng.normal(size=data.targets.shape)
    np.savez(path, ids=data.ids, labels=np.array(LABELS), **{"12x1": logits, "3x4": 0.5 * logits})
    return path


def test_out_of_fold_predictions_are_scored_and_compared(sources):
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
