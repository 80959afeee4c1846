"""Find the heights at which the rows of a flat page lie, and the share of trace ink that no row explains."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from ecgimg.digitization.model import FlatPage, RowTrace
from ecgimg.digitization.numerics import Floats, Ints, Mask, open_vertically

_FLAT_MM = 1.6  # higher ink is of complexes, which say little about where the row lies
_SMOOTHING_MM = 1.1
_ROWS_APART_MM = 6.5  # closer peaks of the profile are of one row
_PEAK_SHARE, _PROMINENCE_SHARE = 0.1, 0.08  # of the highest peak; lower peaks are of no row
_ROW_REACH_MM = 4.0  # how far from its peak the ink of a row is counted
_ROW_LENGTH_SHARE = 0.55  # of the longest row; shorter ones may drift, or are none
_LEAST_SPACING_MM = 10.0  # rows that lie closer tell no spacing
_ROOM_SHARE = 0.6  # of the spacing; a drifting row needs so much room
_SURELY_TRACE = 128  # of 255
_READ_MM = 2.0  # width of the band along a row whose ink counts as read


def find_row_baselines(mask: Mask, px_per_mm: float) -> Floats:
    """Return the heights (px) at which rows of traces lie, from the top: where flat trace gathers.

    `mask` is where the ink of traces is, (height, width).
    """
    flat = mask & ~open_vertically(mask, max(round(_FLAT_MM * px_per_mm), 3))
    profile = gaussian_filter1d(flat.sum(axis=1).astype(np.float64), _SMOOTHING_MM * px_per_mm)
    peaks = _profile_peaks(profile, px_per_mm)
    lengths = np.array([_row_length(mask, peak, _ROW_REACH_MM * px_per_mm) for peak in peaks])
    least = _ROW_LENGTH_SHARE * lengths.max(initial=0)
    if not least:
        return np.zeros(0)
    baselines = np.asarray(peaks[lengths > least], np.float64)
    doubtful = peaks[lengths <= least]
    spacing = _spacing(baselines, doubtful, _LEAST_SPACING_MM * px_per_mm)
    by_ink = sorted(doubtful, key=lambda peak: -profile[peak])
    return np.sort(_add_drifting_rows(mask, baselines, by_ink, spacing, least))


def _profile_peaks(profile: Floats, px_per_mm: float) -> Ints:
    """Return the heights (n,) px at which a profile (height,) of flat trace has the peaks of rows."""
    highest = profile.max(initial=0)
    if highest <= 0:
        return np.zeros(0, np.int64)
    least, prominence = _PEAK_SHARE * highest, _PROMINENCE_SHARE * highest
    peaks, _ = find_peaks(profile, distance=_ROWS_APART_MM * px_per_mm, height=least, prominence=prominence)
    return np.asarray(peaks, np.int64)


def _row_length(mask: Mask, height: float, reach: float) -> float:
    """Return in how many columns there is ink within `reach` px of a height."""
    return float(mask[max(int(height - reach), 0) : int(height + reach)].any(axis=0).sum())


def _spacing(baselines: Floats, doubtful: Floats, least_px: float) -> float:
    """Return how far rows lie apart, px; infinite where nothing tells."""
    if len(baselines) > 1:
        return float(np.median(np.diff(baselines)))
    away = np.abs(doubtful - baselines)  # of several rows only one may lie still
    return float(away[away > least_px].min(initial=np.inf))


def _add_drifting_rows(
    mask: Mask, baselines: Floats, candidates: Iterable[float], spacing: float, least_length: float
) -> Floats:
    """Add the candidates that are long enough if they drift by half a row, where there is room for one."""
    for candidate in candidates:
        has_room = np.abs(baselines - candidate).min(initial=np.inf) > _ROOM_SHARE * spacing
        if has_room and _row_length(mask, candidate, spacing / 2) > least_length:
            baselines = np.append(baselines, candidate)
    return baselines


def unread_trace_share(page: FlatPage, rows: Sequence[RowTrace]) -> float:
    """Return what share of the ink that the network marked as trace, 0-1, lies farther than a millimetre from all rows.

    A few hundredths are usual.
    """
    ink = (page.segmentation.trace > _SURELY_TRACE).astype(np.uint8)
    total = cv2.countNonZero(ink)
    for row in rows:
        points = np.rint(row.points_px).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(ink, [points], False, 0, max(round(_READ_MM * page.px_per_mm), 1))
    return cv2.countNonZero(ink) / max(total, 1)
