"""A table as Sphinx builds it, for directives that take their rows from the code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from docutils import nodes


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], widths: Sequence[int]) -> nodes.table:
    """Return a table whose first column is set as code.

    Cells may hold several paragraphs, one a line, and words between backticks, which are set as code. `widths` are the
    columns' shares in percent.
    """
    group = nodes.tgroup("", *(nodes.colspec(colwidth=width) for width in widths), cols=len(heads))
    group += nodes.thead("", _row([[nodes.paragraph(text=head)] for head in heads]))
    group += nodes.tbody("", *(_row([[_code(first)], *map(_plain, rest)]) for first, *rest in rows))
    return nodes.table("", group, classes=["colwidths-given"])


def _row(cells: Sequence[Sequence[nodes.paragraph]]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", *cell) for cell in cells))


def _plain(text: str) -> list[nodes.paragraph]:
    return [nodes.paragraph("", "", *_with_code(line)) for line in text.splitlines() or [""]]


def _with_code(line: str) -> list[nodes.Node]:
    return [nodes.literal(text=part) if k % 2 else nodes.Text(part) for k, part in enumerate(line.split("`"))]


def _code(text: str) -> nodes.paragraph:
    return nodes.paragraph("", "", nodes.literal(text=text))
