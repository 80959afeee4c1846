"""The command trains each of the networks that read pages."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from ecgimg.cli import app

pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("onnx")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["segmenter", "stroke-reader", "label-reader", "print-reader"])
def test_train_command(tmp_path, name):
    """Every network has a command, which draws its pool and writes its weights."""
    arguments = ["train", name, "--out", str(tmp_path), "--steps", "0", "--pages", "1", "--jobs", "1"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    stem = name.replace("-", "_")
    assert {path.name for path in tmp_path.glob("*.*")} >= {f"{stem}.onnx", f"{stem}.safetensors"}
