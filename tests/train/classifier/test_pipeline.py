"""What a training writes can be used, combined, and trained by several processes."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from ecgimg import BadWeights
from ecgimg.classification import load_classifier
from ecgimg.classification.labels import LABELS, SUBCLASSES
from ecgimg.evaluate.layout_robustness import (
    evaluate_layouts,
    find_model,
    save_predictions,
    summarize,
)
from ecgimg.evaluate.probability_calibration import calibrate
from ecgimg.evaluate.shown_records import layout_masks
from tests.conftest import ROOT

torch = pytest.importorskip("torch", reason="training needs torch (the train extra)")
from ecgimg.train.classifier import pipeline  # noqa: E402
from ecgimg.train.classifier.ensemble import Ensemble, export_classifier  # noqa: E402
from ecgimg.train.classifier.pipeline import ClassifierTraining  # noqa: E402
from ecgimg.train.classifier.training import make_network, predict_logits  # noqa: E402
from ecgimg.train.export import load_weights  # noqa: E402
from ecgimg.train.train_network import RunOptions  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")


def test_export_classifier(tmp_path, hearts):
    """An exported classifier gives calibrated logits, is evaluated, and loads for fine-tuning."""
    torch.manual_seed(2)
    network = make_network("mean")
    cards = calibrate(hearts, {"12x1": predict_logits(network, hearts.signals_mv)})
    path = export_classifier(tmp_path, Ensemble([network]), cards, len(hearts))
    model = find_model(str(path))
    scores = next(evaluate_layouts(model, hearts, "3x4+II"))
    expected = predict_logits(network, np.where(layout_masks("3x4+II", len(hearts)), hearts.signals_mv, np.nan))
    found = np.log(scores.probabilities / (1 - scores.probabilities))
    slope, offset = (np.array([getattr(card, name) for card in cards.values()]) for name in ("slope", "offset"))
    np.testing.assert_allclose(found, slope * expected + offset, atol=1e-3)
    summary = summarize(model, hearts, scores, times=20)
    assert summary["records"] == 96
    low, high = summary["groups"]["subclass"]["auroc_95"]
    assert low <= summary["groups"]["subclass"]["auroc"] <= high
    written = save_predictions(model.labels, hearts, scores, tmp_path).read_text().splitlines()
    assert written[0].split(",")[:2] == ["ecg_id", SUBCLASSES[0]]
    assert len(written) == 97
    with pytest.raises(BadWeights, match="another network"):
        load_weights(make_network("patchecg"), path.with_suffix(".safetensors"))


def test_export_ensemble(tmp_path, hearts):
    """Networks of two kinds answer together, with the mean of their logits."""
    torch.manual_seed(4)
    parts = [make_network("patchecg"), make_network("resnet")]
    cards = calibrate(hearts, {"12x1": np.zeros((96, len(LABELS)))})
    path = export_classifier(tmp_path, Ensemble(parts), cards, 96)
    classifier = load_classifier(path)
    whole = hearts.signals_mv[:6]
    page = np.where(layout_masks("3x4+II", 6), whole, np.nan)
    for signals in (whole, page):
        expected = np.mean([predict_logits(part, signals) for part in parts], axis=0)
        np.testing.assert_allclose(classifier.logits(signals), expected, atol=1e-4)
    short = page[:, :, :250]
    canvas = np.pad(short, ((0, 0), (0, 0), (0, 750)), constant_values=np.nan)
    np.testing.assert_allclose(classifier.logits(short), classifier.logits(canvas), atol=1e-4)
    again = make_network("resnet")
    load_weights(again, path.with_suffix(".safetensors"), place=1)
    np.testing.assert_array_equal(again.head.weight.detach(), parts[1].head.weight.detach())


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="torchrun's gloo on Windows is not supported here")
def test_train_in_two_processes(tmp_path, hearts):
    """Two processes train together."""
    np.savez(tmp_path / "r.npz", x=(hearts.signals_mv[:40] * 1000).astype(np.int16), ecg_id=np.arange(40))
    rows = ["ecg_id,AFIB,LVH", *(f"{k},{k % 2},{k % 3 // 2}" for k in range(40))]
    (tmp_path / "l.csv").write_text("\n".join(rows))
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "ecgimg", "train",
        "classifier", "--network", "mean+resnet", "--records", "r.npz", "--labels", "l.csv", "--out", "out", "--hearts",
        "64", "--heart-epochs", "1", "--epochs", "2000", "--minutes", "0.02", "--no-cross-validation", "--device",
        "cpu",
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-9000:]  # the processes' own tracebacks stand before torchrun's
    assert find_model(str(tmp_path / "out" / "classifier.json")).labels == LABELS


def test_settings_of_wide_network() -> None:
    """The wide network learns at a slower pace."""
    settings = ClassifierTraining()
    ours, published = (settings.on_records(name) for name in ("patchecg", "published"))
    assert published.learning_rate == pytest.approx(0.2 * ours.learning_rate)
    assert published.epochs == ours.epochs
    assert settings.on_hearts("published").learning_rate < settings.on_hearts("resnet").learning_rate


def test_same_seed_same_first_weights(tmp_path, monkeypatch):
    """The weights that training begins with depend on the seed alone, whatever was drawn before."""
    monkeypatch.setattr(pipeline, "simulated_records", lambda *_: None)
    monkeypatch.setattr(pipeline, "learn", lambda *_, **__: None)
    files = []
    for run, seed in enumerate((7, 7, 8)):
        torch.rand(run + 1)
        (tmp_path / f"{run}").mkdir()
        settings = ClassifierTraining(network="mean", seed=seed)
        files.append(pipeline._learn_hearts(tmp_path / f"{run}", "mean", settings, RunOptions()).read_bytes())
    assert files[0] == files[1]
    assert files[0] != files[2]
