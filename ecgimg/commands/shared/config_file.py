"""Defaults of options from a file, ``ecgimg.toml``: a table for each command. The command line wins."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import typer

from ecgimg.errors import BadRequest

FILE_NAME = "ecgimg.toml"
_NOT_IN_FILES = ("--help", "--config")


def use_config(context: typer.Context, path: Path | None) -> Path | None:
    """Take the defaults of the command that is called from a file; the callback of ``--config``."""
    path = path or (Path(FILE_NAME) if Path(FILE_NAME).is_file() else None)
    if path is None:
        return None
    root: Any = context.find_root()
    defaults = _defaults(_read(path), root.command, str(path))
    names: list[str] = []
    step: Any = context
    while step.parent is not None:
        names.insert(0, step.info_name)
        step = step.parent
    for name in names:
        defaults = defaults.get(name, {})
    context.default_map = defaults
    return path


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadRequest(f"the config file {path} cannot be read: {error.strerror}; check the name") from None
    except ValueError as error:  # also of what is no text
        raise BadRequest(f"the config file {path} is no TOML ({error}); mend that line") from None


def _defaults(table: Mapping[str, Any], command: Any, place: str) -> dict[str, Any]:
    """Return what click calls a default map; `BadRequest` for a key that is neither a command nor an option."""
    commands: dict[str, Any] | None = getattr(command, "commands", None)
    if commands is not None:
        _check_keys(table, commands, place)
        for key, value in table.items():
            if not isinstance(value, Mapping):
                raise BadRequest(f"{place}: {key} is a command; write its options below [{key}]")
        return {key: _defaults(value, commands[key], f"{place} [{key}]") for key, value in table.items()}
    options = {
        name.lstrip("-"): item
        for item in command.params
        if item.param_type_name == "option"
        for name in item.opts
        if (name.startswith("--") or len(item.opts) == 1) and name not in _NOT_IN_FILES
    }
    _check_keys(table, options, place)
    return {options[key].name: _value(value, options[key], f"{place}: {key}") for key, value in table.items()}


def _check_keys(table: Mapping[str, Any], known: Iterable[str], place: str) -> None:
    for key in table:
        if key not in known:
            (nearest,) = get_close_matches(key, known, n=1, cutoff=0)
            raise BadRequest(f"{place}: there is no {key!r}; did you mean {nearest!r}?")


def _value(value: Any, option: Any, place: str) -> Any:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str | int | float) for each in values):
        raise BadRequest(f"{place} must be a text, a number, true or false, or a list of these")
    if option.multiple:
        return values
    if isinstance(value, list):
        raise BadRequest(f"{place} is given once; write one value instead of a list")
    if option.is_flag != isinstance(value, bool):
        raise BadRequest(f"{place} must {'be true or false' if option.is_flag else 'not be true or false'}")
    return value
