"""Records at another sampling rate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from ecgimg.leads import rows_of_runs
from ecgimg.record import EcgRecord


def resample(record: EcgRecord, fs_hz: float) -> EcgRecord:
    """Return the record at another rate by band-limited interpolation of every unbroken run; gaps stay gaps."""
    up, down = _ratio(record.fs_hz, fs_hz)
    samples = round(record.n_samples * up / down)
    signals = np.full((len(record.leads), samples), np.nan, np.float32)
    # run by run, as one NaN would spread over the length of the filter
    for (start, end), rows in rows_of_runs(np.isfinite(record.signals)).items():
        resampled = _resample_run(record.signals[rows, start:end].astype(np.float64), up, down)
        first = round(start * up / down)
        # rounding may make the last run a sample too long
        kept = min(resampled.shape[1], samples - first)
        signals[rows, first : first + kept] = resampled[:, :kept]
    return replace(record, signals=signals, fs_hz=record.fs_hz * up / down)


def _resample_run(run: NDArray[np.float64], up: int, down: int) -> NDArray[np.float64]:
    """Resample leads (leads, samples) without gaps."""
    # a filter needs more; two samples are held as they are
    if run.shape[1] < 3:
        return np.repeat(run, max(up // down, 1), axis=1)
    return np.asarray(resample_poly(run, up, down, axis=1, padtype="line"), np.float64)


def _ratio(from_hz: float, to_hz: float) -> tuple[int, int]:
    # rates to the millihertz as whole numbers, whose ratio in lowest terms the filter needs
    scale = 1000
    a, b = round(to_hz * scale), round(from_hz * scale)
    common = int(np.gcd(a, b))
    return a // common, b // common
