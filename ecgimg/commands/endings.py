"""How a command ends that went through several inputs: the notice, where the files are, and the exit code."""

from __future__ import annotations

from pathlib import Path

import typer

from ecgimg.commands.consoles import ERR, OUT


def finish(what: str, out: Path | None, *, as_json: bool, inputs: int, unread: int, incomplete: int) -> None:
    """Say where the files are, and leave with exit code 1 or 2 where an input gave nothing.

    Parameters
    ----------
    what : str
        What was written, as "findings".
    inputs, unread, incomplete : int
        Files that were named, records or pages that could not be read, and those that were read in vain.
    """
    if not as_json:
        OUT.print("research use only, not a medical device")
    if out is not None and unread < inputs:
        ERR.print(f"{what} are in {out}", markup=False)
    if incomplete or unread:
        # a single input that cannot be read is an error of the call, as with other commands
        raise typer.Exit(2 if unread and inputs == 1 else 1)
