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
from ecgimg.classification.patchecg_network import PatchECG
from ecgimg.classification.tokens import PATCH
from ecgimg.classification.trained_classifier import TOKEN_INPUTS, network_inputs
from ecgimg.errors import BadRequest
from ecgimg.evaluate import classifier_metrics as metrics
from ecgimg.train.classifier.baselines import ResNet, mean_of_patches, published
from ecgimg.train.classifier.layout_masks import disturbed, random_mask
from ecgimg.train.training_loop import Schedule, fit, mixed_precision
from layouts import load_layouts

Signals = NDArray[np.float32]

OUTPUTS = len(LABELS) + 2
"""The labels, and in training age and sex, which teach the network more than they tell."""

NETWORKS: dict[str, Callable[[int], nn.Module]] = {
    "patchecg": PatchECG,
    "resnet": ResNet,
    "mean": mean_of_patches,
    "published": published,
}

PACE = {"published": 0.2}
"""Share of a stage's learning rate at which a network learns, where that is not all of it: wider ones learn slower."""

_SUBCLASS_WEIGHT, _FACT_WEIGHT, _AGE_WEIGHT = 1.5, 0.5, 0.3  # in the loss, over 1 for any other label
_AGE_YEARS = (60.0, 18.0)  # mean and spread, by which ages are scaled to about -2 to 2
_GAIN_SPREAD = {True: 0.04, False: 0.2}  # of the leads' gains (logarithm), by whether the record's gain is known
_BATCHES_TOGETHER = 4


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
) -> int:
    """Train `network` in place on records, with curve and checkpoint in `out`; returns the steps done."""
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
    batches = _Batches(data, stage, rank)

    def loss_of_step(step: int) -> Tensor:
        signals, targets, weights = batches.of_step(step)
        with mixed_precision(device):
            logits = forward(*inputs(network, signals, device))
        return classification_loss(logits.float(), targets.to(device), weights.to(device))

    def evaluate() -> Mapping[str, float]:
        return _scores(network, held_back, device) if held_back is not None and len(held_back) else {}

    steps = max(round(stage.epochs * len(data) / (stage.batch * world)), 1)
    schedule = Schedule(
        steps, stage.learning_rate, stage.weight_decay, stage.seed, minutes, log_every=200, averaging=stage.averaging
    )
    return fit(network, loss_of_step, evaluate, out, schedule, on_step=on_step)


def inputs(network: nn.Module, signals: Signals, device: str = "cpu") -> tuple[Tensor, ...]:
    """Return what a network takes of (batch, 12, samples) mV with NaN: tokens, or for the ResNet signals and masks."""
    if isinstance(network, ResNet):
        return (torch.from_numpy(network_inputs(signals, ("channels",))["channels"]).to(device),)
    return tuple(torch.from_numpy(part).to(device) for part in network_inputs(signals, TOKEN_INPUTS).values())


def classification_loss(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean of the cross-entropy of labels and sex, and the squared error of the age."""
    count = len(LABELS)
    named = binary_cross_entropy_with_logits(logits[:, :count], targets[:, :count], reduction="none")
    age = _AGE_WEIGHT * (logits[:, count] - targets[:, count]).square()
    sex = binary_cross_entropy_with_logits(logits[:, count + 1], targets[:, count + 1], reduction="none")
    losses = torch.cat([named, age[:, None], sex[:, None]], dim=1)
    return (losses * weights).sum() / weights.sum()


def predict_logits(network: nn.Module, signals: Signals, device: str = "cpu", batch: int = 128) -> Signals:
    """Return the labels' logits (records, labels) of (records, 12, samples) mV, NaN where nothing is known."""
    network.eval()
    parts = []
    with torch.no_grad():
        for start in range(0, len(signals), batch):
            logits = network(*inputs(network, signals[start : start + batch], device))
            parts.append(logits.float().cpu().numpy()[:, : len(LABELS)])
    return np.concatenate(parts)


class _Batches:
    """The batches of a training: which records, how disturbed, and what is shown of them, by seed and step alone.

    Four batches are drawn together and sorted by how many patches they show, so that little is padding.
    """

    def __init__(self, data: LabelledRecords, stage: Stage, rank: int) -> None:
        self.data, self.stage, self.rank = data, stage, rank
        self.layouts = load_layouts("all")
        years = (np.nan_to_num(data.age_years) - _AGE_YEARS[0]) / _AGE_YEARS[1]
        facts = np.stack([years, np.nan_to_num(data.male)], axis=1)
        facts_known = np.stack([np.isfinite(data.age_years), np.isfinite(data.male)], axis=1)
        label_weight = [_SUBCLASS_WEIGHT if label in SUBCLASSES else 1.0 for label in LABELS]
        self.targets = np.concatenate([data.targets, facts], axis=1).astype(np.float32)
        weights = np.concatenate([data.known, facts_known], axis=1) * np.array([*label_weight, *[_FACT_WEIGHT] * 2])
        self.weights = weights.astype(np.float32)
        self._drawn: tuple[int, list[tuple[Signals, Tensor, Tensor]]] = (-1, [])

    def of_step(self, step: int) -> tuple[Signals, Tensor, Tensor]:
        """Return signals (batch, 12, samples), targets and their weights, (batch, `OUTPUTS`)."""
        number = step // _BATCHES_TOGETHER
        if self._drawn[0] != number:
            self._drawn = number, self._together(number)
        return self._drawn[1][step % _BATCHES_TOGETHER]

    def _together(self, number: int) -> list[tuple[Signals, Tensor, Tensor]]:
        rng = np.random.default_rng([self.stage.seed, self.rank, number])
        records = self._records(number * _BATCHES_TOGETHER * self.stage.batch, _BATCHES_TOGETHER * self.stage.batch)
        shown = [self._shown(int(record), rng) for record in records]
        # whole patches, as many as the longest record of the four batches has
        samples = -(-max(signals.shape[1] for signals in shown) // PATCH) * PATCH
        canvas = np.full((len(shown), 12, samples), np.nan, np.float32)
        for place, signals in zip(canvas, shown, strict=True):
            place[:, : signals.shape[1]] = signals
        patches = np.isfinite(canvas).reshape(len(shown), 12, -1, PATCH).any(axis=3).sum(axis=(1, 2))
        # stable, so that the order does not depend on the sorting of equal counts
        parts = np.array_split(np.argsort(patches, kind="stable"), _BATCHES_TOGETHER)
        return [
            (canvas[part], torch.from_numpy(self.targets[records[part]]), torch.from_numpy(self.weights[records[part]]))
            for part in (parts[k] for k in rng.permutation(_BATCHES_TOGETHER))
        ]

    def _records(self, first: int, count: int) -> NDArray[np.intp]:
        """Return records `first` to `first + count` of an endless row of shuffled epochs."""
        n = len(self.data)
        epochs = range(first // n, (first + count - 1) // n + 1)
        row = [np.random.default_rng([self.stage.seed, self.rank, 1, epoch]).permutation(n) for epoch in epochs]
        start = first - epochs[0] * n
        return np.concatenate(row)[start : start + count]

    def _shown(self, record: int, rng: np.random.Generator) -> Signals:
        data = self.data
        spread = _GAIN_SPREAD[bool(data.gain_known[record])]
        signals = disturbed(data.signals_mv[record], rng, lead_gain_spread=spread)
        shown = np.where(random_mask(self.layouts, signals.shape[1], rng), signals, np.float32(np.nan))
        # where the mask hides all that the record has, it is shown whole
        return shown if np.isfinite(shown).any() else signals


def _scores(network: nn.Module, data: LabelledRecords, device: str) -> dict[str, float]:
    """Return the macro AUROC over the subclasses, and that of AFIB, on whole records."""
    logits = predict_logits(network, data.signals_mv, device)
    at = [LABELS.index(label) for label in SUBCLASSES]
    every = metrics.macro(metrics.auroc, logits[:, at].astype(np.float64), data.targets[:, at], data.known[:, at])
    fibrillation = LABELS.index("AFIB")
    return {"auroc": every, "afib": metrics.auroc(logits[:, fibrillation], data.targets[:, fibrillation])}
