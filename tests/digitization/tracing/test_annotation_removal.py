"""Annotations by pen are removed, and the trace stays."""

from __future__ import annotations

import cv2
import numpy as np

from ecgimg.digitization.model import FlatPage
from ecgimg.digitization.tracing.annotation_removal import ink_masks, remove_annotations
from tests.digitization.printed_rows import PX_PER_MM


def trace_and_ring(pen_px, trace_px=2):
    """Draw a trace with narrow beats and a ring between two of them; returns both, (height, width) bool."""
    trace, ring = (np.zeros((240, 900), np.uint8) for _ in range(2))
    x = np.arange(0, 900.0)
    y = 150 - 60 * np.clip(1 - np.abs(np.remainder(x, 150) - 75) / 4, 0, None)
    points = np.rint(np.stack([x, y], axis=1)).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(trace, [points], False, 1, trace_px)
    cv2.ellipse(ring, (300, 150), (45, 45), 0, 0, 360, 1, pen_px)
    return trace > 0, ring > 0


def test_remove_annotations_ring_of_thick_pen():
    """A ring drawn by a thick pen is removed, and the trace stays."""
    trace, ring = trace_and_ring(8)
    remaining = remove_annotations(trace | ring, trace | ring, trace | ring, PX_PER_MM)
    aside = cv2.dilate(ring.astype(np.uint8), np.ones((15, 15))) > 0
    assert not (remaining & ring & ~trace).any()
    assert (remaining == trace)[~aside].all()
    only_in_part = remove_annotations(trace | (ring & (np.arange(900) % 40 < 8)), trace | ring, trace | ring, PX_PER_MM)
    assert not (only_in_part & ring & ~trace).any()


def test_remove_annotations_tick_across_trace():
    """A tick across a trace is removed though it is not wide."""
    trace, _ = trace_and_ring(8)
    tick = np.zeros(trace.shape, np.uint8)
    cv2.polylines(tick, [np.array([(600, 120), (620, 185), (675, 60)]).reshape(-1, 1, 2)], False, 1, 7)
    remaining = remove_annotations(trace | (tick > 0), trace | (tick > 0), trace | (tick > 0), PX_PER_MM)
    assert not (remaining & (tick > 0) & ~trace).any()
    assert (remaining == trace)[cv2.dilate(tick, np.ones((15, 15))) == 0].all()


def test_ink_masks_by_darkest_channel():
    """Ink is measured in the channel in which it is darkest."""
    image = np.full((200, 300, 3), 240, np.uint8)
    image[50:60], image[100:110], image[150:160] = (180, 30, 40), (40, 40, 40), (235, 200, 205)  # pen, trace, grid
    page = FlatPage(np.zeros((200, 300), np.float32), None, image, PX_PER_MM, (0, 0), None)
    _, ink = ink_masks(page, full_darkness=190.0)
    assert ink[50:60].all()
    assert ink[100:110].all()
    assert ink.sum() == 20 * 300


def test_remove_annotations_keeps_trembling_trace():
    """A stretch of the trace that trembles stays."""
    trace, _ = trace_and_ring(8)
    rng = np.random.default_rng(1)
    for x in range(600, 800):
        trace[150 - rng.integers(3, 9) : 150 + rng.integers(3, 9), x] = True
    assert (remove_annotations(trace, trace, trace, PX_PER_MM) == trace).all()


def test_remove_annotations_keeps_ink_as_thick_as_trace():
    """Ink as thick as the trace stays."""
    trace, ring = trace_and_ring(2)
    assert (remove_annotations(trace | ring, trace | ring, trace | ring, PX_PER_MM) == (trace | ring)).all()
    bold, _ = trace_and_ring(8, trace_px=9)
    assert (remove_annotations(bold, bold, bold, PX_PER_MM) == bold).all()
