"""Random degradations."""

from __future__ import annotations

import numpy as np

from ecgimg.scale_text_parser import agreed, find_mentions
from layouts import load_layouts
from synth.header_footer import make_header_footer
from synth.random_degradation import drop_unreadable_chest_gain, make_random_degradation
from synth.random_page_spec import make_random_page_spec


def test_page_spec_where_print_is_cut_off():
    """A page whose printed gains are cut off has one gain."""
    layout, left = load_layouts("all")[5], {True: 0, False: 0}
    for seed in range(600):
        rng = np.random.default_rng(seed)
        drawn = make_random_page_spec(layout, rng, "photo")
        if drawn.chest_gain_mm_mv is None:
            continue
        degradation = make_random_degradation(drawn, "photo", rng)
        spec = drop_unreadable_chest_gain(drawn, degradation)
        left[spec.chest_gain_mm_mv is not None] += 1
        said = [text for text in make_header_footer(drawn, rng)[0] if agreed(find_mentions(text.text), "chest")]
        x, y = degradation.page_map.page_to_image(
            np.array([(text.x_mm, text.y_mm + text.size_mm / 2) for text in said])
        ).T
        in_picture = (x >= 0) & (y >= 0) & (x < degradation.size_px[0]) & (y < degradation.size_px[1])
        assert in_picture.any() or spec.chest_gain_mm_mv is None
    assert min(left.values()) > 0
