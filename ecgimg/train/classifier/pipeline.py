"""The whole training of a classifier: simulated hearts, out-of-fold networks, networks on all records, one file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ecgimg._atomic_files import atomic_path
from ecgimg.classification.labelled_records import LabelledRecords
from ecgimg.classification.labels import LABELS
from ecgimg.classification.patchecg_network import PatchECG
from ecgimg.classification.trained_classifier import OPERATING_POINTS, LabelCard
from ecgimg.errors import BadRequest
from ecgimg.evaluate.probability_calibration import calibrate
from ecgimg.train.classifier.crossvalidation import cross_validate
from ecgimg.train.classifier.ensemble import Ensemble, export_classifier
from ecgimg.train.classifier.measured_views import VIEWS, measure_views
from ecgimg.train.classifier.pretraining import pretrain
from ecgimg.train.classifier.simulated_hearts import simulated_records
from ecgimg.train.classifier.training import PACE, Stage, learn, make_network
from ecgimg.train.distributed import is_first, wait_for_all
from ecgimg.train.export import load_weights
from ecgimg.train.train_network import RunOptions

Logits = NDArray[np.float32]
Start = tuple[Path, int] | None
"""A file of weights, and the position of a network in it (a shipped classifier holds several); None: random ones."""
LAYOUTS = tuple(dict.fromkeys(layout for layout, _ in VIEWS))
"""What out-of-fold predictions are made for, and probabilities are calibrated over."""

MEASURED = "measured"
"""The network that reads what was measured."""

_MEASURED_SEEDS = 3


@dataclass(frozen=True)
class ClassifierTraining:
    """All that decides the weights besides the records.

    Parameters
    ----------
    network : str
        ``patchecg``, a baseline, or several joined by ``+``, whose mean logit is the answer.
    hearts, heart_epochs : int, float
        Simulated hearts to learn from first, and how often each is shown.
    pretrain_epochs : float
        How often each record is then shown without its labels, to guess what is hidden of it. The folds that are held
        back later take part, without labels; 0 leaves it out, as it gained nothing after the hearts.
    epochs : float
        How often each record is shown.
    seeds : int
        Networks of each kind, whose mean logit is the answer; three times as many of those that read what was measured,
        which are small and gain more from it (macro AUROC +0.005).
    """

    network: str = "patchecg+resnet+measured"
    hearts: int = 16000
    heart_epochs: float = 10.0
    heart_learning_rate: float = 2e-3
    pretrain_epochs: float = 0.0
    epochs: float = 20.0
    learning_rate: float = 1e-3
    seeds: int = 1
    seed: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The kinds of network."""
        return tuple(self.network.split("+"))

    def seeds_of(self, name: str) -> range:
        """The seeds of a kind of network."""
        return range(self.seed, self.seed + self.seeds * (_MEASURED_SEEDS if name == MEASURED else 1))

    def on_hearts(self, name: str) -> Stage:
        """How a kind of network learns from simulated hearts."""
        return Stage(self.heart_epochs, 64, self.heart_learning_rate * PACE.get(name, 1.0), seed=self.seed)

    def on_records(self, name: str) -> Stage:
        """How it learns from records."""
        if name == MEASURED:  # shown more often, it learns the records by heart
            return Stage(0.8 * self.epochs, 64, 2 * self.learning_rate, seed=self.seed)
        return Stage(self.epochs, 32, self.learning_rate * PACE.get(name, 1.0), seed=self.seed)


def train_classifier(
    out: Path, data: LabelledRecords, settings: ClassifierTraining, options: RunOptions, *, cross_validated: bool = True
) -> Path:
    """Train, calibrate and write ``classifier.json``, ``.onnx`` and ``.safetensors`` into `out`; returns the JSON.

    A run that was stopped goes on where it was when called again alike. Each kind of network has a folder of its own,
    with its out-of-fold predictions; change the records or settings, and take another folder, or it keeps the old
    predictions.

    Parameters
    ----------
    options : RunOptions
        Its `initial` weights are those of a classifier of the same networks, in place of simulated hearts: fine-tuning
        on one's own records. Its `minutes` are of training on all records, for each network.
    cross_validated : bool
        Whether networks are trained for the folds first. Their predictions of what they did not see calibrate the
        probabilities and set the operating points; without them probabilities are the network's own.

    Raises
    ------
    BadRequest
        For an unknown network, too few records, records without folds, or folds under torchrun.
    BadWeights
        Where the initial weights cannot be read, or are of another network.
    """
    if cross_validated and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise BadRequest("cross-validation starts processes of its own; under torchrun add --no-cross-validation")
    starts = [
        _starting_weights(out / name, position, name, data, settings, options)
        for position, name in enumerate(settings.names)
    ]
    if MEASURED in settings.names:
        if not is_first():  # the first measures them, and the others read what it has written
            wait_for_all()
        measure_views(data, _views_file(out), options.jobs)
        if is_first():
            wait_for_all()
    if cross_validated:
        cards = calibrate(data, _predict_held_back(out, data, settings, starts, options))
    else:
        cards = _plain_cards(data)
    network = _learn_all(out, data, settings, starts, options)
    if is_first():
        export_classifier(out, network, cards, len(data))
    wait_for_all()
    return out / "classifier.json"


def _starting_weights(
    out: Path, position: int, name: str, data: LabelledRecords, settings: ClassifierTraining, options: RunOptions
) -> Start:
    """Return the weights that a kind of network starts from on the records, and its position in their file."""
    make_network(name)  # an unknown name is refused before any work
    out.mkdir(parents=True, exist_ok=True)
    if name == MEASURED:  # it needs no hearts: what a heart shows is measured already
        return (options.initial, position) if options.initial else None
    start = (options.initial, position) if options.initial else (_learn_hearts(out, name, settings, options), 0)
    if settings.pretrain_epochs > 0:
        start = _guess_patches(out, name, start, data, settings, options), 0
    return start


def _predict_held_back(
    out: Path, data: LabelledRecords, settings: ClassifierTraining, starts: Sequence[Start], options: RunOptions
) -> dict[str, Logits]:
    """Return for each layout the mean logit of networks that did not see the record, and write it and each kind's."""
    predicted: list[dict[str, Logits]] = []
    for name, start in zip(settings.names, starts, strict=True):
        logits = cross_validate(
            out / name / "folds", name, data, settings.on_records(name), LAYOUTS, initial=start,
            views=_views_file(out) if name == MEASURED else None, seeds=settings.seeds_of(name), jobs=options.jobs,
            device=options.device,
        )  # fmt: skip
        save_out_of_fold(out / name / "out_of_fold.npz", data, logits)
        predicted.append(logits)
    # the mean over networks, of which some kinds have more
    counts = [len(settings.seeds_of(name)) for name in settings.names]
    mean = {
        layout: np.average([logits[layout] for logits in predicted], axis=0, weights=counts).astype(np.float32)
        for layout in LAYOUTS
    }
    save_out_of_fold(out / "out_of_fold.npz", data, mean)
    return mean


def _learn_all(
    out: Path, data: LabelledRecords, settings: ClassifierTraining, starts: Sequence[Start], options: RunOptions
) -> Ensemble:
    """Train every network on all records, each from its start; returns them as one."""
    networks = []
    for name, start in zip(settings.names, starts, strict=True):
        for seed in settings.seeds_of(name):
            torch.manual_seed(seed)
            network = make_network(name)
            if start is not None:
                load_weights(network, *start)
            views = measure_views(data, _views_file(out), options.jobs) if name == MEASURED else None
            folder = out / name / f"all-seed-{seed}"
            stage = replace(settings.on_records(name), seed=seed)
            learn(
                network, data, None, stage, folder, minutes=options.minutes, device=options.device,
                on_step=options.on_step, views=views,
            )  # fmt: skip
            networks.append(network)
    return Ensemble(networks)


def _learn_hearts(out: Path, name: str, settings: ClassifierTraining, options: RunOptions) -> Path:
    """Train on simulated hearts; returns the weights, which every fold starts from."""
    target = out / "hearts.safetensors"
    if target.is_file():
        return target
    if not is_first():  # the first simulates them, and the others read what it has written
        wait_for_all()
    hearts = simulated_records(out.parent / "hearts", settings.hearts, settings.seed, options.jobs)
    if is_first():
        wait_for_all()
    torch.manual_seed(settings.seed)  # the weights to begin with are drawn from torch's own generator
    network = make_network(name)
    stage = settings.on_hearts(name)
    learn(network, hearts, None, stage, out / "hearts", device=options.device, on_step=options.on_step)
    return _save_weights(network, target)


def _guess_patches(
    out: Path,
    name: str,
    start: tuple[Path, int],
    data: LabelledRecords,
    settings: ClassifierTraining,
    options: RunOptions,
) -> Path:
    """Go on from `start` with masked patches of the records; returns the weights."""
    network = make_network(name)
    if not isinstance(network, PatchECG):
        raise BadRequest(f"the network {name!r} has no patches, so it cannot be pretrained; set pretrain_epochs to 0")
    load_weights(network, *start)
    pretrain(
        network, data.signals_mv, out / "patches", epochs=settings.pretrain_epochs, learning_rate=5e-4,
        seed=settings.seed, device=options.device, on_step=options.on_step,
    )  # fmt: skip
    return _save_weights(network, out / "patches.safetensors")


def _views_file(out: Path) -> Path:
    return out / "measured.npz"


def _save_weights(network: nn.Module, target: Path) -> Path:
    from safetensors.torch import save_file

    if is_first():
        with atomic_path(target) as temporary:
            save_file(network.cpu().state_dict(), str(temporary))
    wait_for_all()
    return target


def save_out_of_fold(path: Path, data: LabelledRecords, logits: Mapping[str, Logits]) -> None:
    """Write the out-of-fold logits: ``ids``, ``labels``, and for each layout (records, labels)."""
    with atomic_path(path) as temporary:
        np.savez(temporary, allow_pickle=False, ids=data.ids, labels=np.array(LABELS), **logits)


def _plain_cards(data: LabelledRecords) -> dict[str, LabelCard]:
    positives = (data.targets & data.known).sum(axis=0).tolist()
    return {
        label: LabelCard(
            slope=1, offset=0, thresholds=dict.fromkeys(OPERATING_POINTS, 0.5), positives=count, auroc=None
        )
        for label, count in zip(LABELS, positives, strict=True)
    }
