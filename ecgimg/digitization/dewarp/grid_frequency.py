"""Read the ruling's local frequencies off windows of the picture: two vectors, one along each family of lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from ecgimg.digitization.segmentation.threads import in_threads

Floats = NDArray[np.float64]
Field = NDArray[np.float32]

LARGE_SQUARE_MM = 5.0
_WINDOW_PX, _PADDED = 352, 768
_MIN_LARGE_PX, _MAX_LARGE_PX = 11.0, 130.0
_BARE = 0.05
_PAIRS, _APART = 5, 0.1
_EXPECTED = 1.5
_NEARLY, _SAME = 0.6, 0.02
_MISSING, _CROWDED, _HALF = 0.3, 0.6, 0.5
_SPREAD, _LEAST_SHARE = 4.0, 0.3
_MAX_SKEW_RAD, _SKEWED = np.deg2rad(9.0), 0.4


@dataclass(frozen=True)
class GridFrequency:
    """Frequency vectors of the 5 mm lines, in cycles/px, and which lines stand out: 1 mm ones (fine), 5 mm ones.

    `harmonic` is the one by which windows are searched: 5 where the 1 mm lines rise above the other harmonics.
    """

    across: Floats
    down: Floats
    fine: bool
    coarse: bool
    harmonic: int


@dataclass(frozen=True)
class WindowFrequencies:
    """Local frequencies of the 5 mm lines: centres (n, 2) px, across and down (n, 2) cycles/px, weights (n,)."""

    centres: Floats
    across: Floats
    down: Floats
    weights: Floats
    lattice: GridFrequency


def measure_window_frequencies(
    ruling: Field, ink: NDArray[np.uint8], rows_rad: float | None
) -> WindowFrequencies | None:
    """Find the lattice of a ruling signal (height, width) and its frequencies in windows, or None where there is none.

    The lattice common to all windows is found first, those with ink above all: cloth and wood have no traces on them.
    Each window is then searched near it; a lattice on which little of the ink stands is none.

    Parameters
    ----------
    ruling : (height, width) float32
    ink : (height, width) uint8
    rows_rad : float or None
        The angle at which the rows of traces run, where it is known; lines run along them.
    """
    centres, spectra, inked = _spectra(ruling, ink)
    common = _dominant(_mean(spectra, inked), rows_rad)
    if common is None:
        return None
    rows = [_refine(spectrum, common) for spectrum in spectra]
    found = [(centre, *row) for centre, row in zip(centres, rows, strict=True) if row is not None]
    seen = np.array([row is not None for row in rows])
    if not found or inked[seen].sum() < _LEAST_SHARE * inked.sum():
        return None
    places, across, down, weights = (np.array(values) for values in zip(*found, strict=True))
    return WindowFrequencies(places, across, down, weights, common)


def _spectra(ruling: Field, ink: NDArray[np.uint8]) -> tuple[list[tuple[float, float]], list[Field], Floats]:
    """Return centres (px), amplitudes (768, 385) and ink of windows; rows fy from −½, columns fx from 0 cycles/px."""
    height, width = ruling.shape
    size = min(_WINDOW_PX, height, width)
    starts_y, starts_x = (
        np.unique(np.linspace(0, length - size, max(int(np.ceil(length / (0.7 * size))), 1)).astype(int)).tolist()
        for length in (height, width)
    )
    taper = np.outer(np.hanning(size), np.hanning(size)).astype(np.float32)
    corners = [(left, top) for top in starts_y for left in starts_x]

    def spectrum_at(corner: tuple[int, int]) -> Field:
        left, top = corner
        patch = ruling[top : top + size, left : left + size]
        across = scipy.fft.rfft((patch - patch.mean()) * taper, _PADDED, axis=1)
        return np.fft.fftshift(np.abs(scipy.fft.fft(across, _PADDED, axis=0)), axes=0)

    centres = [(left + (size - 1) / 2, top + (size - 1) / 2) for left, top in corners]
    inked = np.array([float(ink[top : top + size, left : left + size].mean()) for left, top in corners])
    return centres, in_threads(spectrum_at, corners), inked


def _mean(spectra: list[Field], inked: Floats) -> Field:
    """Return the mean of spectra, each scaled to a mean of 1, weighted by the windows' ink."""
    weights = np.minimum(inked / max(float(inked.mean()), 1e-6), 1) + _BARE
    total = np.zeros_like(spectra[0])
    for spectrum, weight in zip(spectra, weights, strict=True):
        total += spectrum * np.float32(weight / (spectrum.mean() + 1e-6))
    return total / np.float32(weights.sum())


def _dominant(spectrum: Field, rows_rad: float | None) -> GridFrequency | None:
    """Find the lattice common to the whole picture: the two frequency vectors of the 5 mm lines, in cycles/px."""
    found: list[tuple[float, GridFrequency]] = []
    for across, down in _strong_pairs(spectrum):
        skewed = _SKEWED if rows_rad is not None and _off_lines(across, down, rows_rad) > _MAX_SKEW_RAD else 1.0
        for divisor in (1, 2, 3, 4, 5, 10):  # the strongest may be the 5 mm line, the 1 mm one, or a harmonic of either
            large = 1 / np.hypot(*(across / divisor))
            if not _MIN_LARGE_PX <= large <= _MAX_LARGE_PX:
                continue
            score, fine, coarse, harmonic = _comb_score(spectrum, across / divisor, down / divisor)
            likely = (
                1.0 if fine and coarse else _plausibility(large / LARGE_SQUARE_MM)
            )  # both kinds of lines tell their scale
            score *= likely * skewed * _squareness(across, down)
            found.append((score, GridFrequency(across / divisor, down / divisor, fine, coarse or not fine, harmonic)))
    if not found:
        return None
    most, best = max(found, key=lambda each: each[0])
    finer = [lattice for score, lattice in found if score > _NEARLY * most and _is_of_fine_lines(best, lattice)]
    return finer[0] if finer else best


def _is_of_fine_lines(lattice: GridFrequency, other: GridFrequency) -> bool:
    """Tell whether the 5 mm lines of a lattice are the 1 mm lines of another, which shows both kinds.

    Thin, sharp lines have so many harmonics that some look like finer lines yet; none are printed each 25 mm.
    """
    by = np.hypot(*lattice.across) / np.hypot(*other.across)
    return bool(other.fine and other.coarse and abs(by / LARGE_SQUARE_MM - 1) < _SAME)


def _off_lines(across: Floats, down: Floats, rows_rad: float) -> float:
    """Return the angle between rows of traces and the nearer family of lines."""
    along = np.array([np.cos(rows_rad), np.sin(rows_rad)])
    cosines = [abs(float(vector @ along)) / float(np.hypot(*vector)) for vector in (across, down)]
    return float(np.arccos(min(max(cosines), 1.0)))


def _strong_pairs(spectrum: Field) -> Iterator[tuple[Floats, Floats]]:
    """Yield the strongest frequencies, each with its fellow at a right angle to it: first the one nearer the x axis."""
    fy, fx = _axes()
    radius = np.hypot(fy, fx)
    usable = (radius > 1 / _MAX_LARGE_PX) & (radius < 0.45)
    work = np.where(usable, spectrum, 0) * np.sqrt(np.minimum(radius / 0.02, 1))
    left = work.copy()
    for _ in range(_PAIRS):
        row, column = np.unravel_index(int(left.argmax()), left.shape)
        peak = _peak_at(spectrum, row, column)
        length = np.hypot(*peak)
        _take_out(left, peak)
        turned = np.array([-peak[1], peak[0]])
        cosine = np.abs(fx * turned[0] + fy * turned[1]) / (radius * length + 1e-9)
        near = usable & (cosine > 0.93) & (radius > 0.75 * length) & (radius < 1.33 * length)
        if not near.any():
            continue
        fellow = np.where(near, work, 0)
        other = _peak_at(spectrum, *np.unravel_index(int(fellow.argmax()), fellow.shape))
        _take_out(left, other)
        across, down = (peak, other) if abs(peak[0]) >= abs(peak[1]) else (other, peak)
        yield across * (1 if across[0] > 0 else -1), down * (1 if down[1] > 0 else -1)


def _take_out(spectrum: Field, peak: Floats) -> None:
    """Set to 0 what is near a frequency or its mirror image."""
    fy, fx = _axes()
    for x, y in (peak, -peak):
        spectrum[(fx - x) ** 2 + (fy - y) ** 2 < _APART**2 * (x * x + y * y)] = 0


def _axes() -> tuple[Floats, Floats]:
    """Return the frequencies of a spectrum's rows (768, 1) and columns (1, 385), cycles/px."""
    return (np.arange(_PADDED)[:, None] - _PADDED // 2) / _PADDED, np.arange(_PADDED // 2 + 1)[None, :] / _PADDED


def _peak_at(spectrum: Field, row: int | np.intp, column: int | np.intp) -> Floats:
    """Refine a maximum to a fraction of a bin; returns (fx, fy)."""
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
    return np.array([(column + offsets[1]) / _PADDED, (row + offsets[0] - _PADDED // 2) / _PADDED])


def _amplitude(spectrum: Field, frequency: Floats, reach: int = 2) -> float:
    """Return the largest value within `reach` bins of a frequency (and its mirror image)."""
    if frequency[0] < 0:
        frequency = -frequency
    column, row = round(frequency[0] * _PADDED), round(frequency[1] * _PADDED) + _PADDED // 2
    if not (0 <= column < spectrum.shape[1] and 0 <= row < spectrum.shape[0]):
        return 0.0
    patch = spectrum[max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1]
    return float(patch.max(initial=0))


def _comb_score(spectrum: Field, across: Floats, down: Floats) -> tuple[float, bool, bool, int]:
    """Judge a lattice by its harmonics: those of the 5 mm lines (1-4), that of the 1 mm lines (5), and none between.

    One whose odd harmonics are missing takes two spaces of the ruling for one; one that has about as much at the thirds
    between its harmonics takes one space for three.
    """
    scores, fines, larges, stands_out, halves, thirds = [], [], [], [], [], []
    for base in (across, down):
        harmonics = np.array([_amplitude(spectrum, n * base) for n in range(1, 6)])
        between = np.array([_amplitude(spectrum, (n + 0.5) * base) for n in range(1, 5)])
        noise = float(np.median(between)) + 0.3
        large = float(np.sort(harmonics[:4])[1:].mean()) / noise
        small = float(harmonics[4]) / noise
        scores.append(min(large, 12) + 0.5 * min(small, 24))
        halves.append(max(harmonics[0], harmonics[2]) < _MISSING * max(harmonics[1], harmonics[3]))
        at_thirds = [_amplitude(spectrum, n / 3 * base) for n in (4, 5, 7, 8)]
        thirds.append(float(np.median(at_thirds)) > _CROWDED * float(np.median(harmonics[:3])))
        fines.append(small)
        larges.append(large)
        stands_out.append(harmonics[4] > 1.15 * harmonics[3])
    score = (min(scores) + 0.3 * max(scores)) * (_HALF if all(halves) or all(thirds) else 1.0)
    return score, min(fines) > 2.0, min(larges) > 1.8, 5 if all(stands_out) else 1


def _plausibility(px_per_mm: float) -> float:
    """Pages are photographed and scanned at 3 to 16 px a millimetre, seldom beyond."""
    return float(np.exp(-0.5 * (np.log(px_per_mm / 6.0) / 0.75) ** 2))


def _squareness(across: Floats, down: Floats) -> float:
    """Pixels are square, and a page seen aslant is foreshortened little."""
    return float(np.exp(-0.5 * (np.log(np.hypot(*across) / np.hypot(*down)) / 0.2) ** 2))


def _refine(spectrum: Field, lattice: GridFrequency) -> tuple[Floats, Floats, float] | None:
    """Find the lattice in one window near that of the whole picture; the weight is its height over the noise."""
    found, weights = [], []
    for base in (lattice.across, lattice.down):
        target = lattice.harmonic * base
        place, ring = _strongest_near(spectrum, target)
        peak = _peak_at(spectrum, *place)
        if peak @ target < 0:
            peak = -peak
        weights.append(float(spectrum[place] / (np.median(ring) + 1e-6)))
        found.append(peak / _harmonic_order(spectrum, peak, lattice.harmonic))
    weight = min(weights)
    return (found[0], found[1], weight) if weight > 3.5 else None


def _harmonic_order(spectrum: Field, peak: Floats, expected: int) -> int:
    """Return which harmonic of the 5 mm lines a frequency is: the fifth may be passed over for a neighbour of it."""
    if expected == 1:
        return 1
    lines = {
        order: sum(_amplitude(spectrum, n * peak / order, 1) for n in range(1, 6))
        * (_EXPECTED if order == expected else 1)
        for order in (expected, expected - 1, expected + 1)
    }
    return max(lines, key=lines.__getitem__)


def _strongest_near(spectrum: Field, target: Floats) -> tuple[tuple[int, int], Field]:
    """Return row and column of the largest value near a frequency or its mirror image, and all values around it.

    Around it reaches beyond what a single line spreads to in a window, as lines far apart have few in each.
    """
    near_reach = 0.22 * float(np.hypot(*target))
    reach = max(near_reach, _SPREAD / _WINDOW_PX)
    fy, fx = _axes()
    low, high = np.searchsorted(fy[:, 0], (-abs(target[1]) - reach, abs(target[1]) + reach))
    right = int(np.searchsorted(fx[0], abs(target[0]) + reach))
    fy, fx, part = fy[low:high], fx[:, :right], spectrum[low:high, :right]
    away = (fx - target[0]) ** 2 + (fy - target[1]) ** 2
    if target[0] < 0 or not (away < near_reach**2).any():
        away = np.minimum(away, (fx + target[0]) ** 2 + (fy + target[1]) ** 2)
    row, column = np.unravel_index(int(np.where(away < near_reach**2, part, 0).argmax()), part.shape)
    return (int(row + low), int(column)), part[away < reach**2]
