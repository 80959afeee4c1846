"""What the commands print: what was asked for goes to the output, notices and errors to the errors and into the log."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import typer
from rich.console import Console

from ecgimg._version import __version__
from ecgimg.errors import BadOutput

_WIDE = 200  # columns of a table that no terminal shows: what reads it wraps by itself

OUT = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _WIDE)
ERR = Console(stderr=True, highlight=False, soft_wrap=True)

LOG = logging.getLogger("ecgimg.commands")
"""Notices are of the level INFO; what ``--verbose`` shows, as every page that was read, is of the level DEBUG."""

LOG.propagate = False  # the app has handlers of its own

LOG_ONLY = {"is_for_log": True}
"""``extra`` of what the terminal does not show, or shows otherwise."""


class _Terminal(logging.Handler):
    """Prints messages among the progress bars."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a message as it is, a warning with the name of the program."""
        if not getattr(record, "is_for_log", False):
            prefix = "ecgimg: " if record.levelno >= logging.WARNING else ""
            ERR.print(f"{prefix}{record.getMessage()}", markup=False)


@contextmanager
def messages(verbose: bool, quiet: bool, log: Path | None) -> Iterator[None]:
    """Show the notices of a block, more or fewer of them, and append all of them to a file."""
    terminal = _Terminal(logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO)
    of_file = list(_log_file(log))
    library = logging.getLogger("ecgimg")  # of the app, which logs what goes wrong
    LOG.setLevel(logging.DEBUG)
    for handler in (terminal, *of_file):
        LOG.addHandler(handler)
    for handler in of_file:
        library.addHandler(handler)
    try:
        LOG.debug("ecgimg %s: %s", __version__, " ".join(sys.argv[1:]), extra=LOG_ONLY)
        yield
        LOG.debug("done", extra=LOG_ONLY)
    except BaseException as error:
        code = getattr(error, "exit_code", None)  # of an ending that a command chose
        ending = f"ended with exit code {code}" if code is not None else f"ended by {type(error).__name__}: {error}"
        LOG.debug(ending, extra=LOG_ONLY)
        raise
    finally:
        for handler in (terminal, *of_file):
            LOG.removeHandler(handler)
            library.removeHandler(handler)
            handler.close()


def is_quiet() -> bool:
    """Tell whether neither progress nor notices are wanted."""
    return any(isinstance(handler, _Terminal) and handler.level > logging.INFO for handler in LOG.handlers)


def _log_file(path: Path | None) -> Iterator[logging.Handler]:
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise BadOutput(f"cannot write {path}: {error.strerror}; choose a folder that can be written") from None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    yield handler


def show_any_name() -> None:
    """Have the outputs take names that the terminal cannot show, as of files from another system."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # a stream that was replaced
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


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
