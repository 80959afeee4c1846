"""The whole training of a classifier: simulated hearts, out-of-fold networks, networks on all records, one file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ecgimg._files import atomic_path
from ecgimg._version import __version__
from ecgimg.classification.labelled_records import LabelledRecords
from ecgimg.classification.labels import LABELS
from ecgimg.classification.network import PatchECG
from ecgimg.classification.weights import TOKEN_INPUTS, ClassifierCard, Digests, LabelCard, network_inputs
from ecgimg.errors import BadRequest
from ecgimg.evaluate.probability_calibration import calibrate
from ecgimg.train.classifier.baselines import ResNet
from ecgimg.train.classifier.crossvalidation import cross_validate
from ecgimg.train.classifier.loop import PACE, Stage, learn, make_network
from ecgimg.train.classifier.pretraining import pretrain
from ecgimg.train.classifier.simulated_hearts import simulated_records
from ecgimg.train.export import export_network, load_weights
from ecgimg.train.loop import is_first, wait_for_all

Logits = NDArray[np.float32]

LAYOUTS = ("12x1", "3x4", "3x4+II", "3x4+II+V1", "6x2", "6x2+II", "random")
"""What out-of-fold predictions are made for, and probabilities are calibrated over."""


_PATIENCE = timedelta(hours=2)
"""Other processes wait so long for the first, which simulates the hearts."""


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
        Networks of each kind, whose mean logit is the answer.
    """

    network: str = "patchecg+resnet"
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

    def on_hearts(self, name: str) -> Stage:
        """How a kind of network learns from simulated hearts."""
        return Stage(self.heart_epochs, 64, self.heart_learning_rate * PACE.get(name, 1.0), seed=self.seed)

    def on_records(self, name: str) -> Stage:
        """How it learns from records."""
        return Stage(self.epochs, 32, self.learning_rate * PACE.get(name, 1.0), seed=self.seed)


def train_classifier(
    out: Path,
    data: LabelledRecords,
    settings: ClassifierTraining,
    *,
    initial: Path | None = None,
    cross_validated: bool = True,
    minutes: float | None = None,
    device: str = "cpu",
    jobs: int = 2,
    on_step: Callable[[int, float], None] | None = None,
) -> Path:
    """Train, calibrate and write ``classifier.json``, ``.onnx`` and ``.safetensors`` into `out`; returns the JSON.

    A run that was stopped goes on where it was when called again alike. Each kind of network has a folder of its own,
    with its out-of-fold predictions.

    Parameters
    ----------
    initial : Path, optional
        Weights to start from (``.safetensors``, of a classifier of the same networks) in place of simulated hearts:
        fine-tuning on one's own records.
    cross_validated : bool
        Whether networks are trained for the folds first. Their predictions of what they did not see calibrate the
        probabilities and set the operating points; without them probabilities are the network's own.
    minutes : float, optional
        Of training on all records, for each network.
    """
    if cross_validated and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise BadRequest("folds are trained by processes of their own: under torchrun say --no-cross-validation")
    seeds = range(settings.seed, settings.seed + settings.seeds)
    starts: list[tuple[Path, int]] = []
    predicted: list[dict[str, Logits]] = []
    for place, name in enumerate(settings.names):
        make_network(name)  # an unknown name is refused before any work
        own = out / name
        own.mkdir(parents=True, exist_ok=True)
        start = (initial, place) if initial else (_learn_hearts(own, name, settings, device, jobs, on_step), 0)
        if settings.pretrain_epochs > 0:
            start = _guess_patches(own, name, start, data, settings, device, on_step), 0
        starts.append(start)
        if cross_validated:
            logits = cross_validate(
                own / "folds", name, data, settings.on_records(name), LAYOUTS, initial=start, seeds=seeds, jobs=jobs,
                device=device,
            )  # fmt: skip
            save_out_of_fold(own / "out_of_fold.npz", data, logits)
            predicted.append(logits)
    cards = _plain_cards(data)
    if cross_validated:
        mean = {layout: np.mean([logits[layout] for logits in predicted], axis=0) for layout in LAYOUTS}
        save_out_of_fold(out / "out_of_fold.npz", data, mean)
        cards = calibrate(data, mean)
    network = _learn_all(out, data, settings, starts, minutes, device, on_step)
    if is_first():
        export_classifier(out, network, cards, len(data))
    wait_for_all()
    return out / "classifier.json"


def _learn_all(
    out: Path, data: LabelledRecords, settings: ClassifierTraining, starts: Sequence[tuple[Path, int]],
    minutes: float | None, device: str, on_step: Callable[[int, float], None] | None,
) -> Ensemble:  # fmt: skip
    """Train every network on all records, each from its start; returns them as one."""
    networks = []
    for name, start in zip(settings.names, starts, strict=True):
        for seed in range(settings.seed, settings.seed + settings.seeds):
            network = make_network(name)
            load_weights(network, *start)
            folder = out / name / f"all-seed-{seed}"
            stage = replace(settings.on_records(name), seed=seed)
            learn(network, data, None, stage, folder, minutes=minutes, device=device, on_step=on_step)
            networks.append(network)
    return Ensemble(networks)


def _learn_hearts(
    out: Path, name: str, settings: ClassifierTraining, device: str, jobs: int,
    on_step: Callable[[int, float], None] | None,
) -> Path:  # fmt: skip
    """Train on simulated hearts; returns the weights, which every fold starts from."""
    target = out / "hearts.safetensors"
    if target.is_file():
        return target
    if not is_first():
        wait_for_all()
    hearts = simulated_records(out.parent / "hearts", settings.hearts, settings.seed, jobs)
    if is_first():
        wait_for_all()
    network = make_network(name)
    learn(network, hearts, None, settings.on_hearts(name), out / "hearts", device=device, on_step=on_step)
    return _save_weights(network, target)


def _guess_patches(
    out: Path, name: str, start: tuple[Path, int], data: LabelledRecords, settings: ClassifierTraining, device: str,
    on_step: Callable[[int, float], None] | None,
) -> Path:  # fmt: skip
    """Go on from `start` with masked patches of the records; returns the weights."""
    network = make_network(name)
    if not isinstance(network, PatchECG):
        raise BadRequest(f"a network of the kind {name!r} has no patches that could be guessed")
    load_weights(network, *start)
    pretrain(
        network, data.signals_mv, out / "patches", epochs=settings.pretrain_epochs, learning_rate=5e-4,
        seed=settings.seed, device=device, on_step=on_step,
    )  # fmt: skip
    return _save_weights(network, out / "patches.safetensors")


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
            slope=1, offset=0, thresholds={"youden": 0.5, "sens90": 0.5, "spec90": 0.5}, positives=count, auroc=None
        )
        for label, count in zip(LABELS, positives, strict=True)
    }


class Ensemble(nn.Module):
    """The mean logit of some networks, the labels only."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the networks take: tokens, channels or both."""
        dense = [isinstance(network, ResNet) for network in self.networks]
        return (*(TOKEN_INPUTS if not all(dense) else ()), *(("channels",) if any(dense) else ()))

    def forward(self, *given: Tensor) -> Tensor:
        """Map what `inputs` names to logits (batch, labels)."""
        tokens, channels = given[: len(TOKEN_INPUTS)], given[-1]
        logits = [
            (network(channels) if isinstance(network, ResNet) else network(*tokens))[:, : len(LABELS)]
            for network in self.networks
        ]
        return torch.stack(logits).mean(dim=0)


def export_classifier(out: Path, network: Ensemble, cards: Mapping[str, LabelCard], records: int) -> Path:
    """Write the three files of a classifier into `out`; returns the JSON, which is written last."""
    example = network_inputs(np.random.default_rng(0).normal(size=(2, 12, 300)).astype(np.float32), network.inputs)
    axes = {name: {0: "batch", **({2: "samples"} if name == "channels" else {1: "tokens"})} for name in example}
    inputs = {name: (torch.from_numpy(values), axes[name]) for name, values in example.items()}
    settings = {f"network_{k}": dict(part.settings) for k, part in enumerate(network.networks)}
    onnx = export_network(network, out / "classifier.onnx", inputs, ("logits", {0: "batch"}), settings, half=True)
    files = {"onnx": onnx, "safetensors": onnx.with_suffix(".safetensors")}
    digests = {kind: hashlib.sha256(path.read_bytes()).hexdigest() for kind, path in files.items()}
    card = ClassifierCard(
        schema_name="ecgimg-classifier",
        schema_version=1,
        version=__version__,
        records=records,
        networks=[dict(part.settings) for part in network.networks],
        sha256=Digests(**digests, card=""),
        labels=dict(cards),
    )
    card = card.model_copy(update={"sha256": Digests(**digests, card=card.digest())})
    with atomic_path(out / "classifier.json") as temporary:
        temporary.write_text(card.model_dump_json(indent=1), encoding="utf-8")
    return out / "classifier.json"


def distributed(device: str) -> str:
    """Join the processes that ``torchrun`` started, if it did; returns the device of this one."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return device
    on_gpu = torch.device(device).type == "cuda"
    torch.distributed.init_process_group("nccl" if on_gpu else "gloo", timeout=_PATIENCE)
    return f"cuda:{os.environ['LOCAL_RANK']}" if on_gpu else device
