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
