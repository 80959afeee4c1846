"""Binarise a flat page: which pixels are ink of a trace.

The network is sure of most of the trace. It doubts thin and fast strokes, which are as dark as the rest and touch it.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from ecgimg.digitization.model import FlatPage
from ecgimg.digitization.numerics import Mask, open_vertically
from ecgimg.digitization.pulses.detect_by_network import PULSE_PROBABILITY
from ecgimg.digitization.segmentation.ink_runs import column_runs
from ecgimg.digitization.tracing.form_line_removal import form_lines

# Probabilities are those of the network, 0-255. Shares of darkness are those of full ink.
_TRACE_PROBABILITY = 128  # from here on a pixel is more likely trace than not
_CERTAIN_PROBABILITY = 200  # from here on the ink may be as pale as the ink around it
_ANY_INK_PROBABILITY = 24  # below it the network sees paper or grid
_FEW_PIXELS = 50  # fewer certain pixels are no trace at all

_CERTAIN_SHARE = 0.45  # paler pixels are no ink, whatever the network marks
_PALEST_SHARE = 0.4  # the full ink of a fast stroke, which is paler, is at least so dark
_EDGE_SHARE = 0.5  # a pixel that ink covers by half
_HALF_SHARE, _BOTH_HALVES_SHARE = 0.38, 0.85  # ink that two columns or rows share, each, and both together
_STEEP_MM = 1.2  # a higher stroke is steep, and may be paler
_PULSE_SIDE_MM = 0.8  # higher ink is the side of a pulse, and no base that goes over into the trace

_PIECE_PROBABILITY, _OTHER_PROBABILITY = 60, 30  # fast strokes, of which the network sees pieces, and nothing else
_BETWEEN_PIECES_MM = 2.0
_BESIDE_STROKE_MM, _CONTRAST_SHARE = 0.7, 0.3  # a stroke is darker than the paper so far beside it
_FAST_STROKE_MM = 2.0  # shorter pieces are dots of the grid

_SPIKE_MM = 2.0  # a run so high may be a spike that its base joins to the trace
_BASE_MM = 3.0  # the farthest that a spike stands off the trace
_BASE_SHARE, _AS_DARK_SHARE = 0.5, 0.8  # of the spike's darkness: paler ink is none, darker ink needs no network
_BASE_PROBABILITY = 12  # the network sees no trace at all in a grid line or in paper

_NEITHER_PROBABILITY = 48  # below it for trace and for label, ink that joins both may be a grid line
_GRID_INK_MM, _END_PX = 0.6, 3  # such ink is at least so high; how far its ends are searched for trace and label

_WIDE_MM, _HIGH_MM = 1.5, 3.0  # smaller components are specks
_FRAMED_WIDE_MM = 10.0  # of what touches a frame only wide pieces are kept
_CERTAIN_INK_SHARE = 0.15  # the least part of a component that the network is sure of


def binarise_trace(page: FlatPage, full_darkness: float) -> Mask:
    """Return where the ink of traces is, (height, width).

    Parameters
    ----------
    full_darkness : float
        Darkness of a pixel that ink covers in full.
    """
    planes = page.segmentation
    is_trace = (planes.trace >= planes.label) & (planes.trace >= planes.other) & (planes.trace > planes.pulse)
    certain = (planes.trace > _TRACE_PROBABILITY) & is_trace
    if certain.sum() < _FEW_PIXELS:
        return np.zeros(certain.shape, bool)
    is_steep = open_vertically(certain, max(round(_STEEP_MM * page.px_per_mm), 3))
    around = cv2.dilate(page.darkness, np.ones((5, 5), np.uint8))  # fast strokes are pale, but lines still
    local = np.clip(around, _PALEST_SHARE * full_darkness, full_darkness)
    may_be_pale = is_steep | (planes.trace > _CERTAIN_PROBABILITY)
    certain &= page.darkness > _CERTAIN_SHARE * np.where(may_be_pale, local, full_darkness)
    dark = _dark_ink(page, local, full_darkness)
    # Columns at the side edges of the picture are those of frames and of the desk.
    dark[:, :2] = dark[:, -2:] = certain[:, :2] = certain[:, -2:] = False
    mask = _certain_components(certain, dark, page.px_per_mm)
    mask &= ~form_lines(dark | certain, page.px_per_mm)
    mask &= ~_grid_ink_at_labels(mask, page)
    return np.asarray(mask | _spike_bases(mask, page), bool)


def _dark_ink(page: FlatPage, local: NDArray[np.float32], full_darkness: float) -> Mask:
    """Return the ink that is as dark as the trace, and the fast strokes, which are paler.

    `local` is the darkness (height, width) of full ink thereabouts.
    """
    planes = page.segmentation
    near = cv2.dilate((planes.ink > _ANY_INK_PROBABILITY).astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    near &= ~_pulse_sides(planes.pulse > np.maximum(planes.trace, PULSE_PROBABILITY), page.px_per_mm)
    dark = near & (page.darkness > _EDGE_SHARE * full_darkness)
    pale = near & ~dark & (page.darkness > _HALF_SHARE * full_darkness)
    dark |= _darker_halves(page.darkness, pale, full_darkness)
    return np.asarray(dark | _fast_strokes(page, local), bool)


def _certain_components(certain: Mask, dark: Mask, px_per_mm: float) -> Mask:
    """Return the components of ink of which the network is sure in part."""
    closed = (certain | dark).astype(np.uint8)
    for shape in ((1, 3), (3, 1)):
        closed = cv2.morphologyEx(closed, cv2.MORPH_CLOSE, np.ones(shape, np.uint8))
    kept = _large_components(closed, certain, (_WIDE_MM, _HIGH_MM), px_per_mm)
    # A trace that touches a frame makes one component with it, which is mostly no trace.
    framed = (certain & ~kept).astype(np.uint8)
    return kept | _large_components(framed, certain, (_FRAMED_WIDE_MM, np.inf), px_per_mm)


def _large_components(ink: NDArray[np.uint8], certain: Mask, size_mm: tuple[float, float], px_per_mm: float) -> Mask:
    """Return the components of ink that exceed a width or a height, and a part of which is certain."""
    joined = cv2.dilate(ink, np.ones((2, 1), np.uint8))  # gentle slopes fall to pieces
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    sizes_mm = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]] / px_per_mm
    n_inked = np.bincount(labels[ink > 0], minlength=count)
    is_certain = np.bincount(labels[certain], minlength=count) > _CERTAIN_INK_SHARE * n_inked
    kept = (sizes_mm > size_mm).any(axis=1) & is_certain
    kept[0] = False
    return np.asarray(kept[labels] & (ink > 0))


def _pulse_sides(pulse: Mask, px_per_mm: float) -> Mask:
    """Return the ink of pulses without their bases, which go over into traces that begin as flat."""
    sides = open_vertically(pulse, max(round(_PULSE_SIDE_MM * px_per_mm), 3)).astype(np.uint8)
    return np.asarray(pulse & (cv2.dilate(sides, np.ones((3, 3), np.uint8)) > 0), bool)


def _darker_halves(darkness: NDArray[np.float32], pale: Mask, full_darkness: float) -> Mask:
    """Return which `pale` pixels are the darker halves of strokes whose ink two neighbouring columns or rows share."""
    flat, at = darkness.ravel(), np.flatnonzero(pale)
    is_half = np.zeros(len(at), bool)
    for step in (-darkness.shape[1], -1, 1, darkness.shape[1]):
        beside = flat[(at + step) % flat.size]
        is_half |= (flat[at] >= beside) & (flat[at] + beside > _BOTH_HALVES_SHARE * full_darkness)
    halves = np.zeros(pale.shape, bool)
    halves.ravel()[at[is_half]] = True
    return halves


def _fast_strokes(page: FlatPage, local: NDArray[np.float32]) -> Mask:
    """Return the pale, narrow, upright strokes that the network sees in pieces: the pen was too fast for its ink.

    `local` is the darkness (height, width) of full ink thereabouts.
    """
    planes = page.segmentation
    upright = np.ones((max(round(_BETWEEN_PIECES_MM * page.px_per_mm), 3), 1), np.uint8)
    joined = cv2.morphologyEx(planes.trace, cv2.MORPH_CLOSE, upright)
    joined[cv2.max(cv2.max(planes.pulse, planes.label), planes.other) > _OTHER_PROBABILITY] = 0
    aside = max(round(_BESIDE_STROKE_MM * page.px_per_mm), 2)
    y, x = np.nonzero(joined > _PIECE_PROBABILITY)
    darkness, full = page.darkness[y, x], local[y, x]
    beside = np.maximum(*(page.darkness[y, (x + by) % joined.shape[1]] for by in (-aside, aside)))
    strokes = np.zeros(joined.shape, np.uint8)
    strokes[y, x] = (darkness - beside > _CONTRAST_SHARE * full) & (darkness > _EDGE_SHARE * full)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(strokes, connectivity=8)
    is_fast = stats[:, cv2.CC_STAT_HEIGHT] > _FAST_STROKE_MM * page.px_per_mm
    is_fast[0] = False
    return np.asarray(is_fast[labels])


def _grid_ink_at_labels(mask: Mask, page: FlatPage) -> Mask:
    """Return the upright ink between a label and a trace that is neither: a grid line joins them.

    Such a line is one pixel wide: strokes are wider.
    """
    planes = page.segmentation
    neither = mask & (planes.trace < _NEITHER_PROBABILITY) & (planes.label < _NEITHER_PROBABILITY)
    neither[:, 1:-1] &= ~(mask[:, :-2] | mask[:, 2:])
    _, columns, top, lengths = column_runs(neither)
    is_long = lengths >= max(round(_GRID_INK_MM * page.px_per_mm), 2)
    columns, top, lengths = columns[is_long], top[is_long], lengths[is_long]
    steps = np.arange(_END_PX)[:, None]
    ends = [(rows.clip(0, mask.shape[0] - 1), columns) for rows in (top - 1 - steps, top + lengths + steps)]
    traces, labels = (
        [plane[end].max(axis=0) > _TRACE_PROBABILITY for end in ends] for plane in (planes.trace, planes.label)
    )
    joins = (traces[0] & labels[1]) | (traces[1] & labels[0])
    grid_ink = np.zeros(mask.shape, bool)
    for column, first, length in zip(columns[joins], top[joins], lengths[joins], strict=True):
        grid_ink[first : first + length, column] = True
    return grid_ink


def _spike_bases(mask: Mask, page: FlatPage) -> Mask:
    """Return the pale ink by which spikes stand on traces: where a fast pen's two strokes part, each is paler.

    Between a trace and a label, or another trace, there is paper or a grid line. The network sees no trace there, and
    a grid line is paler than the pen. The sides of pulses stand on nothing that is traced.
    """
    beside, widely = (np.ones((1, reach), np.uint8) for reach in (3, 5))
    around, core = (cv2.dilate(page.darkness, reach) for reach in (beside, widely))
    traced, pulsed = (cv2.dilate(plane, beside) for plane in (page.segmentation.trace, page.segmentation.pulse))
    bases = np.zeros(mask.shape, bool)
    widened = cv2.dilate(mask.view(np.uint8), beside).view(bool)
    for column, gap, spike in _gaps_beside_spikes(widened, page.px_per_mm):
        least = _BASE_SHARE * float(np.median(around[spike, column]))
        darkness = around[gap, column]
        both = slice(min(spike.start, gap.start), max(spike.stop, gap.stop))
        is_pulse = pulsed[both, column].max() > PULSE_PROBABILITY
        is_dark = darkness.mean() > _AS_DARK_SHARE * np.median(core[spike, column])
        if darkness.min() > least and not is_pulse and (is_dark or traced[gap, column].mean() > _BASE_PROBABILITY):
            bases[gap, column] = page.darkness[gap, column] > least
    return bases


def _gaps_beside_spikes(mask: Mask, px_per_mm: float) -> Iterator[tuple[int, slice, slice]]:
    """Yield column, rows of the gap, and rows of the taller run, for short gaps between two runs of a column."""
    _, columns, top, lengths = column_runs(mask)
    bottom = top + lengths
    is_near = top[1:] - bottom[:-1] <= _BASE_MM * px_per_mm
    is_spike = np.maximum(lengths[1:], lengths[:-1]) > _SPIKE_MM * px_per_mm
    for k in np.flatnonzero((columns[1:] == columns[:-1]) & is_near & is_spike):
        taller = k + int(lengths[k + 1] > lengths[k])
        yield int(columns[k]), slice(bottom[k], top[k + 1]), slice(top[taller], bottom[taller])
