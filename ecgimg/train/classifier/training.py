"""Train PatchECG, or a baseline in its place, on simulated hearts and on records, shown as pages show them.

Seeded, resumable, its curve logged; several GPUs by ``torchrun``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.nn.parallel import DistributedDataParallel

from ecgimg.classification.labelled_records import LabelledRecords
from ecgimg.classification.labels import LABELS, SUBCLASSES
from ecgimg.classification.measured_inputs import MeasuredInputs
from ecgimg.classification.measured_network import MeasuredNetwork
from ecgimg.classification.patchecg_network import PatchECG
from ecgimg.classification.trained_classifier import network_inputs
from ecgimg.errors import BadRequest
from ecgimg.evaluate import classifier_metrics as metrics
from ecgimg.train.classifier.baselines import ResNet, mean_of_patches, published
from ecgimg.train.classifier.batches import MeasuredBatches, SignalBatches, as_tensors
from ecgimg.train.classifier.measured_views import MeasuredViews
from ecgimg.train.training_loop import Schedule, fit, mixed_precision

Signals = NDArray[np.float32]

OUTPUTS = len(LABELS) + 2
"""The labels, and in training age and sex, which teach the network more than they tell."""

NETWORKS: dict[str, Callable[[int], nn.Module]] = {
    "patchecg": PatchECG,
    "resnet": ResNet,
    "measured": MeasuredNetwork,
    "mean": mean_of_patches,
    "published": published,
}

PACE = {"published": 0.2}
"""Share of a stage's learning rate at which a network learns, where that is not all of it: wider ones learn slower."""

_AGE_WEIGHT = 0.3  # of the squared error in the loss


@dataclass(frozen=True)
class Stage:
    """How long and how fast to learn from one pool of records.

    Parameters
    ----------
    epochs : float
        Times that every record is shown, each time otherwise.
    averaging : float
        Share of the past that the running mean of the weights keeps at each step.
    """

    epochs: float
    batch: int
    learning_rate: float
    weight_decay: float = 0.05
    averaging: float = 0.998
    seed: int = 0


def make_network(name: str) -> nn.Module:
    """Return an untrained network by its name in `NETWORKS`."""
    if name not in NETWORKS:
        raise BadRequest(f"there is no network {name!r}; choose from {', '.join(NETWORKS)}")
    return NETWORKS[name](OUTPUTS)


def learn(
    network: nn.Module,
    data: LabelledRecords,
    held_back: LabelledRecords | None,
    stage: Stage,
    out: Path,
    *,
    minutes: float | None = None,
    device: str = "cpu",
    on_step: Callable[[int, float], None] | None = None,
    views: MeasuredViews | None = None,
) -> int:
    """Train `network` in place on records, with curve and checkpoint in `out`; returns the steps done.

    A network that reads what was measured needs the `views` of the records.
    """
    if len(data) < stage.batch:
        raise BadRequest(f"{len(data)} labelled records are fewer than one batch of {stage.batch}")
    out.mkdir(parents=True, exist_ok=True)
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    # each process draws other batches and leaves out other features
    torch.manual_seed(stage.seed + rank)
    network.to(device)
    forward = network
    if world > 1:  # what only pretraining uses has no gradient
        forward = DistributedDataParallel(network, find_unused_parameters=True)
    batches: SignalBatches | MeasuredBatches
    if views is not None and isinstance(network, MeasuredNetwork):
        network.fit_scale(views.numbers)
        batches = MeasuredBatches(data, views, stage.batch, stage.seed, rank)
    else:
        batches = SignalBatches(data, network.inputs, stage.batch, stage.seed, rank)

    def loss_of_step(step: int) -> Tensor:
        given, targets, weights = batches.of_step(step)
        with mixed_precision(device):
            logits = forward(*(part.to(device) for part in given))
        return classification_loss(logits.float(), targets.to(device), weights.to(device))

    def evaluate() -> Mapping[str, float]:
        return _scores(network, held_back, device) if held_back is not None and len(held_back) else {}

    steps = max(round(stage.epochs * len(data) / (stage.batch * world)), 1)
    schedule = Schedule(
        steps, stage.learning_rate, stage.weight_decay, stage.seed, minutes, log_every=200, averaging=stage.averaging
    )
    return fit(network, loss_of_step, evaluate, out, schedule, on_step=on_step)


def classification_loss(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean of the cross-entropy of labels and sex, and the squared error of the age."""
    count = len(LABELS)
    named = binary_cross_entropy_with_logits(logits[:, :count], targets[:, :count], reduction="none")
    age = _AGE_WEIGHT * (logits[:, count] - targets[:, count]).square()
    sex = binary_cross_entropy_with_logits(logits[:, count + 1], targets[:, count + 1], reduction="none")
    losses = torch.cat([named, age[:, None], sex[:, None]], dim=1)
    return (losses * weights).sum() / weights.sum()


def predict_logits(
    network: nn.Module,
    signals: Signals,
    device: str = "cpu",
    batch: int = 128,
    measured: MeasuredInputs | None = None,
) -> Signals:
    """Return the labels' logits (records, labels) of (records, 12, samples) mV, NaN where nothing is known.

    What was measured of them is `measured`, where the network reads it.
    """
    network.eval()
    parts = []
    with torch.no_grad():
        for start in range(0, len(signals), batch):
            chosen = slice(start, start + batch)
            own = measured.subset(chosen) if measured is not None else None
            logits = network(*as_tensors(network_inputs(signals[chosen], network.inputs, own), device))
            parts.append(logits.float().cpu().numpy()[:, : len(LABELS)])
    return np.concatenate(parts)


def _scores(network: nn.Module, data: LabelledRecords, device: str) -> dict[str, float]:
    """Return the macro AUROC over the subclasses, and that of AFIB, on whole records."""
    logits = predict_logits(network, data.signals_mv, device)
    at = [LABELS.index(label) for label in SUBCLASSES]
    every = metrics.macro(metrics.auroc, logits[:, at].astype(np.float64), data.targets[:, at], data.known[:, at])
    fibrillation = LABELS.index("AFIB")
    return {"auroc": every, "afib": metrics.auroc(logits[:, fibrillation], data.targets[:, fibrillation])}
