"""Find the ink of traces on a flat page, and the heights at which rows of it lie."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from ecgimg.digitization.model import FlatPage, RowTrace
from ecgimg.digitization.segmentation.ink_runs import column_runs
from ecgimg.digitization.tracing.form_lines import form_lines

Floats = NDArray[np.float64]

_ROW_GAP_MM = 6.5
_ROW_REACH_MM = 4.0
_LEAST_PITCH_MM = 10.0
_SURELY_INK = 128
MARKED_PULSE = 110
"""From here on the network has marked a pixel as one of a calibration pulse."""
_SIDE_MM = 0.8
_MIN_ROW_SHARE = 0.55
_APART_SHARE = 0.6
_INK_SHARE = 0.45
_PALE_SHARE = 0.4
_UPRIGHT_MM = 1.2
_EDGE_SHARE = 0.5
_HALF_SHARE = 0.38
_BOTH_SHARE = 0.85
_SURE, _PIECE, _ELSE, _STANDS_OUT = 200, 60, 30, 0.3
_PIECES_MM, _STROKE_MM, _FAST_MM = 2.0, 0.7, 2.0
_SPIKE_MM, _FOOT_MM, _FOOT_SHARE, _AS_DARK, _TRACED = 2.0, 3.0, 0.5, 0.8, 12
_NEITHER, _JOINING_MM, _ENDS_PX = 48, 0.6, 3
_WIDE_MM, _TALL_MM, _OF_A_FRAME_MM, _STRONG_SHARE = 1.5, 3.0, 10.0, 0.15


def trace_mask(page: FlatPage, level: float) -> NDArray[np.bool_]:
    """Return where trace ink is: what the network is sure of, and the ink as dark as that which hangs on it.

    Thin, fast strokes are where the network doubts; they are as dark as the rest of the trace and touch it.
    """
    planes = page.segmentation
    mine = (planes.trace >= planes.label) & (planes.trace >= planes.other) & (planes.trace > planes.pulse)
    strong = (planes.trace > 128) & mine
    if strong.sum() < 50:
        return np.zeros(strong.shape, bool)
    upright = np.ones((max(round(_UPRIGHT_MM * page.px_per_mm), 3), 1), np.uint8)
    steep = cv2.morphologyEx(strong.astype(np.uint8), cv2.MORPH_OPEN, upright) > 0
    around = cv2.dilate(page.darkness, np.ones((5, 5), np.uint8))  # fast strokes are pale, but lines still
    local = np.clip(around, _PALE_SHARE * level, level)
    strong &= page.darkness > _INK_SHARE * np.where(steep | (planes.trace > _SURE), local, level)
    near = cv2.dilate((planes.ink > 24).astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    near &= ~_steep(planes.pulse > np.maximum(planes.trace, MARKED_PULSE), page.px_per_mm)
    dark = near & (page.darkness > _EDGE_SHARE * level)
    dark |= _darker_halves(page.darkness, near & ~dark & (page.darkness > _HALF_SHARE * level), level)
    dark |= _fast_strokes(page, local)
    dark[:, :2] = dark[:, -2:] = strong[:, :2] = strong[:, -2:] = False  # frames and edges of the picture
    closed = (strong | dark).astype(np.uint8)
    for shape in ((1, 3), (3, 1)):
        closed = cv2.morphologyEx(closed, cv2.MORPH_CLOSE, np.ones(shape, np.uint8))
    kept = _anchored(closed, strong, (_WIDE_MM, _TALL_MM), page.px_per_mm)
    apart = (strong & ~kept).astype(np.uint8)  # of a trace that touches a frame, which is mostly no trace
    kept |= _anchored(apart, strong, (_OF_A_FRAME_MM, np.inf), page.px_per_mm)
    kept &= ~form_lines(dark | strong, page.px_per_mm)
    kept &= ~_joining_letters(kept, page)
    return kept | _spikes_feet(kept, page)


def _spikes_feet(mask: NDArray[np.bool_], page: FlatPage) -> NDArray[np.bool_]:
    """Return the pale ink by which spikes stand on traces: where a fast pen's two strokes part, each is paler.

    Between a trace and lettering, or another trace, there is paper, or a line of the ruling, in which the network sees
    no trace at all and which is paler than the pen. The sides of pulses stand on nothing that is traced.
    """
    beside, widely = (np.ones((1, reach), np.uint8) for reach in (3, 5))
    around, core = (cv2.dilate(page.darkness, reach) for reach in (beside, widely))
    traced, pulsed = (cv2.dilate(plane, beside) for plane in (page.segmentation.trace, page.segmentation.pulse))
    feet = np.zeros(mask.shape, bool)
    _, columns, top, lengths = column_runs(cv2.dilate(mask.view(np.uint8), beside).view(bool))
    bottom = top + lengths
    near = top[1:] - bottom[:-1] <= _FOOT_MM * page.px_per_mm
    tall = np.maximum(lengths[1:], lengths[:-1]) > _SPIKE_MM * page.px_per_mm
    for k in np.flatnonzero((columns[1:] == columns[:-1]) & near & tall):
        taller = k + int(lengths[k + 1] > lengths[k])
        column, foot = columns[k], slice(bottom[k], top[k + 1])
        spike = slice(top[taller], bottom[taller])
        least = _FOOT_SHARE * float(np.median(around[spike, column]))
        darkness = around[foot, column]
        is_pulse = pulsed[min(top[taller], foot.start) : max(bottom[taller], foot.stop), column].max() > MARKED_PULSE
        is_dark = darkness.mean() > _AS_DARK * np.median(core[spike, column])
        if darkness.min() > least and not is_pulse and (is_dark or traced[foot, column].mean() > _TRACED):
            feet[foot, column] = page.darkness[foot, column] > least
    return feet


def _joining_letters(mask: NDArray[np.bool_], page: FlatPage) -> NDArray[np.bool_]:
    """Return the upright ink between lettering and a trace that is neither: a line of the ruling joins them.

    Such a line is one pixel wide: pens are wider.
    """
    planes = page.segmentation
    neither = mask & (planes.trace < _NEITHER) & (planes.label < _NEITHER)
    neither[:, 1:-1] &= ~(mask[:, :-2] | mask[:, 2:])
    _, columns, top, lengths = column_runs(neither)
    long = lengths >= max(round(_JOINING_MM * page.px_per_mm), 2)
    columns, top, lengths = columns[long], top[long], lengths[long]
    steps = np.arange(_ENDS_PX)[:, None]
    ends = [(rows.clip(0, mask.shape[0] - 1), columns) for rows in (top - 1 - steps, top + lengths + steps)]
    traces, letters = ([plane[end].max(axis=0) > _SURELY_INK for end in ends] for plane in (planes.trace, planes.label))
    joins = (traces[0] & letters[1]) | (traces[1] & letters[0])
    joining = np.zeros(mask.shape, bool)
    for column, first, length in zip(columns[joins], top[joins], lengths[joins], strict=True):
        joining[first : first + length, column] = True
    return joining


def _steep(pulses: NDArray[np.bool_], px_per_mm: float) -> NDArray[np.bool_]:
    """Return the ink of pulses without what is flat: their feet go over into traces that begin as still as these."""
    upright = np.ones((max(round(_SIDE_MM * px_per_mm), 3), 1), np.uint8)
    sides = cv2.morphologyEx(pulses.astype(np.uint8), cv2.MORPH_OPEN, upright)
    return np.asarray(pulses & (cv2.dilate(sides, np.ones((3, 3), np.uint8)) > 0), bool)


def _anchored(
    ink: NDArray[np.uint8], strong: NDArray[np.bool_], large_mm: tuple[float, float], px_per_mm: float
) -> NDArray[np.bool_]:
    """Return the pieces of ink, of more than a width or height in mm, a good share of which the network is sure of."""
    joined = cv2.dilate(ink, np.ones((2, 1), np.uint8))  # fine slopes fall to pieces
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    sizes_mm = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]] / px_per_mm
    large = (sizes_mm > large_mm).any(axis=1)
    inked = np.bincount(labels[ink > 0], minlength=count)
    kept = large & (np.bincount(labels[strong], minlength=count) > _STRONG_SHARE * inked)
    kept[0] = False
    return np.asarray(kept[labels] & (ink > 0))


def _fast_strokes(page: FlatPage, local: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return where pale, narrow, upright strokes are which the network sees in pieces: a pen too fast for its ink.

    `local` is the darkness (height, width) of full ink thereabouts.
    """
    upright = np.ones((max(round(_PIECES_MM * page.px_per_mm), 3), 1), np.uint8)
    planes = page.segmentation
    pieced = cv2.morphologyEx(planes.trace, cv2.MORPH_CLOSE, upright)
    pieced[cv2.max(cv2.max(planes.pulse, planes.label), planes.other) > _ELSE] = 0
    aside = max(round(_STROKE_MM * page.px_per_mm), 2)
    y, x = np.nonzero(pieced > _PIECE)
    darkness, full = page.darkness[y, x], local[y, x]
    beside = np.maximum(*(page.darkness[y, (x + by) % pieced.shape[1]] for by in (-aside, aside)))
    found = np.zeros(pieced.shape, np.uint8)
    found[y, x] = (darkness - beside > _STANDS_OUT * full) & (darkness > _EDGE_SHARE * full)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(found, connectivity=8)
    fast = stats[:, cv2.CC_STAT_HEIGHT] > _FAST_MM * page.px_per_mm  # shorter ones are dots of the ruling
    fast[0] = False
    return np.asarray(fast[labels])


def _darker_halves(darkness: NDArray[np.float32], pale: NDArray[np.bool_], level: float) -> NDArray[np.bool_]:
    """Return which `pale` pixels are the darker halves of strokes whose ink two neighbouring columns or rows share."""
    flat, at = darkness.ravel(), np.flatnonzero(pale)
    split = np.zeros(len(at), bool)
    for step in (-darkness.shape[1], -1, 1, darkness.shape[1]):
        beside = flat[(at + step) % flat.size]
        split |= (flat[at] >= beside) & (flat[at] + beside > _BOTH_SHARE * level)
    result = np.zeros(pale.shape, bool)
    result.ravel()[at[split]] = True
    return result


def find_baselines(mask: NDArray[np.bool_], px_per_mm: float) -> Floats:
    """Return the heights (px) at which rows of traces lie, from the top: where flat trace gathers."""
    thick = cv2.morphologyEx(
        mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((max(round(1.6 * px_per_mm), 3), 1), np.uint8)
    )
    flat = mask & (thick == 0)
    profile = gaussian_filter1d(flat.sum(axis=1).astype(np.float64), 1.1 * px_per_mm)
    if profile.max(initial=0) <= 0:
        return np.zeros(0)
    peaks, _ = find_peaks(
        profile, distance=_ROW_GAP_MM * px_per_mm, height=0.1 * profile.max(), prominence=0.08 * profile.max()
    )

    def share(peak: float, reach: float) -> float:
        return float(mask[max(int(peak - reach), 0) : int(peak + reach)].any(axis=0).sum())

    lengths = np.array([share(peak, _ROW_REACH_MM * px_per_mm) for peak in peaks])
    longest = lengths.max(initial=0)
    if not longest:
        return np.zeros(0)
    found = np.asarray(peaks[lengths > _MIN_ROW_SHARE * longest], np.float64)
    doubtful = peaks[lengths <= _MIN_ROW_SHARE * longest]
    if len(found) > 1:
        pitch = float(np.median(np.diff(found)))
    else:  # of several rows only one may lie still
        away = np.abs(doubtful - found)
        pitch = float(away[away > _LEAST_PITCH_MM * px_per_mm].min(initial=np.inf))
    for peak in sorted(doubtful, key=lambda peak: -profile[peak]):
        if np.abs(found - peak).min(initial=np.inf) > _APART_SHARE * pitch:
            # a row that drifts, where there is room for one
            found = np.append(found, peak) if share(peak, pitch / 2) > _MIN_ROW_SHARE * longest else found
    return np.sort(found)


def unread_share(page: FlatPage, rows: Sequence[RowTrace]) -> float:
    """Return what share of the ink that the network marked as trace, 0-1, lies farther than a millimetre from all rows.

    A few hundredths are usual.
    """
    ink = (page.segmentation.trace > _SURELY_INK).astype(np.uint8)
    total = cv2.countNonZero(ink)
    for row in rows:
        points = np.rint(row.points_px).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(ink, [points], False, 0, max(round(2 * page.px_per_mm), 1))
    return cv2.countNonZero(ink) / max(total, 1)
