"""How a command ends that went through several inputs: the notice, where the files are, and the exit code."""

from __future__ import annotations

from pathlib import Path

import typer

from ecgimg.commands.consoles import LOG, OUT


def finish(what: str, out: Path | None, *, failed: int, as_json: bool = False) -> None:
    """Say where the files are, and leave with exit code 1 where an input gave nothing.

    Parameters
    ----------
    what : str
        What was written, as "findings of 3".
    out : Path, optional
        The folder, where anything was written.
    failed : int
        Pages and records that could not be read, or were read in vain.
    as_json : bool
        Whether the output is for programs, to which the notice would be no JSON.
    """
    if not as_json:
        OUT.print("research use only, not a medical device")
    if out is not None:
        LOG.info("%s are in %s", what, out)
    if failed:
        raise typer.Exit(1)
