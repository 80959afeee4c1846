"""A record as the delineator takes it: 250 Hz, each lead about its median, in units of its own height."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 250.0
"""Samples a second of the network's input; waves below 8 ms, which it cannot hold, are pacing spikes."""

SAMPLES_PER_STEP = 2
"""Input samples from one output of the network to the next."""

MULTIPLE = 32
"""Input lengths are padded to a multiple of this, which the network halves five times."""

# A window holds at least one beat down to 30 a minute, so that its height is that of a QRS.
_WINDOW = int(2 * RATE_HZ)
_MIN_KNOWN = int(0.4 * RATE_HZ)  # samples of a window below which its height says nothing
_FLAT_MV = 1e-6  # stands in for the height of a lead that is flat


def normalize(signals_mv: NDArray[np.floating]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return leads about their medians in units of their heights, 0 where unknown, and where they are known.

    The height is the median, over windows of two seconds, of the distance between highest and lowest sample. Signals
    of another gain thus give the same input.

    Parameters
    ----------
    signals_mv : (leads, samples) float
        At `RATE_HZ`, NaN where unknown.

    Returns
    -------
    values, known : (leads, samples) float32
        `known` is 1 where a sample is known, else 0.
    """
    known = np.isfinite(signals_mv)
    values = np.zeros(signals_mv.shape, np.float32)
    for lead, (row, is_known) in enumerate(zip(signals_mv, known, strict=True)):
        if is_known.any():
            centred = row - np.median(row[is_known])
            values[lead, is_known] = centred[is_known] / _height_mv(centred, is_known)
    return values, known.astype(np.float32)


def _height_mv(row: NDArray[np.floating], is_known: NDArray[np.bool_]) -> float:
    """Return the median height of windows of a lead."""
    heights = []
    for start in range(0, max(len(row) - _WINDOW, 0) + 1, _WINDOW // 2):
        part = row[start : start + _WINDOW][is_known[start : start + _WINDOW]]
        if len(part) >= _MIN_KNOWN:
            heights.append(float(part.max() - part.min()))
    if not heights:
        heights = [float(np.ptp(row[is_known]))]
    return max(float(np.median(heights)), _FLAT_MV)


def pad(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return rows (leads, samples) with zeros behind, up to a multiple of `MULTIPLE`."""
    return np.pad(rows, ((0, 0), (0, -rows.shape[1] % MULTIPLE)))
