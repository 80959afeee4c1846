"""Training a classifier, small: it learns, goes on where it was stopped, and what it writes can be used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ecgimg import BadRequest, BadWeights
from ecgimg.classification import load_classifier
from ecgimg.classification.labelled_records import LabelledRecords
from ecgimg.classification.labels import LABELS, SUBCLASSES
from ecgimg.evaluate.layout_robustness import (
    Model,
    evaluate_layouts,
    find_model,
    layout_masks,
    save_predictions,
    summarize,
)
from ecgimg.evaluate.probability_calibration import calibrate

torch = pytest.importorskip("torch", reason="training needs torch (the train extra)")
pytest.importorskip("safetensors")

from ecgimg.train.classifier.crossvalidation import cross_validate  # noqa: E402
from ecgimg.train.classifier.loop import Stage, learn, make_network, predict_logits  # noqa: E402
from ecgimg.train.classifier.masks import disturbed, random_mask  # noqa: E402
from ecgimg.train.classifier.pipeline import ClassifierTraining, Ensemble, export_classifier  # noqa: E402
from ecgimg.train.classifier.pretraining import pretrain  # noqa: E402
from ecgimg.train.classifier.simulated_hearts import simulated_records  # noqa: E402
from ecgimg.train.export import load_weights  # noqa: E402
from ecgimg.train.loop import Schedule, fit  # noqa: E402
from layouts import load_layouts  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")


@pytest.fixture(scope="module")
def hearts(tmp_path_factory) -> LabelledRecords:
    data = simulated_records(tmp_path_factory.mktemp("hearts"), 96, seed=5, jobs=1)
    folds = np.arange(96) % 3 + 1
    return LabelledRecords(**{**vars(data), "folds": folds})


def test_hearts_are_the_same_again(tmp_path, hearts):
    again = simulated_records(tmp_path, 96, seed=5, jobs=1)
    np.testing.assert_array_equal(again.signals_mv, hearts.signals_mv)
    np.testing.assert_array_equal(again.targets, hearts.targets)
    assert not again.known[:, LABELS.index("PSVT")].any()
    assert again.known[:, LABELS.index("AFIB")].all()


def test_masks_show_pages_windows_leads_and_all():
    rng = np.random.default_rng(0)
    shares = np.array([random_mask(load_layouts("all"), 1000, rng).mean() for _ in range(300)])
    assert shares.min() > 0
    assert (shares == 1).mean() > 0.1
    assert ((shares > 0.2) & (shares < 0.4)).mean() > 0.15


def test_disturbing_keeps_an_ecg():
    signals = np.random.default_rng(0).normal(0, 0.3, (12, 1000)).astype(np.float32)
    for seed in range(20):
        made = disturbed(signals, np.random.default_rng(seed))
        assert np.nanmax(np.abs(made)) < 5
        assert np.isfinite(made).mean() > 0.85
    np.testing.assert_array_equal(
        disturbed(signals, np.random.default_rng(3)), disturbed(signals, np.random.default_rng(3))
    )


def test_a_stopped_training_goes_on_to_the_same_weights(tmp_path, hearts, monkeypatch):
    from ecgimg.train.classifier import loop as classifier

    original = classifier.Schedule
    monkeypatch.setattr(classifier, "Schedule", lambda *a, **k: original(*a, **{**k, "log_every": 2}))
    stage = Stage(0.5, 8, 1e-3)
    weights = []
    for name, stops in (("whole", (None,)), ("parts", (2, None))):
        for stop in stops:
            torch.manual_seed(0)
            network = make_network("mean")

            def on_step(step: int, _loss: float, stop: int | None = stop) -> None:
                if stop is not None and step > stop:
                    raise KeyboardInterrupt

            try:
                learn(network, hearts, hearts, stage, tmp_path / name, on_step=on_step)
            except KeyboardInterrupt:
                continue
        weights.append(network.head.weight.detach().numpy())
    assert (tmp_path / "parts" / "curve.csv").read_text().startswith("step,loss,auroc,afib")
    # dropout draws anew after a stop, so that the two agree closely, not to the bit
    np.testing.assert_allclose(weights[0], weights[1], atol=5e-3)


@pytest.mark.parametrize("name", ["patchecg", "resnet", "mean"])
def test_every_network_learns(tmp_path, hearts, name):
    torch.manual_seed(1)
    network = make_network(name)
    losses: list[float] = []
    learn(
        network,
        hearts,
        None,
        Stage(4, 16, 2e-3, averaging=0.5),
        tmp_path,
        on_step=lambda _step, loss: losses.append(loss),
    )
    assert np.mean(losses[-6:]) < 0.6 * np.mean(losses[:3])
    assert predict_logits(network, hearts.signals_mv[:5]).shape == (5, len(LABELS))


def test_the_mean_of_the_weights_of_a_short_training_forgets_the_first(tmp_path):
    network = torch.nn.Linear(1, 1)
    torch.nn.init.constant_(network.weight, -1.0)
    steps = 100
    fit(
        network, lambda _: (network.weight - 1).square().sum(), dict, tmp_path, Schedule(steps, 0.1, 0, averaging=0.998)
    )
    assert network.weight.item() == pytest.approx(1.0, abs=0.1)


def test_masked_patches_are_learnt(tmp_path, hearts):
    torch.manual_seed(1)
    network, losses = make_network("patchecg"), []
    pretrain(network, hearts.signals_mv, tmp_path, epochs=4, batch=16, learning_rate=2e-3,
             on_step=lambda _step, loss: losses.append(loss))  # fmt: skip
    assert np.mean(losses[-6:]) < np.mean(losses[:6])


def test_cross_validation_predicts_every_record_once_by_others(tmp_path, hearts):
    found = cross_validate(
        tmp_path, "mean", hearts, Stage(0.5, 16, 1e-3), ("12x1", "random"), groups=((1,), (2,)), jobs=1
    )
    there = np.isfinite(found["12x1"]).all(axis=1)
    np.testing.assert_array_equal(there, hearts.folds != 3)
    cards = calibrate(hearts, found)
    assert list(cards) == list(LABELS)
    assert cards["PMI"].thresholds is None or cards["PMI"].positives >= 8
    with pytest.raises(BadRequest, match="no folds"):
        cross_validate(tmp_path, "mean", hearts.subset(hearts.folds == 3), Stage(1, 8, 1e-3), ("12x1",), groups=((1,),))


def test_what_is_written_can_be_used_and_fine_tuned(tmp_path, hearts):
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


def test_networks_of_two_kinds_answer_together(tmp_path, hearts):
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


def test_a_plug_in_is_put_through_the_same_test(tmp_path, hearts, monkeypatch):
    torch.manual_seed(3)
    resnet = Ensemble([make_network("resnet")])
    path = export_classifier(tmp_path, resnet, calibrate(hearts, {"12x1": np.zeros((96, len(LABELS)))}), 96)
    monkeypatch.setenv("RESNET_ONNX", str(path.with_suffix(".onnx")))
    monkeypatch.syspath_prepend(str(ROOT / "notebooks"))
    model = find_model("resnet_plugin:predict")
    for scores in evaluate_layouts(model, hearts.first(8), "12x1,random"):
        assert scores.probabilities.shape == (8, len(LABELS))


def test_plug_ins_that_do_not_work_are_refused(hearts):
    with pytest.raises(BadRequest, match="no weights file"):
        find_model("nothing_of_the_kind:predict")
    nothing = Model("nan", lambda signals, mask, fs_hz: np.full((len(signals), 23), np.nan), SUBCLASSES, np.zeros(23))
    with pytest.raises(BadRequest, match="finite probabilities"):
        next(evaluate_layouts(nothing, hearts.first(4), "12x1"))
    with pytest.raises(BadRequest, match="mask or page"):
        next(evaluate_layouts(nothing, hearts.first(4), "12x1", via="air"))


def test_pages_are_drawn_digitized_and_classified(hearts):
    seen: list[float] = []

    def predict(signals, mask, fs_hz):
        assert fs_hz == 100
        seen.extend(mask.mean(axis=(1, 2)).tolist())
        return np.full((len(signals), 23), 0.5)

    model = Model("even", predict, SUBCLASSES, np.full(23, 0.5))
    scores = next(evaluate_layouts(model, hearts.first(2), "3x4+II", via="page", degradation="none"))
    assert not scores.unread.any()
    assert all(0.28 < share < 0.34 for share in seen)


@pytest.mark.skipif(sys.platform == "win32", reason="torchrun's gloo on Windows is not supported here")
def test_two_processes_train_together(tmp_path, hearts):
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


def test_fewer_records_than_a_batch_are_refused(tmp_path, hearts):
    with pytest.raises(BadRequest, match="fewer than one batch"):
        learn(make_network("mean"), hearts.first(4), None, Stage(1, 8, 1e-3), tmp_path)


def test_the_wide_network_learns_at_a_slower_pace() -> None:
    settings = ClassifierTraining()
    ours, published = (settings.on_records(name) for name in ("patchecg", "published"))
    assert published.learning_rate == pytest.approx(0.2 * ours.learning_rate)
    assert published.epochs == ours.epochs
    assert settings.on_hearts("published").learning_rate < settings.on_hearts("resnet").learning_rate
