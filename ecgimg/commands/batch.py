"""``ecgimg batch``: digitize an archive of pages to a dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from rich.progress import Task as BarTask
from rich.table import Table
from rich.text import Text

from ecgimg.commands.consoles import ERR, OUT

if TYPE_CHECKING:
    from ecgimg.batch import Progress, Summary

_STAGES = {"looking": "looking at files", "reading": "reading pages"}


def batch(
    source: Annotated[str, typer.Argument(help="A folder, a glob in quotes, a manifest (CSV), or a URL of one.")],
    out: Annotated[str, typer.Option(help="Folder or URL for the dataset.")],
    engine: Annotated[str, typer.Option(help="local, or ray: as many machines as the cluster has.")] = "local",
    jobs: Annotated[int, typer.Option(help="Processes, one core each.")] = 2,
    classify: Annotated[bool, typer.Option("--classify", help="Classify the pages, too.")] = False,
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", help="Also write a file for each page: csv, wfdb, edf, dicom or parquet."),
    ] = None,
    layout: Annotated[str, typer.Option(help="auto, a name of `ecgimg layouts list`, or FILE.yaml.")] = "auto",
    speed: Annotated[float | None, typer.Option(help="Paper speed in mm/s, if you know it.")] = None,
    gain: Annotated[float | None, typer.Option(help="Gain in mm/mV, if you know it.")] = None,
    no_overlay: Annotated[bool, typer.Option("--no-overlay", help="Write no pictures for review.")] = False,
    no_measure: Annotated[bool, typer.Option("--no-measure", help="Measure no intervals, axes and voltages.")] = False,
    retry_refused: Annotated[
        bool, typer.Option("--retry-refused", help="Read refused and failed pages again.")
    ] = False,
    limit: Annotated[int | None, typer.Option(help="Pages to read in this run; the next run goes on.")] = None,
    time_limit: Annotated[float, typer.Option(help="Seconds of processor time that a page may take.")] = 30.0,
    memory_gb: Annotated[float, typer.Option(help="Memory that a page may take, GB.")] = 2.0,
    work: Annotated[Path | None, typer.Option(help="Local folder of the ledger where --out is a URL.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would be read, and write nothing.")] = False,
) -> None:
    """Digitize an archive to a Parquet dataset, resumable. Exit code 1 when some page was refused or failed."""
    # the library is loaded by the commands that need it, so that help and versions come at once
    from ecgimg.batch import BatchSettings, Limits, Task, preview, run_batch

    if dry_run:
        _show_preview(source, preview(source))
        return
    task = Task(layout, speed, gain, tuple(dict.fromkeys(formats or ())), not no_overlay, classify, not no_measure)
    settings = BatchSettings(engine, jobs, limit, retry_refused, Limits(time_limit, memory_gb), work)
    with _progress_bar() as on_progress:
        summary = run_batch(source, out, task, settings, on_progress)
    _show_summary(summary)
    if summary.pages.get("refused") or summary.pages.get("failed"):
        raise typer.Exit(1)


@contextmanager
def _progress_bar() -> Iterator[Callable[[Progress], None]]:
    """Show a bar, and give the function that moves it on."""
    counts = MofNCompleteColumn(), _PagesPerSecond(), TimeRemainingColumn()
    columns = TextColumn("{task.description}"), BarColumn(), *counts
    with ProgressBar(*columns, console=ERR, transient=True, disable=not ERR.is_terminal) as bar:
        bar_task = bar.add_task("starting", total=None)
        stage = ""

        def advance(progress: Progress) -> None:
            nonlocal stage
            if progress.stage != stage:
                stage = progress.stage
                bar.reset(bar_task)  # each stage has its own total and speed
            bar.update(bar_task, description=_STAGES[stage], completed=progress.done, total=progress.total)

        yield advance


class _PagesPerSecond(ProgressColumn):
    """Pages read per second."""

    def render(self, task: BarTask) -> Text:
        """Return the mean speed of the last seconds."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.2f}/s" if speed else "", style="cyan")


def _show_preview(source: str, counts: dict[str, int]) -> None:
    OUT.print(
        f"{source}: {counts['files']} files with {counts['pages']} pages, {counts['duplicates']} of them duplicates; "
        f"other files passed over: {counts['passed_over']}. Nothing was written.",
        markup=False,
    )


def _show_summary(summary: Summary) -> None:
    table = Table("pages", "of the archive", box=None)
    for status, count in summary.pages.items():
        table.add_row(status, str(count))
    OUT.print(table)
    if summary.reasons:
        reasons = Table("reason", "pages", "what to do", box=None)
        for code, values in summary.reasons.items():
            reasons.add_row(code.replace("_", " "), str(values["pages"]), " ".join(values["advice"]))
        OUT.print(reasons)
    if summary.passed_over:
        OUT.print(f"files passed over, as they are neither pictures nor PDFs: {summary.passed_over}")
    rate = f", {summary.pages_per_s:.2f} a second" if summary.read_now else ""
    OUT.print(
        f"{summary.read_now} pages read in {summary.seconds:.0f} s{rate}; the dataset and report.html are in "
        f"{summary.out}; research use only, not a medical device",
        markup=False,
    )
