"""The grid frequency: two vectors, one for each family of lines, for the whole picture and in windows of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.dewarp.spectrum import (
    Field,
    WindowSpectra,
    amplitude_near,
    peak_near,
    refined_peak,
    spectrum_axes,
    window_spectra,
)
from ecgimg.digitization.numerics import Floats

LARGE_SQUARE_MM = 5.0
_MIN_SPACING_PX, _MAX_SPACING_PX = 11.0, 130.0  # of the 5 mm lines
_BARE_WEIGHT = 0.05  # of windows without ink: cloth and wood around the page have lines of their own
_LEAST_INK_SHARE = 0.3  # of the ink stands on a true grid, less on other patterns that look like lines

_N_PAIRS = 5  # strongest pairs of frequencies that are tried
_MAX_FREQUENCY = 0.45  # cycles/px; next to 0.5 lines alias
_SHADOW_FREQUENCY = 0.02  # cycles/px, below which the spectrum is damped: shadows add to it
_ERASED = 0.1  # of a frequency around it, so that the next strongest is not its own slope
_LEAST_COSINE = 0.93  # two families of lines cross at about a right angle
_LENGTH_RATIOS = 0.75, 1.33  # and are about as far apart
_DIVISORS = (1, 2, 3, 4, 5, 10)  # the strongest may be the 5 mm line, the 1 mm one, or a harmonic of either

_MAX_SKEW_RAD, _SKEWED_FACTOR = np.deg2rad(9.0), 0.4  # rows are printed along the lines
_USUAL_PX_PER_MM, _PX_PER_MM_SPREAD = 6.0, 0.75  # of photos and scans; the spread is that of the logarithm
_ASPECT_SPREAD = 0.2  # of the logarithm
_NEARLY = 0.6  # of the best score is enough for a grid of both kinds of lines inside one of thick ones
_SAME_RATIO = 0.02

_NOISE = 0.3  # added to the median between harmonics, which keeps ratios finite
_MAX_LARGE_SCORE, _MAX_SMALL_SCORE = 12, 24  # beyond, a line is no more certain
_SMALL_WEIGHT, _BETTER_WEIGHT = 0.5, 0.3
_HAS_1MM, _HAS_5MM = 2.0, 1.8  # times the noise between harmonics
_ODD_MISSING = 0.3  # of the even harmonics: lines of half the spacing have no odd ones
_THIRDS_PRESENT = 0.6  # of the harmonics: lines of three times the spacing have harmonics at the thirds
_WRONG_SPACING_FACTOR = 0.5
_STANDS_OUT = 1.15  # times the fourth harmonic

_LEAST_WINDOW_WEIGHT = 3.5  # times the median around; below it a window shows no line
_EXPECTED_ORDER_FACTOR = 1.5


@dataclass(frozen=True)
class GridFrequency:
    """The frequency of the 5 mm lines of a picture, and which of the lines stand out.

    Parameters
    ----------
    across, down : (2,) float64
        Frequency vectors (x, y), nearer the x and nearer the y axis, cycles/px.
    has_1mm_lines, has_5mm_lines : bool
        At least one is true.
    search_harmonic : int
        The harmonic by which windows are searched: 5 where the 1 mm lines rise above the other harmonics, else 1.
    """

    across: Floats
    down: Floats
    has_1mm_lines: bool
    has_5mm_lines: bool
    search_harmonic: int


@dataclass(frozen=True)
class WindowFrequencies:
    """Local frequencies of the 5 mm lines.

    Parameters
    ----------
    centres_px : (n, 2) float64
        Of the windows.
    across, down : (n, 2) float64
        Frequency vectors (x, y), cycles/px.
    weights : (n,) float64
        The amplitude of the weaker family of lines over the median of the spectrum around it.
    common : GridFrequency
        That of the whole picture.
    """

    centres_px: Floats
    across: Floats
    down: Floats
    weights: Floats
    common: GridFrequency


class _CombScore(NamedTuple):
    """How well a spectrum fits the harmonics of a grid, and which lines of it stand out."""

    score: float
    has_1mm_lines: bool
    has_5mm_lines: bool
    search_harmonic: int


@dataclass(frozen=True)
class _LineFamily:
    """Amplitudes of one family of lines: at the harmonics 1 to 5 of the 5 mm lines, and at thirds between these."""

    harmonics: Floats
    thirds: Floats
    noise: float

    @property
    def large_ratio(self) -> float:
        """The 5 mm lines over the noise between harmonics. The weakest of four harmonics may be missing."""
        return float(np.sort(self.harmonics[:4])[1:].mean()) / self.noise

    @property
    def small_ratio(self) -> float:
        """The 1 mm lines over the noise between harmonics."""
        return float(self.harmonics[4]) / self.noise

    @property
    def score(self) -> float:
        """How clearly the lines stand out."""
        return min(self.large_ratio, _MAX_LARGE_SCORE) + _SMALL_WEIGHT * min(self.small_ratio, _MAX_SMALL_SCORE)

    @property
    def is_two_spaces(self) -> bool:
        """Whether the odd harmonics are missing."""
        odd, even = self.harmonics[0:4:2], self.harmonics[1:4:2]
        return bool(max(odd) < _ODD_MISSING * max(even))

    @property
    def is_third_of_space(self) -> bool:
        """Whether there is about as much at the thirds as at the harmonics."""
        return float(np.median(self.thirds)) > _THIRDS_PRESENT * float(np.median(self.harmonics[:3]))

    @property
    def fifth_stands_out(self) -> bool:
        """Whether the 1 mm lines rise above the harmonic before."""
        return bool(self.harmonics[4] > _STANDS_OUT * self.harmonics[3])


def measure_window_frequencies(
    grid_signal: Field, ink: NDArray[np.uint8], row_angle_rad: float | None
) -> WindowFrequencies | None:
    """Measure the grid frequency in windows of a picture, or return None where there is no grid.

    The frequency common to all windows is found first, mostly from those with ink, as the desk around the page has
    none. Each window is then searched near it.

    Parameters
    ----------
    grid_signal : (height, width) float32
    ink : (height, width) uint8
    row_angle_rad : float or None
        The angle at which the rows of traces run, where it is known; lines run along them.
    """
    windows = window_spectra(grid_signal, ink)
    common = _common_frequency(_mean_spectrum(windows), row_angle_rad)
    if common is None:
        return None
    local = [_window_frequency(spectrum, common) for spectrum in windows.spectra]
    ruled = [(centre, *values) for centre, values in zip(windows.centres_px, local, strict=True) if values is not None]
    is_ruled = np.array([values is not None for values in local])
    if not ruled or windows.ink[is_ruled].sum() < _LEAST_INK_SHARE * windows.ink.sum():
        return None
    centres, across, down, weights = (np.array(values) for values in zip(*ruled, strict=True))
    return WindowFrequencies(centres, across, down, weights, common)


def _mean_spectrum(windows: WindowSpectra) -> Field:
    """Return the mean of spectra, each scaled to a mean of 1, weighted by the windows' ink."""
    weights = np.minimum(windows.ink / max(float(windows.ink.mean()), 1e-6), 1) + _BARE_WEIGHT
    total = np.zeros_like(windows.spectra[0])
    for spectrum, weight in zip(windows.spectra, weights, strict=True):
        total += spectrum * np.float32(weight / (spectrum.mean() + 1e-6))
    return total / np.float32(weights.sum())


def _common_frequency(spectrum: Field, row_angle_rad: float | None) -> GridFrequency | None:
    """Return the likeliest grid frequency of the whole picture, or None where no pair of frequencies may be one."""
    candidates = list(_scored_candidates(spectrum, row_angle_rad))
    if not candidates:
        return None
    best_score, best = max(candidates, key=lambda candidate: candidate[0])
    finer = (
        grid for score, grid in candidates if score > _NEARLY * best_score and _has_5mm_lines_as_1mm_lines(best, grid)
    )
    return next(finer, best)


def _scored_candidates(spectrum: Field, row_angle_rad: float | None) -> Iterator[tuple[float, GridFrequency]]:
    """Yield the grids that the strongest frequencies may belong to, and the score of each."""
    for across, down in _strong_pairs(spectrum):
        is_skewed = row_angle_rad is not None and _angle_to_lines(across, down, row_angle_rad) > _MAX_SKEW_RAD
        for divisor in _DIVISORS:
            spacing_px = 1 / np.hypot(*(across / divisor))
            if not _MIN_SPACING_PX <= spacing_px <= _MAX_SPACING_PX:
                continue
            score, fine, coarse, harmonic = _comb_score(spectrum, across / divisor, down / divisor)
            # Where both kinds of lines stand out, the scale is certain, however unusual it is.
            likelihood = 1.0 if fine and coarse else _scale_plausibility(spacing_px / LARGE_SQUARE_MM)
            score *= likelihood * (_SKEWED_FACTOR if is_skewed else 1.0) * _squareness(across, down)
            yield score, GridFrequency(across / divisor, down / divisor, fine, coarse or not fine, harmonic)


def _has_5mm_lines_as_1mm_lines(grid: GridFrequency, finer: GridFrequency) -> bool:
    """Tell whether the 5 mm lines of a grid are the 1 mm lines of another one, which shows both kinds.

    Thin, sharp lines have so many harmonics that some look like finer lines yet; no lines are printed every 25 mm.
    """
    ratio = np.hypot(*grid.across) / np.hypot(*finer.across)
    return bool(finer.has_1mm_lines and finer.has_5mm_lines and abs(ratio / LARGE_SQUARE_MM - 1) < _SAME_RATIO)


def _angle_to_lines(across: Floats, down: Floats, row_angle_rad: float) -> float:
    """Return the angle between rows of traces and the nearer family of lines."""
    along = np.array([np.cos(row_angle_rad), np.sin(row_angle_rad)])
    cosines = [abs(float(vector @ along)) / float(np.hypot(*vector)) for vector in (across, down)]
    return float(np.arccos(min(max(cosines), 1.0)))


def _strong_pairs(spectrum: Field) -> Iterator[tuple[Floats, Floats]]:
    """Yield the strongest frequencies, each with its partner at a right angle: first the one nearer the x axis."""
    radius = np.hypot(*spectrum_axes())
    is_usable = (radius > 1 / _MAX_SPACING_PX) & (radius < _MAX_FREQUENCY)
    usable = np.where(is_usable, spectrum, 0) * np.sqrt(np.minimum(radius / _SHADOW_FREQUENCY, 1))
    remaining = usable.copy()
    for _ in range(_N_PAIRS):
        peak = refined_peak(spectrum, *np.unravel_index(int(remaining.argmax()), remaining.shape))
        _erase(remaining, peak)
        is_partner = is_usable & _is_at_right_angle(peak)
        if not is_partner.any():
            continue
        partners = np.where(is_partner, usable, 0)
        partner = refined_peak(spectrum, *np.unravel_index(int(partners.argmax()), partners.shape))
        _erase(remaining, partner)
        across, down = (peak, partner) if abs(peak[0]) >= abs(peak[1]) else (partner, peak)
        yield across * (1 if across[0] > 0 else -1), down * (1 if down[1] > 0 else -1)


def _is_at_right_angle(frequency: Floats) -> NDArray[np.bool_]:
    """Return where a spectrum has frequencies about as high as a given one, and about at a right angle to it."""
    fy, fx = spectrum_axes()
    radius = np.hypot(fy, fx)
    length = np.hypot(*frequency)
    normal = np.array([-frequency[1], frequency[0]])
    cosine = np.abs(fx * normal[0] + fy * normal[1]) / (radius * length + 1e-9)
    low, high = _LENGTH_RATIOS
    return np.asarray((cosine > _LEAST_COSINE) & (radius > low * length) & (radius < high * length))


def _erase(spectrum: Field, frequency: Floats) -> None:
    """Set to 0 what is near a frequency or its mirror image."""
    fy, fx = spectrum_axes()
    for x, y in (frequency, -frequency):
        spectrum[(fx - x) ** 2 + (fy - y) ** 2 < _ERASED**2 * (x * x + y * y)] = 0


def _comb_score(spectrum: Field, across: Floats, down: Floats) -> _CombScore:
    """Score a grid frequency by its harmonics: those of the 5 mm lines (1-4), that of the 1 mm lines (5), none between.

    If the odd harmonics are missing, the true spacing is half of this one. If there is as much at the thirds between
    the harmonics, the true spacing is three times this one.
    """
    families = [_line_family(spectrum, frequency) for frequency in (across, down)]
    scores = [family.score for family in families]
    is_wrong = all(family.is_two_spaces for family in families) or all(family.is_third_of_space for family in families)
    score = (min(scores) + _BETTER_WEIGHT * max(scores)) * (_WRONG_SPACING_FACTOR if is_wrong else 1.0)
    return _CombScore(
        score,
        min(family.small_ratio for family in families) > _HAS_1MM,
        min(family.large_ratio for family in families) > _HAS_5MM,
        5 if all(family.fifth_stands_out for family in families) else 1,
    )


def _line_family(spectrum: Field, frequency: Floats) -> _LineFamily:
    """Measure the amplitudes of the lines of a frequency vector."""
    harmonics = np.array([amplitude_near(spectrum, n * frequency) for n in range(1, 6)])
    between = np.array([amplitude_near(spectrum, (n + 0.5) * frequency) for n in range(1, 5)])
    thirds = np.array([amplitude_near(spectrum, n / 3 * frequency) for n in (4, 5, 7, 8)])
    return _LineFamily(harmonics, thirds, float(np.median(between)) + _NOISE)


def _scale_plausibility(px_per_mm: float) -> float:
    """Return how usual a scale is: pages are photographed and scanned at 3 to 16 px/mm, seldom beyond."""
    return float(np.exp(-0.5 * (np.log(px_per_mm / _USUAL_PX_PER_MM) / _PX_PER_MM_SPREAD) ** 2))


def _squareness(across: Floats, down: Floats) -> float:
    """Return how nearly both spacings are equal: pixels are square, and a page seen aslant is foreshortened little."""
    return float(np.exp(-0.5 * (np.log(np.hypot(*across) / np.hypot(*down)) / _ASPECT_SPREAD) ** 2))


def _window_frequency(spectrum: Field, common: GridFrequency) -> tuple[Floats, Floats, float] | None:
    """Return the frequency vectors of one window near those of the whole picture, and their weight."""
    frequencies, weights = [], []
    for frequency in (common.across, common.down):
        target = common.search_harmonic * frequency
        index, surroundings = peak_near(spectrum, target)
        peak = refined_peak(spectrum, *index)
        if peak @ target < 0:
            peak = -peak
        weights.append(float(spectrum[index] / (np.median(surroundings) + 1e-6)))
        frequencies.append(peak / _harmonic_order(spectrum, peak, common.search_harmonic))
    weight = min(weights)
    return (frequencies[0], frequencies[1], weight) if weight > _LEAST_WINDOW_WEIGHT else None


def _harmonic_order(spectrum: Field, peak: Floats, expected: int) -> int:
    """Return which harmonic of the 5 mm lines a frequency is: a neighbour of the fifth may be stronger than it."""
    if expected == 1:
        return 1
    amplitudes = {
        order: sum(amplitude_near(spectrum, n * peak / order, 1) for n in range(1, 6))
        * (_EXPECTED_ORDER_FACTOR if order == expected else 1)
        for order in (expected, expected - 1, expected + 1)
    }
    return max(amplitudes, key=amplitudes.__getitem__)
