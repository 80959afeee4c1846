"""Train the segmenter on crops of synthetic pages: its settings, batches, loss, scores and export."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ecgimg.train.export import export_network
from ecgimg.train.segmenter.data import Pool, draw_pool
from ecgimg.train.segmenter.network import CLASSES, Segmenter
from ecgimg.train.train_network import RunOptions, Settings, Task, train_network
from ecgimg.train.training_loop import mixed_precision
from synth.degradation.optics import apply_copier
from synth.degradation.spec import Binary, Copier

_WEIGHTS = (1.0, 0.6, 0.8, 0.2, 0.4)  # of the classes, in the order of `CLASSES`: the trace matters most
_POSITIVE = (3.0, 4.0, 12.0, 1.5, 3.0)  # weight of a marked pixel over an unmarked one: the rarer, the more
_HELD_BACK = 0.04  # share of the crops that training never sees
_COPIED_SHARE = 0.08  # of the crops, photocopied in black and white
_COPIES: tuple[Binary, ...] = ("threshold", "threshold", "halftone", "diffusion")


@dataclass(frozen=True)
class SegmenterTraining(Settings):
    """How long and how: all that decides the weights besides the pool."""

    batch: int = 8
    pages: int = 500


def train_segmenter(out: Path, records: Path | None, settings: SegmenterTraining, options: RunOptions) -> Path:
    """Train on crops of synthetic pages, half of which show a record of `records`; see `train_network`.

    Raises
    ------
    BadWeights
        Where the initial weights cannot be read, or are of another network.
    """
    pool = draw_pool(out / "pool", records, pages=settings.pages, seed=settings.seed, jobs=options.jobs)
    held_back = max(int(len(pool.images) * _HELD_BACK), settings.batch)

    def loss_of_step(network: Segmenter, step: int) -> Tensor:
        images, targets = _batch(pool, held_back, settings, step)
        with mixed_precision(options.device):
            logits = network(images.to(options.device, memory_format=torch.channels_last))
        return segmentation_loss(logits.float(), targets.to(options.device))

    def scores(network: Segmenter) -> dict[str, float]:
        return evaluate(network, pool, held_back, options.device)

    return train_network(out, Task(Segmenter, loss_of_step, scores, export, channels_last=True), settings, options)


def _batch(pool: Pool, held_back: int, settings: SegmenterTraining, step: int) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng([settings.seed, step])
    indices = rng.integers(held_back, len(pool.images), settings.batch)
    images, targets = zip(*(_augmented(pool, int(index), rng) for index in indices), strict=True)
    return torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(targets))


def _augmented(pool: Pool, index: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Turn, mirror and recolour one crop; returns (3, h, w) 0-1 and (classes, h, w) 0/1."""
    image = _copied(pool.images[index], rng).astype(np.float32) / 255
    classes = pool.classes[index]
    # pages lie in any direction, and labels of leads are marked whether they stand upright or not
    turns = int(rng.integers(4))
    image, classes = np.rot90(image, turns), np.rot90(classes, turns)
    if rng.random() < 0.5:
        image, classes = image[:, ::-1], classes[:, ::-1]
    if rng.random() < 0.15:
        # grey scans, and papers of other colours
        image = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)
    elif rng.random() < 0.3:
        image = image[..., rng.permutation(3)]
    image = np.clip(image, 0, 1) ** np.float32(rng.uniform(0.7, 1.4))
    image = image * np.float32(rng.uniform(0.75, 1.15)) + np.float32(rng.uniform(-0.1, 0.1))
    return _planes(np.clip(image, 0, 1)), _targets(classes)


def _copied(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Photocopy a crop in black and white, now and then: rare among pages, and hard."""
    if rng.random() >= _COPIED_SHARE:
        return image
    binary = _COPIES[int(rng.integers(len(_COPIES)))]
    toner, level = float(rng.uniform(0, 1)), float(rng.uniform(0.42, 0.68))
    return apply_copier(np.ascontiguousarray(image), Copier(binary=binary, toner=toner, level=level), rng)


def _planes(image: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(image.transpose(2, 0, 1))


def _targets(classes: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.stack([(classes >> np.uint8(bit)) & np.uint8(1) for bit in range(len(CLASSES))]).astype(np.float32)


def segmentation_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Weighted cross-entropy per class plus a soft Dice term for the thin, rare ones."""
    shape = (1, len(CLASSES), 1, 1)
    positive = torch.tensor(_POSITIVE, device=logits.device).view(shape)
    weights = torch.tensor(_WEIGHTS, device=logits.device).view(shape)
    entropy = nn.functional.binary_cross_entropy_with_logits(logits, targets, pos_weight=positive, reduction="none")
    shares = torch.sigmoid(logits)
    # over the whole batch: in a crop without a pulse the term would be all or nothing
    overlap = (shares * targets).sum(dim=(0, 2, 3))
    dice = 1 - (2 * overlap + 50) / (shares.sum(dim=(0, 2, 3)) + targets.sum(dim=(0, 2, 3)) + 50)
    return (entropy * weights).mean() * 3 + (dice * weights.view(-1)).mean()


def evaluate(network: Segmenter, pool: Pool, held_back: int, device: str) -> dict[str, float]:
    """Return the Dice score of each class on the crops that training never sees."""
    both = np.zeros((2, len(CLASSES)))
    for start in range(0, held_back, 8):
        stop = min(start + 8, held_back)
        images = np.stack([_planes(pool.images[k].astype(np.float32) / 255) for k in range(start, stop)])
        targets = np.stack([_targets(pool.classes[k]) for k in range(start, stop)])
        marked = (network(torch.from_numpy(images).to(device)) > 0).float().cpu().numpy()
        both[0] += 2 * (marked * targets).sum(axis=(0, 2, 3))
        both[1] += (marked + targets).sum(axis=(0, 2, 3))
    return {name: float(score) for name, score in zip(CLASSES, both[0] / np.maximum(both[1], 1), strict=True)}


def export(network: Segmenter, out: Path) -> Path:
    """Write the network; its pictures may have any multiple of 32 as height and width."""
    size = {0: "batch", 2: "height", 3: "width"}
    return export_network(
        network, out / "segmenter.onnx", {"image": (torch.zeros(1, 3, 256, 256), size)}, ("logits", size),
        {"widths": network.widths},
    )  # fmt: skip
