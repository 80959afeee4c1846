"""The directive `table-of`: tables taken from the code as it is while the pages are built."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from tables import table

from ecgimg.batch.dataset import page_schema, record_schema
from ecgimg.classification.labels import FULL_NAMES, LABELS
from ecgimg.record import KNOWN_LEADS
from layouts import load_layouts


class TableOf(SphinxDirective):
    """``{table-of} layouts``: one of `_TABLES` by its name."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        return [_TABLES[self.arguments[0]]()]


def _layouts() -> nodes.table:
    rows = [
        (layout.name, f"{layout.seconds_per_column:g}", layout.columns_in_time, layout.description)
        for layout in load_layouts("all")
    ]
    return table(("name", "seconds a column", "columns", "description"), rows, (22, 12, 16, 50))


def _labels() -> nodes.table:
    return table(("label", "meaning"), [(label, FULL_NAMES[label]) for label in LABELS], (25, 75))


def _records() -> nodes.table:
    """The columns of the records, those of the leads as one row."""
    fields = [field for field in record_schema(classified=True) if field.name not in KNOWN_LEADS]
    rows = [(field.name, _type_of(field)) for field in fields]
    at = next(k for k, (name, _) in enumerate(rows) if name == "confidence")
    rows.insert(at, ("I, II, …, Z", f"list of float, mV; one column for each of {', '.join(KNOWN_LEADS)}"))
    return table(("column", "type"), rows, (30, 70))


def _pages() -> nodes.table:
    return table(("column", "type"), [(field.name, _type_of(field)) for field in page_schema()], (30, 70))


def _type_of(field: Any) -> str:
    """Return the type of a column in words; a struct of leads or labels is not written out."""
    names = [field.type.field(k).name for k in range(field.type.num_fields)]
    kind = str(field.type)
    if kind.startswith("struct"):
        by = {KNOWN_LEADS: "leads", LABELS: "labels"}.get(tuple(names))
        return f"struct of float by {by}" if by else f"struct of string: {', '.join(names)}"
    return "list of string" if kind.startswith("list") else kind


_TABLES: dict[str, Callable[[], nodes.table]] = {
    "layouts": _layouts,
    "labels": _labels,
    "records": _records,
    "pages": _pages,
}


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directive."""
    app.add_directive("table-of", TableOf)
    return {"parallel_read_safe": True}
