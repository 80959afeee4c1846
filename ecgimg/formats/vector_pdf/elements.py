"""What a vector page is made of: paths and words as they are drawn, and the parts of an ECG that they form.

Coordinates are millimetres of the page as it is shown: x right, y down, from its top-left corner.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class VectorPath:
    """One unbroken line or outline.

    Parameters
    ----------
    points_mm : (n, 2) float64
        x, y on the page; Bézier curves are flattened, a closed outline ends where it starts.
    colour : (red, green, blue)
        0 to 255; of the stroke, or of the filling where there is no stroke.
    width_mm : float
        Of the stroke; 0 is the thinnest line there is.
    filled : bool
        Whether its inside is painted.
    """

    points_mm: Floats
    colour: tuple[int, int, int]
    width_mm: float
    filled: bool

    @property
    def box_mm(self) -> Box:
        """(left, top, right, bottom) of its points."""
        (left, top), (right, bottom) = self.points_mm.min(axis=0).tolist(), self.points_mm.max(axis=0).tolist()
        return left, top, right, bottom


@dataclass(frozen=True)
class VectorText:
    """A printed word and its (left, top, right, bottom) in page mm."""

    text: str
    box_mm: Box


@dataclass(frozen=True)
class VectorPage:
    """All that a page draws and writes.

    Parameters
    ----------
    size_mm : (width, height)
    paths : tuple of VectorPath
        In the order in which they are drawn.
    texts : tuple of VectorText
        Its words.
    """

    size_mm: tuple[float, float]
    paths: tuple[VectorPath, ...]
    texts: tuple[VectorText, ...]


@dataclass(frozen=True)
class VectorPulse:
    """A calibration pulse: its upright sides' x, and the y of its base and its top, in page mm."""

    left_mm: float
    right_mm: float
    base_mm: float
    top_mm: float

    @property
    def height_mm(self) -> float:
        """How high it is printed: one millivolt, as a rule."""
        return self.base_mm - self.top_mm


@dataclass(frozen=True)
class VectorEcg:
    """A vector page sorted into what an ECG page is made of.

    Parameters
    ----------
    traces : tuple of VectorPath
        One a continuous stroke, x increasing, in reading order: rows from top to bottom, each from left to right. A
        stroke may span one lead or a whole row of leads. Pulses at the ends are cut off.
    pulses : tuple of VectorPulse
        From left to right in rows as the traces.
    grid : tuple of VectorPath
        The lines that gave `grid_x_mm` and `grid_y_mm`.
    grid_x_mm, grid_y_mm : (float, float) or None
        Page mm a small and a large square across and down the page; a large square is 5 mm of ECG paper whatever its
        printed size. None where no such lines were found.
    labels : tuple of VectorText
        Lead names as `ecgimg.leads.KNOWN_LEADS` spells them, with ``-`` before a lead that is drawn upside down.
    speed_mm_s, gain_mm_mv : float or None
        As printed; None where nothing is, or where two numbers contradict each other.
    chest_gain_mm_mv : float or None
        The gain of V1 to V6: what is printed for them, else `gain_mm_mv`.
    other : tuple of VectorPath
        What is none of these: frames, separators, logos.
    """

    traces: tuple[VectorPath, ...]
    pulses: tuple[VectorPulse, ...]
    grid: tuple[VectorPath, ...]
    grid_x_mm: tuple[float, float] | None
    grid_y_mm: tuple[float, float] | None
    labels: tuple[VectorText, ...]
    speed_mm_s: float | None
    gain_mm_mv: float | None
    chest_gain_mm_mv: float | None
    other: tuple[VectorPath, ...]

    @property
    def grid_mm(self) -> tuple[float, float] | None:
        """Page mm a small and a large square, the mean of both directions."""
        known = [pair for pair in (self.grid_x_mm, self.grid_y_mm) if pair]
        if not known:
            return None
        return sum(pair[0] for pair in known) / len(known), sum(pair[1] for pair in known) / len(known)
