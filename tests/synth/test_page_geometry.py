"""Where the rows and columns of a page stand."""

from __future__ import annotations

import pytest

from ecgimg import BadRequest
from synth.page_geometry import make_page_geometry
from tests.synth.plain_pages import plain


def test_page_geometry_too_wide():
    """A layout that does not fit its paper is refused."""
    with pytest.raises(BadRequest, match="need"):
        make_page_geometry(plain(speed_mm_s=50))
