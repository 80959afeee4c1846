"""The command line: parse, call the library, write. No logic of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ecgimg import __version__
from ecgimg._files import atomic_path
from ecgimg.errors import BadRequest, EcgImgError, MissingExtra

if TYPE_CHECKING:
    from ecgimg.classify.dataset import LabelledRecords
    from ecgimg.classify.findings import Findings

app = typer.Typer(
    name="ecgimg",
    help="Pictures of paper ECGs: synthetic pages with exact truth, layouts, records. Research use only.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
layouts_app = typer.Typer(help="The layouts: where each lead stands on a page.", no_args_is_help=True)
app.add_typer(layouts_app, name="layouts")

_out = Console(highlight=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


def main() -> None:
    """Run the command line; what is wrong with an input is one sentence and exit code 2."""
    try:
        app()
    except EcgImgError as error:
        _err.print(f"ecgimg: {error}", markup=False)
        sys.exit(2)
    except KeyboardInterrupt:
        _err.print("ecgimg: stopped; what was finished is kept")
        sys.exit(130)


def _show_version(wanted: bool) -> None:
    if wanted:
        _out.print(f"ecgimg {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    pass


@layouts_app.command("list")
def list_layouts() -> None:
    """List the layouts that travel with the package."""
    from layouts import load_layouts

    table = Table("name", "leads", "seconds a column", "description", box=None)
    for layout in load_layouts("all"):
        leads = len(layout.record_leads)
        table.add_row(layout.name, str(leads), f"{layout.seconds_per_column:.3g}", layout.description)
    _out.print(table)


@layouts_app.command("show")
def show_layout(
    name: Annotated[str, typer.Argument(help="A name of `ecgimg layouts list`, or your own FILE.yaml.")],
    png: Annotated[Path | None, typer.Option(help="Where to draw the picture; NAME.png by default.")] = None,
    no_png: Annotated[bool, typer.Option("--no-png", help="Draw in the terminal only.")] = False,
) -> None:
    """Draw one layout in the terminal and as a picture."""
    from layouts import as_image, as_text, load_layout

    layout = load_layout(name)
    _out.print(as_text(layout), markup=False)
    if not no_png:
        target = png or Path(f"{layout.name}.png")
        with atomic_path(target) as temporary:
            as_image(layout).save(temporary, format="PNG")
        _out.print(f"drawn to {target}", markup=False)


@app.command()
def synth(
    out: Annotated[Path, typer.Option(help="Folder for the pages.")],
    records: Annotated[
        Path | None, typer.Argument(help="Records to draw (WFDB, NPZ, CSV, EDF, DICOM, Parquet, or a folder of them).")
    ] = None,
    n: Annotated[int, typer.Option("-n", help="How many pages.")] = 10,
    layouts: Annotated[str, typer.Option(help="Names or files, separated by commas, or all.")] = "all",
    damage: Annotated[str, typer.Option(help="none, scan, photo, screen, aged or mixed.")] = "mixed",
    seed: Annotated[int, typer.Option(help="Same seed, same pages.")] = 0,
    jobs: Annotated[int, typer.Option(help="Processes.")] = 1,
    masks: Annotated[bool, typer.Option("--masks", help="Write pixel masks too.")] = False,
) -> None:
    """Draw synthetic pages with exact truth, from given records or from the simulated heart."""
    from synth import write_pages

    columns = (TextColumn("drawing pages"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_err, transient=True) as progress:
        task = progress.add_task("pages", total=n)
        stems = write_pages(
            out,
            records,
            n=n,
            layouts=layouts,
            damage=damage,
            seed=seed,
            masks=masks,
            jobs=jobs,
            on_page=lambda _stem: progress.advance(task),
        )
    _out.print(f"{len(stems)} pages in {out}: pictures, truth (NPZ and JSON), pages.csv, coco.json", markup=False)


@app.command()
def digitize(
    pages: Annotated[list[Path], typer.Argument(help="Pictures or PDFs.")],
    out: Annotated[Path, typer.Option(help="Folder for the records.")],
    layout: Annotated[str, typer.Option(help="auto, a name of `ecgimg layouts list`, or FILE.yaml.")] = "auto",
    formats: Annotated[
        list[str] | None, typer.Option("--format", help="csv, wfdb, edf, dicom or parquet; may be repeated.")
    ] = None,
    speed: Annotated[float | None, typer.Option(help="Paper speed in mm/s, where you know it.")] = None,
    gain: Annotated[float | None, typer.Option(help="Gain in mm/mV, where you know it.")] = None,
    no_overlay: Annotated[bool, typer.Option("--no-overlay", help="Write no overlay picture.")] = False,
    jobs: Annotated[int, typer.Option(help="Processes.")] = 1,
) -> None:
    """Digitize pages to calibrated leads. Exit code 1 when some page was refused or failed. Research use only."""
    from ecgimg.digitize.write import Settings, digitize_files

    settings = Settings(layout, speed, gain, tuple(formats or ()), not no_overlay)
    table = Table("page", "status", "layout", "remarks", box=None)
    failed = 0
    columns = (TextColumn("digitizing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_err, transient=True, disable=len(pages) < 2) as progress:
        task = progress.add_task("pages", total=len(pages))
        for outcomes in digitize_files(pages, out, settings, jobs):
            progress.advance(task)
            for outcome in outcomes:
                failed += outcome.status in ("refused", "failed")
                remarks = outcome.reason or "; ".join(outcome.warnings)
                table.add_row(outcome.stem, outcome.status, outcome.layout, remarks)
    _out.print(table)
    _out.print(f"records, JSON and overlays are in {out}; research use only, not a medical device", markup=False)
    if failed:
        raise typer.Exit(1)


@app.command()
def classify(
    inputs: Annotated[list[Path], typer.Argument(help="Pictures, PDFs, or records.")],
    out: Annotated[Path | None, typer.Option(help="Folder for STEM.findings.json and the pictures.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON, one object a line.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Find and draw what the top findings rest on.")] = False,
    threshold: Annotated[str, typer.Option(help="youden, sens90 or spec90.")] = "youden",
    model: Annotated[Path | None, typer.Option(help="Other weights, NAME.json or NAME.onnx.")] = None,
) -> None:
    """Classify pages and records, whatever part of the twelve leads they show. Research use only."""
    from ecgimg.classify.weights import load_classifier
    from ecgimg.classify.write import classify_files

    classifier = load_classifier(model) if model is not None else None
    failed = wrong = 0
    for outcome in classify_files(inputs, out, operating=threshold, explain=explain, classifier=classifier):
        found = outcome.findings
        wrong += found is None
        failed += found is not None and bool(found.reason)
        if as_json:
            told = found.summary() if found is not None else {"reason": outcome.error}
            print(json.dumps({"stem": outcome.stem, **told}))  # noqa: T201
        else:
            _show_findings(outcome.stem, found, outcome.error)
    if not as_json:
        _out.print("research use only, not a medical device")
    if out is not None:
        _err.print(f"findings are in {out}", markup=False)
    if failed or wrong:
        raise typer.Exit(2 if wrong and len(inputs) == 1 else 1)


def _show_findings(stem: str, found: Findings | None, error: str) -> None:
    """Print what is present in one record, or why nothing is said."""
    from ecgimg.classify.labels import SINGLE

    if found is None or found.reason:
        _out.print(f"{stem}: {error or (found.reason if found else '')}", markup=False)
        return
    seconds = ", ".join(f"{lead} {seen:.3g} s" for lead, seen in found.seen_s.items() if seen)
    _out.print(f"{stem}   seen: {seconds}", markup=False)
    table = Table("label", "probability", "threshold", "name", box=None)
    for finding in found.leading:
        table.add_row(finding.label, f"{finding.probability:.2f}", f"{finding.threshold:.2f}", finding.name)
    _out.print(table if found.leading else "  nothing reaches its threshold")
    silent = [finding for finding in found.findings if finding.silence and finding.label in SINGLE]
    for why in dict.fromkeys(finding.silence for finding in silent):
        labels = ", ".join(finding.label for finding in silent if finding.silence == why)
        _out.print(f"  not judged: {labels} ({why})", markup=False)
    for warning in found.warnings:
        _out.print(f"  {warning}", markup=False)


evaluate_app = typer.Typer(help="How good it is, on your pages or on synthetic ones.", no_args_is_help=True)
app.add_typer(evaluate_app, name="evaluate")


@evaluate_app.command("digitizer")
def evaluate_digitizer(
    pages: Annotated[Path | None, typer.Option(help="Table of pages: stem, file, and where known set, layout.")] = None,
    truth: Annotated[Path | None, typer.Option(help="Folder of true records, STEM.csv.")] = None,
    synth: Annotated[int, typer.Option(help="Draw so many synthetic pages instead.")] = 0,
    layouts: Annotated[str, typer.Option(help="Layouts of the synthetic pages.")] = "all",
    damage: Annotated[str, typer.Option(help="Their damage: none, scan, photo, screen, aged or mixed.")] = "mixed",
    seed: Annotated[int, typer.Option(help="Their seed; the networks were trained on seeds below 1000.")] = 1_000_000,
    records: Annotated[Path | None, typer.Option(help="Records to draw beside simulated hearts.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for scores.json and the figures.")] = None,
    figures: Annotated[int, typer.Option(help="Draw truth over reading for so many of the worst pages.")] = 12,
    jobs: Annotated[int, typer.Option(help="Processes.")] = 1,
) -> None:
    """Digitize pages whose truth is known and score them by set, layout and damage."""
    from ecgimg.evaluate import report
    from ecgimg.evaluate.digitizer import evaluate_pages, evaluate_synthetic, page_tasks

    if (pages is None) == (synth == 0):
        raise BadRequest("name a table of pages (--pages) or a number of synthetic ones (--synth), not both")
    tasks = page_tasks(pages, truth) if pages is not None else []
    scored = evaluate_pages(tasks, jobs) if tasks else evaluate_synthetic(
        synth, layouts=layouts, damage=damage, seed=seed, records=records, jobs=jobs
    )  # fmt: skip
    columns = (TextColumn("digitizing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    found = []
    with Progress(*columns, console=_err, transient=True) as progress:
        task = progress.add_task("pages", total=len(tasks) or synth)
        for item in scored:
            found.append(item)
            progress.advance(task)
    scores = [item.score for item in found]
    _out.print(report.score_table(scores))
    _out.print(report.consistency_table(scores))
    for name, value in report.confidence_summary(scores).items():
        _out.print(f"{name}: {value:.3g}", markup=False)
    if out is not None:
        report.save_scores(scores, out / "scores.json")
        report.draw_confidence(scores, out / "confidence.png")
        worst = sorted((item for item in found if item.signals), key=lambda item: item.score.ratio)
        for item in worst[:figures]:
            report.draw_page(item, out / f"{item.score.stem}.png")
        _out.print(f"scores and figures are in {out}", markup=False)


@evaluate_app.command("layouts")
def evaluate_layouts(
    records: Annotated[list[Path], typer.Option(help="Records: NPZ, a folder of WFDB, or PTB-XL. May be repeated.")],
    labels: Annotated[list[Path] | None, typer.Option(help="Their labels (CSV): one for all, or one for each.")] = None,
    layouts: Annotated[
        str, typer.Option(help="Names or files, separated by commas; all; random: another one for each record.")
    ] = "12x1,3x4,3x4+II,3x4+II+V1,6x2,6x2+II,random",
    via: Annotated[str, typer.Option(help="mask, or page: draw, damage and digitize each.")] = "mask",
    damage: Annotated[str, typer.Option(help="Of the pages: none, scan, photo, screen, aged or mixed.")] = "photo",
    model: Annotated[str | None, typer.Option(help="Weights (.json), an entry point, or module:name.")] = None,
    predictions: Annotated[Path | None, typer.Option(help="Folder for LAYOUT.csv: ecg_id and probabilities.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for scores.json and the figure.")] = None,
    folds: Annotated[str, typer.Option(help="Folds to use, as 1-8 or 1,2,9; all by default.")] = "",
    limit: Annotated[int, typer.Option(help="Use the first so many records only; 0 for all.")] = 0,
    seed: Annotated[int, typer.Option(help="Of the random layouts, pages and intervals.")] = 0,
    jobs: Annotated[int, typer.Option(help="Processes that draw and digitize pages.")] = 1,
) -> None:
    """Classify the same records as each layout shows them, to see how robust a model is to the page."""
    from ecgimg.evaluate import layout_report
    from ecgimg.evaluate import layouts as robustness

    data = _labelled(records, labels, folds=folds)
    data = data.first(limit) if limit else data
    tested = robustness.find_model(model)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    summaries = []
    with Progress(*columns, console=_err, transient=True) as progress:
        task = progress.add_task(f"{len(data)} records", total=None)
        found = robustness.evaluate_layouts(
            tested,
            data,
            layouts,
            via=via,
            damage=damage,
            seed=seed,
            jobs=jobs,
        )
        for scores in found:
            summaries.append(robustness.summarize(tested, data, scores, seed=seed))
            if predictions is not None:
                robustness.save_predictions(robustness.labels_of(tested, scores), data, scores, predictions)
            progress.advance(task)
    _out.print(layout_report.layout_table(summaries))
    _out.print(layout_report.label_table(summaries))
    if out is not None:
        layout_report.save(summaries, out / "scores.json")
        layout_report.draw(summaries, out / "layouts.png")
        _out.print(f"scores and figure are in {out}", markup=False)


@evaluate_app.command("out-of-fold")
def evaluate_out_of_fold(
    files: Annotated[
        list[Path], typer.Argument(help="out_of_fold.npz of trainings; the first is compared with others.")
    ],
    records: Annotated[list[Path], typer.Option(help="The records that were trained on. May be repeated.")],
    labels: Annotated[list[Path] | None, typer.Option(help="Their labels (CSV): one for all, or one for each.")] = None,
    folds: Annotated[str, typer.Option(help="Folds to use, as 1-8 or 9; all by default.")] = "",
    calibrated_on: Annotated[str, typer.Option(help="Calibrate on these folds first, as 1-8.")] = "",
) -> None:
    """Score what cross-validated trainings said of records they had not seen, by layout, and compare them."""
    from ecgimg.evaluate import layout_report
    from ecgimg.evaluate.out_of_fold import comparison_table, summaries_of

    data = _labelled(records, labels, folds=folds)
    calibrating = _labelled(records, labels, folds=calibrated_on) if calibrated_on else None
    summaries = list(summaries_of(files[0], data, calibrating))
    _out.print(layout_report.layout_table(summaries))
    _out.print(layout_report.label_table(summaries))
    if len(files) > 1:
        _out.print(comparison_table(files[0], files[1:], data))


train_app = typer.Typer(help="Train the shipped networks again (needs the train extra).", no_args_is_help=True)
app.add_typer(train_app, name="train")


_Out = Annotated[Path, typer.Option(help="Folder for the pool, checkpoints, curve and weights.")]
_Records = Annotated[Path | None, typer.Option(help="Records to draw beside simulated hearts.")]
_Pages = Annotated[int, typer.Option(help="Synthetic pages to learn from.")]
_Steps = Annotated[int, typer.Option(help="Training steps.")]
_Minutes = Annotated[float | None, typer.Option(help="Stop after so many minutes of training.")]
_Seed = Annotated[int, typer.Option(help="Same seed, same pages and order.")]
_Device = Annotated[str, typer.Option(help="cpu or cuda.")]
_Jobs = Annotated[int, typer.Option(help="Processes that draw pages.")]


@dataclass(frozen=True)
class _Network:
    """How a network is trained: the module and names of its settings and function, and what it takes by default."""

    name: str
    module: str
    settings: str
    train: str
    steps: int
    pages: int
    purpose: str


_NETWORKS = (
    _Network("segmenter", "segmenter", "SegmenterTraining", "train_segmenter", 4000, 500,
             "Train the segmenter on crops of synthetic pages; called again alike, a stopped run goes on."),
    _Network("stroke-reader", "strokes", "StrokeTraining", "train_stroke_reader", 14000, 620,
             "Train the stroke reader on rows traced off synthetic pages, by the segmenter as it is installed."),
    _Network("label-reader", "labels", "LabelTraining", "train_label_reader", 6000, 460,
             "Train the reader of lead names on crops of synthetic pages."),
    _Network("print-reader", "prints", "PrintTraining", "train_print_reader", 6000, 160,
             "Train the reader of the printed scale on lines of print."),
)  # fmt: skip


def _add_training(network: _Network) -> None:
    """Add the command that trains a network."""

    def command(
        out: _Out, records: _Records = None, steps: _Steps = network.steps, pages: _Pages = network.pages,
        minutes: _Minutes = None, seed: _Seed = 0, device: _Device = "cpu", jobs: _Jobs = 2,
    ) -> None:  # fmt: skip
        with _training(steps) as on_step:
            module = import_module(f"ecgimg.train.{network.module}")
            settings = getattr(module, network.settings)(steps=steps, seed=seed, pages=pages)
            train = getattr(module, network.train)
            path = train(out, records, settings, minutes=minutes, device=device, jobs=jobs, on_step=on_step)
        _out.print(f"weights: {path}", markup=False)

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
        list[Path] | None, typer.Option(help="More records, whose voltages are estimates: taught, never tested.")
    ] = None,
    uncertain_labels: Annotated[list[Path] | None, typer.Option(help="The labels of those.")] = None,
    folds: Annotated[str, typer.Option(help="Folds to use, as 1-8 or 1,2,9; all by default.")] = "",
    network: Annotated[str, typer.Option(help="patchecg, resnet, mean, published; + joins.")] = "patchecg+resnet",
    initial: Annotated[Path | None, typer.Option(help="Weights to fine-tune (.safetensors).")] = None,
    no_cross_validation: Annotated[
        bool, typer.Option("--no-cross-validation", help="Train on all records only; probabilities stay uncalibrated.")
    ] = False,
    hearts: Annotated[int, typer.Option(help="Simulated hearts to learn from first.")] = 16000,
    heart_epochs: Annotated[float, typer.Option(help="How often each heart is shown.")] = 10.0,
    pretrain_epochs: Annotated[
        float, typer.Option(help="How often each record is then shown without labels, to guess hidden patches.")
    ] = 0.0,
    epochs: Annotated[float, typer.Option(help="How often each record is shown.")] = 20.0,
    seeds: Annotated[int, typer.Option(help="Networks whose mean is the answer.")] = 1,
    minutes: _Minutes = None, seed: _Seed = 0, device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    jobs: Annotated[int, typer.Option(help="Processes.")] = 2,
) -> None:  # fmt: skip
    """Train PatchECG, or fine-tune it on your own records; under torchrun on several GPUs."""
    with _training(0) as on_step:
        import torch

        from ecgimg.train.patchecg import ClassifierTraining, distributed
        from ecgimg.train.patchecg import train_classifier as train

        data = _labelled(records, labels, uncertain, uncertain_labels, folds)
        settings = ClassifierTraining(
            network,
            hearts=hearts,
            heart_epochs=heart_epochs,
            pretrain_epochs=pretrain_epochs,
            epochs=epochs,
            seeds=seeds,
            seed=seed,
        )
        chosen = distributed(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
        path = train(
            out, data, settings, initial=initial, cross_validated=not no_cross_validation, minutes=minutes,
            device=chosen, jobs=jobs, on_step=on_step,
        )  # fmt: skip
    _out.print(f"weights: {path}", markup=False)


def _labelled(
    records: list[Path],
    labels: list[Path] | None,
    uncertain: list[Path] | None = None,
    uncertain_labels: list[Path] | None = None,
    folds: str = "",
) -> LabelledRecords:
    """Read and join all sources; a single table of labels serves all records of its kind."""
    from ecgimg.classify.dataset import joined, parse_folds, read_labelled

    parts = []
    for paths, tables, gain_known in ((records, labels, True), (uncertain or [], uncertain_labels, False)):
        given: list[Path | None] = [*(tables or [])]
        if len(given) not in (0, 1, len(paths)):
            raise BadRequest(f"there are {len(paths)} sources of records and {len(given)} tables of labels for them")
        wanted = given * len(paths) if len(given) == 1 else given or [None] * len(paths)
        parts += [read_labelled(path, table, gain_known=gain_known) for path, table in zip(paths, wanted, strict=True)]
    data = joined(parts)
    return data if not folds else parse_folds(data, folds)


@contextmanager
def _training(steps: int) -> Iterator[Callable[[int, float], None]]:
    """Show the loss; say what to install where torch is missing."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=_err) as progress:
        task = progress.add_task("preparing", total=steps or None)
        try:
            yield lambda step, loss: progress.update(task, completed=step, description=f"loss {loss:.3f}")
        except ImportError as error:
            raise MissingExtra(error.name or "torch", "train", "training") from None


if __name__ == "__main__":
    main()
