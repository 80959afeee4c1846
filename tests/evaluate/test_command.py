"""Somebody's own classifier, and measurements of records, are evaluated from the command line."""

from __future__ import annotations

import csv
import json
from importlib.resources import files

import numpy as np
import pytest
from typer.testing import CliRunner

from ecgimg import write_record
from ecgimg.cli import app
from synth.heart import HeartSpec, simulate
from tests.annotated_hearts import annotated_heart, write_annotated


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


def test_compare_two_models(sources):
    """Two models are compared on the same records, with an interval; a model is as good as itself."""
    options = ["--model", "my_plugin:predict", "--layouts", "12x1,6x1-limb"]
    same = run(sources, *options, "--compare", "my_plugin:predict")
    assert same.exit_code == 0, same.output
    assert "+0.0000" in same.output
    (sources / "other_plugin.py").write_text(
        "import numpy as np\n\ndef predict(signals, mask, fs_hz):\n    return np.full((len(signals), 2), 0.5)\n\n"
        "predict.labels = ('LVH', 'AFIB')\n"
    )
    better = run(sources, *options, "--compare", "other_plugin:predict")
    assert better.exit_code == 0, better.output
    assert "other_plugin:predict" in "".join(better.output.split())
    assert "+0.5000" in better.output  # of AFIB neither knows anything, of LVH the first knows all


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


def measurements(*words: str):
    return CliRunner().invoke(app, ["evaluate", "measurements", "--records", *map(str, words)])


@pytest.fixture
def annotated(tmp_path):
    """A folder of two annotated records."""
    pytest.importorskip("wfdb")
    for seed in (0, 1):
        write_annotated(tmp_path / "records", *annotated_heart(seed, duration_s=8.0, leads=("I", "II", "V2")))
    return tmp_path / "records"


def test_evaluate_measurements_of_annotated_records(delineator, annotated, tmp_path):
    """Tables are printed, and scores and the figure are written."""
    pytest.importorskip("matplotlib")
    done = measurements(annotated, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "median over" in done.output
    assert "QRS onset" in done.output
    assert "P present, said absent: 0 of 2" in done.output
    told = json.loads((tmp_path / "out" / "scores.json").read_text(encoding="utf-8"))
    assert [record["name"] for record in told["records"]] == ["heart0", "heart1"]
    assert (tmp_path / "out" / "bland_altman.png").stat().st_size > 1000


def test_evaluate_first_measurements_of_given_delineator(delineator, annotated):
    """As many records as asked are measured, by the delineator that is named."""
    shipped = files("ecgimg") / "weights" / "delineator.onnx"
    done = measurements(annotated, "--limit", "1", "--delineator", shipped)
    assert done.exit_code == 0, done.output
    assert "records: 1" in done.output


@pytest.mark.slow
def test_evaluate_measurements_through_pages(delineator, annotated, tmp_path):
    """Records are compared with what a page of them gives."""
    pytest.importorskip("matplotlib")
    record = simulate(HeartSpec(rate_bpm=70), np.random.default_rng(2)).record
    write_record(record, tmp_path / "whole" / "one.hea")
    words = (tmp_path / "whole", "--via", "page", "--degradation", "none", "--out", tmp_path / "out")
    done = measurements(*words)
    assert done.exit_code == 0, done.output
    assert "rate within 1 /min: 1" in done.output
    told = json.loads((tmp_path / "out" / "scores.json").read_text(encoding="utf-8"))
    assert told["records"][0]["status"] == "ok"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--delineator", "none.onnx"], "none.onnx is not a readable ONNX network"),
        ([], "holds no WFDB record with a file of annotations"),
    ],
)
def test_evaluate_measurements_refusals(tmp_path, options, message):
    """What cannot be evaluated is refused with what is wrong."""
    assert message in str(measurements(tmp_path, *options).exception)
