"""Somebody's own classifier is evaluated on every layout from the command line."""

from __future__ import annotations

import csv
import json

import pytest
from typer.testing import CliRunner

from ecgimg.cli import app


def run(folder, *options: str):
    return CliRunner().invoke(
        app, ["evaluate", "layouts", "--records", str(folder / "r.npz"), "--labels", str(folder / "l.csv"), *options]
    )


def test_evaluate_layouts_with_plug_in(sources):
    """A plug-in sees what each layout shows, and its predictions and scores are written."""
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
def test_evaluate_layouts_refusals(sources, options, message):
    """What cannot be evaluated is refused with what is wrong."""
    done = run(sources, *options)
    assert message in str(done.exception)
