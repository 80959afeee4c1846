"""Find and load layout files: those that travel with the package, and a user's own."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from ecgimg.errors import UnknownLayout
from layouts.model import Layout

FOLDER = Path(__file__).parent
MAX_BYTES = 64_000
# What may open a list, a mapping or an item in YAML.
_NODE_OPENER = re.compile(r"[\[{]|[-?] ")
_MAX_NODES = 600  # keys, values and lists; the largest layout here has 70


@cache
def layout_names() -> tuple[str, ...]:
    """Return the names of the layouts that travel with the package, fewer rows first."""
    found = [load_layout(path) for path in FOLDER.glob("*.yaml")]
    return tuple(layout.name for layout in sorted(found, key=lambda item: (item.n_rows, item.columns, item.name)))


def load_layout(name: str | Path) -> Layout:
    """Load a layout by its name, or from a user's own file.

    Parameters
    ----------
    name : str or Path
        One of `layout_names`, in any case, or a file that ends in ``.yaml`` or ``.yml``.

    Returns
    -------
    Layout

    Raises
    ------
    UnknownLayout
        With the known names and the nearest one, or with the key of the file that is wrong.
    """
    if not isinstance(name, str | Path):
        raise UnknownLayout(f"a layout is named by its name or file, got {type(name).__name__}")
    if is_layout_file(name):
        return _read(Path(name))
    bundled = FOLDER / f"{name}.yaml"
    # A name with a slash would leave the folder.
    if bundled.parent == FOLDER and bundled.is_file():
        return _load_bundled(bundled)
    folded = {known.lower(): known for known in layout_names()}
    if str(name).lower() in folded:
        return load_layout(folded[str(name).lower()])
    raise UnknownLayout(_unknown_name(str(name)))


def is_layout_file(name: str | Path) -> bool:
    """Tell whether a layout is named by a user's own file, and not by its name.

    Parameters
    ----------
    name : str or Path
        As `load_layout` takes it.

    Returns
    -------
    bool
    """
    return Path(name).suffix.lower() in {".yaml", ".yml"}


@cache
def _load_bundled(path: Path) -> Layout:
    return _read(path)


def load_layouts(names_or_files: str | None) -> tuple[Layout, ...]:
    """Load a comma-separated list of layouts.

    Parameters
    ----------
    names_or_files : str or None
        Names and files; None or ``all`` gives every layout of the package.

    Returns
    -------
    tuple of Layout

    Raises
    ------
    UnknownLayout
        As `load_layout`, or for an empty list.
    """
    if names_or_files is None or names_or_files.strip().lower() == "all":
        return tuple(load_layout(name) for name in layout_names())
    wanted = [item.strip() for item in names_or_files.split(",") if item.strip()]
    if not wanted:
        raise UnknownLayout("the list of layouts is empty; name some, or say all")
    return tuple(load_layout(name) for name in wanted)


def parse_layout(values: Mapping[str, Any], source: str) -> Layout:
    """Validate the content of a layout file.

    Parameters
    ----------
    values : mapping
        Its keys and values, see ``layouts/README.md``.
    source : str
        What errors call it.

    Returns
    -------
    Layout

    Raises
    ------
    UnknownLayout
        With the key that is wrong.
    """
    try:
        return Layout.model_validate(values)
    except ValidationError as error:
        raise UnknownLayout(f"{source}: {_reason(error)}") from None


def _read(path: Path) -> Layout:
    values = _parsed(path, _text(path))
    if not isinstance(values, dict):
        raise UnknownLayout(f"the layout file {path} must hold keys and values, as described in layouts/README.md")
    layout = parse_layout(values, f"the layout file {path}")
    if path.parent == FOLDER and layout.name != path.stem:
        raise UnknownLayout(f"the layout file {path} names itself {layout.name!r}; file and name must agree")
    return layout


def _text(path: Path) -> str:
    try:
        if not path.is_file():
            missing = "it is no ordinary file" if path.exists() else "there is no such file"
            raise UnknownLayout(f"the layout file {path} cannot be read: {missing}")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        text = content.decode("utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UnknownLayout(f"the layout file {path} cannot be read: {reason}") from None
    if len(content) > MAX_BYTES:
        raise UnknownLayout(
            f"the layout file {path} is larger than {MAX_BYTES // 1000} kB; a layout needs less than 1 kB"
        )
    return text


def _parsed(path: Path, text: str) -> Any:
    if len(_NODE_OPENER.findall(text)) > _MAX_NODES:  # the parser takes its time for what is nested deeply
        raise UnknownLayout(f"the layout file {path} holds more lists than a layout has")
    try:
        return yaml.load(text, _Loader)  # a safe loader that allows less
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        why = f": {error.problem}" if isinstance(error, _NotALayout) else ""
        raise UnknownLayout(f"the layout file {path} is not valid YAML{where}{why}") from None
    except (ValueError, TypeError, ArithmeticError, RecursionError, AttributeError, KeyError, IndexError):
        # what the parser raises of numbers, dates and tags that are none
        raise UnknownLayout(f"the layout file {path} holds a value that cannot be read") from None


class _NotALayout(yaml.MarkedYAMLError):
    """YAML that is valid, but is no layout."""


class _Loader(yaml.SafeLoader):
    """Refuses keys that stand twice, which YAML allows, references, which make a small file large, and long lists."""

    nodes = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.nodes += 1
        if self.check_event(yaml.AliasEvent) or self.nodes > _MAX_NODES:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise _NotALayout(problem="references (*) and long lists are not read", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(set(keys)) < len(node.value):
            raise _NotALayout(problem="a key stands twice, or is no word", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


def _reason(error: ValidationError) -> str:
    # An unknown key first: it is often the misspelt form of one that then seems missing.
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
    folded = {known.lower(): known for known in layout_names()}
    near = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.3)
    hint = f" Did you mean {folded[near[0]]!r}?" if near else ""
    return f"There is no layout {name!r}.{hint} Known are: {', '.join(layout_names())}"
