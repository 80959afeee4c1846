"""``ecgimg batch``: digitize an archive of pages to a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ecgimg.commands.shared.choices import Engine, Formats, names_of
from ecgimg.commands.shared.consoles import LOG, OUT
from ecgimg.commands.shared.progress import Progress as Shown
from ecgimg.commands.shared.progress import show_progress
from ecgimg.errors import BadRequest

if TYPE_CHECKING:
    from ecgimg.batch import Preview, Progress, Summary

_STAGES = {"looking": "looking at files", "reading": "reading pages"}
_FAILED = ("refused", "failed")


def batch(
    source: Annotated[str, typer.Argument(help="A folder, a glob in quotes, a manifest (CSV), or a URL of one.")],
    out: Annotated[str, typer.Option(help="Folder or URL for the dataset.")],
    engine: Annotated[Engine, typer.Option(help="This machine, or as many as a cluster of Ray has.")] = "local",
    jobs: Annotated[int, typer.Option(help="Processes, one core each.")] = 2,
    classify: Annotated[bool, typer.Option("--classify", help="Classify the pages, too.")] = False,
    formats: Formats = None,
    layout: Annotated[str, typer.Option(help="auto, a name of `ecgimg layouts list`, or FILE.yaml.")] = "auto",
    speed: Annotated[float | None, typer.Option(help="Paper speed in mm/s, if you know it.")] = None,
    gain: Annotated[float | None, typer.Option(help="Gain in mm/mV, if you know it.")] = None,
    no_overlay: Annotated[bool, typer.Option("--no-overlay", help="Write no pictures for review.")] = False,
    no_measure: Annotated[bool, typer.Option("--no-measure", help="Measure no intervals, axes and voltages.")] = False,
    retry_refused: Annotated[
        bool, typer.Option("--retry-refused", help="Read refused and failed pages again.")
    ] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Begin anew: remove what an earlier run wrote.")] = False,
    limit: Annotated[int | None, typer.Option(help="Pages to read in this run; the next run goes on.")] = None,
    time_limit: Annotated[float, typer.Option(help="Seconds of processor time that a page may take.")] = 30.0,
    memory_gb: Annotated[float, typer.Option(help="Memory that a page may take, GB.")] = 2.0,
    work: Annotated[Path | None, typer.Option(help="Local folder of the ledger where --out is a URL.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be read, and write nothing.")] = False,
) -> None:
    """Digitize an archive to a Parquet dataset, resumable. Exit code 1 when some page was refused or failed."""
    if dry_run and restart:
        raise BadRequest("--dry-run writes nothing, and --restart removes files; give one of them")
    with show_progress("starting") as shown:
        # loaded only here, which takes a while, so that help and versions come at once
        from ecgimg.batch import BatchSettings, Limits, Task, preview, run_batch

        shown.begin(f"looking for pages in {source}")
        if dry_run:
            looked = preview(source)
        else:
            task = Task(layout, speed, gain, names_of(formats), not no_overlay, classify, not no_measure)
            limits = Limits(time_limit, memory_gb)
            settings = BatchSettings(engine, jobs, limit, retry_refused, restart, limits, work)
            summary = run_batch(source, out, task, settings, lambda progress: _show_step(progress, shown))
    if dry_run:
        _show_preview(source, looked)
    else:
        _show_summary(summary)


def _show_step(progress: Progress, shown: Shown) -> None:
    """Show one step of a run."""
    if progress.note:
        LOG.info(progress.note)
        return
    if shown.doing != _STAGES[progress.stage]:
        shown.begin(_STAGES[progress.stage], progress.total)
    row = progress.result.row if progress.result is not None else {"status": "", "reasons": []}
    shown.update(progress.done, progress.total, shown.failed + (row["status"] in _FAILED))
    if progress.page is not None:
        LOG.debug("%s: %s %s", progress.page.name, row["status"], " ".join(row["reasons"]))


def _show_preview(source: str, looked: Preview) -> None:
    for problem in looked.problems:
        OUT.print(problem, markup=False)
    OUT.print(
        f"{source}: {looked.files} files with {looked.pages} pages, {looked.duplicates} of them duplicates; "
        f"other files passed over: {looked.passed_over}; problems: {len(looked.problems)}. Nothing was written.",
        markup=False,
    )
    if looked.problems:
        raise typer.Exit(1)


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
    if any(summary.pages.get(status) for status in _FAILED):
        raise typer.Exit(1)
