"""Tell the classes of beats: by the shape of their QRS, how early they come, and pacing spikes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ecgimg.measurement.delineation.model import Floats, Mask
from ecgimg.measurement.waveforms.beat_windows import RATE_HZ, BeatWindows


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
_HALF_S = 0.08  # about the middle of the QRS: what is compared
_LARGEST_LAG = 30  # samples at 500 Hz, as strips and columns of a page may lie apart
_EARLY = 0.85  # of the usual RR
_WIDER_S = 0.025
_WIDE_S = 0.120
_ABOUT_AS_MANY = 0.7  # of the beats of the largest shape; in bigeminy a page may show more premature beats than others
_WIDTHS_S = (0.03, 0.26)  # of the QRS of any heart
_TALL = 5.0  # times the usual height
_REGULAR = 0.08  # median deviation of RR over its median up to which a beat can be early at all
_PACED_SHARE = 0.3  # of the beats of a shape after a spike from which on all of them are paced
_SPIKE_S = (-0.06, 0.02)  # from the QRS onset: where the spike lies that set it off


def classify_beats(windows: BeatWindows, qrs_s: Floats, moment_s: Floats, spikes_s: Floats) -> tuple[BeatClass, ...]:
    """Return the class of every beat.

    Parameters
    ----------
    windows : BeatWindows
    qrs_s : (beats, 2) float64
        Onset and end of every QRS over all leads.
    moment_s : (beats, leads) float64
        The same moment of every QRS in every lead.
    spikes_s : (spikes,) float64
    """
    if not len(qrs_s):
        return ()
    width_s, onset_s = qrs_s[:, 1] - qrs_s[:, 0], qrs_s[:, 0]
    shapes = _shapes(windows, moment_s)
    cluster, height = _clusters(shapes), _heights(shapes)
    is_dominant = cluster == _usual_shape(cluster, width_s)
    usual_s, usual_height = np.median(width_s[is_dominant]), np.median(height[is_dominant])
    is_early = _early(onset_s, is_dominant)
    lags = spikes_s[None] - onset_s[:, None]
    is_paced = _like_paced(np.asarray(((lags > _SPIKE_S[0]) & (lags < _SPIKE_S[1])).any(axis=1)), cluster)
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


def _shapes(windows: BeatWindows, moment_s: Floats) -> Floats:
    """Return (beats, leads, samples) the QRS of every beat about its moments (beats, leads) s; NaN leads are not known.

    Each lead is about its own mean, as the level before a QRS lies elsewhere where other leads show its onset.
    """
    first = np.round((moment_s.T - _HALF_S - windows.times_s[:, 0]) * RATE_HZ).astype(int)
    columns = np.clip(first[:, :, None] + np.arange(round(2 * _HALF_S * RATE_HZ)), 0, windows.times_s.shape[1] - 1)
    values = np.take_along_axis(windows.values_mv, columns, axis=2).transpose(1, 0, 2)
    return np.asarray(values - values.mean(axis=2, keepdims=True))


def _clusters(shapes: Floats) -> NDArray[np.int64]:
    """Return the number of each beat's shape, of which a beat of no lead in common with any other has the commonest.

    A shape is the mean of its beats so far in each lead, so that the columns of a page come to be parts of one.
    """
    is_whole = np.asarray(np.isfinite(shapes).all(axis=2))
    groups: list[_Shape] = []
    cluster = np.full(len(shapes), -1, np.int64)
    for beat, (shape, leads) in enumerate(zip(shapes, is_whole, strict=True)):
        likeness = [group.likeness(shape, leads) for group in groups]
        best = int(np.argmax([value for value, _ in likeness])) if likeness else -1
        if best >= 0 and likeness[best][0] > _LIKE:
            groups[best].add(shape, leads.astype(np.int64), likeness[best][1])
            cluster[beat] = best
        elif leads.any() and (not groups or any(np.isfinite(value) for value, _ in likeness)):
            cluster[beat] = len(groups)
            groups.append(_Shape(np.where(leads[:, None], shape, 0.0), leads.astype(np.int64)))
    for group, other in _alike(groups):
        cluster[cluster == group] = other
    return np.where(cluster < 0, _largest(cluster[cluster >= 0]), cluster)


def _alike(groups: list[_Shape]) -> Iterator[tuple[int, int]]:
    """Yield (group, other, of more beats) for shapes that their beats' noise had kept apart; joins them."""
    order = sorted(range(len(groups)), key=lambda number: int(groups[number].count.max()))
    for place, number in enumerate(order):
        group = groups[number]
        for other in reversed(order[place + 1 :]):
            like, lag = groups[other].likeness(group.mean, group.count > 0)
            if like > _LIKE:
                groups[other].add(group.total, group.count, lag)
                yield number, other
                break


@dataclass
class _Shape:
    """The sum of beats (leads, samples) of one shape, and of how many in each lead (leads,)."""

    total: Floats
    count: NDArray[np.int64]

    @property
    def mean(self) -> Floats:
        """(leads, samples), 0 where no beat shows the lead."""
        return self.total / np.maximum(self.count, 1)[:, None]

    def likeness(self, beat: Floats, leads: Mask) -> tuple[float, int]:
        """Return the highest correlation with a beat over small lags, and its lag; -inf without a common lead."""
        common = leads & (self.count > 0)
        if not common.any():
            return -np.inf, 0
        mean = self.mean[common]
        n = mean.shape[1]
        best = (-1.0, 0)
        for lag in range(-_LARGEST_LAG, _LARGEST_LAG + 1, 2):
            a = mean[:, max(-lag, 0) : n - max(lag, 0)].ravel()
            b = beat[common, max(lag, 0) : n + min(lag, 0)].ravel()
            best = max(best, (float(a @ b) / max(float(np.sqrt((a @ a) * (b @ b))), 1e-12), lag))
        return best

    def add(self, total: Floats, count: NDArray[np.int64], lag: int) -> None:
        """Add beats: their sum (leads, samples), and how many in each lead (leads,)."""
        at = np.clip(np.arange(total.shape[1]) + lag, 0, total.shape[1] - 1)
        self.total += np.where(count[:, None] > 0, total[:, at], 0.0)
        self.count += count


def _largest(cluster: NDArray[np.int64]) -> int:
    """Return the shape that most beats have, of two the earlier one; 0 for no beats."""
    return int(np.bincount(cluster, minlength=1).argmax())


def _usual_shape(cluster: NDArray[np.int64], width_s: Floats) -> int:
    """Return the shape that most beats have; of two that about as many have, as in bigeminy, the narrower one."""
    counts = np.bincount(cluster, minlength=1)
    often = np.flatnonzero(counts >= _ABOUT_AS_MANY * counts.max())
    widths_s = {int(shape): float(np.median(width_s[cluster == shape])) for shape in often if counts[shape]}
    largest = _largest(cluster)
    narrowest = min(widths_s, key=widths_s.__getitem__, default=largest)
    is_narrower = narrowest != largest and widths_s[narrowest] < widths_s[largest] - _WIDER_S
    return narrowest if is_narrower else largest


def _heights(shapes: Floats) -> Floats:
    """Return the root mean square of each beat over its known leads; NaN leads do not count."""
    known = np.isfinite(shapes)
    total = np.where(known, shapes, 0.0) ** 2
    return np.asarray(np.sqrt(total.sum(axis=(1, 2)) / np.maximum(known.sum(axis=(1, 2)), 1)))


def _like_paced(is_paced: Mask, cluster: NDArray[np.int64]) -> Mask:
    """Return the beats of a shape that spikes set off: a page does not show the spike in every lead."""
    share = np.bincount(cluster, is_paced) / np.maximum(np.bincount(cluster), 1)
    return np.asarray(is_paced | (share[cluster] >= _PACED_SHARE))


def _early(onset_s: Floats, is_dominant: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which beats come early: in a regular rhythm before their time, of another shape before a pause."""
    early = np.zeros(len(onset_s), bool)
    rr_s = np.diff(onset_s)
    between = is_dominant[1:] & is_dominant[:-1]
    usual = rr_s[between]
    if len(usual) >= 2:
        middle = float(np.median(usual))
        is_regular = float(np.median(np.abs(usual - middle))) < _REGULAR * middle
        # in an irregular rhythm, as atrial fibrillation, only a beat of another shape can be called early, and a beat
        # of the dominant one not for following an early beat
        early[1:] = (rr_s < _EARLY * middle) & np.where(is_dominant[1:], is_regular & is_dominant[:-1], True)
    # in bigeminy no two dominant beats follow each other
    early[1:-1] |= (rr_s[:-1] < _EARLY * rr_s[1:]) & ~is_dominant[1:-1] & is_dominant[:-2]
    return early
