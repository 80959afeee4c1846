"""Views of a page: which side is up, whether the grid fits, and what else is tried."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ecgimg.digitization import digitize_image, page_views
from ecgimg.digitization.page_views import has_tilted_rows, upright_quarter_turns
from tests.digitization.pages import burnt_out, clean_page, ink_of_rows, read_page, snr_db


@pytest.mark.parametrize("quarters", [1, 2])
def test_digitize_turned_page(quarters):
    """A page that lies on its side or upside down is turned back."""
    page = clean_page()
    digitization = digitize_image(np.ascontiguousarray(np.rot90(page.image, quarters)))
    assert digitization.rotation_deg == 90 * quarters
    assert digitization.layout == "3x4+II"
    assert snr_db(page, digitization) > 12


def test_digitize_turned_page_without_grid(monkeypatch):
    """The turn of a page whose grid was not found is reported."""
    monkeypatch.setattr(page_views, "fit_map_to_grid", lambda *_: None)
    digitization = digitize_image(np.ascontiguousarray(np.rot90(clean_page().image)))
    assert (digitization.rotation_deg, digitization.layout) == (90, "3x4+II")


@pytest.mark.slow
@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_digitize_page_on_each_side(quarters):
    """A page is turned back from each of its sides."""
    page = clean_page()
    digitization = digitize_image(np.ascontiguousarray(np.rot90(page.image, quarters)))
    assert digitization.rotation_deg == 90 * quarters
    assert snr_db(page, digitization) > 15


def test_digitize_upside_down_page_with_unread_print(monkeypatch):
    """A page upside down is tried upright where its print does not turn it."""
    monkeypatch.setattr(page_views, "_upright_by_print", lambda view: view)
    page = clean_page()
    digitization = digitize_image(np.ascontiguousarray(page.image[::-1, ::-1]))
    assert (digitization.status, digitization.rotation_deg) == ("ok", 180)
    assert snr_db(page, digitization) > 15


def test_digitize_long_strip_either_way_up():
    """A long strip with its lead label is read either way up."""
    page = clean_page("1x1", size_mm=(279.4, 70.0), plot_mm=(10.0, 10.0, 270.0, 60.0))
    digitization = read_page(page)
    assert (digitization.status, digitization.layout, digitization.rotation_deg) == ("ok", "1x1", 0)
    turned = digitize_image(np.ascontiguousarray(page.image[::-1, ::-1]))
    assert (turned.layout, turned.rotation_deg) == ("1x1", 180)  # II reads alike both ways, the printed scale does not


@pytest.mark.parametrize("n_rows", [1, 3])
def test_upright_quarter_turns_of_rows(n_rows):
    """Quarter turns lay the rows along x."""
    ink = ink_of_rows(n_rows)
    assert upright_quarter_turns(ink) == 0
    assert upright_quarter_turns(np.ascontiguousarray(np.rot90(ink))) == 3


@pytest.mark.parametrize(("degrees", "tilted"), [(0, False), (-4, False), (14, True), (-25, True)])
def test_has_tilted_rows_of_turned_page(degrees, tilted):
    """Rows that lie aslant show that what was fitted is no grid."""
    turn = cv2.getRotationMatrix2D((1000, 400), degrees, 1.0)
    assert has_tilted_rows(cv2.warpAffine(ink_of_rows(), turn, (2000, 800))) == tilted


@pytest.mark.slow
def test_digitize_pale_picture_again(monkeypatch):
    """A refused picture is tried once more with its contrast restored."""
    page = clean_page()
    levels = []

    def blind_to_pale(image):
        levels.append(int(np.percentile(image, 1)))
        if len(levels) == 1:
            return page_views.Segmentation(*(np.zeros(image.shape[:2], np.uint8) for _ in range(4)))
        return segment(image)

    segment = page_views.segment
    monkeypatch.setattr(page_views, "segment", blind_to_pale)
    digitization = digitize_image(burnt_out(page.image))
    assert len(levels) == 2
    assert levels[1] < levels[0] - 50
    assert (digitization.status, digitization.layout) == ("ok", "3x4+II")
    assert snr_db(page, digitization) > 12
