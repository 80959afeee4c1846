"""Masked-patch pretraining: guess what a page does not show of a record, without any label."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from ecgimg.classification.patchecg_network import PatchECG
from ecgimg.classification.tokens import FS_HZ, PATCH, tokenize
from ecgimg.train.classifier.layout_masks import disturbed, random_mask
from ecgimg.train.training_loop import Schedule, fit, mixed_precision
from layouts import load_layouts

Signals = NDArray[np.float32]

_ASKED = 24  # hidden patches that are guessed of each record
_BEND_MV = 0.1  # of Huber's loss: larger errors count linearly, so that a missed beat does not decide


def pretrain(
    network: PatchECG,
    signals_mv: Signals,
    out: Path,
    *,
    epochs: float,
    batch: int = 64,
    learning_rate: float = 1e-3,
    seed: int = 0,
    device: str = "cpu",
    on_step: Callable[[int, float], None] | None = None,
) -> int:
    """Train `network` in place on records (records, 12, samples) at 100 Hz; returns the steps done.

    Of each record a part is hidden, as for classifying, and up to 24 of its hidden patches are asked for; the loss is
    Huber's with its bend at 0.1 mV, over the samples that are known.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    network.to(device)
    layouts = load_layouts("all")

    def loss_of_step(step: int) -> Tensor:
        rng = np.random.default_rng([seed, step])
        whole = np.stack([_cut(disturbed(signals_mv[k], rng)) for k in rng.integers(0, len(signals_mv), batch)])
        shown = np.stack([random_mask(layouts, whole.shape[2], rng) for _ in whole])
        lead, patch, hidden_mv = _hidden_patches(whole, shown, rng)
        tokens = [torch.from_numpy(part).to(device) for part in vars(tokenize(np.where(shown, whole, np.nan))).values()]
        time_s = ((patch + 0.5) * (PATCH / FS_HZ)).astype(np.float32)
        with mixed_precision(device):
            asked = torch.from_numpy(lead).to(device), torch.from_numpy(time_s).to(device)
            guess = network.fill_in(tokens[0], tokens[1], tokens[2], tokens[3], *asked)
        known = torch.from_numpy(np.isfinite(hidden_mv)).to(device)
        truth = torch.from_numpy(np.nan_to_num(hidden_mv)).to(device)
        losses = smooth_l1_loss(guess.float(), truth, beta=_BEND_MV, reduction="none")
        return (losses * known).sum() / known.sum().clamp(min=1)

    def nothing() -> Mapping[str, float]:
        return {}

    steps = max(round(epochs * len(signals_mv) / batch), 1)
    schedule = Schedule(steps, learning_rate, 0.05, seed, log_every=200, averaging=0.99)
    return fit(network, loss_of_step, nothing, out, schedule, on_step=on_step)


def _cut(signals: Signals) -> Signals:
    """Make the canvas 17 patches long, which a disturbed record of ten seconds fits."""
    samples = 17 * PATCH
    return np.pad(signals[:, :samples], ((0, 0), (0, max(samples - signals.shape[1], 0))), constant_values=np.nan)


def _hidden_patches(
    whole: Signals, shown: NDArray[np.bool_], rng: Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], Signals]:
    """Draw patches that are hidden throughout: their lead and number (batch, asked), and mV (batch, asked, PATCH).

    NaN where there are none to draw.
    """
    batch, leads, samples = whole.shape
    patches = whole.reshape(batch, leads * samples // PATCH, PATCH)
    visible = np.asarray((shown & np.isfinite(whole)).reshape(patches.shape).any(axis=2), bool)
    there = np.asarray(np.isfinite(patches).any(axis=2) & ~visible, bool)
    # a random order in which those that are not hidden come last
    chosen = np.argsort(rng.random(there.shape) + 2.0 * ~there, axis=1)[:, :_ASKED]
    rows = np.arange(batch)[:, None]
    hidden_mv = np.where(there[rows, chosen][:, :, None], patches[rows, chosen], np.float32(np.nan))
    per_lead = samples // PATCH
    return chosen // per_lead, chosen % per_lead, hidden_mv
