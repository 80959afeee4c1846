"""The command line: parse, call the library, write. No logic of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ecgimg import __version__
from ecgimg._files import atomic_path
from ecgimg.errors import EcgImgError

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


if __name__ == "__main__":
    main()
