"""The page map of a page without a grid, by its traces."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ecgimg.digitization.dewarp.map_from_traces import fit_map_to_traces, row_angle_rad, sample_trace_points
from ecgimg.digitization.dewarp.paper_outline import find_paper_outline
from tests.digitization.dewarp.paper_photo import photo_of_paper
from tests.digitization.pages import ink_of_rows


@pytest.mark.parametrize("angle_deg", [-33.0, -7.0, 0.0, 21.0])
def test_row_angle_of_turned_traces(angle_deg):
    """The angle of rows is measured on their traces."""
    turn = cv2.getRotationMatrix2D((1000, 400), -angle_deg, 0.6)
    for n_rows in (1, 3):
        angle = row_angle_rad(sample_trace_points(cv2.warpAffine(ink_of_rows(n_rows), turn, (2000, 1200))))
        assert np.rad2deg(angle) == pytest.approx(angle_deg, abs=0.6)


def test_fit_map_to_traces_with_paper_outline():
    """The paper outline dewarps a page without a grid."""
    image, trace, projected, _ = photo_of_paper(960.0, (10.0, 8.0))
    points = np.stack(np.meshgrid(np.linspace(-1.2, 1.2, 9), [-0.5, 0.0, 0.5]), axis=-1).reshape(-1, 2)
    off_mm = []
    for outline in (None, find_paper_outline(image, trace)):
        page_map = fit_map_to_traces(trace, outline)
        page = page_map.image_to_page(projected(points))
        assert np.abs(page_map.page_to_image(page) - projected(points)).max() < 0.01
        terms = np.c_[points, np.ones(len(points))]
        off_mm.append(np.abs(page - terms @ np.linalg.lstsq(terms, page, rcond=None)[0]).max())
    assert off_mm[0] > 5
    assert off_mm[1] < 0.5
