"""Train the label reader on crops of synthetic pages: its settings, batches, loss, scores and export."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ecgimg.digitization.text.label_recognition import CLASSES, CROP_SHAPE
from ecgimg.train.export import export_network
from ecgimg.train.label_reader.data import LabelPool, draw_label_pool
from ecgimg.train.label_reader.network import LabelReader
from ecgimg.train.train_network import RunOptions, Settings, Task, train_network

_HELD_BACK = 0.04  # share of the pages that training never sees
_TINY_PX = 10.0  # height of print that is scored by itself


@dataclass(frozen=True)
class LabelTraining(Settings):
    """How long and how: all that decides the weights besides the pool."""

    steps: int = 6000
    batch: int = 128
    learning_rate: float = 3e-3
    weight_decay: float = 2e-2
    label_smoothing: float = 0.02
    pages: int = 460
    prints_per_page: int = 140


def train_label_reader(out: Path, records: Path | None, settings: LabelTraining, options: RunOptions) -> Path:
    """Train on lead labels of synthetic pages and on labels printed alone; see `train_network`.

    Raises
    ------
    BadWeights
        Where the initial weights cannot be read, or are of another network.
    """
    pool = draw_label_pool(
        out / "pool", records, pages=settings.pages, prints_per_page=settings.prints_per_page, seed=settings.seed,
        jobs=options.jobs,
    )  # fmt: skip
    held_back, taught = split(pool)

    def loss_of_step(network: LabelReader, step: int) -> Tensor:
        crops, classes = _batch(pool, taught, settings, step)
        logits = network(crops.to(options.device))
        targets = classes.to(options.device)
        return nn.functional.cross_entropy(logits, targets, label_smoothing=settings.label_smoothing)

    def scores(network: LabelReader) -> dict[str, float]:
        return evaluate(network, pool, held_back, options.device)

    return train_network(out, Task(LabelReader, loss_of_step, scores, export, log_every=200), settings, options)


def split(pool: LabelPool) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the crops of the first pages, which training never sees, and all others."""
    last = max(round((pool.pages.max() + 1) * _HELD_BACK), 1)
    return np.flatnonzero(pool.pages < last), np.flatnonzero(pool.pages >= last)


def _batch(pool: LabelPool, taught: NDArray[np.intp], settings: LabelTraining, step: int) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng([settings.seed, step])
    # sorted: neighbours in memory are read faster, and their order within a batch means nothing
    indices = np.sort(rng.choice(taught, settings.batch))
    crops = _augmented(pool.crops[indices].astype(np.float32) / 255, rng)
    return torch.from_numpy(crops[:, None]), torch.from_numpy(pool.classes[indices])


def _augmented(crops: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Shift, fade and speckle crops (n, 32, 96), and rub a spot out of some."""
    count = len(crops)
    for crop in crops:
        crop[:] = np.roll(crop, rng.integers(-2, 3, 2), axis=(0, 1))
        if rng.random() < 0.1:
            top, left = int(rng.integers(CROP_SHAPE[0])), int(rng.integers(CROP_SHAPE[1]))
            crop[top : top + 5, left : left + 5] = rng.random() < 0.5
    crops = crops ** rng.uniform(0.7, 1.5, (count, 1, 1)).astype(np.float32)
    crops *= rng.uniform(0.7, 1.1, (count, 1, 1)).astype(np.float32)
    spread = rng.uniform(0, 0.08, (count, 1, 1)).astype(np.float32)
    crops += spread * rng.standard_normal(crops.shape, np.float32)
    return np.clip(crops, 0, 1)


@torch.no_grad()
def predict(network: LabelReader, crops: NDArray[np.uint8], device: str = "cpu") -> NDArray[np.float32]:
    """Return the logits (n, classes) of crops (n, 32, 96) uint8."""
    network.eval()
    parts = [np.zeros((0, len(CLASSES)), np.float32)]
    for start in range(0, len(crops), 256):
        part = torch.from_numpy(crops[start : start + 256].astype(np.float32)[:, None] / 255)
        parts.append(network(part.to(device)).cpu().numpy())
    return np.concatenate(parts)


def evaluate(network: LabelReader, pool: LabelPool, held_back: NDArray[np.intp], device: str) -> dict[str, float]:
    """Return the share of the held-back crops that is read right: on pages, printed alone, tiny, and what is none."""
    right = predict(network, pool.crops[held_back], device).argmax(axis=1) == pool.classes[held_back]
    none = pool.classes[held_back] == CLASSES.index("none")
    printed, tiny = pool.printed[held_back], pool.heights_px[held_back] < _TINY_PX
    groups = {"page": ~printed & ~none, "print": printed & ~none, "tiny": tiny & ~none, "none": none}
    return {name: float(right[group].mean()) if group.any() else float("nan") for name, group in groups.items()}


def export(network: LabelReader, out: Path) -> Path:
    """Write the network, for any number of crops at once."""
    count = {0: "batch"}
    return export_network(
        network, out / "label_reader.onnx", {"crop": (torch.zeros(1, 1, *CROP_SHAPE), count)}, ("logits", count),
        {"widths": network.widths},
    )  # fmt: skip
