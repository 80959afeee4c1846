"""What is on ECG paper at true scale, in millimetres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ecgimg.plotting.marks import WaveShapes

Floats = NDArray[np.float64]

SPEED_MM_S = 25.0
GAIN_MM_MV = 10.0
NOTICE = "Research use only, not a medical device"


@dataclass(frozen=True, eq=False)
class Lettering:
    """Words on the paper.

    Parameters
    ----------
    x_mm, y_mm : float
        A point on their base line: where they begin, are centred, or end, as `anchor` says.
    text : str
    height_mm : float
        Size of the font.
    quiet : bool
        Whether they are said beside the traces, in a paler colour.
    anchor : {"start", "middle", "end"}
    """

    x_mm: float
    y_mm: float
    text: str
    height_mm: float = 3.2
    quiet: bool = False
    anchor: Literal["start", "middle", "end"] = "start"


@dataclass(frozen=True, eq=False)
class PaperPage:
    """What is on the paper.

    Parameters
    ----------
    size_mm : (width, height)
    lines_mm : tuple of (n, 2) float64
        Traces and calibration pulses, x right and y down from the top left of the paper.
    lettering : tuple of Lettering
    waves : tuple of WaveShapes
        Marks behind and on the traces, and those of the legend.
    old_lines_mm : tuple of (n, 2) float64
        Traces of an older ECG, drawn behind the others in a colour of their own.
    """

    size_mm: tuple[float, float]
    lines_mm: tuple[Floats, ...]
    lettering: tuple[Lettering, ...]
    waves: tuple[WaveShapes, ...] = ()
    old_lines_mm: tuple[Floats, ...] = ()
