"""Train the segmenter on crops of synthetic pages: seeded, resumable, its curve logged, exported to ONNX."""

from __future__ import annotations

import csv
import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ecgimg.train.crops import Pool, draw_pool
from ecgimg.train.segmenter_network import CLASSES, Segmenter

_WEIGHTS = (1.0, 0.6, 0.6, 0.25, 0.4)
_POSITIVE = (3.0, 4.0, 6.0, 1.5, 3.0)
_HELD_BACK = 0.04


@dataclass(frozen=True)
class SegmenterTraining:
    """How long and how: all that decides the weights besides the pool."""

    steps: int = 4000
    batch: int = 8
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    seed: int = 0
    pages: int = 500


def train_segmenter(
    out: Path,
    records: Path | None,
    settings: SegmenterTraining,
    *,
    minutes: float | None = None,
    device: str = "cpu",
    jobs: int = 2,
    on_step: Callable[[int, float], None] | None = None,
) -> Path:
    """Train, and write ``segmenter.onnx``, ``segmenter.safetensors`` and ``curve.csv`` into `out`.

    A run that was stopped, or whose `minutes` were over, goes on from its last checkpoint when called again alike; the
    learning rate follows the share of `steps` that is done (or of the minutes, whichever is further).

    Returns
    -------
    Path
        Of the ONNX file.
    """
    out.mkdir(parents=True, exist_ok=True)
    pool = draw_pool(out / "pool", records, pages=settings.pages, seed=settings.seed, jobs=jobs)
    torch.manual_seed(settings.seed)
    network = Segmenter().to(device)
    optimizer = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    step, spent_s = _resume(out, network, optimizer)
    held_back = max(int(len(pool.images) * _HELD_BACK), settings.batch)
    began, losses = time.monotonic(), []
    while step < settings.steps:
        share = step / settings.steps
        elapsed_s = spent_s + time.monotonic() - began
        if minutes is not None:
            share = max(share, elapsed_s / (60 * minutes))
            if share >= 1:
                break
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * _schedule(share)
        images, targets = _batch(pool, held_back, settings, step)
        network.train()
        optimizer.zero_grad(set_to_none=True)
        loss = segmentation_loss(network(images.to(device)), targets.to(device))
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimizer.step()
        step += 1
        losses.append(float(loss.detach()))
        if on_step:
            on_step(step, losses[-1])
        if step % 100 == 0 or step == settings.steps:
            _log(out, step, float(np.mean(losses[-100:])), evaluate(network, pool, held_back, device))
            _checkpoint(out, network, optimizer, step, spent_s + time.monotonic() - began, settings)
    return export(network, out)


def _schedule(share: float) -> float:
    """Rise over the first twentieth, then fall along a cosine."""
    return share / 0.05 + 0.02 if share < 0.05 else 0.5 * (1 + math.cos(math.pi * (share - 0.05) / 0.95)) + 0.002


def _batch(pool: Pool, held_back: int, settings: SegmenterTraining, step: int) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng([settings.seed, step])
    indices = rng.integers(held_back, len(pool.images), settings.batch)
    images, targets = zip(*(_augmented(pool, int(index), rng) for index in indices), strict=True)
    return torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(targets))


def _augmented(pool: Pool, index: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Turn, mirror and recolour one crop; returns (3, h, w) 0-1 and (classes, h, w) 0/1."""
    image = pool.images[index].astype(np.float32) / 255
    classes = pool.classes[index]
    turns = int(rng.integers(4))
    image, classes = np.rot90(image, turns), np.rot90(classes, turns)
    if rng.random() < 0.5:
        image, classes = image[:, ::-1], classes[:, ::-1]
    if rng.random() < 0.15:
        image = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)
    elif rng.random() < 0.3:
        image = image[..., rng.permutation(3)]
    image = np.clip(image, 0, 1) ** np.float32(rng.uniform(0.7, 1.4))
    image = image * np.float32(rng.uniform(0.75, 1.15)) + np.float32(rng.uniform(-0.1, 0.1))
    return _planes(np.clip(image, 0, 1)), _targets(classes)


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
    overlap = (shares * targets).sum(dim=(0, 2, 3))
    dice = 1 - (2 * overlap + 50) / (shares.sum(dim=(0, 2, 3)) + targets.sum(dim=(0, 2, 3)) + 50)
    return (entropy * weights).mean() * 3 + (dice * weights.view(-1)).mean()


@torch.no_grad()
def evaluate(network: Segmenter, pool: Pool, held_back: int, device: str) -> dict[str, float]:
    """Return the Dice score of each class on the crops that training never sees."""
    network.eval()
    both = np.zeros((2, len(CLASSES)))
    for start in range(0, held_back, 8):
        stop = min(start + 8, held_back)
        images = np.stack([_planes(pool.images[k].astype(np.float32) / 255) for k in range(start, stop)])
        targets = np.stack([_targets(pool.classes[k]) for k in range(start, stop)])
        marked = (network(torch.from_numpy(images).to(device)) > 0).float().cpu().numpy()
        both[0] += 2 * (marked * targets).sum(axis=(0, 2, 3))
        both[1] += (marked + targets).sum(axis=(0, 2, 3))
    return {name: float(score) for name, score in zip(CLASSES, both[0] / np.maximum(both[1], 1), strict=True)}


# ---------------------------------------------------------------- files


def _checkpoint(
    out: Path, network: nn.Module, optimizer: Any, step: int, spent_s: float, settings: SegmenterTraining
) -> None:
    state = {
        "network": network.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "spent_s": spent_s,
        "settings": asdict(settings),
    }  # fmt: skip
    torch.save(state, out / "checkpoint.tmp")
    os.replace(out / "checkpoint.tmp", out / "checkpoint.pt")  # noqa: PTH105


def _resume(out: Path, network: nn.Module, optimizer: Any) -> tuple[int, float]:
    path = out / "checkpoint.pt"
    if not path.is_file():
        return 0, 0.0
    state = torch.load(path, weights_only=True)
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"]), float(state["spent_s"])


def _log(out: Path, step: int, loss: float, scores: dict[str, float]) -> None:
    path = out / "curve.csv"
    fresh = not path.is_file()
    with path.open("a", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        if fresh:
            table.writerow(["step", "loss", *CLASSES])
        table.writerow([step, f"{loss:.5f}", *(f"{scores[name]:.4f}" for name in CLASSES)])


def export(network: Segmenter, out: Path) -> Path:
    """Write the network as ONNX (for use, any multiple of 32 in height and width) and safetensors (for fine-tuning)."""
    from safetensors.torch import save_file

    network = network.cpu().eval()
    target = out / "segmenter.onnx"
    axes = {"image": {0: "batch", 2: "height", 3: "width"}, "logits": {0: "batch", 2: "height", 3: "width"}}
    torch.onnx.export(
        network, (torch.zeros(1, 3, 256, 256),), str(target), input_names=["image"], output_names=["logits"],
        dynamic_axes=axes, opset_version=17, dynamo=False,
    )  # fmt: skip
    save_file(network.state_dict(), str(out / "segmenter.safetensors"), {"widths": json.dumps(network.widths)})
    return target
