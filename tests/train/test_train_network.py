"""The command trains each of the networks that read pages, and the delineator."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from ecgimg import MissingExtra
from ecgimg.cli import app
from tests.annotated_hearts import annotated_heart, write_annotated

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


@pytest.fixture
def annotated(tmp_path):
    """A folder of five annotated records, and labelled ones of which the first shows atrial fibrillation."""
    pytest.importorskip("wfdb")
    for seed in range(5):
        write_annotated(tmp_path / "ludb", *annotated_heart(seed))
    signals = np.random.default_rng(0).normal(0, 100, (3, 12, 1000)).astype(np.int16)
    np.savez(tmp_path / "r.npz", x=signals, ecg_id=np.arange(3))
    (tmp_path / "l.csv").write_text("ecg_id,AFIB,SR\n0,1,0\n1,0,1\n2,1,1\n", encoding="utf-8")
    return tmp_path


def train_delineator(folder, *options: str):
    words = ["--records", folder / "ludb", "--out", folder / "out", "--hearts", "1", "--steps", "1", "--jobs", "1"]
    return CliRunner().invoke(app, ["train", "delineator", *map(str, words), *map(str, options)])


@pytest.mark.slow
def test_train_delineator_command(annotated, monkeypatch):
    """The command learns from annotated records, simulated hearts and those whose rhythm is known."""
    training = pytest.importorskip("ecgimg.train.delineator.training")
    drawn_from = []
    original = training.train_on

    def train_on(out, sources, *others):
        drawn_from.append(sources)
        return original(out, sources, *others)

    monkeypatch.setattr(training, "train_on", train_on)
    done = train_delineator(annotated, "--rhythms", annotated / "r.npz", "--rhythms-labels", annotated / "l.csv")
    assert done.exit_code == 0, done.output
    (sources,) = drawn_from
    assert [len(part) for part in (sources.annotated, sources.simulated, sources.weak)] == [5, 1, 2]
    assert [record.shows_no_p for record in sources.weak] == [True, False]
    names = {path.name for path in (annotated / "out").glob("*.*")}
    assert names >= {"delineator.onnx", "delineator.safetensors", "curve.csv"}


@pytest.mark.slow
def test_train_delineator_command_cross_validates(annotated):
    """With --cross-validate five networks are trained, and tables of their scores printed."""
    done = train_delineator(annotated, "--cross-validate")
    assert done.exit_code == 0, done.output
    assert "median over" in done.output
    assert len(list((annotated / "out").glob("fold_*/delineator.onnx"))) == 5


def test_train_delineator_command_without_torch(annotated, monkeypatch):
    """Without torch the extra is named."""
    monkeypatch.setitem(sys.modules, "ecgimg.train.delineator.training", None)
    monkeypatch.delitem(sys.modules, "ecgimg.train.delineator", raising=False)
    done = train_delineator(annotated)
    assert isinstance(done.exception, MissingExtra)
    assert "ecgimg[train]" in str(done.exception)
