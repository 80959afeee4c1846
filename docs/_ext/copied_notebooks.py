"""Brings the notebooks of the repository into the documentation, with their links led to its pages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

_LINKS = {"(../layouts/README.md)": "(../guide/layouts.md)", "(resnet_plugin.py)": "(../../notebooks/resnet_plugin.py)"}
_TO_NOTEBOOK = re.compile(r"\]\(\.\./((?:\.\./)*notebooks/\w+\.ipynb)\)")


def _copy(app: Sphinx, _config: Config) -> None:
    target = Path(app.srcdir) / "notebooks"
    target.mkdir(exist_ok=True)
    for file in sorted((Path(app.srcdir).parent / "notebooks").glob("*.ipynb")):
        text = json.dumps(_with_links(json.loads(file.read_text(encoding="utf-8"))))
        copy = target / file.name
        if not copy.is_file() or copy.read_text(encoding="utf-8") != text:
            copy.write_text(text, encoding="utf-8")


def _with_links(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook whose links in text lead to pages of the documentation."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            source = "".join(cell["source"])
            for before, after in _LINKS.items():
                source = source.replace(before, after)
            cell["source"] = source
    return notebook


def _lead_to_copies(_app: Sphinx, _name: str, source: list[str]) -> None:
    """Lead links of a page to the copies; as written, they lead to the notebooks themselves, as on a forge."""
    source[0] = _TO_NOTEBOOK.sub(r"](\1)", source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Copy before any page is looked for."""
    app.connect("config-inited", _copy)
    app.connect("source-read", _lead_to_copies)
    return {"parallel_read_safe": True}
