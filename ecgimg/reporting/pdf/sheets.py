"""Sheets of A4 in landscape, drawn by matplotlib in millimetres from the top left."""

from __future__ import annotations

from typing import Any

from ecgimg.plotting.paper_layout import A4_MM
from ecgimg.plotting.svg import MINOR

MARGIN_MM = 12.0
"""Free at both sides of a sheet of text."""

MM_PER_INCH = 25.4
PT_PER_MM = 72 / MM_PER_INCH


def empty_sheet() -> tuple[Any, Any]:
    """Return a figure of a sheet, and axes over all of it whose units are mm from the top left."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(A4_MM[0] / MM_PER_INCH, A4_MM[1] / MM_PER_INCH), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, A4_MM[0]), ylim=(A4_MM[1], 0))
    axes.axis("off")
    return figure, axes


def write(axes: Any, x_mm: float, y_mm: float, text: str, height_mm: float = 3.0, **style: Any) -> None:
    """Write text whose baseline begins at a point; `height_mm` is the size of the font."""
    axes.text(x_mm, y_mm, text.replace("$", r"\$"), fontsize=height_mm * PT_PER_MM, va="baseline", **style)


def underline(axes: Any, left_mm: float, right_mm: float, y_mm: float) -> None:
    """Draw the line between two rows of a table."""
    axes.plot((left_mm, right_mm), (y_mm, y_mm), color=MINOR, linewidth=0.4)
