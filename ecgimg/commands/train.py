"""``ecgimg train``: train the shipped networks again, or a classifier on your own records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from ecgimg.commands.shared.choices import AutoDevice, Device
from ecgimg.commands.shared.consoles import OUT
from ecgimg.commands.shared.labelled_records import read_all_labelled, read_rhythms
from ecgimg.commands.shared.options import Commands
from ecgimg.commands.shared.progress import show_progress
from ecgimg.errors import MissingExtra

train_app = Commands(help="Train the shipped networks again (needs the train extra).", no_args_is_help=True)


_Out = Annotated[Path, typer.Option(help="Folder for the pool, checkpoints, curve and weights.")]
_Records = Annotated[Path | None, typer.Option(help="Records to draw beside simulated hearts.")]
_Initial = Annotated[Path | None, typer.Option(help="Weights to fine-tune (.safetensors).")]
_Rate = Annotated[
    float | None, typer.Option(help="Highest learning rate; with --initial a quarter of the usual is enough.")
]
_Keep = Annotated[float, typer.Option(min=0, max=1, help="Share of the --initial weights to keep in the result.")]
_Pages = Annotated[int, typer.Option(help="Synthetic pages to learn from.")]
_Steps = Annotated[int, typer.Option(help="Training steps.")]
_Minutes = Annotated[float | None, typer.Option(help="Minutes after which the training stops.")]
_Seed = Annotated[int, typer.Option(help="The same seed gives the same pages in the same order.")]
_Device = Annotated[Device, typer.Option(help="Where the network is trained.")]
_Jobs = Annotated[int, typer.Option(help="Processes that draw pages.")]


@dataclass(frozen=True)
class _Network:
    """How a network is trained: its module, the names of settings and function there, and the defaults."""

    name: str
    module: str
    settings: str
    train: str
    steps: int
    pages: int
    purpose: str


_NETWORKS = (
    _Network("segmenter", "segmenter.training", "SegmenterTraining", "train_segmenter", 4000, 500,
             "Train the segmenter on crops of synthetic pages; call it again to continue a stopped run."),
    _Network("stroke-reader", "stroke_reader.training", "StrokeTraining", "train_stroke_reader", 14000, 620,
             "Train the stroke reader on rows of synthetic pages, traced with the installed segmenter."),
    _Network("label-reader", "label_reader.training", "LabelTraining", "train_label_reader", 6000, 460,
             "Train the reader of lead labels on crops of synthetic pages."),
    _Network("print-reader", "print_reader.training", "PrintTraining", "train_print_reader", 6000, 160,
             "Train the reader of the printed scale on lines of printed text."),
)  # fmt: skip


def _add_training(network: _Network) -> None:
    """Add the command that trains a network."""

    def command(
        out: _Out, records: _Records = None, steps: _Steps = network.steps, pages: _Pages = network.pages,
        initial: _Initial = None, keep_initial: _Keep = 0.0, learning_rate: _Rate = None, minutes: _Minutes = None,
        seed: _Seed = 0, device: _Device = "cpu", jobs: _Jobs = 2,
    ) -> None:  # fmt: skip
        with _training(steps) as on_step:
            # importing torch takes seconds, which other commands should not pay
            from ecgimg.train.train_network import RunOptions

            module = import_module(f"ecgimg.train.{network.module}")
            settings = getattr(module, network.settings)(steps=steps, seed=seed, pages=pages, keep_initial=keep_initial)
            if learning_rate is not None:
                settings = replace(settings, learning_rate=learning_rate)
            train = getattr(module, network.train)
            path = train(out, records, settings, RunOptions(initial, minutes, device, jobs, on_step))
        OUT.print(f"weights: {path}", markup=False)

    command.__doc__ = network.purpose
    train_app.command(network.name)(command)


for _network in _NETWORKS:
    _add_training(_network)


@train_app.command("classifier")
def train_classifier(
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, curves, out-of-fold predictions and weights.")],
    records: Annotated[list[Path], typer.Option(help="Records: NPZ, a folder of WFDB, or PTB-XL. May be repeated.")],
    labels: Annotated[list[Path] | None, typer.Option(help="Their labels (CSV), one for each --records.")] = None,
    uncertain: Annotated[
        list[Path] | None, typer.Option(help="More records, with estimated voltages, to train on and never to test.")
    ] = None,
    uncertain_labels: Annotated[list[Path] | None, typer.Option(help="Labels of the uncertain records.")] = None,
    folds: Annotated[str, typer.Option(help="Folds to use, as 1-8 or 1,2,9; all by default.")] = "",
    network: Annotated[
        str, typer.Option(help="patchecg, resnet, measured, mean, published; + joins.")
    ] = "patchecg+resnet+measured",
    initial: _Initial = None,
    no_cross_validation: Annotated[
        bool, typer.Option("--no-cross-validation", help="Train on all records only; probabilities stay uncalibrated.")
    ] = False,
    hearts: Annotated[int, typer.Option(help="Simulated hearts to learn from first.")] = 16000,
    heart_epochs: Annotated[float, typer.Option(help="How often each heart is shown.")] = 10.0,
    pretrain_epochs: Annotated[
        float, typer.Option(help="How often each record is then shown without labels, to predict hidden patches.")
    ] = 0.0,
    epochs: Annotated[float, typer.Option(help="How often each record is shown.")] = 20.0,
    seeds: Annotated[int, typer.Option(help="Number of networks that are averaged.")] = 1,
    minutes: _Minutes = None, seed: _Seed = 0,
    device: Annotated[AutoDevice, typer.Option(help="Where the networks are trained.")] = "auto",
    jobs: Annotated[int, typer.Option(help="Processes.")] = 2,
) -> None:  # fmt: skip
    """Train PatchECG, or fine-tune it on your own records; under torchrun on several GPUs."""
    with _training(0) as on_step:
        import torch

        from ecgimg.train.classifier.pipeline import ClassifierTraining
        from ecgimg.train.classifier.pipeline import train_classifier as train
        from ecgimg.train.distributed import join_processes
        from ecgimg.train.train_network import RunOptions

        data = read_all_labelled(records, labels, uncertain, uncertain_labels, folds)
        settings = ClassifierTraining(
            network,
            hearts=hearts,
            heart_epochs=heart_epochs,
            pretrain_epochs=pretrain_epochs,
            epochs=epochs,
            seeds=seeds,
            seed=seed,
        )
        chosen = join_processes(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
        options = RunOptions(initial, minutes, chosen, jobs, on_step)
        path = train(out, data, settings, options, cross_validated=not no_cross_validation)
    OUT.print(f"weights: {path}", markup=False)


@train_app.command("delineator")
def train_delineator(
    out: Annotated[Path, typer.Option(help="Folder for the simulated hearts, checkpoints, curve and weights.")],
    records: Annotated[Path, typer.Option(help="Folder of WFDB records, annotated as LUDB is.")],
    rhythms: Annotated[
        list[Path] | None, typer.Option(help="Labelled records: sinus rhythm has P waves, fibrillation none.")
    ] = None,
    rhythms_labels: Annotated[list[Path] | None, typer.Option(help="Labels (CSV) of those records.")] = None,
    folds: Annotated[str, typer.Option(help="Their folds to use, as 1-8 or 1,2,9; all by default.")] = "",
    cross_validate: Annotated[
        bool, typer.Option("--cross-validate", help="Train five networks instead, and score each on its fold.")
    ] = False,
    hearts: Annotated[int, typer.Option(help="Simulated hearts to learn from.")] = 1000,
    steps: Annotated[int, typer.Option(help="Training steps.")] = 1500,
    initial: _Initial = None, minutes: _Minutes = None, seed: _Seed = 0, device: _Device = "cpu", jobs: _Jobs = 2,
) -> None:  # fmt: skip
    """Train the delineator on annotated records and simulated hearts; call it again to continue a stopped run."""
    with _training(steps) as on_step:
        from ecgimg.evaluate.measuring import report
        from ecgimg.formats.wave_annotations import iter_annotated
        from ecgimg.train.delineator import training
        from ecgimg.train.delineator.crossvalidation import cross_validate as run
        from ecgimg.train.train_network import RunOptions

        settings = training.DelineatorTraining(steps=steps, seed=seed, hearts=hearts)
        options = RunOptions(initial, minutes, device, jobs, on_step)
        annotated = list(iter_annotated(records))
        weak = read_rhythms(rhythms, rhythms_labels, folds) if rhythms else []
        taught = [training.taught(*item) for item in annotated]
        sources, held_back = training.make_sources(out, taught, weak, settings, jobs)
        if cross_validate:
            scores = run(out, annotated, sources, settings, options)
        else:
            path = training.train_on(out, sources, held_back, settings, options)
    if cross_validate:
        OUT.print(report.interval_table(scores))
        OUT.print(report.mark_table(scores))
    else:
        OUT.print(f"weights: {path}", markup=False)


@contextmanager
def _training(steps: int) -> Iterator[Callable[[int, float], None]]:
    """Show the loss, and turn a missing torch into `MissingExtra`."""
    with show_progress("preparing", steps or None) as progress:

        def on_step(step: int, loss: float) -> None:
            progress.doing = f"loss {loss:.3f}"
            progress.update(step)

        try:
            yield on_step
        except ImportError as error:
            raise MissingExtra(error.name or "torch", "train", "training") from None
