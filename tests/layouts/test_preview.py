"""Drawings of layouts."""

from __future__ import annotations

import pytest

from layouts import as_image, as_text, load_layout


@pytest.mark.parametrize("name", ["3x4+II-cabrera", "6x2", "1x1", "3x4+V1+II+V5"])
def test_draw_layout(name):
    """The text and the picture name every lead."""
    layout = load_layout(name)
    text = as_text(layout)
    assert all(f" {slot.printed_name} " in text for slot in layout.slots())
    widths = {len(line) for line in text.splitlines()[2:-1]}
    assert len(widths) == 1
    assert as_image(layout).width == 1100
