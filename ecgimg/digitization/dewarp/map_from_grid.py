"""Fit the page map to the grid of a picture, as one smooth map.

The grid has a line every 1 mm and a thicker one every 5 mm. Its local frequency is read off windows of the picture by
Fourier transform (`grid_frequency`). A polynomial map whose gradient agrees with all windows is then brought into phase
with the lines themselves (`grid_phase`). Paper edges are not needed, and perspective and curl need no special case.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.dewarp.align_map_to_grid_phase import fit_grid_phase
from ecgimg.digitization.dewarp.grid_frequency import LARGE_SQUARE_MM, WindowFrequencies, measure_window_frequencies
from ecgimg.digitization.dewarp.grid_signal import Field, measure_grid_signal
from ecgimg.digitization.dewarp.local_bend_fit import fit_bend
from ecgimg.digitization.dewarp.map_from_traces import row_angle_rad, sample_trace_points
from ecgimg.digitization.dewarp.page_map import Exponents, PageMap, powers_of
from ecgimg.digitization.numerics import Floats

_MAX_PX = 2_200_000  # a larger picture is reduced before the grid is sought, as time grows with its pixels
_FEW_WINDOWS = 5  # fewer do not determine a curvature
_MAX_ASPECT = 1.42  # 1 / cos 45°
_FULL_WEIGHT = 30  # windows whose lines stand out more are trusted no more
_ROUNDS = 12
_RIDGE = 1e-3
_TOLERANCE_MEDIANS, _LEAST_TOLERANCE = 2.0, 0.004  # the latter as a share of the usual gradient


def fit_map_to_grid(image: NDArray[np.uint8], ink: NDArray[np.uint8], trace: NDArray[np.uint8]) -> PageMap | None:
    """Fit the page map to the grid of a picture, or return None where no grid is found.

    Parameters
    ----------
    image : (height, width, 3) uint8
        RGB.
    ink : (height, width) uint8
        What is neither grid nor paper (above 127); it is left out.
    trace : (height, width) uint8
        Trace probability, 255 for certain. Traces run along the lines.
    """
    height, width = image.shape[:2]
    factor = min(1.0, float(np.sqrt(_MAX_PX / (height * width))))
    if factor < 1:
        small = (round(width * factor), round(height * factor))
        image, ink = (cv2.resize(plane, small, interpolation=cv2.INTER_AREA) for plane in (image, ink))
    grid_signal = measure_grid_signal(image, ink)
    windows = measure_window_frequencies(grid_signal, ink, _row_angle_rad(trace))
    page_map = _fit_to_windows(grid_signal, windows, trace) if windows is not None else None
    return page_map if page_map is None or factor == 1 else page_map.resized((width, height))


def _row_angle_rad(trace: NDArray[np.uint8]) -> float | None:
    """Return the angle of the rows of traces (height, width), None where there are too few traces to tell it."""
    points = sample_trace_points(trace)
    return None if points is None else row_angle_rad(points)


def _fit_to_windows(grid_signal: Field, windows: WindowFrequencies, trace: NDArray[np.uint8]) -> PageMap | None:
    """Fit a polynomial and a bend to the windows, and bring them into phase; None where that is no grid."""
    height, width = grid_signal.shape
    blank = PageMap.unfitted((width, height), 1 if len(windows.weights) < _FEW_WINDOWS else 2)
    scale = blank.scale_px[0]
    points = (windows.centres_px - np.array(blank.centre_px)) / scale
    gradients = [LARGE_SQUARE_MM * frequencies for frequencies in (windows.across, windows.down)]
    columns = [_fit_gradient(points, gradient * scale, windows.weights, blank.exponents) for gradient in gradients]
    smooth = replace(blank, coefficients=np.stack(columns, axis=1))
    excess = smooth.jacobian(windows.centres_px) - np.stack(gradients, axis=1)
    nodes = blank.bend_mm.shape[0], blank.bend_mm.shape[1]
    bend_mm = np.stack([fit_bend(windows, excess[:, axis], nodes, (width, height)) for axis in (0, 1)], axis=-1)
    page_map = fit_grid_phase(grid_signal, smooth, replace(smooth, bend_mm=bend_mm), windows.common, trace)
    return page_map if page_map is not None and _is_square(page_map) else None


def _is_square(page_map: PageMap) -> bool:
    """Tell whether a millimetre is about as long along x as along y, as on paper seen from less than 45° aside."""
    long, short = np.linalg.svd(page_map.jacobian(page_map.centre_px), compute_uv=False)
    return bool(long < _MAX_ASPECT * short)


def _fit_gradient(points: Floats, gradients: Floats, weights: Floats, exponents: Exponents) -> Floats:
    """Return the coefficients (terms,) of the polynomial with given gradients (n, 2) at `points` (n, 2).

    Windows that miss it by far count little. Terms of higher degree are kept small where few windows determine them.
    """
    by_u, by_v = _term_derivatives(points, exponents)
    system, target = np.concatenate([by_u, by_v])[:, 1:], np.concatenate([gradients[:, 0], gradients[:, 1]])
    trust = np.concatenate([np.sqrt(np.minimum(weights, _FULL_WEIGHT))] * 2)
    typical = float(np.median(np.hypot(*gradients.T)))
    ridge = _RIDGE * typical * np.eye(system.shape[1])[2:] / max(typical, 1e-9)
    factor, solution = trust, np.zeros(system.shape[1])
    for _ in range(_ROUNDS):
        solution = np.linalg.lstsq(
            np.concatenate([system * factor[:, None], ridge]),
            np.concatenate([target * factor, np.zeros(len(ridge))]),
            rcond=None,
        )[0]
        residual = np.maximum(*np.split(np.abs(system @ solution - target), 2))
        tolerance = max(_TOLERANCE_MEDIANS * float(np.median(residual)), _LEAST_TOLERANCE * typical)
        factor = trust / np.concatenate([1 + (residual / tolerance) ** 2] * 2)
    return np.concatenate([[0.0], solution])


def _term_derivatives(points: Floats, exponents: Exponents) -> tuple[Floats, Floats]:
    """Return the derivatives (n, terms) of a polynomial's terms by u and by v at points (n, 2)."""
    u, v = (powers_of(points[..., axis], int(exponents.max())) for axis in (0, 1))
    i, j = exponents[:, 0], exponents[:, 1]
    return (
        i * u[..., np.maximum(i - 1, 0)] * v[..., j],
        j * u[..., i] * v[..., np.maximum(j - 1, 0)],
    )
