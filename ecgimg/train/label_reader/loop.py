"""Train the label reader on crops of synthetic pages: seeded, resumable, its curve logged, exported to ONNX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ecgimg.digitization.text.label_recognition import CLASSES, CROP_SHAPE
from ecgimg.train.export import export_network, load_weights
from ecgimg.train.label_reader.data import LabelPool, draw_label_pool
from ecgimg.train.label_reader.network import LabelReader
from ecgimg.train.loop import Settings, fit, schedule_of

_HELD_BACK = 0.04
_LOW_PX = 10.0


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


def train_label_reader(
    out: Path,
    records: Path | None,
    settings: LabelTraining,
    *,
    initial: Path | None = None,
    minutes: float | None = None,
    device: str = "cpu",
    jobs: int = 2,
    on_step: Callable[[int, float], None] | None = None,
) -> Path:
    """Train, and write ``label_reader.onnx``, ``label_reader.safetensors`` and ``curve.csv`` into `out`.

    A run that was stopped, or whose `minutes` were over, goes on from its last checkpoint when called again alike; the
    learning rate follows the share of `steps` that is done (or of the minutes, whichever is further).

    Parameters
    ----------
    initial : Path, optional
        Weights to start from (``.safetensors``) in place of random ones.

    Returns
    -------
    Path
        Of the ONNX file.
    """
    out.mkdir(parents=True, exist_ok=True)
    pool = draw_label_pool(
        out / "pool", records, pages=settings.pages, prints_per_page=settings.prints_per_page, seed=settings.seed,
        jobs=jobs,
    )  # fmt: skip
    held_back, seen = split(pool)
    torch.manual_seed(settings.seed)
    network = LabelReader()
    if initial is not None:
        load_weights(network, initial)
    network.to(device)

    def loss_of_step(step: int) -> Tensor:
        crops, classes = _batch(pool, seen, settings, step)
        logits = network(crops.to(device))
        return nn.functional.cross_entropy(logits, classes.to(device), label_smoothing=settings.label_smoothing)

    schedule = schedule_of(settings, minutes, log_every=200)
    fit(network, loss_of_step, lambda: evaluate(network, pool, held_back, device), out, schedule, on_step=on_step)
    return export(network, out)


def split(pool: LabelPool) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the crops of the first pages, which training never sees, and all others."""
    last = max(round((pool.pages.max() + 1) * _HELD_BACK), 1)
    return np.flatnonzero(pool.pages < last), np.flatnonzero(pool.pages >= last)


def _batch(pool: LabelPool, seen: NDArray[np.intp], settings: LabelTraining, step: int) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng([settings.seed, step])
    indices = np.sort(rng.choice(seen, settings.batch))
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
    printed, tiny = pool.printed[held_back], pool.heights_px[held_back] < _LOW_PX
    groups = {"page": ~printed & ~none, "print": printed & ~none, "tiny": tiny & ~none, "none": none}
    return {name: float(right[group].mean()) if group.any() else float("nan") for name, group in groups.items()}


def export(network: LabelReader, out: Path) -> Path:
    """Write the network, for any number of crops at once."""
    count = {0: "batch"}
    return export_network(
        network, out / "label_reader.onnx", {"crop": (torch.zeros(1, 1, *CROP_SHAPE), count)}, ("logits", count),
        {"widths": network.widths},
    )  # fmt: skip
