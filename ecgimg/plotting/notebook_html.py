"""HTML that notebooks show for a record or a result.

It has no script, loads nothing, and takes the colours of the text around it, so that it reads on dark and on light.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape

from ecgimg.plotting.ecg_plot import EcgPlot

_RULE = "border-bottom:1px solid rgba(128,128,128,.4)"
_CELL = f"padding:.15em .6em;white-space:nowrap;{_RULE}"


def card(title: str, *parts: str) -> str:
    """Return a title, which is escaped, and parts, which are HTML, below each other."""
    return (
        '<div style="max-width:72em;color:inherit;font-family:sans-serif">'
        f'<p style="margin:.4em 0"><strong>{escape(title)}</strong></p>{"".join(parts)}</div>'
    )


def paragraph(text: str) -> str:
    """Return a line of text."""
    return f'<p style="margin:.4em 0">{escape(text)}</p>'


def bullets(lines: Sequence[str]) -> str:
    """Return a list of lines, or nothing where there are none."""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<ul style="margin:.4em 0;padding-left:1.4em">{items}</ul>' if items else ""


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose first row and first column are headings."""
    head, *body = [[escape(cell) for cell in row] for row in rows]
    lines = [_line("".join(_heading(cell, "col") for cell in head))]
    lines += [_line(_heading(row[0], "row") + "".join(map(_value, row[1:]))) for row in body]
    return (
        '<div style="overflow-x:auto"><table style="margin:.4em 0;border-collapse:collapse;font-size:90%;'
        f'background:transparent;color:inherit">{"".join(lines)}</table></div>'
    )


def _line(cells: str) -> str:
    return f'<tr style="background:transparent">{cells}</tr>'


def _heading(cell: str, scope: str) -> str:
    return f'<th scope="{scope}" style="{_CELL};text-align:left;color:inherit">{cell}</th>'


def _value(cell: str) -> str:
    return f'<td style="{_CELL};text-align:left;color:inherit">{cell}</td>'


def percentage(share: float) -> str:
    """Return a share in percent, which never reads 0 % or 100 %."""
    if share < 0.01:
        return "<1 %"
    return ">99 %" if share > 0.99 else f"{share * 100:.0f} %"


def picture(plot: EcgPlot) -> str:
    """Return a plot that shrinks to the width of the page."""
    # as a picture: notebooks that are not trusted drop SVG elements from HTML, and keep pictures
    data = b64encode(plot.svg.encode()).decode()
    return (
        f'<img alt="{escape(plot.title)}" style="display:block;max-width:100%;height:auto" '
        f'src="data:image/svg+xml;base64,{data}">'
    )
