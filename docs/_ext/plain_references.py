"""References to names of other packages and to arguments become plain code; ours must exist (`sphinx-build -n`)."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

_OURS = ("ecgimg.", "layouts.", "synth.")


def _as_code(_app: Sphinx, _env: BuildEnvironment, node: pending_xref, shown: nodes.Element) -> nodes.Element | None:
    """Return the text of a reference that leads out of this project; None lets Sphinx warn of one of ours."""
    is_python = node.get("refdomain") == "py"
    return shown if is_python and not node["reftarget"].startswith(_OURS) else None


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to what Sphinx cannot resolve."""
    app.connect("missing-reference", _as_code)
    return {"parallel_read_safe": True}
