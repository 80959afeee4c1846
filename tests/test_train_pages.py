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

from ecgimg.train.segmenter.loop import SegmenterTraining, train_segmenter

SHIPPED = files("ecgimg") / "weights"
SEGMENTER = SHIPPED / "segmenter.safetensors"
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")


def test_fine_tuning_starts_from_the_weights_given(tmp_path):
    untrained = SegmenterTraining(steps=0, pages=1)
    path = train_segmenter(tmp_path, None, untrained, initial=SEGMENTER, jobs=1)
    given, kept = (load_file(str(each)) for each in (SEGMENTER, path.with_suffix(".safetensors")))
    assert given.keys() == kept.keys()
    assert all(np.array_equal(given[name], kept[name]) for name in given)
    with pytest.raises(BadWeights, match="another network"):
        train_segmenter(tmp_path, None, untrained, initial=SHIPPED / "label_reader.safetensors", jobs=1)


def test_fine_tuning_moves_the_weights(tmp_path):
    settings = SegmenterTraining(steps=1, pages=1, batch=2)
    path = train_segmenter(tmp_path, None, settings, initial=SEGMENTER, jobs=1)
    given, moved = (load_file(str(each)) for each in (SEGMENTER, path.with_suffix(".safetensors")))
    change = [float(np.abs(given[name] - moved[name]).max()) for name in given if name.endswith("weight")]
    assert 0 < max(change) < 0.01


def test_of_the_weights_given_as_much_is_kept_as_asked(tmp_path):
    weights = []
    for kept in (0.0, 0.5, 1.0):
        settings = SegmenterTraining(steps=2, pages=1, batch=2, keep_initial=kept)
        path = train_segmenter(tmp_path / str(kept), None, settings, initial=SEGMENTER, jobs=1)
        weights.append(load_file(str(path.with_suffix(".safetensors"))))
    moved, half, given = weights
    shipped = load_file(str(SEGMENTER))
    for name in (name for name in shipped if name.endswith("weight")):
        assert np.array_equal(given[name], shipped[name])
        assert np.abs(half[name] - (moved[name] + given[name]) / 2).max() < 1e-6
    assert any(np.abs(moved[name] - given[name]).max() > 1e-5 for name in shipped if name.endswith("weight"))
