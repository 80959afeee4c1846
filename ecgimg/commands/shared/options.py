"""The options that every command has: how much it says, a log, and a file of defaults."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from ecgimg.commands.shared.config_file import FILE_NAME, use_config
from ecgimg.commands.shared.consoles import messages
from ecgimg.errors import BadRequest

PANEL = "Options of every command"


def _shared(
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Also say what becomes of each page.", rich_help_panel=PANEL)
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no notices.", rich_help_panel=PANEL)
    ] = False,
    log: Annotated[
        Path | None, typer.Option(help="File to which notices are appended, with the time.", rich_help_panel=PANEL)
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            help=f"File of defaults of the options (TOML); {FILE_NAME} of the working directory where there is one.",
            callback=use_config,
            is_eager=True,  # before the options whose defaults it gives
            rich_help_panel=PANEL,
        ),
    ] = None,
) -> None:
    pass


def with_shared_options(function: Callable[..., None]) -> Callable[..., None]:
    """Return a command with the shared options besides its own."""
    own = inspect.signature(function, eval_str=True)
    shared = inspect.signature(_shared, eval_str=True)

    @wraps(function)
    def command(*, verbose: bool, quiet: bool, log: Path | None, **options: Any) -> None:
        options.pop("config")  # its callback has used it
        if verbose and quiet:
            raise BadRequest("--verbose and --quiet exclude each other; give one of them")
        with messages(verbose, quiet, log):
            function(**options)

    signature = own.replace(parameters=[*own.parameters.values(), *shared.parameters.values()])
    command.__signature__ = signature  # type: ignore[attr-defined]
    command.__annotations__ = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    return command


class Commands(typer.Typer):
    """A group of commands that have the shared options."""

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        """Return the decorator that adds a command, and gives its function back as it was."""
        register = super().command(name, **settings)

        def add(function: Any) -> Any:
            register(with_shared_options(function))
            return function

        return add
