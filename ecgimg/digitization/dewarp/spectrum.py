"""Amplitude spectra of windows of the grid signal, and where they peak.

A spectrum has rows of fy from −½ and columns of fx from 0, in cycles/px. The signal is real, so each frequency stands
for its mirror image as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from ecgimg.digitization.numerics import Floats
from ecgimg.inference.threads import in_threads

Field = NDArray[np.float32]

WINDOW_PX = 352
_OVERLAP_STEP = 0.7  # of a window, from one to the next: the taper hides the edges of each
_PADDED_PX = 768  # zeros around a window make the bins of its spectrum finer
_LINE_SPREAD = 4.0  # bins of a window, unpadded, over which its taper spreads a single line
_FLAT_CURVATURE = -1e-9  # above it, the parabola has no maximum
_PEAK_REACH = 0.22  # of a frequency: as far from that of the whole picture a window's own may lie


@dataclass(frozen=True)
class WindowSpectra:
    """Windows of a picture: centres (x, y) px, amplitude spectra (768, 385), and the mean ink of each (n,)."""

    centres_px: list[tuple[float, float]]
    spectra: list[Field]
    ink: Floats


def window_spectra(grid_signal: Field, ink: NDArray[np.uint8]) -> WindowSpectra:
    """Cut overlapping windows out of the grid signal (height, width) and transform each."""
    height, width = grid_signal.shape
    size = min(WINDOW_PX, height, width)
    taper = np.outer(np.hanning(size), np.hanning(size)).astype(np.float32)
    corners = [(left, top) for top in _window_starts(height, size) for left in _window_starts(width, size)]

    def spectrum_at(corner: tuple[int, int]) -> Field:
        left, top = corner
        window = grid_signal[top : top + size, left : left + size]
        along_x = scipy.fft.rfft((window - window.mean()) * taper, _PADDED_PX, axis=1)
        return np.fft.fftshift(np.abs(scipy.fft.fft(along_x, _PADDED_PX, axis=0)), axes=0)

    centres = [(left + (size - 1) / 2, top + (size - 1) / 2) for left, top in corners]
    mean_ink = np.array([float(ink[top : top + size, left : left + size].mean()) for left, top in corners])
    return WindowSpectra(centres, in_threads(spectrum_at, corners), mean_ink)


def _window_starts(length: int, size: int) -> list[int]:
    """Return where windows start along a side, the last of them at its end."""
    n_windows = max(int(np.ceil(length / (_OVERLAP_STEP * size))), 1)
    starts: list[int] = np.unique(np.linspace(0, length - size, n_windows).astype(int)).tolist()
    return starts


def spectrum_axes() -> tuple[Floats, Floats]:
    """Return the frequencies of a spectrum's rows (768, 1) and columns (1, 385), cycles/px."""
    rows = (np.arange(_PADDED_PX)[:, None] - _PADDED_PX // 2) / _PADDED_PX
    return rows, np.arange(_PADDED_PX // 2 + 1)[None, :] / _PADDED_PX


def refined_peak(spectrum: Field, row: int | np.intp, column: int | np.intp) -> Floats:
    """Return the frequency (fx, fy) of a maximum to a fraction of a bin, by the parabola through its neighbours."""
    values = [spectrum[row - 1 : row + 2, column], spectrum[row, column - 1 : column + 2]]
    y, x = (
        _parabola_vertex(*(float(value) for value in three)) if 0 < index < length - 1 else 0.0
        for three, index, length in zip(values, (row, column), spectrum.shape, strict=True)
    )
    return np.array([(column + x) / _PADDED_PX, (row + y - _PADDED_PX // 2) / _PADDED_PX])


def _parabola_vertex(before: float, middle: float, after: float) -> float:
    """Return where a parabola through three values one bin apart peaks, in bins from the middle one."""
    curvature = before - 2 * middle + after
    return 0.5 * (before - after) / curvature if curvature < _FLAT_CURVATURE else 0.0


def amplitude_near(spectrum: Field, frequency: Floats, reach: int = 2) -> float:
    """Return the largest value within `reach` bins of a frequency (fx, fy) or its mirror image, 0 beyond the edge."""
    if frequency[0] < 0:
        frequency = -frequency
    column, row = round(frequency[0] * _PADDED_PX), round(frequency[1] * _PADDED_PX) + _PADDED_PX // 2
    if not (0 <= column < spectrum.shape[1] and 0 <= row < spectrum.shape[0]):
        return 0.0
    patch = spectrum[max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1]
    return float(patch.max(initial=0))


def peak_near(spectrum: Field, frequency: Floats) -> tuple[tuple[int, int], Field]:
    """Return row and column of the largest value near a frequency or its mirror image, and all values around it.

    The values around it are taken from farther than a single line spreads: lines far apart have few bins in each.
    """
    peak_reach = _PEAK_REACH * float(np.hypot(*frequency))
    reach = max(peak_reach, _LINE_SPREAD / WINDOW_PX)
    fy, fx = spectrum_axes()
    low, high = np.searchsorted(fy[:, 0], (-abs(frequency[1]) - reach, abs(frequency[1]) + reach))
    right = int(np.searchsorted(fx[0], abs(frequency[0]) + reach))
    fy, fx, patch = fy[low:high], fx[:, :right], spectrum[low:high, :right]
    distance2 = (fx - frequency[0]) ** 2 + (fy - frequency[1]) ** 2
    if frequency[0] < 0 or not (distance2 < peak_reach**2).any():
        distance2 = np.minimum(distance2, (fx + frequency[0]) ** 2 + (fy + frequency[1]) ** 2)
    row, column = np.unravel_index(int(np.where(distance2 < peak_reach**2, patch, 0).argmax()), patch.shape)
    return (int(row + low), int(column)), patch[distance2 < reach**2]
