"""Find the spikes of a pacemaker: pulses narrower than any wave of the heart, in several leads at once."""

from __future__ import annotations

import cv2
import numpy as np

from ecgimg.measurement.delineation.model import Floats, Mask
from ecgimg.measurement.order_statistics import known_median
from ecgimg.record import EcgRecord

_WIDTH_S = 0.006  # of a spike at most, as recorders and pages keep it; the tip of a narrow R is wider
_LEAST_HEIGHT = 0.06  # of a spike over its lead from lowest to highest: 0.08 mV of a usual lead, at any gain
_NOISE_FACTOR = 8.0  # over the median deviation of the record from its own smooth course
_APART_S = 0.02  # spikes of two leads nearer than this are one
_MARGIN_S = 0.06
_LEAST_SPIKES = 2  # a pacemaker that is seen once in a record cannot be told from a speck
_LEAST_SHARE = 0.25  # of the known leads that must show a spike, and two of them at least where there are so many


def find_spikes(record: EcgRecord, qrs_s: Floats) -> Floats:
    """Return the times of spikes (spikes,) s that lie outside the QRS complexes (beats, 2), or at their onset.

    Parameters
    ----------
    record : EcgRecord
        At 500 Hz: a spike of 2 ms is one sample.
    """
    known = record.known
    signals = np.where(known, record.signals - _medians(record), 0.0)
    residual = np.where(known, _narrow_parts(signals, record.fs_hz), 0.0)
    inside = _inside_qrs(qrs_s, record.n_samples, record.fs_hz)
    quiet = np.where(known & ~inside, residual, np.nan)
    noise = np.nan_to_num(known_median(quiet, axis=1), nan=np.inf)
    # what steep parts of a QRS leave over is no spike: spikes are larger than those of the same lead
    steep = np.where(inside, residual, 0.0).max(axis=1)
    threshold = np.maximum(np.maximum(_LEAST_HEIGHT * np.ptp(signals, axis=1), _NOISE_FACTOR * noise), steep)
    shows = (residual > threshold[:, None]) & ~inside & _inner(known, record.fs_hz)
    count, seen = shows.sum(axis=0), known.sum(axis=0)
    joint = np.flatnonzero(count >= np.maximum(np.minimum(2, seen), _LEAST_SHARE * seen).clip(min=1))
    times: list[float] = []
    for sample in joint:
        if not times or sample / record.fs_hz - times[-1] > _APART_S:
            times.append(float(sample / record.fs_hz))
    return np.array(times if len(times) >= _LEAST_SPIKES else [])


def _medians(record: EcgRecord) -> Floats:
    """Return the median of each lead (leads, 1), 0 for an unknown one: about it, a gap is no step."""
    rows = zip(record.signals, record.known, strict=True)
    return np.array([[np.median(row[is_known]) if is_known.any() else 0.0] for row, is_known in rows])


def _inner(known: Mask, fs_hz: float) -> Mask:
    """Return what is known without the ends of each run, where pages leave stumps of pulses and separators."""
    width = 2 * round(_MARGIN_S * fs_hz) + 1
    return np.asarray(cv2.erode(known.astype(np.uint8), np.ones((1, width), np.uint8)) > 0)


def _narrow_parts(signals: Floats, fs_hz: float) -> Floats:
    """Return by how much each sample stands out of what is wider than a spike, up or down (leads, samples)."""
    span = np.ones((1, 2 * max(int(np.ceil(_WIDTH_S * fs_hz)), 1) + 1), np.uint8)
    opened, closed = (cv2.morphologyEx(signals, how, span) for how in (cv2.MORPH_OPEN, cv2.MORPH_CLOSE))
    return np.asarray(np.maximum(signals - opened, closed - signals), np.float64)


def _inside_qrs(qrs_s: Floats, samples: int, fs_hz: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return (samples,): True within a QRS but for its first 12 ms, where a spike that sets it off may lie."""
    inside = np.zeros(samples, bool)
    for onset_s, end_s in qrs_s:
        inside[max(int((onset_s + 0.012) * fs_hz), 0) : max(int(end_s * fs_hz) + 1, 0)] = True
    return inside
