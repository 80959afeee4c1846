"""The command line: it parses arguments, calls the library and prints, without logic of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from ecgimg import __version__
from ecgimg._atomic_files import atomic_path
from ecgimg.commands.app import app as serve_app
from ecgimg.commands.batch import batch
from ecgimg.commands.classify import classify
from ecgimg.commands.compare import compare
from ecgimg.commands.digitize import digitize
from ecgimg.commands.evaluate import evaluate_app
from ecgimg.commands.measure import measure
from ecgimg.commands.shared.choices import Degradation
from ecgimg.commands.shared.consoles import ERR, LOG, OUT, show_any_name
from ecgimg.commands.shared.options import Commands
from ecgimg.commands.shared.progress import show_progress
from ecgimg.commands.train import train_app
from ecgimg.errors import EcgImgError

app = Commands(
    name="ecgimg",
    help="Paper ECGs: pictures to signals, signals to findings, and synthetic pages. Research use only.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
layouts_app = Commands(help="The layouts: the place of each lead on a page.", no_args_is_help=True)
app.add_typer(layouts_app, name="layouts")


def main() -> None:
    """Run the command line; an error of the input is printed as one sentence, with exit code 2."""
    show_any_name()
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
    out: Annotated[Path | None, typer.Option(help="File for a picture of it (PNG); none by default.")] = None,
) -> None:
    """Draw one layout in the terminal, and as a picture where a file is named."""
    from layouts import as_image, as_text, load_layout

    layout = load_layout(name)
    OUT.print(as_text(layout), markup=False)
    if out is not None:
        with atomic_path(out) as temporary:
            as_image(layout).save(temporary, format="PNG")
        LOG.info("drawn to %s", out)


@app.command()
def synth(
    out: Annotated[Path, typer.Option(help="Folder for the pages.")],
    records: Annotated[
        Path | None, typer.Argument(help="Records to draw (WFDB, NPZ, CSV, EDF, DICOM, Parquet, or a folder of them).")
    ] = None,
    n: Annotated[int, typer.Option("-n", help="Number of pages.")] = 10,
    layouts: Annotated[str, typer.Option(help="Names or files, separated by commas, or all.")] = "all",
    degradation: Annotated[Degradation, typer.Option(help="What was done to the pages.")] = "mixed",
    seed: Annotated[int, typer.Option(help="The same seed draws the same pages.")] = 0,
    jobs: Annotated[int, typer.Option(help="Processes.")] = 1,
    masks: Annotated[bool, typer.Option("--masks", help="Also write pixel masks.")] = False,
) -> None:
    """Draw synthetic pages with exact truth, from records or from simulated hearts."""
    from synth import write_pages

    with show_progress("drawing pages", n) as progress:
        stems = write_pages(
            out,
            records,
            n=n,
            layouts=layouts,
            degradation=degradation,
            seed=seed,
            masks=masks,
            jobs=jobs,
            on_page=lambda _stem: progress.advance(),
        )
    OUT.print(f"{len(stems)} pages in {out}: pictures, truth (NPZ and JSON), pages.csv, coco.json", markup=False)


app.command("app")(serve_app)
app.command()(batch)
app.command()(classify)
app.command()(digitize)
app.command()(measure)
app.command()(compare)
app.add_typer(evaluate_app, name="evaluate")
app.add_typer(train_app, name="train")


if __name__ == "__main__":
    main()
