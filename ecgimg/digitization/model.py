"""The types that the stages of the digitizer pass to each other, in the order in which they arise.

Coordinates are pixels, x right and y down, with the centre of the top left pixel at (0, 0): of the picture given, or of
the flat page (`FlatPage`), which each type says. Page millimetres are those of `PageMap`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecgimg.digitization.dewarp.page_map import PageMap
from ecgimg.digitization.numerics import Floats
from ecgimg.reasons import Reason
from layouts import Layout

_STEP_PX = 0.25  # a trace has a point this often along x, so its ends are known to that


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Probability of each kind of ink at every pixel, (height, width) uint8 with 255 for certain."""

    trace: NDArray[np.uint8]
    label: NDArray[np.uint8]
    pulse: NDArray[np.uint8]
    other: NDArray[np.uint8]

    @cached_property
    def ink(self) -> NDArray[np.uint8]:
        """Whatever is neither grid nor paper."""
        return np.asarray(cv2.max(cv2.max(self.trace, self.label), cv2.max(self.pulse, self.other)))


@dataclass(frozen=True, eq=False)
class FlatPage:
    """The page laid flat.

    Parameters
    ----------
    darkness : (height, width) float32
        How much darker than the paper around, 0 up to 255.
    segmentation : Segmentation
        Of the flat page.
    px_per_mm : float
        The same along x and y.
    origin_mm : (x, y)
        Of the centre of the first pixel, in the coordinates of `page_map`.
    page_map : PageMap
        From the original picture to millimetres.
    """

    darkness: NDArray[np.float32]
    segmentation: Segmentation
    image: NDArray[np.uint8]
    px_per_mm: float
    origin_mm: tuple[float, float]
    page_map: PageMap

    def flat_to_image(self, points_px: ArrayLike) -> Floats:
        """Map pixels of the flat page (…, 2) to pixels of the original picture."""
        mm = np.asarray(points_px, np.float64) / self.px_per_mm + np.asarray(self.origin_mm)
        return self.page_map.page_to_image(mm)

    def turned(self, quarters: int) -> FlatPage:
        """Return the page turned clockwise by quarters."""
        if quarters % 4 == 0:
            return self

        def turn(plane: Any) -> Any:
            return np.ascontiguousarray(np.rot90(plane, -1))

        x, y = self.origin_mm
        planes = self.segmentation
        once = FlatPage(
            turn(self.darkness),
            Segmentation(turn(planes.trace), turn(planes.label), turn(planes.pulse), turn(planes.other)),
            turn(self.image), self.px_per_mm, (-(y + (self.darkness.shape[0] - 1) / self.px_per_mm), x),
            self.page_map.turned(1),
        )  # fmt: skip
        return once.turned(quarters - 1)

    def grid_lines_px(self) -> tuple[Floats, ...]:
        """Return the 5 mm lines that the map stands for, as polylines in pixels of the original picture."""
        height, width = self.darkness.shape
        low = np.asarray(self.origin_mm)
        high = low + np.array([width, height]) / self.px_per_mm
        lines = []
        for axis in (0, 1):
            along = np.linspace(low[1 - axis], high[1 - axis], 40)
            places = np.arange(np.ceil(low[axis] / 5) * 5, high[axis], 5)
            points = np.zeros((len(places), 40, 2))
            points[..., axis], points[..., 1 - axis] = places[:, None], along
            lines += list(self.page_map.page_to_image(points))
        return tuple(lines)


@dataclass(frozen=True, eq=False)
class RowTrace:
    """The trace of one row.

    Parameters
    ----------
    baseline_px : float
        Height at which the row lies.
    points_px : (n, 2) float64
        The trace from left to right in pixels of the flat page.
    certainty : (n,) float64
        Mean trace probability of the ink at each point, 0-1.
    error_px : (n,) float64
        The error to be expected of each height.
    is_tall : (n,) bool
        Where the ink of the column is taller than one stroke makes it: an apex, or a separator.
    is_bar : (n,) bool
        Where that ink stands out both above and below the ink beside it, as a separator does.
    column_starts_px : tuple of float
        Where separate strokes start, if the row is known to be drawn as one stroke a column.
    stroke_index : (n,) int64
        The stroke that each point is of; strokes may overlap a little along x.
    ink_ends_px : (left, right)
        Where the trace starts and ends as its ink tells, NaN if not known.
    shift_px : float
        By how much the row's columns start later than those of the page.
    cap_px : float
        How far the ink of a round stroke goes on beyond the end of its centre line.
    """

    baseline_px: float
    points_px: Floats
    certainty: Floats
    error_px: Floats
    is_tall: NDArray[np.bool_]
    is_bar: NDArray[np.bool_]
    column_starts_px: tuple[float, ...] = ()
    stroke_index: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    ink_ends_px: tuple[float, float] = (np.nan, np.nan)
    cap_px: float = 0.0
    shift_px: float = 0.0

    @property
    def ends_on_ink(self) -> tuple[bool, bool]:
        """Whether the trace starts and ends where its ink does, and was not cut short."""
        left, right = self.ink_ends_px[0] + self.cap_px, self.ink_ends_px[1] - self.cap_px
        first, last = float(self.points_px[0, 0]), float(self.points_px[-1, 0])
        return abs(first - left) < _STEP_PX, abs(last - right) < _STEP_PX

    @property
    def left_px(self) -> float:
        """Where the trace starts, to a fraction of a pixel, if its caps are usual ones."""
        on_ink = self.ends_on_ink[0]
        return self.ink_ends_px[0] + self.cap_px if on_ink else float(self.points_px[0, 0]) - _STEP_PX / 2

    @property
    def right_px(self) -> float:
        """Where the trace ends, to a fraction of a pixel, if its caps are usual ones."""
        on_ink = self.ends_on_ink[1]
        return self.ink_ends_px[1] - self.cap_px if on_ink else float(self.points_px[-1, 0]) + _STEP_PX / 2

    def select(self, kept: NDArray[np.bool_]) -> RowTrace:
        """Return the row with only those points."""
        return replace(
            self, points_px=self.points_px[kept], certainty=self.certainty[kept], error_px=self.error_px[kept],
            is_tall=self.is_tall[kept], is_bar=self.is_bar[kept],
            stroke_index=self.stroke_index[kept] if len(self.stroke_index) else self.stroke_index,
        )  # fmt: skip


@dataclass(frozen=True)
class Pulse:
    """A calibration pulse.

    Parameters
    ----------
    row : int
        Index of its row.
    left_px, right_px : float
        Where its steep sides stand.
    height_mm : float
        From its base to its top, in mm of the flat page.
    base_px : float
        Height of its base, where the trace stands at 0 mV.
    extent_px : (left, right)
        Ends of its ink, the flat parts of its base included.
    is_whole : bool
        False where a side was not seen, so that it may be wider.
    """

    row: int
    left_px: float
    right_px: float
    height_mm: float
    base_px: float
    extent_px: tuple[float, float]
    is_whole: bool = True


@dataclass(frozen=True)
class LeadLabel:
    """A lead label found on the page.

    Parameters
    ----------
    x_px, y_px : float
        Its middle in pixels of the flat page.
    left_px : float
        Its left edge.
    lead : str
        What it reads, empty where that is no lead.
    confidence : float
        How sure the reading is, 0-1.
    """

    x_px: float
    y_px: float
    left_px: float
    lead: str = ""
    confidence: float = 0.0


@dataclass(frozen=True)
class Scale:
    """The scale of a flat page.

    Parameters
    ----------
    px_per_mm : float
    speed_mm_s : float
        Paper speed.
    gain_mm_mv, chest_gain_mm_mv : float
        Of the limb leads, and of V1 to V9.
    zero_px : tuple of float
        Height of 0 mV of each row, empty before it is found.
    """

    px_per_mm: float
    speed_mm_s: float
    gain_mm_mv: float
    chest_gain_mm_mv: float
    zero_px: tuple[float, ...]

    @property
    def px_per_s(self) -> float:
        """Return the length of a second."""
        return self.speed_mm_s * self.px_per_mm

    def px_per_mv(self, lead: str) -> float:
        """Return the height of a millivolt of a lead."""
        return self.px_per_mm * (self.chest_gain_mm_mv if lead.startswith("V") else self.gain_mm_mv)


@dataclass(frozen=True)
class ScaleReading:
    """The scale as one source tells it: a person, the print on the page, or the text of a PDF.

    Parameters
    ----------
    speed_mm_s, gain_mm_mv, chest_gain_mm_mv : float or None
        None where the source does not tell it, or contradicts itself. The chest gain is that of all leads where
        no other is printed.
    source : {"given", "print", "text"}
    confidence : float
        Of the least sure character in what was read, 0-1; 0 where nothing was read.
    limb_only : bool
        Whether the gain is that of the limb leads only, and that of the chest leads could not be read.
    """

    speed_mm_s: float | None = None
    gain_mm_mv: float | None = None
    chest_gain_mm_mv: float | None = None
    source: str = "print"
    confidence: float = 0.0
    limb_only: bool = False


@dataclass(frozen=True)
class ResolvedScale:
    """The scale that all sources give together, the source of each number, and the warnings about it."""

    scale: Scale
    sources: dict[str, str]
    warnings: tuple[Reason, ...]

    def stretched(self, by: float) -> ResolvedScale:
        """Return the scale of a page without ruling on which as much time takes `by` times as many px."""
        scale = self.scale
        height = by if self.sources["gain"] == "pulse" else 1.0  # a pulse's height was measured in px
        stretched = replace(
            scale,
            px_per_mm=scale.px_per_mm * by,
            gain_mm_mv=scale.gain_mm_mv / height,
            chest_gain_mm_mv=scale.chest_gain_mm_mv / (height if scale.chest_gain_mm_mv == scale.gain_mm_mv else 1.0),
        )
        return replace(self, scale=stretched)


@dataclass(frozen=True, eq=False)
class Interpretation:
    """A layout laid on the rows: what the page is taken to show.

    Parameters
    ----------
    layout : Layout
        With the seconds per column that are printed.
    start_px : float
        Where the first column starts.
    score, margin : float
        Of this layout, and by how much it beats the best one that has another lead somewhere.
    limb_agreement_db : float or None
        How well simultaneous limb leads obey Einthoven's and Goldberger's laws; None when fewer than three are printed
        at one time.
    labels_read : float
        Share of the cells whose lead label was read and agrees, 0-1.
    has_usual_width : bool
        Whether the columns are as wide as printers print them.
    strip_labels_read : bool
        Whether the labels of all rhythm strips were read and agree.
    is_contradicted : bool
        Whether most of the labels that were read stand where this layout has other leads, or none.
    is_cut : bool
        Whether the layout lacks its first or last row, which the picture does not show.
    measured_column_s : float or None
        Seconds a column by the page, where the layout keeps its own, which differ.
    """

    layout: Layout
    start_px: float
    score: float
    margin: float
    limb_agreement_db: float | None
    labels_read: float
    has_usual_width: bool
    strip_labels_read: bool = True
    is_contradicted: bool = False
    is_cut: bool = False
    measured_column_s: float | None = None

    def borders_px(self, rows: Sequence[RowTrace], scale: Scale) -> list[float]:
        """Return where every column but the first starts."""
        columns = self.layout.columns
        spacing = self.layout.seconds_per_column * scale.px_per_s
        measured = next((row.column_starts_px for row in rows if len(row.column_starts_px) == columns), None)
        starts = measured or [self.start_px + column * spacing for column in range(columns)]
        return list(starts[1:])


@dataclass(frozen=True, eq=False)
class PageView:
    """One way to see the picture as a flat, upright page, with what is printed on it.

    Parameters
    ----------
    page : FlatPage
    labels : tuple of LeadLabel
    printed_scale : ScaleReading
    has_grid : bool
        Whether the page map follows the printed grid.
    rows : tuple of RowTrace or None
        Its traces where they were traced already.
    """

    page: FlatPage
    labels: tuple[LeadLabel, ...]
    printed_scale: ScaleReading
    has_grid: bool
    rows: tuple[RowTrace, ...] | None = None


@dataclass(frozen=True, eq=False)
class ImageGeometry:
    """How the rows lie in the picture given, for drawing them there.

    Parameters
    ----------
    to_image : callable
        Maps (…, 2) of the rows' coordinates to pixels of the picture.
    px_per_mm : float
        Of the picture.
    grid_px : tuple of (n, 2) float64
        Lines of the 5 mm grid in the picture.
    """

    to_image: Callable[[Floats], Floats]
    px_per_mm: float
    grid_px: tuple[Floats, ...]

    def rotation_deg(self, rows: Sequence[RowTrace]) -> int:
        """Return the clockwise turn, in quarters, that lays the rows along x in the picture."""
        along = sum(np.diff(self.to_image(row.points_px[[0, -1]]), axis=0)[0] for row in rows)
        return -90 * round(float(np.arctan2(along[1], along[0])) / (np.pi / 2)) % 360
