"""What the tests of digitization share: a clean page that is read once, and its layout."""

from __future__ import annotations

import pytest

from ecgimg.digitization import digitize_image
from layouts import load_layout
from tests.digitization.pages import clean_page


@pytest.fixture(scope="session")
def standard_page():
    """A clean page of the layout 3x4+II, and its digitization."""
    page = clean_page()
    return page, digitize_image(page.image)


@pytest.fixture
def layout():
    """The layout of most pages: three rows of four columns, and a rhythm strip."""
    return load_layout("3x4+II")
