"""Classifiers are evaluated on what each layout shows."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg import BadRequest
from ecgimg.classification.labels import LABELS, SUBCLASSES
from ecgimg.evaluate.layout_robustness import (
    Model,
    evaluate_layouts,
    find_model,
)
from ecgimg.evaluate.probability_calibration import calibrate
from tests.conftest import ROOT

torch = pytest.importorskip("torch", reason="training needs torch (the train extra)")
from ecgimg.train.classifier.ensemble import Ensemble, export_classifier  # noqa: E402
from ecgimg.train.classifier.training import make_network  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")


def test_evaluate_layouts_with_onnx_plug_in(tmp_path, hearts, monkeypatch):
    """A plug-in is put through the same test as a classifier of ours."""
    torch.manual_seed(3)
    resnet = Ensemble([make_network("resnet")])
    path = export_classifier(tmp_path, resnet, calibrate(hearts, {"12x1": np.zeros((96, len(LABELS)))}), 96)
    monkeypatch.setenv("RESNET_ONNX", str(path.with_suffix(".onnx")))
    monkeypatch.syspath_prepend(str(ROOT / "notebooks"))
    model = find_model("resnet_plugin:predict")
    for scores in evaluate_layouts(model, hearts.first(8), "12x1,random"):
        assert scores.probabilities.shape == (8, len(LABELS))


def test_evaluate_layouts_with_broken_plug_in(hearts):
    """A plug-in that is missing or gives no probabilities is refused."""
    with pytest.raises(BadRequest, match="no weights file"):
        find_model("nothing_of_the_kind:predict")
    nothing = Model("nan", lambda signals, mask, fs_hz: np.full((len(signals), 23), np.nan), SUBCLASSES, np.zeros(23))
    with pytest.raises(BadRequest, match="finite probabilities"):
        next(evaluate_layouts(nothing, hearts.first(4), "12x1"))
    with pytest.raises(BadRequest, match="mask or page"):
        next(evaluate_layouts(nothing, hearts.first(4), "12x1", via="air"))


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (lambda n: np.full((n, 23), np.nan), "finite probabilities"),
        (lambda n: np.full((n, 23), 3.0), "from 0 to 1"),
        (lambda n: np.full((n, 23), -0.1), "from 0 to 1"),
        (lambda n: np.full(n, 0.5), r"here \(4, labels\); it returns an array of shape \(4,\)"),
        (lambda n: np.full((n + 1, 23), 0.5), r"shape \(5, 23\)"),
        (lambda n: np.full((n, 0), 0.5), r"shape \(4, 0\)"),
        (lambda n: None, "returns a NoneType"),
        (lambda n: "text", "returns a str"),
        (lambda n: [[0.5], [0.5, 0.5]], "returns a list"),
        (lambda n: np.full((n, 23), 0.5j), "from 0 to 1"),
        (lambda n: 1 / 0, r"failed on signals_mv of shape \(4, 12, 1000\) \(ZeroDivisionError: division by zero\)"),
    ],
)
def test_evaluate_layouts_with_wrong_plug_in(hearts, returned, said):
    """A plug-in that raises, or returns no probabilities, gives one sentence that says what was wrong."""
    model = Model("mine", lambda signals, mask, fs_hz: returned(len(signals)), SUBCLASSES, np.zeros(23))
    with pytest.raises(BadRequest, match=said) as caught:
        next(evaluate_layouts(model, hearts.first(4), "12x1"))
    assert "'mine'" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise RuntimeError('no\\nGPU')", "RuntimeError: no GPU"),
        ("predict = (", "SyntaxError"),
        ("other = 1", "AttributeError"),
        ("predict = 1", "cannot be called"),
        ("def predict(*_): ...\npredict.labels = ['nothing']", "not known here: nothing"),
        ("def predict(*_): ...\npredict.labels = 5", "labels that are names"),
        ("def predict(*_): ...\npredict.labels = ['AFIB', 'AFIB']", "each label once"),
        ("def predict(*_): ...\npredict.labels = ['AFIB']\npredict.thresholds = [0.1, 0.2]", "one threshold for each"),
        ("def predict(*_): ...\npredict.labels = ['AFIB']\npredict.thresholds = ['a']", "thresholds that are numbers"),
    ],
)
def test_find_model_that_is_wrong(tmp_path, monkeypatch, source, said):
    """A module that cannot be imported, or whose plug-in is described wrongly, is refused."""
    name = f"plugin_{abs(hash((source, said)))}"
    (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(BadRequest, match=said) as caught:
        find_model(f"{name}:predict")
    assert "\n" not in str(caught.value)


def test_evaluate_layouts_hands_to_a_plug_in(hearts):
    """A plug-in is given what is documented: mV at 100 Hz, twelve leads in order, 0 where the mask is False."""
    given = {}

    def predict(signals, mask, fs_hz):
        given.update(signals=signals, mask=mask, fs_hz=fs_hz)
        return np.full((len(signals), 23), 0.5)

    data = hearts.first(4)
    next(evaluate_layouts(Model("even", predict, SUBCLASSES, np.zeros(23)), data, "3x4"))
    assert given["fs_hz"] == 100.0
    assert given["signals"].shape == given["mask"].shape == (4, 12, 1000)
    assert (given["signals"].dtype, given["mask"].dtype) == (np.float32, np.bool_)
    assert (given["signals"][~given["mask"]] == 0).all()
    assert np.array_equal(given["signals"][given["mask"]], data.signals_mv[given["mask"]])
    # columns of 2.5 s: I to III first, V4 to V6 last
    assert [np.flatnonzero(row)[0] // 250 for row in given["mask"][0]] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]


def test_evaluate_layouts_through_pages(hearts):
    """Records may be drawn as pages and digitized before they are classified."""
    seen: list[float] = []

    def predict(signals, mask, fs_hz):
        assert fs_hz == 100
        seen.extend(mask.mean(axis=(1, 2)).tolist())
        return np.full((len(signals), 23), 0.5)

    model = Model("even", predict, SUBCLASSES, np.full(23, 0.5))
    scores = next(evaluate_layouts(model, hearts.first(2), "3x4+II", via="page", degradation="none"))
    assert not scores.unread.any()
    assert all(0.28 < share < 0.34 for share in seen)
