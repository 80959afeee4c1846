"""Find the page's millimetres in the picture: from the ruling, as one smooth map.

The grid is a lattice of lines each 1 mm and, thicker, each 5 mm. Its local frequency is read off windows of the
picture by Fourier transform (`grid_frequency`). A smooth polynomial map whose gradient agrees with all windows is then
brought into phase with the lines themselves (`grid_phase`). Paper edges are not needed, and perspective and curl need
no special case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.ndimage import map_coordinates
from scipy.sparse.linalg import spsolve

from ecgimg.digitization.dewarp.grid_frequency import LARGE_SQUARE_MM, WindowFrequencies, measure_window_frequencies
from ecgimg.digitization.dewarp.grid_phase import fit_grid_phase
from ecgimg.digitization.dewarp.page_map import NODE_SPACING_PX, PageMap, exponents_up_to, powers_of
from ecgimg.digitization.dewarp.paper_outline import PaperOutline

__all__ = ["PageMap", "fit_map_to_grid", "fit_map_to_traces", "grid_signal"]

Floats = NDArray[np.float64]
Field = NDArray[np.float32]

_TEN_SECONDS_MM = 250.0
_MAX_PX = 2_200_000
_FEW_POINTS, _MAX_POINTS = 400, 8_000
_HEIGHTS = 400
_STEP_PX, _STEP_LEVELS = 31, 60.0
_MAX_ASPECT = 1.42
_FOLD_PX, _REACH_PX, _STIFFNESS = 80.0, 60.0, 0.3
_SHEET_DEGREE = 3


def fit_map_to_grid(image: NDArray[np.uint8], ink: NDArray[np.uint8], trace: NDArray[np.uint8]) -> PageMap | None:
    """Fit the map to the ruling of a picture, or return None where no ruling is to be found.

    Parameters
    ----------
    image : (height, width, 3) uint8
    ink, trace : (height, width) uint8
        Where trace, lettering and pulses are (above 127), left out of the ruling; and where traces are, which run along
        its lines.
    """
    height, width = image.shape[:2]
    factor = min(1.0, float(np.sqrt(_MAX_PX / (height * width))))
    if factor < 1:
        small = (round(width * factor), round(height * factor))
        image, ink = (cv2.resize(plane, small, interpolation=cv2.INTER_AREA) for plane in (image, ink))
    ruling = grid_signal(image, ink)
    windows = measure_window_frequencies(ruling, ink, row_angle_rad(sample_trace_points(trace)))
    found = _fit(ruling, windows, trace) if windows is not None else None
    return found if found is None or factor == 1 else found.resized((width, height))


def sample_trace_points(trace: NDArray[np.uint8]) -> Floats | None:
    """Return x and y (n, 2) of at most some thousand pixels of traces, or None where there are few."""
    points = np.argwhere(trace > 128)[:, ::-1].astype(np.float64)
    return points[:: max(len(points) // _MAX_POINTS, 1)] if len(points) >= _FEW_POINTS else None


def row_angle_rad(points_px: Floats | None) -> float | None:
    """Return the angle (rad, ±90°) at which rows of traces run: across it their ink gathers at fewest heights."""
    if points_px is None:
        return None
    centred = points_px - points_px.mean(axis=0)

    def gathered(angle: float, bin_px: float) -> float:
        across = centred @ np.array([-np.sin(angle), np.cos(angle)])
        return float((np.bincount(((across - across.min()) / bin_px).astype(np.int64)) ** 2.0).sum())

    coarse_px = float(np.ptp(centred, axis=0).max()) / _HEIGHTS
    best = max(np.deg2rad(np.arange(-90.0, 90.0, 1.0)), key=lambda angle: gathered(angle, coarse_px))
    return float(max(best + np.deg2rad(np.arange(-1.0, 1.05, 0.1)), key=lambda angle: gathered(angle, 0.5 * coarse_px)))


def fit_map_to_traces(
    trace: NDArray[np.uint8], sheet: PaperOutline | None = None, *, upwards: bool = False
) -> PageMap | None:
    """Make a map of a page without ruling from its traces alone, or return None where there are none.

    The rows are laid level, and a millimetre is what makes the traces 250 mm wide, ten seconds at 25 mm/s. Perspective
    is undone where the sheet is known; curl stays.

    Parameters
    ----------
    trace : (height, width) uint8
        Trace probability, 255 for certain.
    sheet : PaperOutline, optional
        On which the traces lie.
    upwards : bool
        Whether the rows run at right angles to the lines along which most ink gathers: complexes one below the other
        may outdo the rows.
    """
    height, width = trace.shape
    seen_px, centre, scale = sample_trace_points(trace), ((width - 1) / 2, (height - 1) / 2), max(width, height) / 2
    if seen_px is None:
        return None
    cells = (max(height // NODE_SPACING_PX, 2), max(width // NODE_SPACING_PX, 2))
    powers = exponents_up_to(1 if sheet is None else _SHEET_DEGREE)
    flat = PageMap(
        powers, np.zeros((len(powers), 2)), centre, (scale, scale), (width, height), np.zeros((*cells, 2)), 0.0
    )
    nodes_px = np.stack(np.meshgrid(*flat.nodes_px), axis=-1)
    points, nodes = (
        places - centre if sheet is None else sheet.image_to_page(places) for places in (seen_px, nodes_px)
    )
    angle = row_angle_rad(points)
    if angle is None:
        return None
    angle += np.pi / 2 if upwards else 0.0
    along = np.array([np.cos(angle), np.sin(angle)])
    low, high = np.percentile(points @ along, (0.3, 99.7))
    nodes_mm = nodes @ np.array([[along[0], -along[1]], [along[1], along[0]]]) * (_TEN_SECONDS_MM / (high - low))
    u, v = flat.normalized_nodes(int(powers.max()))
    terms = (u[None, :, powers[:, 0]] * v[:, None, powers[:, 1]]).reshape(-1, len(powers))
    smooth = replace(flat, coefficients=np.linalg.lstsq(terms, nodes_mm.reshape(-1, 2), rcond=None)[0])
    return smooth if sheet is None else replace(smooth, bend_mm=smooth.nodes_mm() - nodes_mm)


def grid_signal(image: NDArray[np.uint8], ink: NDArray[np.uint8]) -> Field:
    """Return how much darker than its surroundings each pixel is, without the ink, scaled to a local sd near 1."""
    red, green, blue = cv2.split(image)
    dark = np.float32(255) - cv2.min(cv2.min(red, green), blue)
    covered = cv2.dilate((ink > 127).astype(np.uint8), np.ones((5, 5), np.uint8)) | _steps(dark)
    seen = (1 - covered).astype(np.float32)
    reach = (61, 61)
    weight = cv2.blur(seen, reach) + 1e-3
    mean = cv2.blur(dark * seen, reach) / weight
    signal = (dark - mean) * seen
    power = cv2.blur(signal**2, (121, 121)) / (cv2.blur(seen, (121, 121)) + 1e-3)
    spread = np.sqrt(np.maximum(power, 0)) + 1.5
    return np.asarray(np.clip(signal / spread, -3, 3), np.float32)


def _steps(dark: Field) -> NDArray[np.uint8]:
    """Return 1 where brightness changes for good: the paper's edge on the desk, a shadow's, a glare's."""
    level = cv2.blur(dark, (_STEP_PX, _STEP_PX))
    half = _STEP_PX // 2 + 1
    step = np.zeros(dark.shape, np.uint8)
    step[:, half:-half] = cv2.absdiff(level[:, : -2 * half], level[:, 2 * half :]) > _STEP_LEVELS
    step[half:-half] |= cv2.absdiff(level[: -2 * half], level[2 * half :]) > _STEP_LEVELS
    return np.asarray(cv2.dilate(step, np.ones((9, 9), np.uint8)), np.uint8)


def _fit(ruling: Field, windows: WindowFrequencies, trace: NDArray[np.uint8]) -> PageMap | None:
    height, width = ruling.shape
    centre = ((width - 1) / 2, (height - 1) / 2)
    scale = max(width, height) / 2
    degree = 1 if len(windows.weights) < 5 else 2
    powers = exponents_up_to(degree)
    points = (windows.centres - np.array(centre)) / scale
    slopes = [LARGE_SQUARE_MM * frequencies for frequencies in (windows.across, windows.down)]
    columns = [_fit_gradient(points, each * scale, windows.weights, powers) for each in slopes]
    flat = np.zeros((max(height // NODE_SPACING_PX, 2), max(width // NODE_SPACING_PX, 2), 2))
    smooth = PageMap(powers, np.stack(columns, axis=1), centre, (scale, scale), (width, height), flat, 0.0)
    missed = smooth.jacobian(windows.centres) - np.stack(slopes, axis=1)
    bend_mm = np.stack([_bend(windows, missed[:, axis], flat.shape[:2], (width, height)) for axis in (0, 1)], axis=-1)
    found = fit_grid_phase(ruling, smooth, replace(smooth, bend_mm=bend_mm), windows.lattice, trace)
    return found if found is not None and _is_square(found) else None


def _is_square(found: PageMap) -> bool:
    """Tell whether a millimetre is about as long along x as along y, as on paper seen from less than 45° aside."""
    long, short = np.linalg.svd(found.jacobian(found.centre_px), compute_uv=False)
    return bool(long < _MAX_ASPECT * short)


def _bend(windows: WindowFrequencies, slopes: Floats, shape: tuple[int, int], size_px: tuple[int, int]) -> Floats:
    """Return a surface (rows, columns) in mm whose slopes at the windows are the given ones (n, 2) mm/px: folds, curls.

    Solved on coarse nodes, as smooth as the windows let it be, those that contradict their neighbours left out.
    """
    rows, columns = (max(round(length / _FOLD_PX), 2) + 1 for length in (size_px[1], size_px[0]))
    step = np.array([size_px[0] / (columns - 1), size_px[1] / (rows - 1)])
    differences = []
    for axis in (0, 1):
        reach = np.zeros(2)
        reach[axis] = _REACH_PX
        sides = [_bilinear((windows.centres + way * reach) / step, (rows, columns)) for way in (1, -1)]
        differences.append((sides[0] - sides[1]) / (2 * _REACH_PX))
    system, target = sparse.vstack(differences), np.concatenate([slopes[:, 0], slopes[:, 1]])
    rest = _STIFFNESS / _FOLD_PX * sparse.vstack([
        sparse.kron(_repeated((1.0, -2.0, 1.0), rows), sparse.eye_array(columns)),
        sparse.kron(sparse.eye_array(rows), _repeated((1.0, -2.0, 1.0), columns)),
        sparse.kron(_repeated((-1.0, 1.0), rows), _repeated((-1.0, 1.0), columns)),
    ])  # fmt: skip
    stiffness = rest.T @ rest + 1e-12 * sparse.eye_array(rows * columns)
    trust = np.concatenate([np.minimum(windows.weights, 30) / 30] * 2)
    factors = trust
    surface = np.zeros(rows * columns)
    for _ in range(6):
        pull = system.T.multiply(factors)
        surface = spsolve((pull @ system + stiffness).tocsc(), pull @ target)
        miss = np.maximum(*np.split(np.abs(system @ surface - target), 2))
        factors = trust / np.concatenate([1 + (miss / max(3 * float(np.median(miss)), 1e-6)) ** 2] * 2) ** 2
    x, y = ((np.arange(n) + 0.5) / n * (m - 1) for n, m in ((shape[1], columns), (shape[0], rows)))
    across, down = np.meshgrid(x, y)
    return np.asarray(map_coordinates(surface.reshape(rows, columns), [down, across], order=3, mode="nearest"))


def _repeated(stencil: Sequence[float], length: int) -> sparse.csr_array:
    """Return the matrix that applies a stencil along a vector, wherever it fits in."""
    return sparse.diags_array(stencil, offsets=range(len(stencil)), shape=(length - len(stencil) + 1, length)).tocsr()


def _bilinear(places: Floats, shape: tuple[int, int]) -> sparse.csr_array:
    """Return the weights (n, rows x columns) by which nodes enter the values at places (n, 2): x, y in nodes."""
    rows, columns = shape
    x, y = np.clip(places[:, 0], 0, columns - 1), np.clip(places[:, 1], 0, rows - 1)
    left, top = np.minimum(x.astype(int), columns - 2), np.minimum(y.astype(int), rows - 2)
    sides = [(right, below) for right in (0, 1) for below in (0, 1)]
    parts = [np.abs(1 - right - (x - left)) * np.abs(1 - below - (y - top)) for right, below in sides]
    nodes = [(top + below) * columns + left + right for right, below in sides]
    at = np.tile(np.arange(len(places)), len(sides))
    weights = np.concatenate(parts), (at, np.concatenate(nodes))
    return sparse.csr_array(weights, shape=(len(places), rows * columns))


def _fit_gradient(points: Floats, slopes: Floats, weights: Floats, powers: NDArray[np.int64]) -> Floats:
    """Fit the polynomial whose gradient at `points` (n, 2) is `slopes` (n, 2), outlying windows left out."""
    by_u, by_v = _gradients(points, powers)
    system, target = np.concatenate([by_u, by_v])[:, 1:], np.concatenate([slopes[:, 0], slopes[:, 1]])
    trust = np.concatenate([np.sqrt(np.minimum(weights, 30))] * 2)
    solution = np.zeros(system.shape[1])
    typical = float(np.median(np.hypot(*slopes.T)))
    factor = trust
    for _ in range(12):
        ridge = 1e-3 * typical * np.eye(system.shape[1])[2:]
        solution = np.linalg.lstsq(
            np.concatenate([system * factor[:, None], ridge / max(typical, 1e-9)]),
            np.concatenate([target * factor, np.zeros(len(ridge))]),
            rcond=None,
        )[0]
        miss = np.abs(system @ solution - target)
        miss = np.maximum(*np.split(miss, 2))
        tolerance = max(2.0 * float(np.median(miss)), 0.004 * typical)
        factor = trust / np.concatenate([1 + (miss / tolerance) ** 2] * 2)
    return np.concatenate([[0.0], solution])


def _gradients(points: Floats, powers: NDArray[np.int64]) -> tuple[Floats, Floats]:
    u, v = (powers_of(points[..., axis], int(powers.max())) for axis in (0, 1))
    i, j = powers[:, 0], powers[:, 1]
    return (
        i * u[..., np.maximum(i - 1, 0)] * v[..., j],
        j * u[..., i] * v[..., np.maximum(j - 1, 0)],
    )
