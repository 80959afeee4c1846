"""Shipped networks, and those that a person names."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest

from ecgimg.errors import BadWeights, MissingWeights
from ecgimg.inference import onnx_sessions
from ecgimg.inference.onnx_sessions import load_network, open_network, open_network_file

LABEL_READER = files("ecgimg") / "weights" / "label_reader.onnx"


def test_load_network_once():
    """A shipped network is loaded once a process."""
    assert load_network("label_reader.onnx") is load_network("label_reader.onnx")


def test_load_network_that_is_missing():
    """A network that is not installed is named, with what would mend it."""
    with pytest.raises(MissingWeights, match=r"nothing\.onnx"):
        load_network("nothing.onnx")


def test_open_network_file():
    """A network that a person names gives the answers of the shipped one."""
    crops = np.random.default_rng(0).random((2, 1, 32, 96), np.float32)
    answers = [
        session.run(None, {"crop": crops})[0]
        for session in (load_network("label_reader.onnx"), open_network_file(LABEL_READER, ("crop",)))
    ]
    np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize("content", [None, b"", b"no network"], ids=["missing", "empty", "other"])
def test_open_network_file_refusals(tmp_path, content):
    """A file that is not there, or holds no network, is refused by its name."""
    path = tmp_path / "mine.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadWeights, match=r"mine\.onnx is not a readable ONNX network"):
        open_network_file(path, ("crop",))


def test_open_network_file_of_another_network():
    """A network of other inputs is refused, and both are named."""
    with pytest.raises(BadWeights, match="takes crop, but should take signals, known"):
        open_network_file(LABEL_READER, ("signals", "known"))


@pytest.mark.parametrize("threads", [0, 1])
def test_open_network_threads(monkeypatch, threads):
    """A network uses as many threads as its process may use."""
    monkeypatch.setattr(onnx_sessions, "onnx_threads", lambda: threads)
    options = open_network(LABEL_READER.read_bytes()).get_session_options()
    assert options.intra_op_num_threads == threads
    assert not options.enable_cpu_mem_arena
