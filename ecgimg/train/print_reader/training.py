"""Train the print reader on lines of synthetic print: its settings, batches, loss, scores and export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ecgimg.digitization.text.line_recognition import ALPHABET, FRAME_STRIDE_PX, LINE_HEIGHT_PX, decode_ctc
from ecgimg.train.export import export_network
from ecgimg.train.print_reader.data import LineCrops, PrintPool, draw_print_pool
from ecgimg.train.print_reader.network import PrintReader
from ecgimg.train.train_network import RunOptions, Settings, Task, train_network

_HELD_BACK = 0.04  # share of the pages that training never sees
_PAGES_EVERY = 4  # steps: lines of pages are three times as wide as those printed alone, and cost as much more
_MARGIN_PX = 24  # by which a line may be shifted
_MAX_EVALUATED = 400  # lines of each kind, to limit the time that scoring takes


@dataclass(frozen=True)
class PrintTraining(Settings):
    """How long and how: all that decides the weights besides the pool."""

    steps: int = 6000
    batch: int = 48
    page_batch: int = 16
    learning_rate: float = 3e-3
    pages: int = 160
    prints_per_page: int = 250


def train_print_reader(out: Path, records: Path | None, settings: PrintTraining, options: RunOptions) -> Path:
    """Train on lines of print of synthetic pages and on lines printed alone; see `train_network`.

    Raises
    ------
    BadWeights
        Where the initial weights cannot be read, or are of another network.
    """
    pool = draw_print_pool(
        out / "pool", records, pages=settings.pages, prints_per_page=settings.prints_per_page, seed=settings.seed,
        jobs=options.jobs,
    )  # fmt: skip

    def loss_of_step(network: PrintReader, step: int) -> Tensor:
        crops, texts = _batch(pool, settings, step)
        logits = network(crops.to(options.device, memory_format=torch.channels_last))
        return _ctc_loss(logits, texts)

    def scores(network: PrintReader) -> dict[str, float]:
        return evaluate(network, pool, options.device)

    task = Task(PrintReader, loss_of_step, scores, export, log_every=200, channels_last=True)
    return train_network(out, task, settings, options)


def _ctc_loss(logits: Tensor, texts: Sequence[str]) -> Tensor:
    """Return the CTC loss of logits (lines, frames, letters), whose letter 0 is the blank."""
    frames = logits.log_softmax(dim=2).transpose(0, 1)
    targets = torch.tensor([1 + ALPHABET.index(letter) for text in texts for letter in text])
    lengths = torch.full((len(texts),), len(frames)), torch.tensor([len(text) for text in texts])
    return nn.functional.ctc_loss(frames, targets.to(logits.device), *lengths, zero_infinity=True)


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
    shifted = np.zeros((count, LINE_HEIGHT_PX, width + width % FRAME_STRIDE_PX), np.float32)
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
        texts += [
            decode_ctc(logits).text.strip() for logits in network(torch.from_numpy(part).to(device)).cpu().numpy()
        ]
    return texts


def evaluate(network: PrintReader, pool: PrintPool, device: str) -> dict[str, float]:
    """Return the share of the held-back lines that is read without a fault, printed alone and on pages."""
    scores = {}
    for name, lines in (("printed", pool.printed), ("page", pool.on_pages)):
        indices = np.flatnonzero(held_back(lines))[:_MAX_EVALUATED]
        read = predict(network, lines, indices, device)
        right = [text == lines.texts[index] for text, index in zip(read, indices, strict=True)]
        scores[name] = float(np.mean(right)) if right else float("nan")
    return scores


def export(network: PrintReader, out: Path) -> Path:
    """Write the network, for any number of lines of any width at once."""
    return export_network(
        network, out / "print_reader.onnx",
        {"line": (torch.zeros(1, 1, LINE_HEIGHT_PX, 320), {0: "batch", 3: "width"})},
        ("logits", {0: "batch", 1: "frames"}), {"widths": network.widths},
    )  # fmt: skip
