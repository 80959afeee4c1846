"""Files of the repository outside of docs/: notebooks are copied in, and links to pages lead to their copies."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.config import Config

_PAGE_OF = {
    "README": "index",
    "CHANGELOG": "project/changelog",
    "CONTRIBUTING": "project/contributing",
    "SECURITY": "project/security",
    "findings/README": "project/findings",
    "layouts/README": "guide/layouts",
}
_RELATIVE_LINK = re.compile(r"\]\((?!https?:|#)")


def _copy_notebooks(app: Sphinx, _config: Config) -> None:
    target = Path(app.srcdir) / "notebooks"
    target.mkdir(exist_ok=True)
    for file in sorted((Path(app.srcdir).parent / "notebooks").glob("*.ipynb")):
        text = json.dumps(_with_links(json.loads(file.read_text(encoding="utf-8"))))
        copy = target / file.name
        if not copy.is_file() or copy.read_text(encoding="utf-8") != text:
            copy.write_text(text, encoding="utf-8")


def _with_links(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook whose links lead where they did before it was copied."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = _RELATIVE_LINK.sub("](../../notebooks/", "".join(cell["source"]))
    return notebook


def _lead_to_pages(app: Sphinx, doctree: nodes.document) -> None:
    """Lead links to files of the repository, as they work on a forge, to the pages that show these files."""
    root = Path(app.srcdir).parent
    for link in doctree.findall(pending_xref):
        target = Path(link["reftarget"])
        if link.get("refdomain") == "doc" and target.is_absolute() and target.is_relative_to(root):
            name = target.relative_to(root).as_posix()
            link["reftarget"] = _PAGE_OF.get(name, name)


def setup(app: Sphinx) -> dict[str, Any]:
    """Copy before any page is looked for; lead links on before any is resolved."""
    app.connect("config-inited", _copy_notebooks)
    app.connect("doctree-read", _lead_to_pages)
    return {"parallel_read_safe": True}
