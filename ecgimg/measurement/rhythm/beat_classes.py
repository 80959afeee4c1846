"""Tell the classes of beats: by the shape of their QRS, how early they come, and pacing spikes."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ecgimg.measurement.delineation.model import Floats
from ecgimg.measurement.waveforms.beat_windows import BeatWindows


class BeatClass(StrEnum):
    """What kind of beat a beat is."""

    DOMINANT = "dominant"
    """Of the shape that most beats have."""
    PREMATURE_NARROW = "premature_narrow"
    """Early, of the dominant shape or about as narrow."""
    PREMATURE_WIDE = "premature_wide"
    """Early, and wider than the dominant beats."""
    OTHER = "other"
    """Of another shape, but not early: as escape beats and intermittent blocks are."""
    PACED = "paced"
    """Set off by a pacing spike."""
    ARTEFACT = "artefact"
    """No beat: of a size or a width that no heart gives."""


_LIKE = 0.85  # correlation of QRS of one shape, and of two; of LUDB's PVC and dominant beats nearly none lies between
_TEMPLATE_S = (-0.02, 0.14)  # from the QRS onset: what is compared
_LARGEST_LAG = 6  # samples at 500 Hz, as onsets err
_EARLY = 0.85  # of the usual RR
_WIDER_S = 0.025
_WIDE_S = 0.120
_WIDTHS_S = (0.03, 0.26)  # of the QRS of any heart
_TALL = 5.0  # times the usual height
_REGULAR = 0.08  # median deviation of RR over its median up to which a beat can be early at all
_SPIKE_S = (-0.06, 0.02)  # from the QRS onset: where the spike lies that set it off


def classify_beats(windows: BeatWindows, qrs_s: Floats, spikes_s: Floats) -> tuple[BeatClass, ...]:
    """Return the class of every beat.

    Parameters
    ----------
    windows : BeatWindows
    qrs_s : (beats, 2) float64
        Onset and end of every QRS over all leads.
    spikes_s : (spikes,) float64
    """
    if not len(qrs_s):
        return ()
    width_s, onset_s = qrs_s[:, 1] - qrs_s[:, 0], qrs_s[:, 0]
    shapes = _templates(windows, onset_s)
    cluster, height = _clusters(shapes), _heights(shapes)
    is_dominant = cluster == _largest(cluster)
    usual_s, usual_height = np.median(width_s[is_dominant]), np.median(height[is_dominant])
    is_early = _early(onset_s, is_dominant)
    lags = spikes_s[None] - onset_s[:, None]
    is_paced = ((lags > _SPIKE_S[0]) & (lags < _SPIKE_S[1])).sum(axis=1) > 0
    is_artefact = ~is_dominant & ((width_s < _WIDTHS_S[0]) | (width_s > _WIDTHS_S[1]) | (height > _TALL * usual_height))
    is_wide = ~is_dominant & ((width_s > usual_s + _WIDER_S) | (width_s >= _WIDE_S))
    classes = []
    for beat in range(len(onset_s)):
        if is_artefact[beat]:
            kind = BeatClass.ARTEFACT
        elif is_paced[beat]:
            kind = BeatClass.PACED
        elif is_early[beat]:
            kind = BeatClass.PREMATURE_WIDE if is_wide[beat] else BeatClass.PREMATURE_NARROW
        else:
            kind = BeatClass.DOMINANT if is_dominant[beat] else BeatClass.OTHER
        classes.append(kind)
    return tuple(classes)


def _templates(windows: BeatWindows, onset_s: Floats) -> Floats:
    """Return (beats, leads, samples) the QRS of every beat; NaN where not known."""
    first = int(np.argmin(np.abs(windows.times_s[0] - onset_s[0] - _TEMPLATE_S[0])))
    last = int(np.argmin(np.abs(windows.times_s[0] - onset_s[0] - _TEMPLATE_S[1])))
    return windows.values_mv[:, :, first:last].transpose(1, 0, 2)


def _clusters(shapes: Floats) -> NDArray[np.int64]:
    """Return the number of each beat's shape; beats of no common lead count as of one shape."""
    is_whole = np.asarray(np.isfinite(shapes).all(axis=2))
    cluster = np.zeros(len(shapes), np.int64)
    leaders: list[int] = []
    for beat in range(len(shapes)):
        common = [is_whole[leader] & is_whole[beat] for leader in leaders]
        likeness = [
            _correlation(shapes[leader][leads], shapes[beat][leads]) if leads.any() else np.nan
            for leader, leads in zip(leaders, common, strict=True)
        ]
        known = np.isfinite(likeness)
        best = int(np.nanargmax(likeness)) if known.any() else -1
        if best >= 0 and likeness[best] > _LIKE:
            cluster[beat] = best
        elif best < 0 and leaders:
            # another column of a page: nothing to compare with
            cluster[beat] = np.bincount(cluster[:beat]).argmax()
        else:
            cluster[beat] = len(leaders)
            leaders.append(beat)
    return cluster


def _correlation(one: Floats, other: Floats) -> float:
    """Return the highest correlation of two beats (leads, samples) over small lags."""
    n, best = one.shape[1], -1.0
    for lag in range(-_LARGEST_LAG, _LARGEST_LAG + 1, 2):
        a = one[:, max(lag, 0) : n + min(lag, 0)].ravel()
        b = other[:, max(-lag, 0) : n + min(-lag, 0)].ravel()
        best = max(best, float(a @ b) / max(float(np.sqrt((a @ a) * (b @ b))), 1e-12))
    return best


def _largest(cluster: NDArray[np.int64]) -> int:
    """Return the shape that most beats have; of two the earlier one."""
    return int(np.bincount(cluster).argmax())


def _heights(shapes: Floats) -> Floats:
    """Return the root mean square of each beat over its known leads; NaN leads do not count."""
    known = np.isfinite(shapes)
    total = np.where(known, shapes, 0.0) ** 2
    return np.asarray(np.sqrt(total.sum(axis=(1, 2)) / np.maximum(known.sum(axis=(1, 2)), 1)))


def _early(onset_s: Floats, is_dominant: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which beats come early: in a regular rhythm before their time, of another shape before a pause."""
    early = np.zeros(len(onset_s), bool)
    rr_s = np.diff(onset_s)
    between = is_dominant[1:] & is_dominant[:-1]
    usual = rr_s[between]
    if len(usual) >= 2:
        middle = float(np.median(usual))
        is_regular = float(np.median(np.abs(usual - middle))) < _REGULAR * middle
        # in an irregular rhythm, as atrial fibrillation, only a beat of another shape can be called early
        early[1:] = (rr_s < _EARLY * middle) & (is_regular | ~is_dominant[1:])
    # in bigeminy no two dominant beats follow each other
    early[1:-1] |= (rr_s[:-1] < _EARLY * rr_s[1:]) & ~is_dominant[1:-1] & is_dominant[:-2]
    return early
