"""One training of one network: seeded, from given weights or random ones, fitted in the shared loop, exported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from ecgimg.train.export import load_weights
from ecgimg.train.training_loop import Schedule, fit

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Settings:
    """What decides the weights of any network besides its pool; each network adds its own, and has its own defaults."""

    steps: int = 4000
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    keep_initial: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class RunOptions:
    """How a training runs; of these only `initial` and `minutes` decide about the weights.

    Parameters
    ----------
    initial : Path, optional
        Weights to start from (``.safetensors``) in place of random ones.
    minutes : float, optional
        Stop after so many of training, earlier runs of the same folder counted in.
    device : str
        ``"cpu"`` or ``"cuda"``.
    jobs : int
        Processes that draw pages.
    on_step : callable, optional
        Called with each step's number, from 1, and loss.
    """

    initial: Path | None = None
    minutes: float | None = None
    device: str = "cpu"
    jobs: int = 2
    on_step: Callable[[int, float], None] | None = None


@dataclass(frozen=True)
class Task(Generic[Network]):
    """What a network learns from, how it is scored, and how it is written.

    Parameters
    ----------
    make : callable
        Makes the network with random weights.
    loss_of_step : callable
        The loss of the network at a step, whose batch is drawn by seed and step alone.
    evaluate : callable
        Scores by name on what training never sees.
    export : callable
        Writes the network into a folder; returns the ONNX file.
    log_every : int
        Steps between two lines of the curve and two checkpoints.
    channels_last : bool
        Whether pictures lie in memory with their channels last, which convolutions over wide pictures read faster.
    """

    make: Callable[[], Network]
    loss_of_step: Callable[[Network, int], Tensor]
    evaluate: Callable[[Network], Mapping[str, float]]
    export: Callable[[Network, Path], Path]
    log_every: int = 100
    channels_last: bool = False


def train_network(out: Path, task: Task[Network], settings: Settings, options: RunOptions) -> Path:
    """Train a network, and write it and its ``curve.csv`` into `out`; returns the ONNX file.

    A run that was stopped, or whose minutes were over, goes on from its last checkpoint when called again alike.

    Raises
    ------
    BadWeights
        Where the initial weights cannot be read, or are of another network.
    """
    out.mkdir(parents=True, exist_ok=True)
    # before the network is made: its random weights belong to the seed
    torch.manual_seed(settings.seed)
    network = task.make()
    if options.initial is not None:
        load_weights(network, options.initial)
    network.to(options.device)
    if task.channels_last:
        network.to(memory_format=torch.channels_last)
    schedule = Schedule(
        settings.steps, settings.learning_rate, settings.weight_decay, settings.seed, options.minutes,
        log_every=task.log_every, keep_initial=settings.keep_initial,
    )  # fmt: skip

    def loss_of_step(step: int) -> Tensor:
        return task.loss_of_step(network, step)

    fit(network, loss_of_step, lambda: task.evaluate(network), out, schedule, on_step=options.on_step)
    return task.export(network, out)
