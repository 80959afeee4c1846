"""Find the page's millimetres in the picture: from the ruling, as one smooth map.

The ruling is a lattice of lines each 1 mm and, thicker, each 5 mm. Its local frequency (two vectors, one along each
family of lines) is read off windows of the picture by Fourier transform; a smooth polynomial map whose gradient agrees
with all windows is then brought into phase with the lines themselves by demodulation, coarse lines first, fine lines
last. Paper edges are not needed, and perspective and curl need no special case.

Page coordinates here are mm with the origin at the picture's centre; the pipeline moves it to the top left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter, map_coordinates, spline_filter
from skimage.restoration import unwrap_phase

Floats = NDArray[np.float64]
Field = NDArray[np.float32]

LARGE_MM = 5.0
_MAX_PX = 2_200_000
_CELL_PX = 16
_FEW_POINTS = 400
TEN_SECONDS_MM = 250.0
_STEP_PX, _STEP_LEVELS = 31, 60.0
_WEAK = 0.2
_MIN_NODES = 20
_MIN_CONFIDENCE = 0.4
_NEARLY = 0.93
_WINDOW_PX = 352
_MIN_LARGE_PX, _MAX_LARGE_PX = 11.0, 130.0


@dataclass(frozen=True, eq=False)
class Rectification:
    """Image pixels to page millimetres and back.

    Parameters
    ----------
    powers : (terms, 2) int
        Exponents of the polynomial in the normalized image coordinates.
    coefficients : (terms, 2) float64
        Of x and of y, in mm.
    centre_px, scale_px : the normalization: ``(pixel − centre) / scale``
    size_px : (width, height) of the picture
    bend_mm : (rows, columns, 2) float64
        What is taken off the polynomial, on nodes spread evenly over the picture, half a step from its edges: folds and
        waves that no polynomial follows.
    confidence : float
        How much of the ruling's ink agrees in phase with the map, 0-1; 0 when no ruling was found.
    """

    powers: NDArray[np.int64]
    coefficients: Floats
    centre_px: tuple[float, float]
    scale_px: tuple[float, float]
    size_px: tuple[int, int]
    bend_mm: Floats
    confidence: float

    def image_to_page(self, points_px: ArrayLike) -> Floats:
        """Map pixels (…, 2) to mm (…, 2)."""
        smooth = _polynomial(self._normalized(points_px), self.powers) @ self.coefficients
        return np.asarray(smooth - self._bend_at(np.asarray(points_px, np.float64)))

    def jacobian(self, points_px: ArrayLike) -> Floats:
        """Return d(mm)/d(px) of the polynomial at pixels (…, 2), as (…, 2, 2): row of the page, column of the image."""
        by_u, by_v = _gradients(self._normalized(points_px), self.powers)
        slopes = np.stack([by_u @ self.coefficients, by_v @ self.coefficients], axis=-1)
        return np.asarray(slopes / np.asarray(self.scale_px))

    def page_to_image(self, points_mm: ArrayLike) -> Floats:
        """Map mm (…, 2) to pixels (…, 2) by Newton's method."""
        target = np.asarray(points_mm, np.float64)
        pixel = np.broadcast_to(np.asarray(self.centre_px), target.shape).copy()
        inverse = np.linalg.inv(self.jacobian(np.asarray(self.centre_px)))
        pixel = pixel + (target - self.image_to_page(np.asarray(self.centre_px))) @ inverse.T
        limit = 0.6 * max(self.size_px)
        for iteration in range(16):
            if iteration < 3:  # near enough then: the same slopes serve to the end
                slopes = np.linalg.inv(self._regular_jacobian(pixel))
            miss = target - self.image_to_page(pixel)
            step = (slopes @ miss[..., None])[..., 0]
            pixel = pixel + np.clip(step, -limit, limit)
            if np.abs(step).max(initial=0) < 1e-3:
                break
        return pixel

    @cached_property
    def px_per_mm(self) -> float:
        """Pixels a millimetre in the middle of the picture."""
        return float(1 / np.sqrt(abs(np.linalg.det(self.jacobian(np.asarray(self.centre_px))))))

    def turned(self, quarters: int) -> Rectification:
        """Return the same map with the page turned clockwise by quarters."""
        coefficients, bend_mm = self.coefficients, self.bend_mm
        for _ in range(quarters % 4):
            coefficients = np.stack([-coefficients[:, 1], coefficients[:, 0]], axis=1)
            bend_mm = np.stack([-bend_mm[..., 1], bend_mm[..., 0]], axis=-1)
        return replace(self, coefficients=coefficients, bend_mm=bend_mm)

    def enlarged(self, size_px: tuple[int, int]) -> Rectification:
        """Return the map of the same picture at another size (width, height)."""
        factor = np.array(size_px) / np.array(self.size_px)
        centre = (np.array(self.centre_px) + 0.5) * factor - 0.5
        scale = np.array(self.scale_px) * factor
        return replace(
            self, centre_px=(float(centre[0]), float(centre[1])), scale_px=(float(scale[0]), float(scale[1])),
            size_px=size_px,
        )  # fmt: skip

    def _normalized(self, points_px: ArrayLike) -> Floats:
        shifted = np.asarray(points_px, np.float64) - np.asarray(self.centre_px)
        return np.asarray(shifted / np.asarray(self.scale_px))

    def _bend_at(self, points_px: Floats) -> Floats:
        rows, columns = self.bend_mm.shape[:2]
        if not self.bend_mm.any():
            return np.zeros(points_px.shape)
        x = ((points_px[..., 0] + 0.5) * columns / self.size_px[0] - 0.5).ravel()
        y = ((points_px[..., 1] + 0.5) * rows / self.size_px[1] - 0.5).ravel()
        planes = [map_coordinates(plane, [y, x], order=3, mode="nearest", prefilter=False) for plane in self._splines]
        return np.stack(planes, axis=-1).reshape(points_px.shape)

    @cached_property
    def _splines(self) -> tuple[Floats, Floats]:
        x, y = (spline_filter(self.bend_mm[..., axis], order=3, mode="nearest") for axis in (0, 1))
        return x, y

    def _regular_jacobian(self, pixel: Floats) -> Floats:
        jacobian = self.jacobian(pixel)
        degenerate = np.abs(np.linalg.det(jacobian)) < 1e-7
        jacobian[degenerate] = self.jacobian(np.asarray(self.centre_px))
        return np.asarray(jacobian)


def rectify(image: NDArray[np.uint8], ink: NDArray[np.uint8]) -> Rectification | None:
    """Fit the map to the ruling of a picture, or return None where no ruling is to be found.

    Parameters
    ----------
    image : (height, width, 3) uint8
    ink : (height, width) uint8
        Where trace, lettering and pulses are (above 127); left out of the ruling.
    """
    height, width = image.shape[:2]
    factor = min(1.0, float(np.sqrt(_MAX_PX / (height * width))))
    if factor < 1:
        small = (round(width * factor), round(height * factor))
        image, ink = (cv2.resize(plane, small, interpolation=cv2.INTER_AREA) for plane in (image, ink))
    ruling = ruling_signal(image, ink)
    windows = _window_frequencies(ruling)
    found = _fit(ruling, windows) if windows is not None else None
    return found if found is None or factor == 1 else found.enlarged((width, height))


def without_ruling(trace: NDArray[np.uint8]) -> Rectification | None:
    """Make a map of a page without ruling from its traces alone, or return None where there are none.

    The rows are laid level, and a millimetre is what makes the traces 250 mm wide, ten seconds at 25 mm/s; perspective
    and curl stay.

    Parameters
    ----------
    trace : (height, width) uint8
        Trace probability, 255 for certain.
    """
    height, width = trace.shape
    points = np.argwhere(trace > 128)[:, ::-1].astype(np.float64)
    if len(points) < _FEW_POINTS:
        return None
    points = points[:: max(len(points) // 20_000, 1)]
    centre = ((width - 1) / 2, (height - 1) / 2)

    def level(angle: float) -> float:
        across = (points - centre) @ np.array([-np.sin(angle), np.cos(angle)])
        counts, _ = np.histogram(across, bins=max(int(np.ptp(across) / 3), 4))
        return float((counts**2.0).mean() / counts.mean() ** 2)

    best = max(np.deg2rad(np.arange(-90.0, 90.0, 1.0)), key=level)
    best = max(best + np.deg2rad(np.arange(-1.0, 1.05, 0.1)), key=level)
    along = np.array([np.cos(best), np.sin(best)])
    low, high = np.percentile((points - centre) @ along, (0.3, 99.7))
    px_per_mm = (high - low) / TEN_SECONDS_MM
    scale = max(width, height) / 2
    turn = np.array([[along[0], along[1]], [-along[1], along[0]]]) / px_per_mm
    coefficients = np.concatenate([np.zeros((1, 2)), turn.T * scale])
    flat = np.zeros((max(height // _CELL_PX, 2), max(width // _CELL_PX, 2), 2))
    return Rectification(_powers(1), coefficients, centre, (scale, scale), (width, height), flat, 0.0)


def ruling_signal(image: NDArray[np.uint8], ink: NDArray[np.uint8]) -> Field:
    """Return how much darker than its surroundings each pixel is, without the ink, scaled to a local sd near 1."""
    dark = 255.0 - image.min(axis=2).astype(np.float32)
    covered = cv2.dilate((ink > 127).astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    seen = np.where(covered | _steps(dark), np.float32(0), np.float32(1))
    reach = (61, 61)
    weight = cv2.blur(seen, reach) + 1e-3
    mean = cv2.blur(dark * seen, reach) / weight
    signal = (dark - mean) * seen
    power = cv2.blur(signal**2, (121, 121)) / (cv2.blur(seen, (121, 121)) + 1e-3)
    spread = np.sqrt(np.maximum(power, 0)) + 1.5
    return np.asarray(np.clip(signal / spread, -3, 3), np.float32)


def _steps(dark: Field) -> NDArray[np.bool_]:
    """Return where brightness changes for good: the paper's edge on the desk, a shadow's, a glare's."""
    level = cv2.blur(dark, (_STEP_PX, _STEP_PX))
    half = _STEP_PX // 2 + 1
    across = np.abs(np.roll(level, half, 1) - np.roll(level, -half, 1))
    down = np.abs(np.roll(level, half, 0) - np.roll(level, -half, 0))
    across[:, :half] = across[:, -half:] = 0
    down[:half] = down[-half:] = 0
    step = (np.maximum(across, down) > _STEP_LEVELS).astype(np.uint8)
    return np.asarray(cv2.dilate(step, np.ones((9, 9), np.uint8)), bool)


# ---------------------------------------------------------------- local frequencies


@dataclass(frozen=True)
class _Windows:
    """Local frequencies of the 5 mm lines: centres (n, 2) px, across and down (n, 2) cycles/px, weights (n,)."""

    centres: Floats
    across: Floats
    down: Floats
    weights: Floats
    lattice: _Lattice


def _window_frequencies(ruling: Field) -> _Windows | None:
    height, width = ruling.shape
    size = min(_WINDOW_PX, height, width)
    starts_y = np.unique(np.linspace(0, height - size, max(int(np.ceil(height / (0.7 * size))), 1)).astype(int))
    starts_x = np.unique(np.linspace(0, width - size, max(int(np.ceil(width / (0.7 * size))), 1)).astype(int))
    taper = np.outer(np.hanning(size), np.hanning(size)).astype(np.float32)
    padded = 768
    centres, spectra = [], []
    for top in starts_y:
        for left in starts_x:
            patch = ruling[top : top + size, left : left + size]
            spectrum = np.abs(scipy.fft.rfft2((patch - patch.mean()) * taper, (padded, padded)))
            spectra.append(np.fft.fftshift(spectrum, axes=0))
            centres.append((left + (size - 1) / 2, top + (size - 1) / 2))
    common = _dominant(np.mean([s / (s.mean() + 1e-6) for s in spectra], axis=0), padded)
    if common is None:
        return None
    rows = [_refine(spectrum, padded, common) for spectrum in spectra]
    kept = [k for k, row in enumerate(rows) if row is not None]
    if len(kept) < 1:
        return None
    found = [rows[k] for k in kept]
    return _Windows(
        np.array([centres[k] for k in kept]),
        np.array([row[0] for row in found if row]),
        np.array([row[1] for row in found if row]),
        np.array([row[2] for row in found if row]),
        common,
    )


@dataclass(frozen=True)
class _Lattice:
    """Frequency vectors of the 5 mm lines, in cycles/px, and which lines stand out: 1 mm ones (fine), 5 mm ones.

    `harmonic` is the one by which windows are searched: 5 where the 1 mm lines rise above the other harmonics.
    """

    across: Floats
    down: Floats
    fine: bool
    coarse: bool
    harmonic: int


def _dominant(spectrum: Field, padded: int) -> _Lattice | None:
    """Find the lattice common to the whole picture: the two frequency vectors of the 5 mm lines, in cycles/px."""
    pair = _strongest_pair(spectrum, padded)
    if pair is None:
        return None
    across, down = pair
    best = None
    for divisor in (1, 2, 3, 4, 5, 10):  # the strongest may be the 5 mm line, the 1 mm one, or a harmonic of either
        large = 1 / np.hypot(*(across / divisor))
        if not _MIN_LARGE_PX <= large <= _MAX_LARGE_PX:
            continue
        score, fine, coarse, harmonic = _comb_score(spectrum, padded, across / divisor, down / divisor)
        score *= _plausibility(large / LARGE_MM)
        if best is None or score > best[0]:
            best = (score, _Lattice(across / divisor, down / divisor, fine, coarse or not fine, harmonic))
    return best[1] if best else None


def _strongest_pair(spectrum: Field, padded: int) -> tuple[Floats, Floats] | None:
    """Return the strongest frequency within 45° of the x axis and its fellow, near a right angle to it."""
    fy, fx = _axes(padded)
    radius = np.hypot(fy, fx)
    usable = (radius > 1 / _MAX_LARGE_PX) & (radius < 0.45)
    work = np.where(usable, spectrum, 0) * np.sqrt(np.minimum(radius / 0.02, 1))
    mostly_x = np.abs(fy) <= fx
    first_x = np.where(mostly_x, work, 0)
    first_y = np.where(mostly_x, 0, work)
    lead = first_x if first_x.max() >= first_y.max() else first_y
    peak = _peak_at(spectrum, padded, np.unravel_index(int(lead.argmax()), lead.shape))
    length = np.hypot(*peak)
    turned = np.array([-peak[1], peak[0]])
    cosine = np.abs(fx * turned[0] + fy * turned[1]) / (radius * length + 1e-9)
    near = usable & (cosine > 0.93) & (radius > 0.75 * length) & (radius < 1.33 * length)
    if not near.any():
        return None
    fellow = np.where(near, work, 0)
    other = _peak_at(spectrum, padded, np.unravel_index(int(fellow.argmax()), fellow.shape))
    across, down = (peak, other) if abs(peak[0]) >= abs(peak[1]) else (other, peak)
    return across * (1 if across[0] > 0 else -1), down * (1 if down[1] > 0 else -1)


def _axes(padded: int) -> tuple[Floats, Floats]:
    return (np.arange(padded)[:, None] - padded // 2) / padded, np.arange(padded // 2 + 1)[None, :] / padded


def _peak_at(spectrum: Field, padded: int, place: tuple[np.intp, ...]) -> Floats:
    """Refine a maximum to a fraction of a bin; returns (fx, fy)."""
    row, column = int(place[0]), int(place[1])
    offsets = []
    for axis, (index, size) in enumerate(((row, spectrum.shape[0]), (column, spectrum.shape[1]))):
        if not 0 < index < size - 1:
            offsets.append(0.0)
            continue
        before, here, after = (
            float(spectrum[row + step, column] if axis == 0 else spectrum[row, column + step]) for step in (-1, 0, 1)
        )
        curvature = before - 2 * here + after
        offsets.append(0.5 * (before - after) / curvature if curvature < -1e-9 else 0.0)
    return np.array([(column + offsets[1]) / padded, (row + offsets[0] - padded // 2) / padded])


def _amplitude(spectrum: Field, padded: int, frequency: Floats, reach: int = 2) -> float:
    """Return the largest value within `reach` bins of a frequency (and its mirror image)."""
    if frequency[0] < 0:
        frequency = -frequency
    column, row = round(frequency[0] * padded), round(frequency[1] * padded) + padded // 2
    if not (0 <= column < spectrum.shape[1] and 0 <= row < spectrum.shape[0]):
        return 0.0
    patch = spectrum[max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1]
    return float(patch.max(initial=0))


def _comb_score(spectrum: Field, padded: int, across: Floats, down: Floats) -> tuple[float, bool, bool, int]:
    """Judge a lattice by its harmonics: those of the 5 mm lines (1-4), that of the 1 mm lines (5), and none between."""
    scores, fines, larges, stands_out = [], [], [], []
    for base in (across, down):
        harmonics = np.array([_amplitude(spectrum, padded, n * base) for n in range(1, 6)])
        between = np.array([_amplitude(spectrum, padded, (n + 0.5) * base) for n in range(1, 5)])
        noise = float(np.median(between)) + 0.3
        large = float(np.sort(harmonics[:4])[1:].mean()) / noise
        small = float(harmonics[4]) / noise
        scores.append(min(large, 12) + 0.5 * min(small, 24))
        fines.append(small)
        larges.append(large)
        stands_out.append(harmonics[4] > 1.15 * harmonics[3])
    return min(scores) + 0.3 * max(scores), min(fines) > 2.0, min(larges) > 1.8, 5 if all(stands_out) else 1


def _plausibility(px_per_mm: float) -> float:
    """Pages are photographed and scanned at 3 to 16 px a millimetre, seldom beyond."""
    return float(np.exp(-0.5 * (np.log(px_per_mm / 6.5) / 0.75) ** 2))


def _refine(spectrum: Field, padded: int, lattice: _Lattice) -> tuple[Floats, Floats, float] | None:
    """Find the lattice in one window near that of the whole picture; the weight is its height over the noise."""
    harmonic = lattice.harmonic
    found, weights = [], []
    fy, fx = _axes(padded)
    for base in (lattice.across, lattice.down):
        target = harmonic * base
        reach = 0.22 * np.hypot(*target)
        near = (fx - target[0]) ** 2 + (fy - target[1]) ** 2 < reach**2
        if target[0] < 0 or not near.any():
            near |= (fx + target[0]) ** 2 + (fy + target[1]) ** 2 < reach**2
        work = np.where(near, spectrum, 0)
        peak = _peak_at(spectrum, padded, np.unravel_index(int(work.argmax()), work.shape))
        if peak @ target < 0:
            peak = -peak
        ring = spectrum[near]
        weights.append(float(work.max() / (np.median(ring) + 1e-6)))
        found.append(peak / harmonic)
    weight = min(weights)
    return (found[0], found[1], weight) if weight > 3.5 else None


# ---------------------------------------------------------------- the map


def _fit(ruling: Field, windows: _Windows) -> Rectification | None:
    height, width = ruling.shape
    centre = ((width - 1) / 2, (height - 1) / 2)
    scale = max(width, height) / 2
    degree = 1 if len(windows.weights) < 5 else 2
    powers = _powers(degree)
    points = (windows.centres - np.array(centre)) / scale
    columns = [
        _fit_gradient(points, LARGE_MM * frequencies * scale, windows.weights, powers)
        for frequencies in (windows.across, windows.down)
    ]
    flat = np.zeros((max(height // _CELL_PX, 2), max(width // _CELL_PX, 2), 2))
    first = Rectification(powers, np.stack(columns, axis=1), centre, (scale, scale), (width, height), flat, 0.0)
    return _demodulated(ruling, first, windows.lattice)


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


def _demodulated(ruling: Field, start: Rectification, lattice: _Lattice) -> Rectification | None:
    """Bring the map into phase with the lines: 5 mm with few terms first, 1 mm and what bends locally last.

    A sheet that is bent little is followed by the polynomial, to a few µm; on one that is folded or curled the
    polynomial slips by whole lines, and the phase unwrapped from node to node leads. What the lines agree with wins.
    """
    coarse_mm = LARGE_MM if lattice.coarse else 1.0
    fine_mm = 1.0 if lattice.fine else coarse_mm
    for degree in (1, 2, 2, 3):
        start = _in_phase(ruling, start, coarse_mm, degree)
    smooth = start
    for degree in (3, 4, 4):
        smooth = _in_phase(ruling, smooth, fine_mm, degree)
    best = _finely_bent(ruling, smooth, lattice)
    agreement = _agreement(ruling, best, fine_mm)
    if _agreement(ruling, smooth, fine_mm) < _NEARLY * agreement or not lattice.fine:
        folded = _in_phase(ruling, start, coarse_mm, 4)
        for reach in (3.0, 1.6):
            folded = _bent(ruling, folded, coarse_mm, reach * coarse_mm)
        folded = _finely_bent(ruling, folded, lattice)
        folded_agreement = _agreement(ruling, folded, fine_mm)
        if folded_agreement > agreement:
            best, agreement = folded, folded_agreement
    off_phase = max(_agreement(ruling, best, fine_mm * factor) for factor in (0.87, 1.17))
    confidence = 1 - off_phase / max(agreement, 1e-9)
    return replace(best, confidence=confidence) if confidence > _MIN_CONFIDENCE else None


def _finely_bent(ruling: Field, rectification: Rectification, lattice: _Lattice) -> Rectification:
    for reach_mm in (6.0, 5.0) if lattice.fine else ():
        rectification = _bent(ruling, rectification, 1.0, reach_mm)
    return rectification


def _in_phase(ruling: Field, rectification: Rectification, period_mm: float, degree: int) -> Rectification:
    """Correct the polynomial by the smooth part of the phase by which the lines miss it."""
    powers = _powers(degree)
    coefficients = _lifted(rectification, powers)
    basis = _polynomial(rectification._normalized(_nodes(rectification)), powers).reshape(-1, len(powers))
    ridge = 1e-6 * len(basis) * np.diag((powers.sum(axis=1) > 1).astype(np.float64))
    ridge += 1e-12 * np.eye(len(powers))
    for axis, phases in enumerate(_phases(ruling, rectification, period_mm)):
        vector = phases.ravel()
        strength = np.abs(vector)
        solution = np.zeros(len(powers))
        solution[0] = np.angle(vector.sum())
        for _ in range(10):
            miss = np.angle(vector * np.exp(-1j * (basis @ solution)))
            trust = np.sqrt(strength / (strength.max() + 1e-9)) / (1 + (miss / 0.8) ** 2)
            weighted = basis * (trust**2)[:, None]
            solution = solution + np.linalg.solve(weighted.T @ basis + ridge, weighted.T @ miss)
        coefficients[:, axis] -= solution * period_mm / (2 * np.pi)
    return replace(rectification, powers=powers, coefficients=coefficients)


def _bent(ruling: Field, rectification: Rectification, period_mm: float, reach_mm: float) -> Rectification:
    """Correct the map by the phase itself, averaged over `reach_mm` around each node and unwrapped across the page."""
    sigma = reach_mm * rectification.px_per_mm / _CELL_PX
    shifts = []
    for phases in _phases(ruling, rectification, period_mm):
        near = gaussian_filter(phases.real, sigma) + 1j * gaussian_filter(phases.imag, sigma)
        strength = np.abs(near)
        ruled = _largest(strength > _WEAK * np.percentile(strength, 90))
        if ruled.sum() < _MIN_NODES:
            return rectification
        angles = np.ma.array(np.angle(near), mask=~ruled)
        unwrapped = unwrap_phase(angles)  # type: ignore[no-untyped-call]
        turns = np.asarray(unwrapped.filled(0.0)) / (2 * np.pi)
        turns -= np.round(np.median(turns[ruled]))
        shifts.append(_spread(turns, np.where(ruled, strength, 0.0)) * period_mm)
    return replace(rectification, bend_mm=rectification.bend_mm + np.stack(shifts, axis=-1))


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest connected part of a mask."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    best = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax()) if count > 1 else 0
    return np.asarray(labels == best, bool) if count > 1 else mask


def _spread(values: Floats, weights: Floats) -> Floats:
    """Continue values smoothly to where their weight is 0: weighted means over ever wider surroundings."""
    weights = weights / max(float(weights.max()), 1e-9)
    result = np.full(values.shape, np.average(values, weights=weights + 1e-12))
    for sigma in (24.0, 12.0, 6.0, 3.0, 1.5):
        weight = gaussian_filter(weights, sigma)
        mean = gaussian_filter(weights * values, sigma) / np.maximum(weight, 1e-9)
        sure = weight / (weight + 0.02)
        result += sure * (mean - result)
    return np.where(weights > 0, values, result)


def _agreement(ruling: Field, rectification: Rectification, period_mm: float) -> float:
    """Return how much ruling lies in phase with lines each `period_mm`, the lesser of both directions."""
    return min(float(phases.real.mean()) for phases in _phases(ruling, rectification, period_mm))


def _nodes(rectification: Rectification) -> Floats:
    """Return the nodes (rows, columns, 2) of the bend, in px."""
    rows, columns = rectification.bend_mm.shape[:2]
    width, height = rectification.size_px
    ys, xs = (np.arange(rows) + 0.5) * height / rows - 0.5, (np.arange(columns) + 0.5) * width / columns - 0.5
    return np.stack(np.meshgrid(xs, ys), axis=-1)


def _phases(
    ruling: Field, rectification: Rectification, period_mm: float
) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Return the phase (angle) by which lines each `period_mm` miss the map at its nodes, and their strength: x, y."""
    rows, columns = rectification.bend_mm.shape[:2]
    width, height = rectification.size_px
    page = rectification.image_to_page(_nodes(rectification))
    factor = max(1, min(4, int(period_mm * rectification.px_per_mm / 7)))  # no finer than the lines ask for
    size = (max(width // factor, columns), max(height // factor, rows))
    looked_at = ruling if factor == 1 else cv2.resize(ruling, size, interpolation=cv2.INTER_AREA)
    sigma = max(1.4 * period_mm * rectification.px_per_mm / _CELL_PX, 2.0)
    found = []
    for axis in (0, 1):
        angle = cv2.resize(page[..., axis].astype(np.float32), size) * np.float32(2 * np.pi / period_mm)
        real, imaginary = (
            cv2.GaussianBlur(
                cv2.resize(looked_at * wave(angle), (columns, rows), interpolation=cv2.INTER_AREA), (0, 0), sigma
            )
            for wave in (np.cos, np.sin)
        )
        found.append(real.astype(np.float64) + 1j * imaginary)
    return found[0], found[1]


def _lifted(rectification: Rectification, powers: NDArray[np.int64]) -> Floats:
    """Write the map's coefficients in a basis of higher degree."""
    coefficients = np.zeros((len(powers), 2))
    known = {tuple(power): row for row, power in enumerate(rectification.powers.tolist())}
    for row, power in enumerate(powers.tolist()):
        if tuple(power) in known:
            coefficients[row] = rectification.coefficients[known[tuple(power)]]
    return coefficients


# ---------------------------------------------------------------- polynomials


def _powers(degree: int) -> NDArray[np.int64]:
    return np.array([(i, j) for total in range(degree + 1) for i in range(total, -1, -1) for j in [total - i]])


def _polynomial(points: Floats, powers: NDArray[np.int64]) -> Floats:
    u, v = (_rising(points[..., axis], int(powers.max())) for axis in (0, 1))
    return u[..., powers[:, 0]] * v[..., powers[:, 1]]


def _gradients(points: Floats, powers: NDArray[np.int64]) -> tuple[Floats, Floats]:
    u, v = (_rising(points[..., axis], int(powers.max())) for axis in (0, 1))
    i, j = powers[:, 0], powers[:, 1]
    return (
        i * u[..., np.maximum(i - 1, 0)] * v[..., j],
        j * u[..., i] * v[..., np.maximum(j - 1, 0)],
    )


def _rising(values: Floats, degree: int) -> Floats:
    """Return the powers 0 to `degree` of each value, along a new last axis."""
    result = np.ones((*values.shape, degree + 1))
    for power in range(degree):
        result[..., power + 1] = result[..., power] * values
    return result
