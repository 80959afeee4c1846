"""The outline of the paper, with perspective and ratio of sides."""

from __future__ import annotations

import numpy as np
import pytest

from ecgimg.digitization.dewarp.paper_outline import find_paper_outline
from tests.digitization.dewarp.paper_photo import photo_of_paper


@pytest.mark.parametrize("tilts_deg", [(0.0, 0.0), (20.0, 0.0), (-10.0, 12.0)])
def test_find_paper_outline_of_tilted_paper(tilts_deg):
    """The paper outline gives the perspective and the ratio of its sides."""
    image, trace, projected, corners = photo_of_paper(960.0, tilts_deg)
    outline = find_paper_outline(image, trace).image_to_page(projected(corners))
    sides = np.hypot(*(np.roll(outline, -1, axis=0) - outline).T)
    assert sides[0] / sides[2] == pytest.approx(1, abs=0.01)
    assert sides[1] / sides[3] == pytest.approx(1, abs=0.01)
    assert sides[0] / sides[1] == pytest.approx(1.485 / 1.05, rel=0.02)


@pytest.mark.parametrize("desk", [225, 60])
def test_find_paper_outline_without_side(desk):
    """There is no paper outline where a side is not in the picture."""
    image, trace, *_ = photo_of_paper(960.0, (0.0, 0.0), desk)
    if desk == 60:
        image, trace = image[:, 150:], trace[:, 150:]
    assert find_paper_outline(image, trace) is None
