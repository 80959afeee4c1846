"""The directive `command-help`: every command of `ecgimg`, as the program itself describes it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import typer
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from tables import table

from ecgimg.cli import app as command_line
from ecgimg.commands.shared.options import PANEL


class CommandHelp(SphinxDirective):
    """A section for each command: what it does, how it is called, its arguments and its options."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        return [_section(name, command) for name, command in commands()]


def commands() -> Iterator[tuple[str, Any]]:
    """Yield (name, command) of every command that does something; a group is followed into its commands."""

    def below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        inner = getattr(command, "commands", None)
        if inner is None:
            yield name, command
        for own, each in (inner or {}).items():
            yield from below(f"{name} {own}", each)

    yield from below("ecgimg", typer.main.get_command(command_line))


def _section(name: str, command: Any) -> nodes.section:
    arguments = [item for item in command.params if item.param_type_name == "argument"]
    context = typer.Context(command)
    options = [item for item in command.params if item.param_type_name == "option" and not _is_shared(item)]
    usage = " ".join([name, *(["[OPTIONS]"] if options else []), *map(_usage_of, arguments)])
    section = nodes.section(ids=[nodes.make_id(name)], names=[name])
    section += nodes.title(text=name)
    section += nodes.paragraph(text=inspect.cleandoc(command.help or ""))
    section += nodes.literal_block(usage, usage, language="text")
    if arguments or options:
        rows = [(_name_of(item), _default_of(item), _meaning_of(item, context)) for item in (*arguments, *options)]
        section += table(("argument or option", "default", "meaning"), rows, (26, 14, 60))
    return section


def _usage_of(argument: Any) -> str:
    name = argument.name.upper() + ("..." if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def _name_of(parameter: Any) -> str:
    return " ".join(parameter.opts) if parameter.param_type_name == "option" else parameter.name.upper()


def _is_shared(option: Any) -> bool:
    """Tell whether every command has this option; the page says what they do once."""
    return option.name == "help" or getattr(option, "rich_help_panel", None) == PANEL


def _meaning_of(parameter: Any, context: typer.Context) -> str:
    """Return the help, and the choices where there are some."""
    kind = str(parameter.display_type(context)).strip("<>").removeprefix("list[").rstrip("]")
    return f"{parameter.help or ''} ({kind.replace('|', ', ')})" if "|" in kind else parameter.help or ""


def _default_of(parameter: Any) -> str:
    if parameter.required:
        return "required"
    if getattr(parameter, "is_flag", False) or parameter.default in (None, "", ()):
        return ""
    return f"{parameter.default:g}" if isinstance(parameter.default, float) else str(parameter.default)


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directive."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True}
