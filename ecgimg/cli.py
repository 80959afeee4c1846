"""The command line: it parses arguments, calls the library and prints, without logic of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ecgimg import __version__
from ecgimg._atomic_files import atomic_path
from ecgimg.commands.app import app as serve_app
from ecgimg.commands.batch import batch
from ecgimg.commands.classify import classify
from ecgimg.commands.compare import compare
from ecgimg.commands.consoles import ERR, OUT
from ecgimg.commands.evaluate import evaluate_app
from ecgimg.commands.measure import measure
from ecgimg.commands.train import train_app
from ecgimg.errors import EcgImgError
from ecgimg.reasons import texts

app = typer.Typer(
    name="ecgimg",
    help="Paper ECGs: pictures to signals, signals to findings, and synthetic pages. Research use only.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
layouts_app = typer.Typer(help="The layouts: the place of each lead on a page.", no_args_is_help=True)
app.add_typer(layouts_app, name="layouts")


def main() -> None:
    """Run the command line; an error of the input is printed as one sentence, with exit code 2."""
    try:
        app()
    except EcgImgError as error:
        ERR.print(f"ecgimg: {error}", markup=False)
        sys.exit(2)
    except KeyboardInterrupt:
        ERR.print("ecgimg: stopped; finished outputs are kept")
        sys.exit(130)  # 128 and the signal, as shells expect


def _show_version(is_given: bool) -> None:
    if is_given:
        OUT.print(f"ecgimg {__version__}")
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

    table = Table("name", "leads", "seconds per column", "description", box=None)
    for layout in load_layouts("all"):
        leads = len(layout.record_leads)
        table.add_row(layout.name, str(leads), f"{layout.seconds_per_column:.3g}", layout.description)
    OUT.print(table)


@layouts_app.command("show")
def show_layout(
    name: Annotated[str, typer.Argument(help="A name of `ecgimg layouts list`, or your own FILE.yaml.")],
    png: Annotated[Path | None, typer.Option(help="File of the picture; NAME.png by default.")] = None,
    no_png: Annotated[bool, typer.Option("--no-png", help="Draw in the terminal only.")] = False,
) -> None:
    """Draw one layout in the terminal and as a picture."""
    from layouts import as_image, as_text, load_layout

    layout = load_layout(name)
    OUT.print(as_text(layout), markup=False)
    if not no_png:
        target = png or Path(f"{layout.name}.png")
        with atomic_path(target) as temporary:
            as_image(layout).save(temporary, format="PNG")
        OUT.print(f"drawn to {target}", markup=False)


@app.command()
def synth(
    out: Annotated[Path, typer.Option(help="Folder for the pages.")],
    records: Annotated[
        Path | None, typer.Argument(help="Records to draw (WFDB, NPZ, CSV, EDF, DICOM, Parquet, or a folder of them).")
    ] = None,
    n: Annotated[int, typer.Option("-n", help="Number of pages.")] = 10,
    layouts: Annotated[str, typer.Option(help="Names or files, separated by commas, or all.")] = "all",
    degradation: Annotated[str, typer.Option(help="none, scan, photo, screen, aged or mixed.")] = "mixed",
    seed: Annotated[int, typer.Option(help="The same seed draws the same pages.")] = 0,
    jobs: Annotated[int, typer.Option(help="Processes.")] = 1,
    masks: Annotated[bool, typer.Option("--masks", help="Also write pixel masks.")] = False,
) -> None:
    """Draw synthetic pages with exact truth, from records or from simulated hearts."""
    from synth import write_pages

    columns = (TextColumn("drawing pages"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=ERR, transient=True) as progress:
        task = progress.add_task("pages", total=n)
        stems = write_pages(
            out,
            records,
            n=n,
            layouts=layouts,
            degradation=degradation,
            seed=seed,
            masks=masks,
            jobs=jobs,
            on_page=lambda _stem: progress.advance(task),
        )
    OUT.print(f"{len(stems)} pages in {out}: pictures, truth (NPZ and JSON), pages.csv, coco.json", markup=False)


@app.command()
def digitize(
    pages: Annotated[list[Path], typer.Argument(help="Pictures or PDFs.")],
    out: Annotated[Path, typer.Option(help="Folder for the records.")],
    layout: Annotated[str, typer.Option(help="auto, a name of `ecgimg layouts list`, or FILE.yaml.")] = "auto",
    formats: Annotated[
        list[str] | None, typer.Option("--format", help="csv, wfdb, edf, dicom or parquet; may be repeated.")
    ] = None,
    speed: Annotated[float | None, typer.Option(help="Paper speed in mm/s, if you know it.")] = None,
    gain: Annotated[float | None, typer.Option(help="Gain in mm/mV, if you know it.")] = None,
    no_overlay: Annotated[bool, typer.Option("--no-overlay", help="Write no overlay picture.")] = False,
    jobs: Annotated[int, typer.Option(help="Processes.")] = 1,
) -> None:
    """Digitize pages to calibrated leads. Exit code 1 when some page was refused or failed. Research use only."""
    from ecgimg.digitization.digitize_files import Settings, digitize_files

    settings = Settings(layout, speed, gain, tuple(formats or ()), not no_overlay)
    table = Table("page", "status", "layout", "remarks", box=None)
    failed = 0  # a refused page counts, so that scripts notice it by the exit code
    columns = (TextColumn("digitizing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # on standard error, so that the table can be piped
    with Progress(*columns, console=ERR, transient=True, disable=len(pages) < 2) as progress:
        task = progress.add_task("pages", total=len(pages))
        for outcomes in digitize_files(pages, out, settings, jobs):
            progress.advance(task)
            for outcome in outcomes:
                failed += outcome.status in ("refused", "failed")
                # What is in brackets is text, as 'ecgimg[formats]', and no markup.
                table.add_row(escape(outcome.stem), outcome.status, outcome.layout, escape(texts(outcome.reasons)))
    OUT.print(table)
    OUT.print(f"records, JSON and overlays are in {out}; research use only, not a medical device", markup=False)
    if failed:
        raise typer.Exit(1)


app.command("app")(serve_app)
app.command()(batch)
app.command()(classify)
app.command()(measure)
app.command()(compare)
app.add_typer(evaluate_app, name="evaluate")
app.add_typer(train_app, name="train")


if __name__ == "__main__":
    main()
