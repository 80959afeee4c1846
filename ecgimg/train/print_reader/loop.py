"""Train the print reader on lines of synthetic print: seeded, resumable, its curve logged, exported to ONNX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ecgimg.digitization.text.scale_text import ALPHABET, LINE_HEIGHT, STRIDE, decode
from ecgimg.train.export import export_network, load_weights
from ecgimg.train.loop import Settings, fit, schedule_of
from ecgimg.train.print_reader.data import LineCrops, PrintPool, draw_print_pool
from ecgimg.train.print_reader.network import PrintReader

_HELD_BACK = 0.04
_PAGES_EVERY = 4
_MARGIN_PX = 24
_MOST_EVALUATED = 400


@dataclass(frozen=True)
class PrintTraining(Settings):
    """How long and how: all that decides the weights besides the pool."""

    steps: int = 6000
    batch: int = 48
    page_batch: int = 16
    learning_rate: float = 3e-3
    pages: int = 160
    prints_per_page: int = 250


def train_print_reader(
    out: Path,
    records: Path | None,
    settings: PrintTraining,
    *,
    initial: Path | None = None,
    minutes: float | None = None,
    device: str = "cpu",
    jobs: int = 2,
    on_step: Callable[[int, float], None] | None = None,
) -> Path:
    """Train, and write ``print_reader.onnx``, ``print_reader.safetensors`` and ``curve.csv`` into `out`.

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
    pool = draw_print_pool(
        out / "pool", records, pages=settings.pages, prints_per_page=settings.prints_per_page, seed=settings.seed,
        jobs=jobs,
    )  # fmt: skip
    torch.manual_seed(settings.seed)
    network = PrintReader()
    if initial is not None:
        load_weights(network, initial)
    network.to(device, memory_format=torch.channels_last)
    ctc = nn.CTCLoss(zero_infinity=True)

    def loss_of_step(step: int) -> Tensor:
        crops, texts = _batch(pool, settings, step)
        frames = network(crops.to(device, memory_format=torch.channels_last)).log_softmax(dim=2).transpose(0, 1)
        targets = torch.tensor([1 + ALPHABET.index(letter) for text in texts for letter in text])
        lengths = torch.full((len(texts),), len(frames)), torch.tensor([len(text) for text in texts])
        loss: Tensor = ctc(frames, targets.to(device), *lengths)
        return loss

    schedule = schedule_of(settings, minutes, log_every=200)
    fit(network, loss_of_step, lambda: evaluate(network, pool, device), out, schedule, on_step=on_step)
    return export(network, out)


def held_back(lines: LineCrops) -> NDArray[np.bool_]:
    """Return which lines (n,) are of the first pages, which training never sees."""
    return np.asarray(lines.pages < max(round((lines.pages.max() + 1) * _HELD_BACK), 1), np.bool_)


def _batch(pool: PrintPool, settings: PrintTraining, step: int) -> tuple[Tensor, list[str]]:
    """Draw a batch: one in four of whole lines of pages, the others of short lines printed alone."""
    rng = np.random.default_rng([settings.seed, step])
    of_page = step % _PAGES_EVERY == 0
    lines, count = (pool.on_pages, settings.page_batch) if of_page else (pool.printed, settings.batch)
    indices = np.sort(rng.choice(np.flatnonzero(~held_back(lines)), count))
    crops = _augmented(lines.crops[indices].astype(np.float32) / 255, lines.widths[indices], rng)
    return torch.from_numpy(crops[:, None]), [lines.texts[index] for index in indices]


def _augmented(crops: NDArray[np.float32], widths: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float32]:
    """Shift, fade and speckle lines (n, 24, w), which end up on a picture somewhat wider than the widest of them."""
    count, _, full = crops.shape
    width = min(int(widths.max()), full) + _MARGIN_PX
    shifted = np.zeros((count, LINE_HEIGHT, width + width % STRIDE), np.float32)
    for target, crop, wide in zip(shifted, crops, widths, strict=True):
        left = int(rng.integers(0, _MARGIN_PX + 1))
        target[:, left : left + wide] = np.roll(crop[:, :wide], rng.integers(-1, 2), axis=0)
    shifted = shifted ** rng.uniform(0.7, 1.5, (count, 1, 1)).astype(np.float32)
    shifted *= rng.uniform(0.7, 1.1, (count, 1, 1)).astype(np.float32)
    spread = rng.uniform(0, 0.06, (count, 1, 1)).astype(np.float32)
    shifted += spread * rng.standard_normal(shifted.shape, np.float32)
    return np.asarray(np.clip(shifted, 0, 1), np.float32)


@torch.no_grad()
def predict(network: PrintReader, lines: LineCrops, indices: NDArray[np.intp], device: str = "cpu") -> list[str]:
    """Return the texts that the network reads in some of the lines."""
    network.eval()
    texts = []
    for start in range(0, len(indices), 32):
        part = lines.crops[indices[start : start + 32]].astype(np.float32)[:, None] / 255
        texts += [decode(logits).text.strip() for logits in network(torch.from_numpy(part).to(device)).cpu().numpy()]
    return texts


def evaluate(network: PrintReader, pool: PrintPool, device: str) -> dict[str, float]:
    """Return the share of the held-back lines that is read without a fault, printed alone and on pages."""
    scores = {}
    for name, lines in (("printed", pool.printed), ("page", pool.on_pages)):
        indices = np.flatnonzero(held_back(lines))[:_MOST_EVALUATED]
        read = predict(network, lines, indices, device)
        right = [text == lines.texts[index] for text, index in zip(read, indices, strict=True)]
        scores[name] = float(np.mean(right)) if right else float("nan")
    return scores


def export(network: PrintReader, out: Path) -> Path:
    """Write the network, for any number of lines of any width at once."""
    return export_network(
        network, out / "print_reader.onnx", {"line": (torch.zeros(1, 1, LINE_HEIGHT, 320), {0: "batch", 3: "width"})},
        ("logits", {0: "batch", 1: "frames"}), {"widths": network.widths},
    )  # fmt: skip
