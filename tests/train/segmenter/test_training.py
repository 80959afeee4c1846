"""Fine-tuning the networks that read pages."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest

from ecgimg import BadWeights

pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("onnx")

from safetensors.numpy import load_file

from ecgimg.train.segmenter.training import SegmenterTraining, train_segmenter
from ecgimg.train.train_network import RunOptions

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")

SHIPPED = files("ecgimg") / "weights"
SEGMENTER = SHIPPED / "segmenter.safetensors"


@pytest.mark.slow
def test_train_segmenter_from_given_weights(tmp_path):
    """Fine-tuning starts from the weights given, and weights of another network are refused."""
    untrained = SegmenterTraining(steps=0, pages=1)
    path = train_segmenter(tmp_path, None, untrained, RunOptions(initial=SEGMENTER, jobs=1))
    given, kept = (load_file(str(each)) for each in (SEGMENTER, path.with_suffix(".safetensors")))
    assert given.keys() == kept.keys()
    assert all(np.array_equal(given[name], kept[name]) for name in given)
    with pytest.raises(BadWeights, match="another network"):
        train_segmenter(tmp_path, None, untrained, RunOptions(initial=SHIPPED / "label_reader.safetensors", jobs=1))


@pytest.mark.slow
def test_train_segmenter_moves_weights(tmp_path):
    """Fine-tuning moves the weights a little."""
    settings = SegmenterTraining(steps=1, pages=1, batch=2)
    path = train_segmenter(tmp_path, None, settings, RunOptions(initial=SEGMENTER, jobs=1))
    given, moved = (load_file(str(each)) for each in (SEGMENTER, path.with_suffix(".safetensors")))
    change = [float(np.abs(given[name] - moved[name]).max()) for name in given if name.endswith("weight")]
    assert 0 < max(change) < 0.01


@pytest.mark.slow
def test_train_segmenter_keeping_initial_weights(tmp_path):
    """As much of the weights given is kept as asked."""
    weights = []
    for kept in (0.0, 0.5, 1.0):
        settings = SegmenterTraining(steps=2, pages=1, batch=2, keep_initial=kept)
        path = train_segmenter(tmp_path / str(kept), None, settings, RunOptions(initial=SEGMENTER, jobs=1))
        weights.append(load_file(str(path.with_suffix(".safetensors"))))
    moved, half, given = weights
    shipped = load_file(str(SEGMENTER))
    for name in (name for name in shipped if name.endswith("weight")):
        assert np.array_equal(given[name], shipped[name])
        assert np.abs(half[name] - (moved[name] + given[name]) / 2).max() < 1e-6
    assert any(np.abs(moved[name] - given[name]).max() > 1e-5 for name in shipped if name.endswith("weight"))
