"""The training loop that every network shares: seeded, resumable, its curve logged, its learning rate scheduled."""

from __future__ import annotations

import csv
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from ecgimg.train.distributed import is_first, value_of_first

_MAX_GRADIENT = 2.0  # norm
_FORGETS = 4
"""A running mean keeps at most n / (n + 4) of n steps at the next, so that their first half has a sixteenth of it."""


def mixed_precision(device: str) -> torch.autocast:
    """bfloat16 where the device multiplies it faster than float32: GPUs, and CPUs that have tiles for it."""
    kind = torch.device(device).type
    capabilities = getattr(torch.cpu, "get_capabilities", dict[str, bool])()
    return torch.autocast(kind, torch.bfloat16, enabled=kind != "cpu" or bool(capabilities.get("amx_bf16")))


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    Parameters
    ----------
    minutes : float, optional
        Stop after so many of training, earlier runs of the same folder counted in.
    log_every : int
        Steps between two lines of the curve and two checkpoints.
    averaging : float
        Share of the past that the running mean of the weights keeps at each step; the mean is what is evaluated and
        what is left in the network at the end. 0 keeps the last weights.
    keep_initial : float
        Share of the weights that training started from in those left at the end. Half way between both, a fine-tuned
        network is often better than either (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
    """

    steps: int
    learning_rate: float
    weight_decay: float
    seed: int = 0
    minutes: float | None = None
    log_every: int = 100
    averaging: float = 0.0
    keep_initial: float = 0.0


def fit(
    network: nn.Module,
    loss_of_step: Callable[[int], Tensor],
    evaluate: Callable[[], Mapping[str, float]],
    out: Path,
    schedule: Schedule,
    *,
    on_step: Callable[[int, float], None] | None = None,
) -> int:
    """Train `network` in place, and write ``curve.csv`` and ``checkpoint.pt`` into `out`; returns the steps done.

    A run that was stopped, or whose minutes were over, goes on from its last checkpoint when called again alike; the
    learning rate follows the share of the steps that is done, or of the minutes, whichever is further.
    """
    initial = {name: value.clone() for name, value in network.state_dict().items()}
    optimizer = torch.optim.AdamW(network.parameters(), schedule.learning_rate, weight_decay=schedule.weight_decay)
    mean = AveragedModel(network, avg_fn=_running_mean(schedule.averaging), use_buffers=True)
    step, spent_s = _resume(out, network, optimizer, mean)
    started_s, losses = time.monotonic(), []
    # a step draws its batch from seed and step alone, so that a resumed run goes on as if it had not stopped
    while step < schedule.steps:
        share = step / schedule.steps
        if schedule.minutes is not None:
            elapsed_s = value_of_first(spent_s + time.monotonic() - started_s, network)
            share = max(share, elapsed_s / (60 * schedule.minutes))
            if share >= 1:
                break
        for group in optimizer.param_groups:
            group["lr"] = schedule.learning_rate * rate(share)
        network.train()
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of_step(step)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), _MAX_GRADIENT)  # one odd page must not undo a thousand
        optimizer.step()
        mean.update_parameters(network)
        step += 1
        losses.append(float(loss.detach()))
        if on_step:
            on_step(step, losses[-1])
        if (step % schedule.log_every == 0 or step == schedule.steps) and is_first():
            with _averaged(network, mean), torch.no_grad():
                scores = evaluate()
            _log(out, step, float(np.mean(losses[-schedule.log_every :])), scores)
            spent = spent_s + time.monotonic() - started_s
            _checkpoint(out, network, optimizer, mean, (step, spent), schedule)
    network.load_state_dict(_between(mean.module.state_dict(), initial, schedule.keep_initial))
    network.eval()
    return step


def _running_mean(keep: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """Return how a mean of weights goes on: it keeps the share `keep` of the past, but little of the first steps.

    Else a training shorter than the mean's memory would end with much of the weights it started from.
    """

    def averaged(mean: Tensor, now: Tensor, count: Tensor | int) -> Tensor:
        steps = float(count)
        if not now.is_floating_point():  # a counter
            return now
        return mean.lerp(now, 1 - min(keep, steps / (steps + _FORGETS)))

    return averaged


def _between(reached: Mapping[str, Tensor], initial: Mapping[str, Tensor], kept: float) -> dict[str, Tensor]:
    """Return weights between those reached and those started from; counters are as reached."""
    return {
        name: value.lerp(initial[name].to(value), kept) if value.is_floating_point() else value
        for name, value in reached.items()
    }


@contextmanager
def _averaged(network: nn.Module, mean: AveragedModel) -> Iterator[None]:
    """Give the network its mean weights for a while, ready to be evaluated."""
    own = {name: value.clone() for name, value in network.state_dict().items()}
    network.load_state_dict(mean.module.state_dict())
    network.eval()
    yield
    network.load_state_dict(own)


def rate(share: float) -> float:
    """Return the share of the learning rate: it rises over the first twentieth, then falls along a cosine."""
    return share / 0.05 + 0.02 if share < 0.05 else 0.5 * (1 + math.cos(math.pi * (share - 0.05) / 0.95)) + 0.002


def _checkpoint(
    out: Path, network: nn.Module, optimizer: torch.optim.Optimizer, mean: AveragedModel, spent: tuple[int, float],
    schedule: Schedule,
) -> None:  # fmt: skip
    state = {
        "network": network.state_dict(), "optimizer": optimizer.state_dict(), "mean": mean.state_dict(),
        "step": spent[0], "spent_s": spent[1], "settings": asdict(schedule),
    }  # fmt: skip
    # written beside and renamed: a run killed here goes on from the checkpoint before
    torch.save(state, out / "checkpoint.tmp")
    os.replace(out / "checkpoint.tmp", out / "checkpoint.pt")  # noqa: PTH105


def _resume(out: Path, network: nn.Module, optimizer: Any, mean: AveragedModel) -> tuple[int, float]:
    path = out / "checkpoint.pt"
    if not path.is_file():
        return 0, 0.0
    state = torch.load(path, weights_only=True)
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    mean.load_state_dict(state["mean"])
    return int(state["step"]), float(state["spent_s"])


def _log(out: Path, step: int, loss: float, scores: Mapping[str, float]) -> None:
    path = out / "curve.csv"
    fresh = not path.is_file()
    with path.open("a", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        if fresh:
            table.writerow(["step", "loss", *scores])
        table.writerow([step, f"{loss:.5f}", *(f"{score:.4f}" for score in scores.values())])
