"""The ends of rows straighten a page without a grid."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.digitization.dewarp.page_map import PageMap, exponents_up_to
from ecgimg.digitization.dewarp.row_end_alignment import align_row_ends
from ecgimg.digitization.model import FlatPage, RowTrace, Segmentation


def trapezoid_rows(lefts, rights, page_px=(900, 700), bow=0.0):
    """Draw six rows from `lefts` to `rights` (x of the top and the bottom row), on a flat page of 4 px/mm."""
    flat = PageMap(
        exponents_up_to(1), np.array([[0, 0], [100, 0], [0, 100.0]]), (449.5, 349.5), (400.0, 400.0), page_px,
        np.zeros((43, 56, 2)), 0.0,
    )  # fmt: skip
    blank = np.zeros((page_px[1], page_px[0]), np.float32)
    page = FlatPage(blank, Segmentation(*[blank.astype(np.uint8)] * 4), blank, 4.0, (-449.5 / 4, -349.5 / 4), flat)
    rows = []
    for share in np.linspace(0, 1, 6):
        left, right = (
            ends[0] + share * (ends[1] - ends[0]) + side * bow * 4 * share * (1 - share)
            for ends, side in ((lefts, 1), (rights, -1))
        )
        x = np.arange(left, right, 0.25)
        points = np.stack([x, np.full(len(x), 100 + 500 * share)], axis=1)
        still = np.zeros(len(x), bool)
        rows.append(RowTrace(points[0, 1], points, np.ones(len(x)), np.zeros(len(x)), still, still))
    return page, rows


@pytest.mark.parametrize(
    ("lefts", "rights", "bow"), [((100, 100), (700, 800), 0), ((100, 140), (820, 790), 0), ((100, 100), (800, 800), 12)]
)
def test_align_row_ends_of_trapezoid(lefts, rights, bow):
    """The rows of a page without a grid are brought below each other."""
    page, rows = trapezoid_rows(lefts, rights, bow=bow)
    page_map = align_row_ends(page, rows)
    ends = np.array([[page_map.image_to_page(row.points_px[k]) for k in (0, -1)] for row in rows])
    assert np.ptp(ends[:, :, 0], axis=0).max() < 0.3
    assert np.ptp(ends[:, 1, 0] - ends[:, 0, 0]) < 0.3
    assert np.abs(page_map.page_to_image(ends) - [[row.points_px[k] for k in (0, -1)] for row in rows]).max() < 0.05


def test_align_row_ends_of_even_or_ragged_rows():
    """Rows that are even already, or end anywhere, give no map."""
    assert align_row_ends(*trapezoid_rows((100, 100), (800, 800))) is None
    assert align_row_ends(*trapezoid_rows((100, 140), (780, 820))) is None  # at an angle: no perspective
    page, rows = trapezoid_rows((100, 100), (800, 800))
    ragged = [row.select(row.points_px[:, 0] > 100 + 37 * (k * k % 5)) for k, row in enumerate(rows)]
    assert align_row_ends(page, ragged) is None
    assert align_row_ends(page, rows[:2]) is None
