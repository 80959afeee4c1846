"""The lines below the rows of a page: the scale, the seconds that are drawn, the legend of the marks, the notice."""

from __future__ import annotations

from collections.abc import Sequence

from ecgimg.plotting.marks import Wave, WaveShapes
from ecgimg.plotting.paper_page import NOTICE, Lettering

_MARGIN_MM, _GAP_MM, _LINE_MM = 8.0, 7.0, 5.0  # at both sides, between two entries, and between two lines
_LETTER_MM = 1.75  # mean width of a letter of 3.2 mm height in a wide font
_SWATCH_MM, _INDENT_MM = 5.0, 6.5  # width of a swatch, and of it with the space before its text


def lay_out_footer(
    width_mm: float, first_line_mm: float, texts: Sequence[str], waves: Sequence[Wave]
) -> tuple[tuple[Lettering, ...], tuple[WaveShapes, ...], float]:
    """Lay the footer out; what does not fit into a line begins another one.

    Parameters
    ----------
    width_mm : float
        Of the paper.
    first_line_mm : float
        Height of the first base line.
    texts : sequence of str
    waves : sequence of {"P", "QRS", "T", "pacing spike"}
        What the legend explains.

    Returns
    -------
    lettering : tuple of Lettering
    swatches : tuple of WaveShapes
    last_line_mm : float
    """
    x_mm, y_mm, right_mm = _MARGIN_MM, first_line_mm, width_mm - _MARGIN_MM
    lettering: list[Lettering] = []
    swatches: list[WaveShapes] = []
    # the legend stays together
    legend_mm = sum(_INDENT_MM + len(wave) * _LETTER_MM + _GAP_MM for wave in waves) - _GAP_MM
    for text in texts:
        text_mm = len(text) * _LETTER_MM
        x_mm, y_mm = _place(x_mm, y_mm, text_mm, right_mm)
        lettering.append(Lettering(x_mm, y_mm, text))
        x_mm += text_mm + _GAP_MM
    if waves:
        x_mm, y_mm = _place(x_mm, y_mm, legend_mm, right_mm)
    for wave in waves:
        swatches.append(_swatch(wave, x_mm, y_mm))
        lettering.append(Lettering(x_mm + _INDENT_MM, y_mm, wave))
        x_mm += _INDENT_MM + len(wave) * _LETTER_MM + _GAP_MM
    y_mm = _place(x_mm, y_mm, len(NOTICE) * _LETTER_MM, right_mm)[1]
    lettering.append(Lettering(right_mm, y_mm, NOTICE, anchor="end"))
    return tuple(lettering), tuple(swatches), y_mm


def _place(x_mm: float, y_mm: float, entry_mm: float, right_mm: float) -> tuple[float, float]:
    """Return where an entry begins: here, or on the next line where it would be too long for this one."""
    return (x_mm, y_mm) if x_mm + entry_mm <= right_mm else (_MARGIN_MM, y_mm + _LINE_MM)


def _swatch(wave: Wave, x_mm: float, y_mm: float) -> WaveShapes:
    """Return the marks of a wave as the rows have them, in the size of a letter."""
    top_mm, bottom_mm, middle_mm = y_mm - 3.0, y_mm + 0.8, x_mm + _SWATCH_MM / 2
    if wave == "pacing spike":
        return WaveShapes(wave, (), ((middle_mm, top_mm, bottom_mm),), ((middle_mm, top_mm),))
    right_mm = x_mm + _SWATCH_MM
    ticks = (x_mm, top_mm, bottom_mm), (right_mm, top_mm, bottom_mm)
    return WaveShapes(wave, ((x_mm, right_mm, top_mm, bottom_mm),), ticks, ((middle_mm, y_mm - 1.1),))
