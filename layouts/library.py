"""Find and load layout files: those that travel with the package, and a user's own."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from ecgimg.errors import UnknownLayout
from layouts.model import Layout

FOLDER = Path(__file__).parent


@cache
def names() -> tuple[str, ...]:
    """Names of the layouts that travel with the package, fewer rows first."""
    found = [load_layout(path) for path in FOLDER.glob("*.yaml")]
    return tuple(layout.name for layout in sorted(found, key=lambda item: (item.n_rows, item.columns, item.name)))


def load_layout(name: str | Path) -> Layout:
    """Load a layout by its name, or from a user's own file ending in ``.yaml`` or ``.yml``.

    Raises
    ------
    UnknownLayout
        With the known names and the nearest one, or with the key of the file that is wrong.
    """
    path = Path(name)
    if path.suffix.lower() in {".yaml", ".yml"}:
        return _read(path)
    bundled = FOLDER / f"{name}.yaml"
    if bundled.parent == FOLDER and bundled.is_file():
        return _load_bundled(bundled)
    folded = {known.lower(): known for known in names()}
    if str(name).lower() in folded:
        return load_layout(folded[str(name).lower()])
    raise UnknownLayout(_unknown_name(str(name)))


@cache
def _load_bundled(path: Path) -> Layout:
    return _read(path)


def load_layouts(names_or_files: str | None) -> tuple[Layout, ...]:
    """Load a comma-separated list of names and files; None or ``all`` gives every layout of the package."""
    if names_or_files is None or names_or_files.strip().lower() == "all":
        return tuple(load_layout(name) for name in names())
    wanted = [item.strip() for item in names_or_files.split(",") if item.strip()]
    if not wanted:
        raise UnknownLayout("the list of layouts is empty; name some, or say all")
    return tuple(load_layout(name) for name in wanted)


def parse_layout(values: Mapping[str, Any], source: str) -> Layout:
    """Validate the content of a layout file; `source` names it in errors (`UnknownLayout`)."""
    try:
        return Layout.model_validate(values)
    except ValidationError as error:
        raise UnknownLayout(f"{source}: {_reason(error)}") from None


def _read(path: Path) -> Layout:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UnknownLayout(f"the layout file {path} cannot be read: {reason}") from None
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise UnknownLayout(f"the layout file {path} is not valid YAML{where}") from None
    if not isinstance(values, dict):
        raise UnknownLayout(f"the layout file {path} must hold keys and values, as described in layouts/README.md")
    layout = parse_layout(values, f"the layout file {path}")
    if path.parent == FOLDER and layout.name != path.stem:
        raise UnknownLayout(f"the layout file {path} names itself {layout.name!r}; file and name must agree")
    return layout


def _reason(error: ValidationError) -> str:
    first = min(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, Layout.model_fields, n=1)
        return f"unknown key {key!r}" + (f"; did you mean {near[0]!r}?" if near else "")
    if first["type"] == "missing":
        return f"the key {key!r} is missing"
    message = first["msg"].removeprefix("Value error, ")
    return f"{key}: {message}" if key else message


def _unknown_name(name: str) -> str:
    folded = {known.lower(): known for known in names()}
    near = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.3)
    hint = f" Did you mean {folded[near[0]]!r}?" if near else ""
    return f"There is no layout {name!r}.{hint} Known are: {', '.join(names())}"
