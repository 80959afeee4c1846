"""Pages are shown upright, and the overlay covers neither print nor traces."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ecgimg.digitization.overlay import _emptiest_place, draw_overlay
from ecgimg.digitization.result import Digitization, LeadReading
from ecgimg.digitization.upright import turn_upright

WHITE = 255


def reading_of(points_px: np.ndarray, box_px: np.ndarray) -> LeadReading:
    return LeadReading("II", 1, 0, None, 0.0, 10.0, points_px, box_px)


@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
def test_turn_upright(rotation_deg):
    """Marks in the picture stay under the points of the reading, and the rows run to the right."""
    upright = np.zeros((40, 70, 3), np.uint8)
    points = np.array([[10.0, 5.0], [30.0, 6.0], [60.0, 5.0]])
    for x, y in points.astype(int):
        upright[y, x] = WHITE
    sideways = np.ascontiguousarray(np.rot90(upright, rotation_deg // 90))  # anticlockwise
    ys, xs = np.nonzero(sideways[..., 0])
    marks = np.stack([xs, ys], axis=1).astype(float)
    page = Digitization("ok", readings=(reading_of(marks, marks),), grid_px=(marks,), rotation_deg=rotation_deg)
    image, turned = turn_upright(sideways, page)
    assert np.array_equal(image, upright)
    assert turned.rotation_deg == 0
    for found in (turned.readings[0].points_px, turned.readings[0].box_px, turned.grid_px[0]):
        assert {tuple(point) for point in found} == {tuple(point) for point in points}


def test_label_is_placed_where_nothing_stands():
    """The rectangle of a label is the emptiest of its box, and the upper left one of an empty box."""
    ink = np.zeros((100, 200), np.uint8)
    box = np.array([[0, 0], [200, 0], [200, 100], [0, 100]], float)
    assert _emptiest_place(ink, box, (20, 10)) == (0, 0)
    ink[:50], ink[:, :100] = WHITE, WHITE
    left, top = _emptiest_place(ink, box, (20, 10))
    assert not ink[top : top + 10, left : left + 20].any()


def test_overlay_label_clears_print_and_trace():
    """Neither a printed lead label nor a QRS complex lies under the label that is drawn."""
    image = np.full((200, 1200, 3), WHITE, np.uint8)
    cv2.putText(image, "II", (12, 60), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 0, 0), 2)
    x = np.arange(10, 1190, 2.0)
    y = np.where(np.abs(x - 60) < 12, 40.0, 120.0)
    box = np.array([[0, 20], [1199, 20], [1199, 190], [0, 190]], float)
    labelled = Digitization("ok", readings=(reading_of(np.stack([x, y], axis=1), box),))
    bare = Digitization("ok", readings=(LeadReading("", 1, 0, None, 0, 10, labelled.readings[0].points_px, box),))
    drawn, without = draw_overlay(image, labelled), draw_overlay(image, bare)
    changed = (drawn != without).any(axis=2)
    assert changed.sum() > 20
    assert not changed[(image < 128).any(axis=2)].any()
    assert not changed[np.rint(y).astype(int), x.astype(int)].any()
