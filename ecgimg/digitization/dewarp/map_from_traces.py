"""Fit the page map to the traces of a page without a grid: their angle, their length, and the paper's outline."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.dewarp.page_map import PageMap
from ecgimg.digitization.dewarp.paper_outline import PaperOutline
from ecgimg.digitization.numerics import Floats, bin_concentration

_TEN_SECONDS_MM = 250.0  # at 25 mm/s, the usual page
_IS_TRACE = 128  # of 255
_FEWEST_POINTS, _MAX_POINTS = 400, 8_000
_N_HEIGHTS = 400  # bins across the rows; half as wide where the angle is refined
_COARSE_RAD = np.deg2rad(np.arange(-90.0, 90.0, 1.0))
_FINE_RAD = np.deg2rad(np.arange(-1.0, 1.05, 0.1))
_PERSPECTIVE_DEGREE = 3  # of the polynomial that a homography is fitted with; the bend takes the rest
_TRACE_PERCENTILES = (0.3, 99.7)  # of the points along the rows: specks beyond the traces are left out


def sample_trace_points(trace: NDArray[np.uint8]) -> Floats | None:
    """Return x and y (n, 2) of at most some thousand pixels of traces, or None where there are few."""
    points = np.argwhere(trace > _IS_TRACE)[:, ::-1].astype(np.float64)
    return points[:: max(len(points) // _MAX_POINTS, 1)] if len(points) >= _FEWEST_POINTS else None


def row_angle_rad(points: Floats) -> float:
    """Return the angle (±90°) at which rows of traces (n, 2) run: across it their ink gathers at the fewest heights."""
    centred = points - points.mean(axis=0)

    def concentration(angle: float, bin_size: float) -> float:
        across = centred @ np.array([-np.sin(angle), np.cos(angle)])
        return bin_concentration(((across - across.min()) / bin_size).astype(np.int64))

    bin_size = float(np.ptp(centred, axis=0).max()) / _N_HEIGHTS
    coarse = max(_COARSE_RAD, key=lambda angle: concentration(angle, bin_size))
    return float(max(coarse + _FINE_RAD, key=lambda angle: concentration(angle, 0.5 * bin_size)))


def fit_map_to_traces(
    trace: NDArray[np.uint8], outline: PaperOutline | None = None, *, along_columns: bool = False
) -> PageMap | None:
    """Fit the page map to the traces alone, or return None where there are few.

    The rows are laid level, and the traces are taken to be 250 mm wide: ten seconds at 25 mm/s. Perspective
    is undone where the paper's outline is known; curl stays.

    Parameters
    ----------
    trace : (height, width) uint8
        Trace probability, 255 for certain.
    outline : PaperOutline, optional
        Of the paper on which the traces lie.
    along_columns : bool
        Whether the lines along which most ink gathers are columns rather than rows: QRS complexes that stand below each
        other may gather more ink than the rows do.
    """
    trace_px = sample_trace_points(trace)
    if trace_px is None:
        return None
    height, width = trace.shape
    blank = PageMap.unfitted((width, height), 1 if outline is None else _PERSPECTIVE_DEGREE)
    nodes_px = np.stack(np.meshgrid(*blank.nodes_px), axis=-1)
    points, nodes = (
        positions - blank.centre_px if outline is None else outline.image_to_page(positions)
        for positions in (trace_px, nodes_px)
    )
    turn, mm_per_unit = _level_turn(points, along_columns)
    nodes_mm = nodes @ turn * mm_per_unit
    smooth = _fit_to_nodes(blank, nodes_mm)
    return smooth if outline is None else replace(smooth, bend_mm=smooth.nodes_mm() - nodes_mm)


def _level_turn(points: Floats, along_columns: bool) -> tuple[Floats, float]:
    """Return the matrix (2, 2) that turns rows of traces (n, 2) level, and the factor that makes them 250 mm wide."""
    angle = row_angle_rad(points) + (np.pi / 2 if along_columns else 0.0)
    along = np.array([np.cos(angle), np.sin(angle)])
    low, high = np.percentile(points @ along, _TRACE_PERCENTILES)
    return np.array([[along[0], -along[1]], [along[1], along[0]]]), _TEN_SECONDS_MM / (high - low)


def _fit_to_nodes(blank: PageMap, nodes_mm: Floats) -> PageMap:
    """Return the map whose polynomial comes nearest to the page positions of all nodes (rows, columns, 2)."""
    exponents = blank.exponents
    u, v = blank.node_powers(int(exponents.max()))
    terms = (u[None, :, exponents[:, 0]] * v[:, None, exponents[:, 1]]).reshape(-1, len(exponents))
    coefficients = np.linalg.lstsq(terms, nodes_mm.reshape(-1, 2), rcond=None)[0]
    return replace(blank, coefficients=np.asarray(coefficients, np.float64))
