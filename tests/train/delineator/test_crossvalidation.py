"""Cross-validation of the delineator."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ecgimg import BadRequest
from tests.annotated_hearts import annotated_heart

pytest.importorskip("torch", reason="training needs torch (the train extra)")
pytest.importorskip("safetensors")
pytest.importorskip("onnx")
from ecgimg.train.delineator import crossvalidation
from ecgimg.train.delineator.crossvalidation import cross_validate
from ecgimg.train.delineator.training import DelineatorTraining, Sources, train_on
from ecgimg.train.train_network import RunOptions

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")

TINY = DelineatorTraining(steps=1, batch=2, widths=(4, 6, 6, 8, 8))


@pytest.mark.slow
def test_cross_validate_measures_each_record_once(tmp_path, monkeypatch, small_hearts):
    """Every record is measured once, by a network that was trained on the others, and each fold has its own seed."""
    trainings = []

    def train(out, sources, held_back, settings, options):
        trainings.append(({record.name for record in sources.annotated}, {record.name for record in held_back}))
        seeds.append(settings.seed)
        assert sources.simulated == small_hearts[:2]
        return train_on(out, sources, held_back, settings, options)

    seeds: list[int] = []
    monkeypatch.setattr(crossvalidation, "train_on", train)
    annotated = [annotated_heart(seed, leads=("II", "V1", "V5")) for seed in range(4)]
    settings = replace(TINY, seed=7)
    scores = cross_validate(tmp_path, annotated, Sources((), small_hearts[:2]), settings, RunOptions(), folds=2)
    names = {name for name, _, _ in annotated}
    assert sorted(score.name for score in scores.records) == sorted(names)
    assert all(learnt | held_back == names and not learnt & held_back for learnt, held_back in trainings)
    assert [len(held_back) for _, held_back in trainings] == [2, 2]
    assert len(set(seeds)) == 2
    assert {path.name for path in tmp_path.iterdir()} == {"fold_0", "fold_1"}


def test_cross_validate_too_few_records(tmp_path):
    """Fewer records than folds are refused before a network is trained."""
    annotated = [annotated_heart(leads=("II",))]
    with pytest.raises(BadRequest, match="1 annotated records cannot be split into 5 folds"):
        cross_validate(tmp_path, annotated, Sources(), TINY, RunOptions())
    assert not list(tmp_path.iterdir())
