"""``ecgimg digitize``: pages to calibrated leads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from ecgimg.commands.shared.choices import Formats, names_of
from ecgimg.commands.shared.consoles import LOG, OUT, finish
from ecgimg.commands.shared.progress import show_progress
from ecgimg.reasons import texts


def digitize(
    pages: Annotated[list[Path], typer.Argument(help="Pictures, PDFs, or folders of them.")],
    out: Annotated[Path, typer.Option(help="Folder for the records.")],
    layout: Annotated[str, typer.Option(help="auto, a name of `ecgimg layouts list`, or FILE.yaml.")] = "auto",
    formats: Formats = None,
    speed: Annotated[float | None, typer.Option(help="Paper speed in mm/s, if you know it.")] = None,
    gain: Annotated[float | None, typer.Option(help="Gain in mm/mV, if you know it.")] = None,
    no_overlay: Annotated[bool, typer.Option("--no-overlay", help="Write no overlay picture.")] = False,
    jobs: Annotated[int, typer.Option(help="Processes.")] = 1,
) -> None:
    """Digitize pages to calibrated leads. Exit code 1 when some page was refused or failed. Research use only."""
    from ecgimg.digitization.digitize_files import Settings, digitize_files
    from ecgimg.formats.input_files import input_files

    settings = Settings(layout, speed, gain, names_of(formats), not no_overlay)
    files = input_files(pages, records=False, apart_from=out)
    table = Table("page", "status", "layout", "remarks", box=None)
    written = failed = 0  # a refused page counts, so that scripts notice it by the exit code
    with show_progress("digitizing pages", len(files), when=len(files) > 1) as progress:
        for outcomes in digitize_files(files, out, settings, jobs):
            for outcome in outcomes:
                written += outcome.status in ("ok", "limited")
                failed += outcome.status in ("refused", "failed")
                remarks = texts(outcome.reasons)
                # What is in brackets is text, as 'ecgimg[formats]', and no markup.
                table.add_row(escape(outcome.stem), outcome.status, outcome.layout, escape(remarks))
                LOG.debug("%s: %s %s %s", outcome.stem, outcome.status, outcome.layout, remarks)
            progress.advance(any(outcome.status in ("refused", "failed") for outcome in outcomes))
    OUT.print(table)
    finish(f"records of {written}", out if written else None, failed=failed)
