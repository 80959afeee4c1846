"""The training of the delineator: it runs, goes on where it was stopped, and exports what it learnt."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest

from ecgimg.errors import BadRequest
from ecgimg.formats.wave_annotations import AnnotatedWave
from ecgimg.inference.onnx_sessions import open_network_file
from ecgimg.measurement.delineation.delineator import INPUTS
from ecgimg.measurement.delineation.model import QRS
from tests.annotated_hearts import annotated_heart

torch = pytest.importorskip("torch", reason="training needs torch (the train extra)")
pytest.importorskip("safetensors")
pytest.importorskip("onnx")
from safetensors.torch import load_file  # noqa: E402

from ecgimg.train.delineator import training  # noqa: E402
from ecgimg.train.delineator.data import UNKNOWN, TaughtRecord  # noqa: E402
from ecgimg.train.delineator.network import Delineator  # noqa: E402
from ecgimg.train.delineator.training import (  # noqa: E402
    DelineatorTraining,
    Sources,
    evaluate,
    make_sources,
    taught,
    train_on,
)
from ecgimg.train.train_network import RunOptions, Task  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")

TINY = DelineatorTraining(steps=3, batch=2, widths=(4, 6, 6, 8, 8))


@pytest.fixture
def sources(small_hearts):
    silent = [TaughtRecord("af", small_hearts[0].signals_mv, shows_no_p=True)]
    return Sources(small_hearts[:2], small_hearts[2:4], silent)


def test_train_on_exports_what_torch_answers(tmp_path, sources, small_hearts):
    """The ONNX file gives the answers of the trained network, for any number of leads and samples."""
    losses: list[float] = []
    options = RunOptions(on_step=lambda step, loss: losses.append(loss))
    path = train_on(tmp_path, sources, small_hearts[4:], TINY, options)
    assert path == tmp_path / "delineator.onnx"
    assert len(losses) == 3
    assert np.isfinite(losses).all()
    network = Delineator(TINY.widths)
    network.load_state_dict(load_file(path.with_suffix(".safetensors")))
    network.eval()
    session = open_network_file(path, INPUTS)
    for leads, samples in ((1, 64), (12, 512)):
        values = np.random.default_rng(leads).standard_normal((1, leads, samples), np.float32)
        known = (np.random.default_rng(samples).random((1, leads, samples)) < 0.9).astype(np.float32)
        with torch.no_grad():
            expected = network(torch.from_numpy(values), torch.from_numpy(known)).numpy()
        np.testing.assert_allclose(session.run(None, {"signals": values, "known": known})[0], expected, atol=1e-4)
    head, row = (tmp_path / "curve.csv").read_text().splitlines()
    assert head == "step,loss,right,p_ms,qrs_ms,t_ms"
    assert row.startswith("3,")


@pytest.mark.slow
def test_train_on_after_a_stop(tmp_path, sources, small_hearts, monkeypatch):
    """A stopped training goes on to the same weights; one that is done draws nothing more."""
    monkeypatch.setattr(training, "Task", lambda *parts, log_every: Task(*parts, log_every=1))

    def stop(step: int, loss: float) -> None:
        if step > 2:
            raise KeyboardInterrupt

    whole = train_on(tmp_path / "whole", sources, small_hearts[4:], TINY, RunOptions())
    with pytest.raises(KeyboardInterrupt):
        train_on(tmp_path / "parts", sources, small_hearts[4:], TINY, RunOptions(on_step=stop))
    assert not (tmp_path / "parts" / "delineator.onnx").exists()
    steps: list[int] = []
    options = RunOptions(on_step=lambda step, loss: steps.append(step))
    parts = train_on(tmp_path / "parts", sources, small_hearts[4:], TINY, options)
    assert steps == [3]
    one, other = (load_file(path.with_suffix(".safetensors")) for path in (whole, parts))
    assert all(torch.allclose(one[name].float(), other[name].float(), atol=1e-5) for name in one)
    train_on(tmp_path / "parts", sources, small_hearts[4:], TINY, options)
    assert steps == [3]


def test_batches_depend_on_seed_and_step(sources):
    """A step draws the same crops again, another step others; unseen steps are of unknown kind."""

    def batch(step: int):
        rng = np.random.default_rng([0, step])
        return training._crop(training._draw(sources, TINY, rng), rng)

    one, again, other = batch(1), batch(1), batch(2)
    assert torch.equal(one.signals, again.signals)
    assert not torch.equal(one.signals, other.signals)
    for crop in (batch(step) for step in range(12)):
        leads, samples = crop.signals.shape
        assert crop.kinds.shape == (leads, samples // 2)
        is_seen = crop.known.reshape(leads, -1, 2).any(dim=2)
        assert (crop.kinds[~is_seen] == UNKNOWN).all()


def test_draw_shares(sources):
    """Records of a rhythm are drawn as often as asked, simulated ones as often as asked of the others."""
    settings = DelineatorTraining(simulated_share=0.25, weak_share=0.2)
    rng = np.random.default_rng(0)
    drawn = [training._draw(sources, settings, rng) for _ in range(2000)]
    assert np.mean([record.shows_no_p for record in drawn]) == pytest.approx(0.2, abs=0.03)
    simulated = {id(record) for record in sources.simulated}
    assert np.mean([id(record) in simulated for record in drawn]) == pytest.approx(0.2, abs=0.03)


def test_delineation_loss_of_records_without_p(sources):
    """What shows no P wave is penalized for P alone, and unknown steps for nothing else."""
    rng = np.random.default_rng(0)
    crop = training._stack([training._crop(sources.weak[0], rng)])
    assert (crop.kinds == UNKNOWN).all()
    known = training._stack([training._crop(sources.annotated[0], rng)])
    joined = training._Batch(*(torch.cat(pair) for pair in zip(vars(crop).values(), vars(known).values(), strict=True)))
    answers = torch.zeros(2, 3, 16, joined.kinds.shape[2])
    calm, loud = answers.clone(), answers.clone()
    calm[0, :, 1], loud[0, :, 1] = -6.0, 6.0
    loss, quiet, false_p = (float(training.delineation_loss(each, joined)) for each in (answers, calm, loud))
    assert quiet < loss < false_p


def test_delineation_loss_of_records_in_sinus_rhythm(small_hearts):
    """A window of a record in sinus rhythm asks for a P wave somewhere within it."""
    record = TaughtRecord("sr", small_hearts[0].signals_mv, p_windows_s=np.array([[t, t + 0.4] for t in range(1, 9)]))
    crop = training._stack([training._crop(record, np.random.default_rng(1))])
    windows = crop.p_windows[0][crop.p_windows[0, :, 0] >= 0]
    assert len(windows) >= 2
    answers = torch.zeros(1, crop.kinds.shape[1], 16, crop.kinds.shape[2])
    none, within, beside = answers.clone(), answers.clone(), answers.clone()
    none[:, :, 1] = within[:, :, 1] = beside[:, :, 1] = -6.0
    for first, last in windows.tolist():
        within[:, :, 1, first + 10 : first + 20] = 6.0
        beside[:, :, 1, last + 5 : last + 15] = 6.0
    losses = [float(training.delineation_loss(each, crop)) for each in (none, within, beside)]
    assert losses[1] < 0.2 * losses[0]
    assert losses[2] == pytest.approx(losses[0], rel=0.05)


def test_taught_of_annotated_record():
    """An annotated record is taught at 250 Hz; a wave without onset or end is unknown around its peak."""
    name, record, waves = annotated_heart(leads=("II", "V1"))
    half = AnnotatedWave("V1", "T", None, 5.9, None)
    learnt = taught(name, record, (*waves, half))
    assert learnt.signals_mv.shape == (2, 1500)
    assert len(learnt.waves) == len(waves) + 1
    assert tuple(learnt.waves[-1]) == pytest.approx((1, 0, 5.75, 6.05))
    first = next(wave for wave in waves if wave.kind == "QRS")
    assert (0, QRS, first.onset_s, first.end_s) in {tuple(row) for row in learnt.waves}


def test_make_sources_of_other_leads(tmp_path):
    """Records of another number of leads than the simulated hearts are refused before a heart is simulated."""
    learnt = taught(*annotated_heart(leads=("II", "V1")))
    with pytest.raises(BadRequest, match="heart0 has 2 leads"):
        make_sources(tmp_path / "out", [learnt], (), TINY, jobs=1)
    assert not (tmp_path / "out").exists()


def test_evaluate_record_without_p(small_hearts):
    """The error of a wave that no record has is NaN."""
    heart = small_hearts[0]
    without = TaughtRecord("af", heart.signals_mv, heart.waves[heart.waves[:, 1] == QRS])
    with torch.no_grad():
        scores = evaluate(Delineator(TINY.widths).eval(), [without])
    assert list(scores) == ["right", "p_ms", "qrs_ms", "t_ms"]
    assert np.isnan(scores["p_ms"])
    assert np.isfinite(scores["qrs_ms"])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_train_on_gpu(tmp_path, sources, small_hearts):
    """A training on a GPU is scored there and exported."""
    path = train_on(tmp_path, sources, small_hearts[4:], TINY, RunOptions(device="cuda"))
    assert path.is_file()


def test_shipped_weights_equal_network(delineator_weights):
    """The shipped ONNX file gives the answers of the shipped weights."""
    network = Delineator()
    network.load_state_dict(load_file(str(delineator_weights)))
    values = np.random.default_rng(0).standard_normal((1, 3, 256), np.float32)
    known = np.ones_like(values)
    with torch.no_grad():
        expected = network.eval()(torch.from_numpy(values), torch.from_numpy(known)).numpy()
    session = open_network_file(delineator_weights.with_suffix(".onnx"), INPUTS)
    np.testing.assert_allclose(session.run(None, {"signals": values, "known": known})[0], expected, atol=2e-3)
    assert sum(parameter.numel() for parameter in network.parameters()) < 1_000_000


@pytest.fixture
def delineator_weights():
    path = files("ecgimg") / "weights" / "delineator.safetensors"
    if not path.is_file():
        pytest.skip("the weights of the delineator are not installed")
    return path
