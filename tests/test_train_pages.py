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

from ecgimg.train.segmenter import SegmenterTraining, train_segmenter

SHIPPED = files("ecgimg") / "weights"
SEGMENTER = SHIPPED / "segmenter.safetensors"
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")


def both(path):
    """Return the shipped segmenter's weights and those beside an ONNX file."""
    return load_file(str(SEGMENTER)), load_file(str(path.with_suffix(".safetensors")))


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
