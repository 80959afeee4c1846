"""The footer: its lines, and the legend of the marks."""

from __future__ import annotations

import pytest

from ecgimg.plotting.footer import lay_out_footer
from ecgimg.plotting.paper_page import NOTICE


def test_wide_footer_is_one_line():
    """On a wide page all stands in one line, with a swatch for each wave."""
    lettering, swatches, last_mm = lay_out_footer(297.0, 204.0, ["25 mm/s"], ["P", "QRS", "T", "pacing spike"])
    assert [words.text for words in lettering] == ["25 mm/s", "P", "QRS", "T", "pacing spike", NOTICE]
    assert {words.y_mm for words in lettering} == {last_mm} == {204.0}
    assert [shapes.wave for shapes in swatches] == ["P", "QRS", "T", "pacing spike"]


@pytest.mark.parametrize("width_mm", [105.0, 120.0, 180.0, 240.0])
def test_narrow_footer_does_not_overlap(width_mm):
    """On a narrow page what does not fit begins another line, and nothing covers what is beside it."""
    texts = ["25 mm/s · 10 mm/mV", "2 to 3.5 s of 10 s"]
    lettering, _, last_mm = lay_out_footer(width_mm, 100.0, texts, ["P", "QRS", "T"])
    ends_mm: dict[float, float] = {}
    for words in lettering:
        long_mm = 1.5 * len(words.text)
        left_mm = words.x_mm - long_mm if words.anchor == "end" else words.x_mm
        assert left_mm > ends_mm.get(words.y_mm, 0.0)
        ends_mm[words.y_mm] = left_mm + long_mm
        assert ends_mm[words.y_mm] < width_mm
    assert max(ends_mm) == last_mm
    assert len({words.y_mm for words in lettering if words.text in ("P", "QRS", "T")}) == 1
